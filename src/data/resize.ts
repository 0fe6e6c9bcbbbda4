/**
 * Resizing, equal to the byte to Pillow's `Image.resize`: what the PyTorch implementations feed to their networks, and the
 * same on every runtime (libvips and canvas differ from it by several grey levels on average).
 *
 * Pillow resamples in two passes, rows first, each rounding to 8 bits. An output pixel is the sum of the input pixels
 * under a filter kernel centred at its own centre, widened by the scale when the picture shrinks, cut at the border and
 * normalised; weights are whole multiples of 2^-22. 16 bits and floats are resampled as Pillow's mode F: with exact
 * weights, each pass rounding to float32 (resample.ts).
 */
import { UserError } from "../errors.ts";
import type { DeepPicture, Picture, Samples } from "../platform.ts";
import { type KernelFilter, kernelWeights, resampleFloat } from "./resample.ts";
import { alike } from "./transforms.ts";

/** `nearest` is the pixel under the centre; of the others see resample.ts. */
export type Filter = KernelFilter | "nearest";

export const filters = ["bicubic", "bilinear", "area", "nearest"] as const satisfies readonly Filter[];

const PRECISION = 22;
const HALF = 1 << (PRECISION - 1);

/** For each output position: the first input position, how many there are, and their weights, `stride` apart. */
interface Table {
  first: Int32Array;
  count: Int32Array;
  weights: Int32Array;
  stride: number;
}

const tables = new Map<string, Table>();

function table(filter: KernelFilter, from: number, to: number): Table {
  const key = `${filter}/${from}/${to}`;
  let found = tables.get(key);
  if (!found) {
    if (tables.size >= 64) tables.clear(); // a folder of pictures of many sizes must not grow this for ever
    const { weights, ...where } = kernelWeights(filter, from, to);
    found = { ...where, weights: Int32Array.from(weights, wholeWeight) };
    tables.set(key, found);
  }
  return found;
}

function wholeWeight(weight: number): number {
  const w = weight * 2 ** PRECISION;
  return Math.trunc(w < 0 ? w - 0.5 : w + 0.5);
}

/**
 * The picture at width x height pixels, as Pillow's `Image.resize((width, height), filter)` gives it for modes L, LA, RGB
 * and RGBA (1 to 4 channels), and for any number of bands each by itself. With alpha (2 and 4 channels that are no bands),
 * colours are weighted by it, as Pillow does. 16 bits and floats keep their depth.
 * The aspect ratio is not kept. At the same size the result is the picture itself.
 */
export function resize<Data extends Samples>(
  picture: Picture<Data>,
  width: number,
  height: number,
  filter: Filter = "bicubic",
): Picture<Data> {
  const { channels, data } = picture;
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new UserError(`resize: width and height are whole numbers of pixels from 1, got ${width}x${height}.`);
  }
  if (data.length !== picture.width * picture.height * channels || channels < 1) {
    throw new UserError(
      `resize: ${picture.width}x${picture.height} with ${channels} channels does not fit ${data.length} values.`,
    );
  }
  if (width === picture.width && height === picture.height) return picture;
  if (filter === "nearest") return nearest(picture, width, height);
  const alpha = channels % 2 === 0 && !picture.bands;
  const resized =
    data instanceof Uint8Array
      ? resizeBytes(data, picture, width, height, filter, alpha)
      : resampleFloat(data, picture, width, height, filter, alpha);
  return { ...picture, width, height, data: resized as Data };
}

function resizeBytes(
  data: Uint8Array,
  from: Omit<DeepPicture, "data">,
  width: number,
  height: number,
  filter: KernelFilter,
  alpha: boolean,
): Uint8Array {
  const { channels } = from;
  let values = alpha ? premultiply(data, channels) : data;
  if (width !== from.width) {
    values = resizeRows(values, from.width, from.height, width, channels, table(filter, from.width, width));
  }
  if (height !== from.height)
    values = resizeColumns(values, width * channels, height, table(filter, from.height, height));
  if (alpha) unpremultiply(values, channels);
  return values;
}

