/** Pillow's two passes over 8-bit values, in WebAssembly: a fifth of the time of the same loops in JavaScript. */
import { resizeKernel } from "../kernels/assembled.ts";
import { instance } from "../kernels/instance.ts";
import type { DeepPicture } from "../platform.ts";
import { type KernelFilter, kernelWeights, type Weights } from "./resample.ts";

/** `Weights` in multiples of 2^-22. */
type Table = Omit<Weights, "weights"> & { weights: Int32Array };

/** Tables by filter and lengths. */
const tables = new Map<string, Table>();

function table(filter: KernelFilter, from: number, to: number): Table {
  const key = `${filter}/${from}/${to}`;
  let found = tables.get(key);
  if (!found) {
    if (tables.size >= 64) tables.clear(); // pictures of many sizes must not fill the memory
    const { weights, ...where } = kernelWeights(filter, from, to);
    found = { ...where, weights: Int32Array.from(weights, wholeWeight) };
    tables.set(key, found);
  }
  return found;
}

function wholeWeight(weight: number): number {
  const w = weight * 2 ** 22;
  return Math.trunc(w < 0 ? w - 0.5 : w + 0.5);
}

/** Values of a picture at width x height pixels; with `alpha`, colours are weighted by it. */
export function resizeBytes(
  data: Uint8Array,
  from: Omit<DeepPicture, "data">,
  width: number,
  height: number,
  filter: KernelFilter,
  alpha: boolean,
): Uint8Array {
  const length = width * from.channels;
  let values = alpha ? premultiply(data, from.channels) : data;
  if (width !== from.width) values = eachRow(values, from, table(filter, from.width, width));
  if (height !== from.height) values = columns(values, length, table(filter, from.height, height));
  if (alpha) unpremultiply(values, from.channels);
  return values;
}

/** Bytes of input that are in the kernel's memory at once, or one row. */
const atOnce = 2 ** 18;

/** Combines the pixels of each row. */
function eachRow(input: Uint8Array, { width, height, channels }: Omit<DeepPicture, "data">, t: Table): Uint8Array {
  const [from, to] = [width * channels, t.first.length * channels];
  const out = new Uint8Array(height * to);
  const band = Math.max(1, Math.floor(atOnce / from));
  for (let y = 0; y < height; y += band) {
    const rows = Math.min(band, height - y);
    const part = input.subarray(y * from, (y + rows) * from);
    out.set(combined(part, 0, rows, channels, t, 0, t.first.length), y * to);
  }
  return out;
}

/** Combines rows of `length` bytes. */
function columns(input: Uint8Array, length: number, t: Table): Uint8Array {
  const height = t.first.length;
  const out = new Uint8Array(height * length);
  const band = Math.max(1, Math.floor(atOnce / length));
  for (let y = 0; y < height; y += band) {
    const end = Math.min(height, y + band);
    const [top, bottom] = [t.first[y]!, t.first[end - 1]! + t.count[end - 1]!];
    const part = input.subarray(top * length, bottom * length);
    out.set(combined(part, top, 1, length, t, y, end), y * length);
  }
  return out;
}

type Combine = (...args: number[]) => void;

function resizing(): { memory: WebAssembly.Memory; combine: Combine } {
  const { memory, combine } = instance(resizeKernel);
  return { memory: memory as WebAssembly.Memory, combine: combine as Combine };
}

let kernel: { memory: WebAssembly.Memory; combine: Combine } | undefined;

/**
 * Runs kernels/resize.wat on `times` consecutive inputs, each of runs of `length` bytes from run `skipped` on.
 * @returns the output's runs `start` to `end`, in memory that the next call overwrites
 */
function combined(
  input: Uint8Array,
  skipped: number,
  times: number,
  length: number,
  t: Table,
  start: number,
  end: number,
): Uint8Array {
  kernel ??= resizing();
  const { memory, combine } = kernel;
  const runs = end - start;
  const lists = [
    t.first.subarray(start, end),
    t.count.subarray(start, end),
    t.weights.subarray(start * t.stride, end * t.stride),
  ];
  const outBytes = times * runs * length;
  const tableBytes = lists.reduce((sum, list) => sum + list.byteLength, 0);
  // The kernel reads and writes beyond the ends of input and output, so there is room between and after them.
  const [at, out] = [tableBytes, tableBytes + input.length + 4];
  const missing = out + outBytes + 4 - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / 65536));
  let address = 0;
  const addresses = lists.map((list) => {
    new Int32Array(memory.buffer, address, list.length).set(list);
    address += list.byteLength;
    return address - list.byteLength;
  });
  const bytes = new Uint8Array(memory.buffer);
  bytes.set(input, at);
  combine(at - skipped * length, out, times, input.length / times, length, runs, ...addresses, t.stride);
  return bytes.subarray(out, out + outBytes);
}

/** Colour times alpha / 255, rounded as Pillow's RGBA -> RGBa; alpha is the last channel. */
function premultiply(data: Uint8Array, channels: number): Uint8Array {
  const out = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += channels) {
    const alpha = data[i + channels - 1]!;
    for (let c = 0; c < channels - 1; c++) {
      const product = data[i + c]! * alpha + 128;
      out[i + c] = ((product >> 8) + product) >> 8;
    }
    out[i + channels - 1] = alpha;
  }
  return out;
}

/** The inverse, as Pillow's RGBa -> RGBA, in place. */
function unpremultiply(data: Uint8Array, channels: number): void {
  for (let i = 0; i < data.length; i += channels) {
    const alpha = data[i + channels - 1]!;
    if (alpha === 0 || alpha === 255) continue;
    for (let c = 0; c < channels - 1; c++) data[i + c] = Math.min(255, Math.trunc((255 * data[i + c]!) / alpha));
  }
}
