/**
 * Decodes PNG by the specification (https://www.w3.org/TR/png-3/). A browser's canvas would not be exact: it multiplies
 * colours by their alpha, applies colour profiles, turns grey into RGB, and shows damaged files without an error.
 */

import { UserError } from "../errors.ts";
import type { Picture } from "../platform.ts";
import { crc32 } from "./crc32.ts";
import { checkPictureSize } from "./limits.ts";
import { through } from "./streams.ts";

export const signature: readonly number[] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Colour types: grey 0, RGB 2, palette 3, grey and alpha 4, RGBA 6. */
const samplesOf: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
/** The passes of Adam7: first column and row, and the distances between columns and rows. */
const adam7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

interface Header {
  width: number;
  height: number;
  depth: number;
  type: number;
  interlaced: boolean;
}

/** Whether the bytes begin as those of a PNG. */
export function isPng(bytes: Uint8Array): boolean {
  return signature.every((value, i) => bytes[i] === value);
}

/**
 * Width and height by the header of a PNG, in pixels; a rotation by its metadata is not applied.
 * @param bytes the first 24 or more
 * @returns undefined for bytes that are not a PNG's
 */
export function pngSize(bytes: Uint8Array): { width: number; height: number } | undefined {
  if (!isPng(bytes) || bytes.length < 24) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

/** Values of 8 or 16 bits. */
export type Bytes = Uint8Array | Uint16Array;

/**
 * Decodes a PNG. Grey gives 1 channel, RGB and palettes give 3, and with `alpha` a file with transparency gives 4
 * (RGBA). Values of 16 bits are cut to the upper 8 unless `deep` is true.
 * @throws UserError for a truncated or damaged file
 */
export async function decodePng(bytes: Uint8Array, options?: { alpha?: boolean }): Promise<Picture>;
export async function decodePng(
  bytes: Uint8Array,
  options: { alpha?: boolean; deep: boolean },
): Promise<Picture<Bytes>>;
export async function decodePng(
  bytes: Uint8Array,
  { alpha = false, deep = false }: { alpha?: boolean; deep?: boolean } = {},
): Promise<Picture<Bytes>> {
  const { header, palette, transparency, data } = chunksOf(bytes);
  const { width, height, type } = header;
  const raw = await through(data, new DecompressionStream("deflate")).catch(() => {
    throw new UserError("the compressed data of this PNG are truncated or damaged");
  });
  const samples = samplesOf[type]!;
  const values = unpack(raw, header, samples);
  const hasAlpha = alpha && (type === 4 || type === 6 || transparency !== undefined);
  const grey = (type === 0 || type === 4) && !hasAlpha;
  const channels = hasAlpha ? 4 : grey ? 1 : 3;
  const wide = deep && header.depth === 16;
  const out = new (wide ? Uint16Array : Uint8Array)(width * height * channels);
  const opaque = wide ? 65535 : 255;
  const scale = header.depth < 8 && type === 0 ? 255 / (2 ** header.depth - 1) : 1;
  const shift = header.depth === 16 && !deep ? 8 : 0;
  for (let i = 0; i < width * height; i++) {
    const at = i * samples;
    const first = values[at]!;
    if (type === 3) {
      if (first * 3 >= palette.length) throw new UserError(`this PNG's palette has no colour ${first}`);
      for (let c = 0; c < 3; c++) out[i * channels + c] = palette[first * 3 + c]!;
      if (hasAlpha) out[i * 4 + 3] = transparency?.[first] ?? 255;
      continue;
    }
    for (let c = 0; c < Math.min(channels, 3); c++) {
      out[i * channels + c] = (values[at + (type === 2 || type === 6 ? c : 0)]! * scale) >> shift;
    }
    if (!hasAlpha) continue;
    const colours = type === 2 ? 3 : 1;
    const isKeyed = (c: number) => values[at + c] === ((transparency![c * 2]! << 8) | transparency![c * 2 + 1]!);
    out[i * 4 + 3] =
      type === 4 || type === 6
        ? values[at + samples - 1]! >> shift
        : Array.from({ length: colours }, (_, c) => isKeyed(c)).every(Boolean)
          ? 0
          : opaque;
  }
  return { width, height, channels, data: out };
}

export interface PngChunk {
  name: string;
  content: Uint8Array;
  /** Whether its check sum is right. */
  sound(): boolean;
}

/** The chunks in order, IEND the last. @throws UserError for a truncated file */
export function* pngChunks(bytes: Uint8Array): Generator<PngChunk, void, void> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = signature.length; ; ) {
    const length = at + 8 <= bytes.length ? view.getUint32(at) : 0;
    const end = at + 8 + length;
    if (end + 4 > bytes.length) throw new UserError("this PNG is truncated");
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const [content, checked] = [bytes.subarray(at + 8, end), bytes.subarray(at + 4, end)];
    yield { name, content, sound: () => crc32(checked) === view.getUint32(end) };
    if (name === "IEND") return;
    at = end + 4;
  }
}