function clip8(sum: number): number {
  return Math.max(0, Math.min(255, sum >> PRECISION));
}

/** Each of `height` rows from `from` to `to` pixels. */
function resizeRows(input: Uint8Array, from: number, height: number, to: number, channels: number, t: Table) {
  const { first, count, weights, stride } = t;
  const out = new Uint8Array(to * height * channels);
  let o = 0;
  for (let y = 0; y < height; y++) {
    const row = y * from * channels;
    for (let x = 0; x < to; x++) {
      let i = row + first[x]! * channels;
      const start = x * stride;
      const end = start + count[x]!;
      if (channels === 3) {
        let r = HALF;
        let g = HALF;
        let b = HALF;
        for (let k = start; k < end; k++, i += 3) {
          const w = weights[k]!;
          r = (r + Math.imul(w, input[i]!)) | 0;
          g = (g + Math.imul(w, input[i + 1]!)) | 0;
          b = (b + Math.imul(w, input[i + 2]!)) | 0;
        }
        out[o] = clip8(r);
        out[o + 1] = clip8(g);
        out[o + 2] = clip8(b);
        o += 3;
      } else {
        for (let c = 0; c < channels; c++, o++) {
          let sum = HALF;
          for (let k = start, j = i + c; k < end; k++, j += channels)
            sum = (sum + Math.imul(weights[k]!, input[j]!)) | 0;
          out[o] = clip8(sum);
        }
      }
    }
  }
  return out;
}

/** The rows of `length` values each combined into `to` rows. */
function resizeColumns(input: Uint8Array, length: number, to: number, t: Table) {
  const { first, count, weights, stride } = t;
  const out = new Uint8Array(length * to);
  const sums = new Int32Array(length);
  for (let y = 0; y < to; y++) {
    const start = y * stride;
    const n = count[y]!;
    let i = first[y]! * length;
    const o = y * length;
    if (n === 4) {
      const w0 = weights[start]!;
      const w1 = weights[start + 1]!;
      const w2 = weights[start + 2]!;
      const w3 = weights[start + 3]!;
      const row1 = i + length;
      const row2 = row1 + length;
      const row3 = row2 + length;
      for (let x = 0; x < length; x++) {
        const left = (Math.imul(w0, input[i + x]!) + Math.imul(w1, input[row1 + x]!)) | 0;
        const right = (Math.imul(w2, input[row2 + x]!) + Math.imul(w3, input[row3 + x]!)) | 0;
        out[o + x] = clip8((left + right + HALF) | 0);
      }
      continue;
    }
    sums.fill(HALF);
    for (let k = 0; k < n; k++, i += length) {
      const w = weights[start + k]!;
      for (let x = 0; x < length; x++) sums[x] = (sums[x]! + Math.imul(w, input[i + x]!)) | 0;
    }
    for (let x = 0; x < length; x++) out[o + x] = clip8(sums[x]!);
  }
  return out;
}

/** Pillow adds the step up instead of multiplying it, and so does this: the roundings are the same. */
function nearest<Data extends Samples>(picture: Picture<Data>, width: number, height: number): Picture<Data> {
  const { channels, data } = picture;
  const positions = (from: number, to: number) => {
    const step = from / to;
    const at = new Int32Array(to);
    for (let i = 0, x = step * 0.5; i < to; i++, x += step) at[i] = Math.min(from - 1, Math.trunc(x));
    return at;
  };
  const columns = positions(picture.width, width);
  const rows = positions(picture.height, height);
  const out = alike(data, width * height * channels);
  let o = 0;
  for (const y of rows) {
    for (const x of columns) {
      const i = (y * picture.width + x) * channels;
      for (let c = 0; c < channels; c++) out[o++] = data[i + c]!;
    }
  }
  return { ...picture, width, height, data: out };
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
