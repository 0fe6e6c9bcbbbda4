/**
 * The first frame of a GIF, decoded to the values that Pillow gives (GifImagePlugin): colours under transparent pixels
 * are kept, and around a frame that is smaller than the picture lies the transparent colour, or else the first one. Format:
 * https://www.w3.org/Graphics/GIF/spec-gif89a.txt
 */

import { UserError } from "../errors.ts";
import type { DecodeOptions, Picture } from "../platform.ts";
import { checkPictureSize } from "./limits.ts";
import { joined } from "./streams.ts";

export const isGif = (bytes: Uint8Array): boolean => /^GIF8[79]a/.test(String.fromCharCode(...bytes.subarray(0, 6)));

interface Frame {
  left: number;
  top: number;
  width: number;
  height: number;
  palette: Uint8Array | undefined;
  /** The palette index that is transparent. */
  transparent: number | undefined;
  indices: Uint8Array;
}

/**
 * RGB; grey where the palette is a grey ramp; RGBA where `alpha` is asked for and a colour is transparent.
 * @throws UserError for a damaged file
 */
export function decodeGif(
  bytes: Uint8Array,
  { alpha = false, mostPixels }: Pick<DecodeOptions, "alpha" | "mostPixels"> = {},
): Picture {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 13) throw new UserError("this GIF is truncated");
  const [width, height] = [view.getUint16(6, true), view.getUint16(8, true)];
  checkPictureSize(width, height, mostPixels);
  const { left, top, palette, transparent, indices, ...frame } = firstFrame(bytes, view, mostPixels);
  const canvas = new Uint8Array(width * height).fill(transparent ?? 0);
  for (let y = 0; y < Math.min(frame.height, height - top); y++) {
    for (let x = 0; x < Math.min(frame.width, width - left); x++) {
      canvas[(top + y) * width + left + x] = indices[y * frame.width + x]!;
    }
  }
  const hasAlpha = alpha && transparent !== undefined;
  const grey = isRamp(palette);
  const channels = hasAlpha ? 4 : grey ? 1 : 3;
  const data = new Uint8Array(width * height * channels);
  for (const [i, index] of canvas.entries()) {
    for (let c = 0; c < Math.min(channels, 3); c++)
      data[i * channels + c] = palette ? (palette[index * 3 + c] ?? 0) : index;
    if (hasAlpha) data[i * 4 + 3] = index === transparent ? 0 : 255;
  }
  return { width, height, channels, data };
}

/** Whether every colour i of the palette is the grey i; without a palette indices are greys. */
const isRamp = (palette: Uint8Array | undefined): boolean =>
  palette?.every((value, i) => value === Math.floor(i / 3)) ?? true;

function firstFrame(bytes: Uint8Array, view: DataView, mostPixels: number | undefined): Frame {
  const flags = bytes[10]!;
  let at = 13;
  const table = (bits: number) => {
    const size = 3 * 2 ** ((bits & 7) + 1);
    const colours = bytes.subarray(at, at + size);
    if (colours.length < size) throw new UserError("this GIF is truncated");
    at += size;
    return colours;
  };
  const global = flags & 0x80 ? table(flags) : undefined;
  let transparent: number | undefined;
  for (;;) {
    const kind = bytes[at++];
    if (kind === 0x21) {
      // A graphic control extension: byte 3 holds the flags, byte 6 the transparent index.
      if (bytes[at] === 0xf9 && (bytes[at + 2] ?? 0) & 1) transparent = bytes[at + 5];
      at = blocks(bytes, at + 1).end;
    } else if (kind === 0x2c) {
      if (at + 9 > bytes.length) throw new UserError("this GIF is truncated");
      const [left, top, width, height] = [0, 2, 4, 6].map((i) => view.getUint16(at + i, true)) as [
        number,
        number,
        number,
        number,
      ];
      const local = bytes[at + 8]!;
      checkPictureSize(width, height, mostPixels);
      at += 9;
      const palette = local & 0x80 ? table(local) : global;
      const codes = unpacked(blocks(bytes, at + 1).data, bytes[at] ?? 0, width * height);
      const indices = local & 0x40 ? deinterlaced(codes, width, height) : codes;
      return { left, top, width, height, palette, transparent, indices };
    } else throw new UserError(kind === undefined ? "this GIF is truncated" : "this GIF has no picture");
  }
}

/** Data in blocks of a length byte and so many bytes, up to a block of length 0. */
function blocks(bytes: Uint8Array, start: number): { data: Uint8Array; end: number } {
  const parts: Uint8Array[] = [];
  let at = start;
  for (;;) {
    const length = bytes[at++];
    if (length === undefined || at + length > bytes.length) throw new UserError("this GIF is truncated");
    if (length === 0) break;
    parts.push(bytes.subarray(at, at + length));
    at += length;
  }
  return { data: joined(parts), end: at };
}

const mostCodes = 4096;

/** LZW (appendix F) with codes of `bits` + 1 to 12 bits. */
function unpacked(data: Uint8Array, bits: number, count: number): Uint8Array {
  if (bits < 1 || bits > 11) throw new UserError("this GIF is damaged: its code size is out of range");
  const [clear, end] = [2 ** bits, 2 ** bits + 1];
  const prefix = new Uint16Array(mostCodes);
  const suffix = new Uint8Array(mostCodes).map((_, i) => (i < clear ? i : 0));
  const length = new Uint16Array(mostCodes).fill(1);
  const out = new Uint8Array(count);
  let [size, next, before, to] = [bits + 1, end + 1, -1, 0];
  let [buffer, held] = [0, 0];
  for (let at = 0; to < count; ) {
    while (held < size) {
      if (at >= data.length) throw new UserError("this GIF is truncated");
      buffer |= data[at++]! << held;
      held += 8;
    }
    const code = buffer & (2 ** size - 1);
    buffer >>>= size;
    held -= size;
    if (code === end) throw new UserError("this GIF is truncated");
    if (code === clear) {
      [size, next, before] = [bits + 1, end + 1, -1];
      continue;
    }
    if (code > next || (code === next && before < 0)) throw new UserError("this GIF's data are damaged");
    // A code that is not in the table yet repeats the last string with its own first value.
    const string = code < next ? code : before;
    const total = length[string]! + (code < next ? 0 : 1);
    let [write, walk] = [to + length[string]! - 1, string];
    for (; ; walk = prefix[walk]!) {
      if (write < count) out[write] = suffix[walk]!;
      if (length[walk] === 1) break;
      write--;
    }
    const first = suffix[walk]!;
    if (code === next && to + total - 1 < count) out[to + total - 1] = first;
    to += total;
    if (before >= 0 && next < mostCodes) {
      prefix[next] = before;
      suffix[next] = first;
      length[next] = length[before]! + 1;
      next++;
      if (next === 2 ** size && size < 12) size++;
    }
    before = code;
  }
  return out;
}

/** Rows 0, 8, 16, ...; then 4, 12, ...; 2, 6, ...; 1, 3, ... (appendix E). */
function deinterlaced(rows: Uint8Array, width: number, height: number): Uint8Array {
  const out = new Uint8Array(rows.length);
  let from = 0;
  for (const [start, step] of [
    [0, 8],
    [4, 8],
    [2, 4],
    [1, 2],
  ] as const) {
    for (let y = start; y < height; y += step) {
      out.set(rows.subarray(from, from + width), y * width);
      from += width;
    }
  }
  return out;
}
