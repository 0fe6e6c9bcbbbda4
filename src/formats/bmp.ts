/**
 * Windows bitmaps, decoded to the values that Pillow gives (BmpImagePlugin): palettes of 1, 4 and 8 bits, also
 * run-length coded, and 16, 24 and 32 bits, rows from bottom to top or from top to bottom. Format:
 * https://learn.microsoft.com/windows/win32/gdi/bitmap-storage
 */
import { UserError } from "../errors.ts";
import type { DecodeOptions, Picture } from "../platform.ts";
import { checkPictureSize } from "./limits.ts";

/** Values of the header's field "compression". */
const uncompressed = 0;
const rle8 = 1;
const rle4 = 2;
const bitFields = 3;

interface Header {
  width: number;
  height: number;
  /** The first row in the file is the topmost. */
  topDown: boolean;
  bits: number;
  compression: number;
  /** RGB of each palette entry. */
  palette: number[][];
  /** Bit masks of red, green, blue and alpha; alpha is 0 where the file has none. */
  masks: readonly [number, number, number, number];
  /** Where the pixels begin. */
  start: number;
}

export const isBmp = (bytes: Uint8Array): boolean => bytes[0] === 0x42 && bytes[1] === 0x4d;

/**
 * A bitmap as RGB; as grey where its palette is a grey ramp; as RGBA where it has an alpha mask and `alpha` is asked
 * for.
 * @throws UserError for a damaged bitmap and for forms that Pillow does not read
 */
export function decodeBmp(
  bytes: Uint8Array,
  { alpha = false, mostPixels }: Pick<DecodeOptions, "alpha" | "mostPixels"> = {},
): Picture {
  const header = headerOf(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), mostPixels);
  return header.bits <= 8 ? paletted(bytes, header) : coloured(bytes, header, alpha);
}

function headerOf(view: DataView, mostPixels: number | undefined): Header {
  if (view.byteLength < 26) throw new UserError("this BMP is truncated");
  const size = view.getUint32(14, true);
  const old = size === 12;
  if (!old && ![40, 52, 56, 64, 108, 124].includes(size))
    throw new UserError(`this BMP has an unknown header of ${size} bytes`);
  if (view.byteLength < 14 + size) throw new UserError("this BMP is truncated");
  const width = old ? view.getUint16(18, true) : view.getInt32(18, true);
  const signed = old ? view.getUint16(20, true) : view.getInt32(22, true);
  const bits = view.getUint16(old ? 24 : 28, true);
  const compression = old ? uncompressed : view.getUint32(30, true);
  checkPictureSize(width, Math.abs(signed), mostPixels);
  if (![1, 4, 8, 16, 24, 32].includes(bits))
    throw new UserError(`this BMP has ${bits} bits a pixel, expected 1, 4, 8, 16, 24 or 32`);
  const start = view.getUint32(10, true);
  const height = Math.abs(signed);
  // With the header of 40 bytes, bit fields follow it; larger headers contain them.
  const afterHeader = 14 + size + (size === 40 && compression === bitFields ? 12 : 0);
  const palette =
    bits <= 8
      ? paletteOf(view, { at: afterHeader, bits, entry: old ? 3 : 4, used: old ? 0 : view.getUint32(46, true) })
      : [];
  return {
    width,
    height,
    topDown: signed < 0,
    bits,
    compression,
    palette,
    masks: masksOf(view, bits, compression, size),
    start,
  };
}

function paletteOf(
  view: DataView,
  { at, bits, entry, used }: { at: number; bits: number; entry: number; used: number },
): number[][] {
  const count = Math.min(used || 2 ** bits, 256);
  if (at + count * entry > view.byteLength) throw new UserError("this BMP is truncated");
  return Array.from({ length: count }, (_, i) => [2, 1, 0].map((c) => view.getUint8(at + i * entry + c)));
}

function masksOf(view: DataView, bits: number, compression: number, size: number): Header["masks"] {
  if (compression === bitFields && bits > 8) {
    const field = (i: number) => (54 + 4 * i + 4 <= view.byteLength ? view.getUint32(54 + 4 * i, true) : 0);
    return [field(0), field(1), field(2), size >= 56 ? field(3) : 0];
  }
  return bits === 16 ? [0x7c00, 0x3e0, 0x1f, 0] : [0xff0000, 0xff00, 0xff, 0];
}

