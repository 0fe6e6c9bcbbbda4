/**
 * Resizing, equal to the byte to Pillow's `Image.resize`: what the PyTorch implementations feed to their networks, and the
 * same on every runtime (libvips and canvas differ from it by several grey levels on average).
 *
 * Pillow resamples in two passes, rows first, each rounding to 8 bits. An output pixel is the sum of the input pixels
 * under a filter kernel centred at its own centre, widened by the scale when the picture shrinks, cut at the border and
 * normalised; weights are whole multiples of 2^-22.
 */
import { UserError } from "../errors.ts";
import type { Picture } from "../platform.ts";

/** `bicubic` (a = -0.5), `bilinear` (triangle), `nearest` (the pixel under the centre). */
export type Filter = "bicubic" | "bilinear" | "nearest";

interface Kernel {
  /** Half width in input pixels at scale 1. */
  support: number;
  weight(x: number): number;
}

const BICUBIC: Kernel = {
  support: 2,
  weight: (x) => {
    const a = -0.5;
    x = Math.abs(x);
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
  },
};

const BILINEAR: Kernel = { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) };

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

function table(filter: "bicubic" | "bilinear", from: number, to: number): Table {
  const key = `${filter}/${from}/${to}`;
  let found = tables.get(key);
  if (!found) {
    if (tables.size >= 64) tables.clear(); // a folder of pictures of many sizes must not grow this for ever
    found = makeTable(filter === "bicubic" ? BICUBIC : BILINEAR, from, to);
    tables.set(key, found);
  }
  return found;
}

function makeTable(kernel: Kernel, from: number, to: number): Table {
  const scale = from / to;
  const widening = Math.max(scale, 1);
  const support = kernel.support * widening;
  const stride = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(to);
  const count = new Int32Array(to);
  const weights = new Int32Array(to * stride);
  const exact = new Float64Array(stride);
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const n = Math.min(from, Math.trunc(center + support + 0.5)) - start;
    let sum = 0;
    for (let k = 0; k < n; k++) {
      const w = kernel.weight((k + start - center + 0.5) * (1 / widening));
      exact[k] = w;
      sum += w;
    }
    for (let k = 0; k < n; k++) {
      const w = (sum === 0 ? exact[k]! : exact[k]! / sum) * 2 ** PRECISION;
      weights[i * stride + k] = Math.trunc(w < 0 ? w - 0.5 : w + 0.5);
    }
    first[i] = start;
    count[i] = n;
  }
  return { first, count, weights, stride };
}

/**
 * The picture at width x height pixels, as Pillow's `Image.resize((width, height), filter)` gives it for modes L, LA, RGB
 * and RGBA (1 to 4 channels). With alpha (2 and 4 channels), colours are weighted by it, as Pillow does.
 * The aspect ratio is not kept. At the same size the result is the picture itself.
 */
export function resize(picture: Picture, width: number, height: number, filter: Filter = "bicubic"): Picture {
  const { channels } = picture;
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new UserError(`resize: width and height are whole numbers of pixels from 1, got ${width}x${height}.`);
  }
  if (picture.data.length !== picture.width * picture.height * channels || channels < 1 || channels > 4) {
    throw new UserError(
      `resize: ${picture.width}x${picture.height} with ${channels} channels does not fit ${picture.data.length} values ` +
        "(1 to 4 channels, 8 bits each).",
    );
  }
  if (width === picture.width && height === picture.height) return picture;
  if (filter === "nearest") return nearest(picture, width, height);
  let data = channels % 2 === 0 ? premultiply(picture.data, channels) : picture.data;
  if (width !== picture.width) {
    data = resizeRows(data, picture.width, picture.height, width, channels, table(filter, picture.width, width));
  }
  if (height !== picture.height)
    data = resizeColumns(data, width * channels, height, table(filter, picture.height, height));
  if (channels % 2 === 0) unpremultiply(data, channels);
  return { width, height, channels, data };
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
function nearest(picture: Picture, width: number, height: number): Picture {
  const { channels, data } = picture;
  const positions = (from: number, to: number) => {
    const step = from / to;
    const at = new Int32Array(to);
    for (let i = 0, x = step * 0.5; i < to; i++, x += step) at[i] = Math.min(from - 1, Math.trunc(x));
    return at;
  };
  const columns = positions(picture.width, width);
  const rows = positions(picture.height, height);
  const out = new Uint8Array(width * height * channels);
  let o = 0;
  for (const y of rows) {
    for (const x of columns) {
      const i = (y * picture.width + x) * channels;
      for (let c = 0; c < channels; c++) out[o++] = data[i + c]!;
    }
  }
  return { width, height, channels, data: out };
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
