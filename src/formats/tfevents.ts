/**
 * TensorBoard's event files: records of a length, a checksum, an Event message and its checksum.
 * https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details and
 * https://github.com/tensorflow/tensorboard/blob/master/tensorboard/compat/proto/event.proto
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** A value of a step. */
export type SummaryValue =
  | { tag: string; scalar: number }
  | { tag: string; image: { png: Uint8Array; width: number; height: number } }
  | { tag: string; histogram: Float32Array };

export interface EventTime {
  /** Seconds since 1970. */
  seconds: number;
  step: number;
}

/** The first record of a file. */
export const fileHeader = (seconds: number): Uint8Array =>
  record((w) => {
    time(w, { seconds, step: 0 });
    w.tag(3, WireType.LengthDelimited).string("brain.Event:2");
  });

/** The record of a run that continues from a step: TensorBoard then drops later steps of earlier files. */
export const restart = (at: EventTime): Uint8Array =>
  record((w) => {
    time(w, at);
    message(w, 7, (log) => log.tag(1, WireType.Varint).int32(1));
  });

export const summary = (at: EventTime, values: readonly SummaryValue[]): Uint8Array =>
  record((w) => {
    time(w, at);
    message(w, 5, (s) => {
      for (const value of values) message(s, 1, (v) => summaryValue(v, value));
    });
  });

function time(w: BinaryWriter, { seconds, step }: EventTime): void {
  w.tag(1, WireType.Bit64).double(seconds);
  w.tag(2, WireType.Varint).int64(step);
}

function summaryValue(w: BinaryWriter, value: SummaryValue): void {
  w.tag(1, WireType.LengthDelimited).string(value.tag);
  if ("scalar" in value) w.tag(2, WireType.Bit32).float(value.scalar);
  else if ("image" in value) {
    const { png, width, height } = value.image;
    message(w, 4, (image) => {
      image.tag(1, WireType.Varint).int32(height);
      image.tag(2, WireType.Varint).int32(width);
      image.tag(3, WireType.Varint).int32(channelsOf(png));
      image.tag(4, WireType.LengthDelimited).bytes(png);
    });
  } else message(w, 5, (histogram) => histogramProto(histogram, value.histogram));
}

/** TensorBoard's colour space is the number of channels. PNG's colour types: grey, RGB, palette, grey and alpha, RGBA. */
const channelsOf = (png: Uint8Array): number => ({ 0: 1, 4: 2, 6: 4 })[png[25]!] ?? 3;

const bins = 30;

/** Buckets of equal width; `bucket_limit` are their right ends. Infinities and NaN fit into no bucket and are left out. */
function histogramProto(w: BinaryWriter, all: Float32Array): void {
  const finite = all.every(Number.isFinite) ? all : all.filter(Number.isFinite);
  const values = finite.length > 0 ? finite : [0];
  let [low, high, sum, squares] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
    sum += value;
    squares += value * value;
  }
  const width = (high - low) / bins || 1;
  const counts = new Array<number>(bins).fill(0);
  for (const value of finite) counts[Math.min(bins - 1, Math.floor((value - low) / width))]!++;
  for (const [field, value] of [low, high, finite.length, sum, squares].entries()) {
    w.tag(field + 1, WireType.Bit64).double(value);
  }
  packed(
    w,
    6,
    counts.map((_, i) => low + (i + 1) * width),
  );
  packed(w, 7, counts);
}

function packed(w: BinaryWriter, field: number, values: readonly number[]): void {
  message(w, field, (list) => {
    for (const value of values) list.double(value);
  });
}

function message(w: BinaryWriter, field: number, write: (w: BinaryWriter) => void): void {
  w.tag(field, WireType.LengthDelimited).fork();
  write(w);
  w.join();
}

function record(write: (w: BinaryWriter) => void): Uint8Array {
  const writer = new BinaryWriter();
  write(writer);
  const data = writer.finish();
  const bytes = new Uint8Array(8 + 4 + data.length + 4);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, masked(bytes.subarray(0, 8)), true);
  bytes.set(data, 12);
  view.setUint32(12 + data.length, masked(data), true);
  return bytes;
}

/** CRC-32C, reflected polynomial 0x82f63b78 (RFC 3720, B.4). */
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** CRC-32C, rotated and shifted, as TFRecord stores it. */
function masked(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ table[(crc ^ byte) & 255]!;
  crc = (crc ^ 0xffffffff) >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
