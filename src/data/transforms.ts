/** Decoded pictures as network inputs, and network outputs as pictures. All functions are pure. */
import { DatasetError, UserError } from "../errors.ts";
import type { DeepPicture, Picture, Samples } from "../platform.ts";

/** Position of a crop, and its flips and turns. */
export interface Placement {
  /** The crop's upper left corner, in pixels. */
  x: number;
  y: number;
  /** Mirrored left to right, then top to bottom, then turned by so many times 90 degrees counterclockwise. */
  flip: boolean;
  flipVertical?: boolean;
  turns?: number;
}

/** An array of zeros of the same type. */
export function alike<Data extends Samples>(data: Data, length: number): Data {
  return new (data.constructor as new (length: number) => Data)(length);
}

/**
 * The left and the right half of an aligned picture.
 * @throws DatasetError naming `file` when the width is odd
 */
export function halves<Data extends Samples>(
  picture: Picture<Data>,
  file: string,
): { left: Picture<Data>; right: Picture<Data> } {
  if (picture.width % 2 !== 0) throw new DatasetError(`${file}: ${oddWidth(picture)}.`);
  const width = picture.width / 2;
  return { left: crop(picture, 0, 0, width, picture.height), right: crop(picture, width, 0, width, picture.height) };
}

/** What is wrong with an aligned picture of odd width: a clause without a full stop. */
export function oddWidth({ width, height }: Pick<Picture, "width" | "height">): string {
  return (
    `the width is odd (${width}x${height}), so it has no two halves of one size; aligned pictures hold A left and B right. ` +
    "Cut it to an even width, or name another --dataset-mode"
  );
}

/** The rectangle of width x height pixels whose upper left corner is (x, y). */
export function crop<Data extends Samples>(
  picture: Picture<Data>,
  x: number,
  y: number,
  width: number,
  height: number,
): Picture<Data> {
  if (x < 0 || y < 0 || x + width > picture.width || y + height > picture.height) {
    throw new UserError(
      `crop: ${width}x${height} at (${x}, ${y}) is not inside a picture of ${picture.width}x${picture.height}.`,
    );
  }
  const row = width * picture.channels;
  const data = alike(picture.data, row * height);
  for (let line = 0; line < height; line++) {
    const from = ((y + line) * picture.width + x) * picture.channels;
    data.set(picture.data.subarray(from, from + row), line * row);
  }
  return { ...picture, width, height, data };
}

/**
 * Drops the channels that a network with `channels` inputs does not take. 1 and 2 drop colour, by Pillow's convert("L"):
 * L = (19595 R + 38470 G + 7471 B + 2^15) >> 16 (floats without the roundings). 1 and 3 drop alpha. As in PyTorch it comes
 * before resizing. Bands, and more than 4 channels, have to fit as they are.
 * @throws DatasetError naming `file` when the channels do not fit
 */
export function reduceChannels<Data extends Samples>(
  picture: Picture<Data>,
  channels: number,
  file = "the picture",
): Picture<Data> {
  if (picture.bands || channels > 4 || picture.channels > 4) {
    if (picture.channels === channels) return picture;
    const many = picture.bands || picture.channels > 4;
    throw new DatasetError(
      `${file} has ${picture.channels} channels${many ? " that are no colours" : ""}, but ${channels} are expected of ` +
        `it. Set --input-nc or --output-nc to ${picture.channels}, or give pictures of ${channels} channels` +
        `${channels > 4 ? " (.npy of height x width x channels, or TIFF)" : ""}.`,
    );
  }
  const has = picture.channels < 3 ? 1 : 3;
  const colours = channels < 3 ? 1 : has;
  const alpha = channels % 2 === 0 && picture.channels % 2 === 0;
  const kept = colours + (alpha ? 1 : 0);
  if (kept === picture.channels) return picture;
  const { width, height, data } = picture;
  const out = alike(data, width * height * kept);
  const step = picture.channels;
  const bytes = data instanceof Uint8Array;
  const half = data instanceof Float32Array ? 0 : 0x8000;
  for (let i = 0, o = 0; o < out.length; i += step) {
    if (colours < has) {
      const sum = data[i]! * 19595 + data[i + 1]! * 38470 + data[i + 2]! * 7471 + half;
      out[o++] = bytes ? sum >> 16 : sum / 0x10000; // a 16-bit array keeps the integer part
    } else for (let c = 0; c < colours; c++) out[o++] = data[i + c]!;
    if (alpha) out[o++] = data[i + step - 1]!;
  }
  return { width, height, channels: kept, data: out };
}

/** For each channel of the network, the channel of a reduced picture that fills it; -1 is opaque alpha. */
function sources(has: number, wanted: number): number[] {
  if (wanted > 4) return Array.from({ length: wanted }, (_, c) => c);
  const colours = wanted < 3 ? [0] : has < 3 ? [0, 0, 0] : [0, 1, 2];
  if (wanted % 2 === 1) return colours;
  return [...colours, has % 2 === 0 ? has - 1 : -1];
}

/** 0..most -> [-1, 1], with the roundings of torchvision's ToTensor and Normalize(0.5, 0.5) in float32. */
function valuesTo(most: number): Float32Array {
  return Float32Array.from({ length: most + 1 }, (_, v) => Math.fround(Math.fround(v / most) - 0.5) / 0.5);
}

/** The value of each level of an 8-bit picture. */
export const values8 = valuesTo(255);
let values16: Float32Array | undefined;

/** The value of each level of a picture of 8 or 16 bits. */
export function tableFor(data: Uint8Array | Uint16Array): Float32Array {
  if (data instanceof Uint8Array) return values8;
  values16 ??= valuesTo(65535);
  return values16;
}