function chunksOf(bytes: Uint8Array) {
  let header: Header | undefined;
  let palette: Uint8Array = new Uint8Array(0);
  let transparency: Uint8Array | undefined;
  const data: Uint8Array[] = [];
  for (const { name, content, sound } of pngChunks(bytes)) {
    // An upper-case first letter marks a chunk that a decoder must know.
    const critical = name === "tRNS" || /^[A-Z]/.test(name);
    if (critical && !sound()) throw new UserError(`the ${name} chunk of this PNG is damaged`);
    if (name === "IHDR") header = headerOf(content);
    else if (name === "PLTE") palette = content;
    else if (name === "tRNS") transparency = content;
    else if (name === "IDAT") data.push(content);
  }
  if (!header || data.length === 0) throw new UserError("this PNG has no picture data");
  return { header, palette, transparency, data };
}

function headerOf(content: Uint8Array): Header {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth = 0, type = 0, , , interlace = 0] = content.subarray(8);
  if (!(type in samplesOf) || ![1, 2, 4, 8, 16].includes(depth)) {
    throw new UserError(`this PNG is of an unknown kind (${width}x${height}, colour type ${type}, ${depth} bits)`);
  }
  checkPictureSize(width, height);
  return { width, height, depth, type, interlaced: interlace === 1 };
}

/** The stored samples of all pixels, row by row. */
function unpack(raw: Uint8Array, { width, height, depth, interlaced }: Header, samples: number): Uint16Array {
  const values = new Uint16Array(width * height * samples);
  const pixelBytes = Math.max(1, (samples * depth) >> 3);
  let from = 0;
  for (const [x0, y0, dx, dy] of interlaced ? adam7 : [[0, 0, 1, 1] as const]) {
    const [columns, rows] = [Math.ceil((width - x0) / dx), Math.ceil((height - y0) / dy)];
    if (columns <= 0 || rows <= 0) continue;
    const rowBytes = Math.ceil((columns * samples * depth) / 8);
    let above: Uint8Array = new Uint8Array(rowBytes);
    for (let row = 0; row < rows; row++) {
      if (from + 1 + rowBytes > raw.length) throw new UserError("this PNG has fewer rows than its header says");
      const line = raw.subarray(from + 1, from + 1 + rowBytes);
      unfilter(raw[from]!, line, above, pixelBytes);
      for (let column = 0; column < columns; column++) {
        const to = ((y0 + row * dy) * width + x0 + column * dx) * samples;
        for (let s = 0; s < samples; s++) values[to + s] = sample(line, column * samples + s, depth);
      }
      above = line;
      from += 1 + rowBytes;
    }
  }
  return values;
}

function sample(line: Uint8Array, index: number, depth: number): number {
  if (depth === 8) return line[index]!;
  if (depth === 16) return (line[index * 2]! << 8) | line[index * 2 + 1]!;
  const bit = index * depth;
  return (line[bit >> 3]! >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
}

/**
 * Undoes the filters of section 9: a stored byte is the difference from a prediction by the bytes to the left (a),
 * above (b) and above left (c).
 */
function unfilter(kind: number, line: Uint8Array, above: Uint8Array, pixelBytes: number): void {
  if (kind > 4) throw new UserError(`this PNG has a row with the unknown filter ${kind}`);
  for (let i = 0; i < line.length; i++) {
    const a = i < pixelBytes ? 0 : line[i - pixelBytes]!;
    const b = above[i]!;
    const c = i < pixelBytes ? 0 : above[i - pixelBytes]!;
    const predicted = kind === 1 ? a : kind === 2 ? b : kind === 3 ? (a + b) >> 1 : kind === 4 ? paeth(a, b, c) : 0;
    line[i] = line[i]! + predicted;
  }
}

function paeth(a: number, b: number, c: number): number {
  const [toA, toB, toC] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
  return toA <= toB && toA <= toC ? a : toB <= toC ? b : c;
}
