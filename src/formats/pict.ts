/**
 * Hesse's .pict, the weights of browser demos: names and shapes as JSON, a table of 256 values, and a byte for each weight, its
 * place in the table. Each of the three parts follows its length, 4 bytes, big-endian. Format: server/tools of
 * affinelayer/pix2pix-tensorflow.
 */
import { CheckpointError } from "../errors.ts";
import { visible } from "../text.ts";
import type { StoredTensor } from "./safetensors.ts";

const levels = 256;
/** Of the logarithmic scale (mu-law): the table is denser near 0, where most weights are. */
const mu = 255;

/** Whether a file begins as a .pict does: a length, then a JSON list. */
export const isPict = (start: Uint8Array): boolean => start.length > 5 && start[0] === 0 && start[4] === 0x5b;

/**
 * The tensors of a file, by name.
 * @throws CheckpointError for a truncated or damaged file
 */
export function decodePict(bytes: Uint8Array, file = ".pict"): Map<string, StoredTensor> {
  const damaged = (what: string) => new CheckpointError(`${file}: damaged .pict: ${what}. Copy the file again.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const part = (name: string) => {
    const length = at + 4 <= bytes.length ? view.getUint32(at, false) : -1;
    if (length < 0 || at + 4 + length > bytes.length) {
      throw new CheckpointError(
        `${file}: truncated: its ${name} should end at byte ${at + 4 + Math.max(0, length)}, the file has ${bytes.length}. ` +
          "Download or copy it again.",
      );
    }
    at += 4 + length;
    return bytes.subarray(at - length, at);
  };
  const [json, table, codes] = [part("list of shapes"), part("table"), part("weights")];
  const shapes = shapesIn(json, damaged);
  if (table.length !== 4 * levels) throw damaged(`its table has ${table.length} bytes, expected ${4 * levels}`);
  const values = new Float32Array(new Uint8Array(table).buffer);
  const total = shapes.reduce((sum, { size }) => sum + size, 0);
  if (total !== codes.length) throw damaged(`its shapes need ${total} weights, it has ${codes.length}`);
  const tensors = new Map<string, StoredTensor>();
  let start = 0;
  for (const { name, shape, size } of shapes) {
    const data = Float32Array.from(codes.subarray(start, start + size), (code) => values[code]!);
    tensors.set(name, { dtype: "F32", shape, data });
    start += size;
  }
  return tensors;
}

interface Shaped {
  name: string;
  shape: number[];
  size: number;
}

function shapesIn(json: Uint8Array, damaged: (what: string) => CheckpointError): Shaped[] {
  let list: unknown;
  try {
    list = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(json));
  } catch {
    throw damaged("its list of shapes is no JSON");
  }
  if (!Array.isArray(list)) throw damaged("its list of shapes is no list");
  return list.map((entry: unknown) => {
    const { name, shape } = typeof entry === "object" && entry !== null ? (entry as Partial<Shaped>) : {};
    const sizes = Array.isArray(shape) && shape.every((side) => Number.isSafeInteger(side) && side > 0);
    if (typeof name !== "string" || !sizes) throw damaged("an entry of its list has no name or no shape");
    const size = shape.reduce((product, side) => product * side, 1);
    if (!Number.isSafeInteger(size)) throw damaged(`${visible(name.slice(0, 100))} [${shape}] is too large`);
    return { name, shape, size };
  });
}

/**
 * The bytes of a file. Weights are rounded to 256 values on a logarithmic scale; tensors are ordered by name.
 * @returns the file, and the largest and the mean difference of a weight
 */
export function encodePict(tensors: Readonly<Record<string, { shape: readonly number[]; data: Float32Array }>>): {
  bytes: Uint8Array;
  largest: number;
  mean: number;
} {
  const names = Object.keys(tensors).sort((a, b) => (a < b ? -1 : 1));
  const total = names.reduce((sum, name) => sum + tensors[name]!.data.length, 0);
  const table = tableFor(names.map((name) => tensors[name]!.data));
  // Between two neighbours of the table the nearer one is taken.
  const limits = Float64Array.from({ length: levels - 1 }, (_, i) => (table[i]! + table[i + 1]!) / 2);
  const codes = new Uint8Array(total);
  let [at, largest, sum] = [0, 0, 0];
  for (const name of names) {
    for (const value of tensors[name]!.data) {
      const code = placeOf(value, limits);
      const difference = Math.abs(table[code]! - value);
      if (difference > largest) largest = difference;
      sum += difference;
      codes[at++] = code;
    }
  }
  const shapes = names.map((name) => ({ name, shape: tensors[name]!.shape }));
  const parts = [new TextEncoder().encode(JSON.stringify(shapes)), new Uint8Array(table.buffer), codes];
  const bytes = new Uint8Array(parts.reduce((length, part) => length + 4 + part.length, 0));
  let end = 0;
  for (const part of parts) {
    new DataView(bytes.buffer).setUint32(end, part.length, false);
    bytes.set(part, end + 4);
    end += 4 + part.length;
  }
  return { bytes, largest, mean: sum / Math.max(1, total) };
}

/** The middles of 256 equal parts of the range of the weights' mu-law logarithms, ascending. */
function tableFor(arrays: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  let [least, most] = [Infinity, -Infinity];
  for (const data of arrays) {
    for (const value of data) {
      if (value < least) least = value;
      if (value > most) most = value;
    }
  }
  const scale = Math.max(Math.abs(least), Math.abs(most)) || 1;
  const log = (value: number) => (Math.sign(value) * Math.log1p((mu * Math.abs(value)) / scale)) / Math.log1p(mu);
  const power = (place: number) => (Math.sign(place) * ((1 + mu) ** Math.abs(place) - 1) * scale) / mu;
  const [low, high] = [log(least), log(most)];
  return Float32Array.from({ length: levels }, (_, i) => power(low + ((high - low) * (i + 0.5)) / levels));
}

/** The number of limits below the value. */
function placeOf(value: number, limits: Float64Array): number {
  let [low, high] = [0, limits.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (limits[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