/**
 * Writes a crop of width x height pixels, turned as `placement` says, as [channels, height, width] into `out` from
 * `offset` on, in [-1, 1]; with an odd number of turns it must be square. `picture` comes from reduceChannels for the
 * same `channels`; grey fills all colours, alpha is opaque where there is none.
 */
export function writeCrop(
  out: Float32Array,
  offset: number,
  picture: DeepPicture,
  channels: number,
  width: number,
  height: number,
  placement: Placement,
): void {
  const { data, channels: step } = picture;
  const { origin, right, down } = walk(picture, width, height, placement);
  let o = offset;
  for (const source of sources(step, channels)) {
    if (source === -1) {
      out.fill(1, o, o + width * height);
      o += width * height;
      continue;
    }
    if (data instanceof Float32Array) {
      for (let line = origin + source, k = 0; k < height; k++, line += down) {
        for (let i = line, end = o + width; o < end; i += right) out[o++] = data[i]!;
      }
    } else {
      lookUp(out, o, data, tableFor(data), { origin: origin + source, right, down }, width, height);
      o += width * height;
    }
  }
}

function lookUp(
  out: Float32Array,
  o: number,
  data: Uint8Array | Uint16Array,
  table: Float32Array,
  { origin, right, down }: { origin: number; right: number; down: number },
  width: number,
  height: number,
): void {
  for (let line = origin, k = 0; k < height; k++, line += down) {
    for (let i = line, end = o + width; o < end; i += right) out[o++] = table[data[i]!]!;
  }
}

/** Index of the crop's first sample, and the steps to the next pixel to the right and below after the turns. */
function walk(picture: DeepPicture, width: number, height: number, { x, y, flip, flipVertical, turns = 0 }: Placement) {
  const row = picture.width * picture.channels;
  let origin = y * row + x * picture.channels;
  let [right, down] = [picture.channels, row];
  if (flip) [origin, right] = [origin + (width - 1) * right, -right];
  if (flipVertical) [origin, down] = [origin + (height - 1) * down, -down];
  for (let k = 0; k < turns; k++) {
    [origin, right, down] = [origin + (width - 1) * right, down, -right];
    [width, height] = [height, width];
  }
  return { origin, right, down };
}

/**
 * The whole picture as [channels, height, width] in [-1, 1]: v / 127.5 - 1.
 * @param channels 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA. Colour becomes grey by Pillow's formula, grey is repeated,
 *   alpha is dropped, or opaque where the picture has none. Bands stay as they are.
 */
export function toTensor(picture: DeepPicture, channels: number): Float32Array {
  const out = new Float32Array(channels * picture.width * picture.height);
  const whole = { x: 0, y: 0, flip: false };
  writeCrop(out, 0, reduceChannels(picture, channels), channels, picture.width, picture.height, whole);
  return out;
}

/**
 * The picture of the values [channels, height, width] from `offset` on: round((v + 1) * 127.5), clipped to 0..255; NaN
 * gives 0. Of more than 4 channels the first three become red, green and blue.
 * @throws UserError for fewer values than that
 */
export function fromTensor(values: Float32Array, channels: number, height: number, width: number, offset = 0): Picture {
  const shown = channels > 4 ? 3 : channels;
  const data = new Uint8Array(shown * width * height);
  quantise(data, 255, values, channels, height, width, offset);
  return { width, height, channels: shown, data };
}

/** `fromTensor` with 16 bits: round((v + 1) * 32767.5), clipped to 0..65535. */
export function fromTensor16(
  values: Float32Array,
  channels: number,
  height: number,
  width: number,
  offset = 0,
): Picture<Uint16Array> {
  const shown = channels > 4 ? 3 : channels;
  const data = new Uint16Array(shown * width * height);
  quantise(data, 65535, values, channels, height, width, offset);
  return { width, height, channels: shown, data };
}

function quantise(
  data: Uint8Array | Uint16Array,
  most: number,
  values: Float32Array,
  channels: number,
  height: number,
  width: number,
  offset: number,
): void {
  const plane = width * height;
  if (values.length < offset + channels * plane) {
    throw new UserError(
      `fromTensor: [${channels}, ${height}, ${width}] from ${offset} on needs ${offset + channels * plane} values, ` +
        `got ${values.length}.`,
    );
  }
  const shown = data.length / plane;
  for (let c = 0; c < shown; c++) {
    const start = offset + c * plane;
    for (let i = 0, o = c; i < plane; i++, o += shown) {
      const value = (values[start + i]! + 1) * (most / 2) + 0.5;
      data[o] = Math.min(most, Math.max(0, value)); // a typed array keeps the integer part, and 0 of NaN
    }
  }
}

/** The picture with 8 bits: the upper 8 of 16; floats as `fromTensor`. Of more than 3 bands the first three, of 2 the first. */
export function eightBit(picture: DeepPicture): Picture {
  const { width, height, data } = picture;
  const channels = picture.bands ? (picture.channels < 3 ? 1 : 3) : picture.channels;
  if (data instanceof Uint8Array && channels === picture.channels) return { width, height, channels, data };
  const out = new Uint8Array(width * height * channels);
  for (let i = 0, o = 0; o < out.length; i += picture.channels) {
    for (let c = 0; c < channels; c++, o++) {
      const v = data[i + c]!;
      if (data instanceof Uint8Array) out[o] = v;
      else if (data instanceof Uint16Array) out[o] = v >> 8;
      else out[o] = Math.min(255, Math.max(0, (v + 1) * 127.5 + 0.5));
    }
  }
  return { width, height, channels, data: out };
}