function paletted(bytes: Uint8Array, header: Header): Picture {
  const { width, height, palette, compression } = header;
  const indices = compression === uncompressed ? packed(bytes, header) : runs(bytes, header);
  // Two colours that are black and white, or a ramp from 0 on, make a grey picture.
  const grey = palette.every((colour, i) => colour.every((value) => value === (palette.length === 2 ? i * 255 : i)));
  const channels = grey ? 1 : 3;
  const data = new Uint8Array(width * height * channels);
  for (const [i, index] of indices.entries()) {
    const colour = palette[index];
    if (!colour) throw new UserError(`this BMP's palette has no colour ${index}`);
    for (let c = 0; c < channels; c++) data[i * channels + c] = colour[c]!;
  }
  return { width, height, channels, data };
}

/** The offset of each row, from the topmost; a row takes a multiple of 4 bytes. */
function rowOffsets(bytes: Uint8Array, { width, height, topDown, bits, start }: Header): (row: number) => number {
  const rowBytes = Math.ceil((width * bits) / 32) * 4;
  if (start + rowBytes * height > bytes.length) throw new UserError("this BMP is truncated");
  return (row) => start + rowBytes * (topDown ? row : height - 1 - row);
}

/** Palette indices of 1, 4 or 8 bits. */
function packed(bytes: Uint8Array, header: Header): Uint8Array {
  const { width, height, bits } = header;
  const offset = rowOffsets(bytes, header);
  const out = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const from = offset(row);
    for (let x = 0; x < width; x++) {
      const bit = x * bits;
      out[row * width + x] = (bytes[from + (bit >> 3)]! >> (8 - bits - (bit & 7))) & (2 ** bits - 1);
    }
  }
  return out;
}

/**
 * Palette indices in runs: (count, value), or 0 with an escape: end of line, end of picture, a jump, or values as they
 * are.
 */
function runs(bytes: Uint8Array, { width, height, topDown, bits, compression, start }: Header): Uint8Array {
  if (!(compression === rle8 && bits === 8) && !(compression === rle4 && bits === 4)) {
    throw new UserError(`this BMP is compressed in a way that is not supported (method ${compression}, ${bits} bits)`);
  }
  // Two bytes code 255 pixels at most.
  if (width * height > ((bytes.length - start) / 2) * 255) throw new UserError("this BMP is truncated");
  const out = new Uint8Array(width * height);
  let [x, y] = [0, 0];
  const put = (value: number) => {
    if (x < width && y < height) out[(topDown ? y : height - 1 - y) * width + x] = value;
    x++;
  };
  const values = (byte: number, count: number) => {
    for (let i = 0; i < count; i++) put(bits === 8 ? byte : i % 2 === 0 ? byte >> 4 : byte & 15);
  };
  for (let at = start; ; ) {
    const [count, value] = [bytes[at], bytes[at + 1]];
    at += 2;
    if (count === undefined || value === undefined) throw new UserError("this BMP is truncated");
    if (count > 0) values(value, count);
    else if (value === 0) [x, y] = [0, y + 1];
    else if (value === 1) return out;
    else if (value === 2) [x, y, at] = [x + (bytes[at] ?? 0), y + (bytes[at + 1] ?? 0), at + 2];
    else {
      const length = Math.ceil((value * bits) / 8);
      for (let i = 0; i < length; i++) values(bytes[at + i] ?? 0, bits === 8 ? 1 : Math.min(2, value - 2 * i));
      at += length + (length % 2);
    }
  }
}

/** Pixels of 16, 24 or 32 bits; a channel of n bits is scaled by 255 / (2^n - 1), rounded down. */
function coloured(bytes: Uint8Array, header: Header, alpha: boolean): Picture {
  const { width, height, bits, compression, masks } = header;
  if (compression !== uncompressed && compression !== bitFields) {
    throw new UserError(`this BMP is compressed in a way that is not supported (method ${compression}, ${bits} bits)`);
  }
  const parts = masks.map(partOf);
  const channels = alpha && masks[3] !== 0 ? 4 : 3;
  const offset = rowOffsets(bytes, header);
  const data = new Uint8Array(width * height * channels);
  const step = bits / 8;
  let to = 0;
  for (let row = 0; row < height; row++) {
    let at = offset(row);
    for (let x = 0; x < width; x++, at += step) {
      let pixel = 0;
      for (let i = step - 1; i >= 0; i--) pixel = pixel * 256 + bytes[at + i]!;
      for (let c = 0; c < channels; c++) {
        const { shift, most } = parts[c]!;
        data[to++] = Math.floor((((pixel >>> shift) & most) * 255) / most);
      }
    }
  }
  return { width, height, channels, data };
}

/** The position of a mask's lowest bit, and the largest value of its bits. */
function partOf(mask: number): { shift: number; most: number } {
  const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask);
  const most = mask === 0 ? 255 : mask >>> shift;
  if (most > 255 || (most & (most + 1)) !== 0) throw new UserError("this BMP has colour masks that are not supported");
  return { shift, most };
}
