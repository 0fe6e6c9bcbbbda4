/**
 * Netpbm pictures (.pbm, .pgm, .ppm; P1 to P6), decoded to the values that Pillow gives (PpmImagePlugin).
 * Format: https://netpbm.sourceforge.net/doc/ppm.html
 */
import { UserError } from "../errors.ts";
import type { DecodeOptions, DeepPicture } from "../platform.ts";
import { checkPictureSize } from "./limits.ts";

/** "P" and a digit from 1 to 6, then white space. */
export const isPnm = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x50 && bytes[1]! >= 0x31 && bytes[1]! <= 0x36 && isSpace(bytes[2]);

const isSpace = (byte: number | undefined): boolean => byte === 32 || (byte !== undefined && byte >= 9 && byte <= 13);

/**
 * Grey (1 channel) or RGB. Values are scaled to 255; with `deep`, those of a file with more than 8 bits to 65535.
 * @throws UserError for a damaged file
 */
export function decodePnm(
  bytes: Uint8Array,
  { deep = false, mostPixels }: Pick<DecodeOptions, "mostPixels"> & { deep?: boolean } = {},
): DeepPicture {
  const kind = bytes[1]! - 0x30;
  const read = tokens(bytes, 2);
  const [width, height] = [read.number("width"), read.number("height")];
  const bitmap = kind === 1 || kind === 4;
  const most = bitmap ? 1 : read.number("largest value");
  checkPictureSize(width, height, mostPixels);
  if (most < 1 || most > 65535)
    throw new UserError(`the largest value of this picture is ${most}, expected 1 to 65535`);
  const channels = kind === 3 || kind === 6 ? 3 : 1;
  const count = width * height * channels;
  // Each value takes at least a byte, or a bit in a binary bitmap.
  if (count > bytes.length * (kind === 4 ? 8 : 1)) throw new UserError("this picture is truncated");
  // A white space ends the header of the binary forms.
  const values = kind > 3 ? binary(bytes, read.at + 1, { count, width, most, bitmap }) : plain(read, count, bitmap);
  const wide = most > 255;
  const full = wide && deep ? 65535 : 255;
  const data = wide && deep ? new Uint16Array(count) : new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    if (bitmap) data[i] = value === 1 ? 0 : 255;
    // Grey of more than 8 bits is cut to its upper byte, as 16-bit grey of other formats; Pillow rounds colours.
    else if (wide && !deep && channels === 1) data[i] = Math.min(65535, rounded((value / most) * 65535)) >> 8;
    else data[i] = Math.min(full, rounded((value / most) * full));
  }
  return { width, height, channels, data };
}

/** To the nearest integer, halves to the even one, as Python's round. */
function rounded(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

interface Tokens {
  /** The position after the last token. */
  readonly at: number;
  number(what: string): number;
  /** The next digit alone: plain bitmaps need no space between them. */
  digit(): number;
}

/** Reads numbers between white space; `#` begins a comment to the end of its line. */
function tokens(bytes: Uint8Array, start: number): Tokens {
  let at = start;
  const skip = () => {
    for (;;) {
      if (bytes[at] === 0x23) while (at < bytes.length && bytes[at] !== 10 && bytes[at] !== 13) at++;
      else if (isSpace(bytes[at])) at++;
      else return;
    }
  };
  const isDigit = (byte: number | undefined) => byte !== undefined && byte >= 0x30 && byte <= 0x39;
  return {
    get at() {
      return at;
    },
    number(what) {
      skip();
      let value = 0;
      const from = at;
      for (; isDigit(bytes[at]) && at < from + 10; at++) value = value * 10 + bytes[at]! - 0x30;
      if (at === from) throw new UserError(`this picture is damaged: its ${what} is missing`);
      return value;
    },
    digit() {
      skip();
      if (bytes[at] !== 0x30 && bytes[at] !== 0x31) throw new UserError("this bitmap is truncated or damaged");
      return bytes[at++]! - 0x30;
    },
  };
}

function plain(read: Tokens, count: number, bitmap: boolean): number[] {
  return Array.from({ length: count }, () => (bitmap ? read.digit() : read.number("next value")));
}

function binary(
  bytes: Uint8Array,
  start: number,
  { count, width, most, bitmap }: { count: number; width: number; most: number; bitmap: boolean },
): Uint8Array | Uint16Array {
  const rowBytes = Math.ceil(width / 8);
  const size = bitmap ? rowBytes * (count / width) : count * (most > 255 ? 2 : 1);
  if (start + size > bytes.length) throw new UserError("this picture is truncated");
  if (bitmap) {
    const at = (i: number) => start + rowBytes * Math.floor(i / width) + ((i % width) >> 3);
    return Uint8Array.from({ length: count }, (_, i) => (bytes[at(i)]! >> (7 - ((i % width) & 7))) & 1);
  }
  if (most <= 255) return bytes.subarray(start, start + count);
  return Uint16Array.from({ length: count }, (_, i) => (bytes[start + 2 * i]! << 8) | bytes[start + 2 * i + 1]!);
}
