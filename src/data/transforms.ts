/** From decoded pictures to what a network takes, and back. All functions are pure. */
import { DatasetError, UserError } from "../errors.ts";
import type { Picture } from "../platform.ts";
import type { Random } from "../random.ts";

export interface TransformOptions {
  /** resize_and_crop: both sides to loadSize x loadSize, then a crop; crop: only the crop; none: as they are. */
  preprocess: "resize_and_crop" | "crop" | "scale_width" | "scale_width_and_crop" | "none";
  /** Pixels; width and height. */
  cropSize: number;
  noFlip: boolean;
}

/** One draw for a whole pair: the crop's corner in pixels, and whether the crop is mirrored left to right. */
export interface Jitter {
  x: number;
  y: number;
  flip: boolean;
}

/**
 * The left and the right half of an aligned picture.
 * @throws DatasetError naming `file` when the width is odd
 */
export function halves(picture: Picture, file: string): { left: Picture; right: Picture } {
  if (picture.width % 2 !== 0) {
    throw new DatasetError(
      `${file}: the width is odd (${picture.width}x${picture.height}), so it has no two halves of one size; ` +
        "aligned pictures hold A left and B right. Cut it to an even width, or name another --dataset-mode.",
    );
  }
  const width = picture.width / 2;
  return { left: crop(picture, 0, 0, width, picture.height), right: crop(picture, width, 0, width, picture.height) };
}

/** The rectangle of width x height pixels whose upper left corner is (x, y). */
export function crop(picture: Picture, x: number, y: number, width: number, height: number): Picture {
  if (x < 0 || y < 0 || x + width > picture.width || y + height > picture.height) {
    throw new UserError(
      `crop: ${width}x${height} at (${x}, ${y}) is not inside a picture of ${picture.width}x${picture.height}.`,
    );
  }
  const row = width * picture.channels;
  const data = new Uint8Array(row * height);
  for (let line = 0; line < height; line++) {
    const from = ((y + line) * picture.width + x) * picture.channels;
    data.set(picture.data.subarray(from, from + row), line * row);
  }
  return { width, height, channels: picture.channels, data };
}

/**
 * The crop and flip of one pair of width x height pixels. The corner is uniform over every place where the crop fits, both
 * ends included; the flip has probability 1/2. Always three draws, so that an option changes only what it names.
 */
export function drawJitter(random: Random, width: number, height: number, options: TransformOptions): Jitter {
  const whole = options.preprocess === "none";
  const x = random.int(whole ? 1 : width - options.cropSize + 1);
  const y = random.int(whole ? 1 : height - options.cropSize + 1);
  const flip = random.float() < 0.5;
  return { x, y, flip: flip && !options.noFlip };
}

/**
 * Leaves out the channels that a network of `channels` has no use for: colour for 1 and 2, by Pillow's convert("L"),
 * L = (19595 R + 38470 G + 7471 B + 2^15) >> 16; alpha for 1 and 3. To be done before resizing, as in PyTorch.
 */
export function reduceChannels(picture: Picture, channels: number): Picture {
  const has = picture.channels < 3 ? 1 : 3;
  const colours = channels < 3 ? 1 : has;
  const alpha = channels % 2 === 0 && picture.channels % 2 === 0;
  const kept = colours + (alpha ? 1 : 0);
  if (kept === picture.channels) return picture;
  const { width, height, data } = picture;
  const out = new Uint8Array(width * height * kept);
  const step = picture.channels;
  for (let i = 0, o = 0; o < out.length; i += step) {
    if (colours < has) out[o++] = (data[i]! * 19595 + data[i + 1]! * 38470 + data[i + 2]! * 7471 + 0x8000) >> 16;
    else for (let c = 0; c < colours; c++) out[o++] = data[i + c]!;
    if (alpha) out[o++] = data[i + step - 1]!;
  }
  return { width, height, channels: kept, data: out };
}

/** For each channel of the network, the channel of a reduced picture that fills it; -1 is opaque alpha, 255. */
function sources(has: number, wanted: number): number[] {
  const colours = wanted < 3 ? [0] : has < 3 ? [0, 0, 0] : [0, 1, 2];
  if (wanted % 2 === 1) return colours;
  return [...colours, has % 2 === 0 ? has - 1 : -1];
}

/** 8 bits -> [-1, 1], with the roundings of torchvision's ToTensor and Normalize(0.5, 0.5) in float32. */
const VALUES = Float32Array.from({ length: 256 }, (_, v) => Math.fround(Math.fround(v / 255) - 0.5) / 0.5);

/**
 * Writes a crop of width x height pixels as [channels, height, width] into `out` from `offset` on, in [-1, 1].
 * `picture` comes from reduceChannels for the same `channels`; grey fills all colours, alpha is opaque where there is none.
 */
export function writeCrop(
  out: Float32Array,
  offset: number,
  picture: Picture,
  channels: number,
  width: number,
  height: number,
  { x, y, flip }: Jitter,
): void {
  const { data, channels: step } = picture;
  let o = offset;
  for (const source of sources(step, channels)) {
    if (source === -1) {
      out.fill(1, o, o + width * height);
      o += width * height;
      continue;
    }
    for (let line = 0; line < height; line++) {
      const first = ((y + line) * picture.width + x) * step + source;
      if (flip) {
        for (let i = first + (width - 1) * step; i >= first; i -= step) out[o++] = VALUES[data[i]!]!;
      } else {
        for (let i = first, end = first + width * step; i < end; i += step) out[o++] = VALUES[data[i]!]!;
      }
    }
  }
}

/**
 * The whole picture as [channels, height, width] in [-1, 1]: v / 127.5 - 1. `channels`: 1 grey, 2 grey and alpha, 3 RGB,
 * 4 RGBA; colour becomes grey by Pillow's formula, grey is repeated, alpha is dropped or opaque.
 */
export function toTensor(picture: Picture, channels: number): Float32Array {
  const out = new Float32Array(channels * picture.width * picture.height);
  const whole = { x: 0, y: 0, flip: false };
  writeCrop(out, 0, reduceChannels(picture, channels), channels, picture.width, picture.height, whole);
  return out;
}

/**
 * The picture that [channels, height, width] values from `offset` on show: round((v + 1) * 127.5), cut to 0..255; a value
 * that is not a number gives 0.
 */
export function fromTensor(values: Float32Array, channels: number, height: number, width: number, offset = 0): Picture {
  const plane = width * height;
  if (values.length < offset + channels * plane) {
    throw new UserError(
      `fromTensor: [${channels}, ${height}, ${width}] from ${offset} on needs ${offset + channels * plane} values, ` +
        `got ${values.length}.`,
    );
  }
  const data = new Uint8Array(channels * plane);
  for (let c = 0; c < channels; c++) {
    const start = offset + c * plane;
    for (let i = 0, o = c; i < plane; i++, o += channels) {
      const value = (values[start + i]! + 1) * 127.5 + 0.5;
      data[o] = Math.min(255, Math.max(0, value)); // a typed array takes the whole part, and 0 for NaN
    }
  }
  return { width, height, channels, data };
}
