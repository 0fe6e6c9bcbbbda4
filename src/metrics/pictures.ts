/**
 * Distances between an output and its target. Pictures are compared as 8-bit files; tensors are compared as the network
 * computes them, in [-1, 1].
 */
import { ShapeError, UserError } from "../errors.ts";
import { checkValues } from "../formats/limits.ts";
import type { Picture } from "../platform.ts";

/** The scores of an output against its target. */
export interface Metrics {
  /** Mean absolute difference in the range [-1, 1], as the loss has it: 0 equal, 2 black for white. */
  l1: number;
  /** Decibels, data range 255; Infinity for equal pictures. */
  psnr: number;
  /** -1 to 1; 1 for equal pictures. */
  ssim: number;
  /** The output's detail over the target's: 1 equal, well below 1 blurred, above 1 noisy. */
  sharpness: number;
}

/** The metrics of a pair, with those that only some tests have. */
export interface PairMetrics extends Metrics {
  /** With a palette: the share of pixels of the right class, 0 to 1. */
  pixel?: number;
  /** With a feature network and LPIPS's linear layers: the perceptual distance; 0 for equal pictures. */
  lpips?: number;
  /** With several samples: the mean standard deviation of a pixel over the samples, in grey levels of 0 to 255. */
  spread?: number;
}

/** A metric of an output and its target, and how it is shown. */
export interface PictureMetric {
  /** As pages call it; terminals begin with a small letter where it is a word. */
  label: string;
  unit: string;
  /** Of one picture, and of a mean over pictures where runs are compared. */
  digits: number;
  meanDigits: number;
  /** For pages. */
  meaning: string;
  /** For a line on a terminal. */
  hint: string;
  better: "smaller" | "larger" | "one";
  /** Where it has no finite value; absent: it always has one. */
  undefinedWhere?: string;
  of(output: Picture, target: Picture): number;
}

/** The metrics of a test. A new one needs an entry here and a field of `Metrics`: tests, pages and tables take it up. */
export const pictureMetrics: Readonly<Record<keyof Metrics, PictureMetric>> = {
  l1: {
    label: "L1",
    unit: "",
    digits: 3,
    meanDigits: 4,
    meaning: "mean absolute difference in the range [\u22121, 1]: 0 is equal; prefers blurred outputs",
    hint: "mean absolute difference in [-1, 1], 0 is equal",
    better: "smaller",
    of: l1,
  },
  psnr: {
    label: "PSNR",
    unit: " dB",
    digits: 2,
    meanDigits: 2,
    meaning: "of the squared difference, in decibels: higher is closer",
    hint: "",
    better: "larger",
    undefinedWhere: "the output equals its target",
    of: psnr,
  },
  ssim: {
    label: "SSIM",
    unit: "",
    digits: 3,
    meanDigits: 4,
    meaning: "structural similarity: 1 is equal",
    hint: "1 is equal",
    better: "larger",
    of: ssim,
  },
  sharpness: {
    label: "Sharpness",
    unit: "",
    digits: 2,
    meanDigits: 3,
    meaning: "detail of the output over the target's: 1 is alike, well below 1 is blurred, above 1 is noisy",
    hint: "detail over the target's: 1 alike, below blurred, above noisy",
    better: "one",
    undefinedWhere: "the target is flat, without any detail",
    of: sharpness,
  },
};

/** The names of the metrics in the order in which they are shown. */
export const metricNames = Object.keys(pictureMetrics) as (keyof Metrics)[];

/** A value for each metric. */
export const eachMetric = (value: (name: keyof Metrics) => number): Metrics =>
  Object.fromEntries(metricNames.map((name) => [name, value(name)])) as Record<keyof Metrics, number>;

/** The choices of --val-metric, with the unit of each and the direction of improvement. */
export const validationMetrics = {
  L1: { unit: "mean |output \u2212 target|, range [\u22121, 1]", better: "smaller" },
  PSNR: { unit: "decibels", better: "larger" },
  SSIM: { unit: "1 is equal", better: "larger" },
  LPIPS: { unit: "perceptual distance, 0 is equal", better: "smaller" },
  KID: { unit: "kernel distance of all outputs and all targets, about 0 for alike sets", better: "smaller" },
} as const;
export type ValidationMetric = keyof typeof validationMetrics;

/**
 * The spread of several outputs for one picture: the standard deviation of each pixel in grey levels of 0..255, averaged
 * over channels. In `picture` it is multiplied by 4, so 64 levels and more are white; `mean` is its mean over pixels.
 * @throws ShapeError for pictures of different sizes; UserError for one whose values are not those of its size
 */
export function spread(samples: readonly Picture[]): { mean: number; picture: Picture } {
  const [first] = samples;
  for (const other of samples) sameSize("spread", first!, other);
  const { width, height, channels } = first!;
  const data = new Uint8Array(width * height);
  let total = 0;
  for (let pixel = 0; pixel < data.length; pixel++) {
    let deviation = 0;
    for (let at = pixel * channels; at < (pixel + 1) * channels; at++) {
      const mean = samples.reduce((sum, sample) => sum + sample.data[at]!, 0) / samples.length;
      const squares = samples.reduce((sum, sample) => sum + (sample.data[at]! - mean) ** 2, 0);
      deviation += Math.sqrt(squares / samples.length) / channels;
    }
    total += deviation;
    data[pixel] = Math.min(255, Math.round(4 * deviation));
  }
  return { mean: total / data.length, picture: { width, height, channels: 1, data } };
}

/** All metrics of an output. `output` and `target` have one size of at least 11x11. @throws as `ssim` */
export function measure(output: Picture, target: Picture): Metrics {
  return eachMetric((name) => pictureMetrics[name].of(output, target));
}

/** The mean of each metric over the images, as papers report it; for PSNR the mean of the decibels. */
export function mean(all: readonly Metrics[]): Metrics {
  return eachMetric((name) => all.reduce((sum, one) => sum + one[name], 0) / all.length);
}

/** Where a metric has no finite value; undefined for one that always has one. */
export const undefinedWhere = (metric: keyof PairMetrics): string | undefined =>
  (pictureMetrics as Partial<Record<keyof PairMetrics, PictureMetric>>)[metric]?.undefinedWhere;

/** The mean of a metric over the pictures where it is finite (NaN where there is none), and the number of the others. */
export function finiteMean(all: readonly PairMetrics[], metric: keyof PairMetrics): { mean: number; without: number } {
  const values = all.flatMap((each) => (Number.isFinite(each[metric]) ? [each[metric]!] : []));
  return { mean: values.reduce((sum, value) => sum + value, 0) / values.length, without: all.length - values.length };
}

/** The mean of each metric over the pictures where it is finite: the scores of a test set. */
export const finiteMeans = (all: readonly Metrics[]): Metrics => eachMetric((name) => finiteMean(all, name).mean);

/**
 * Mean absolute difference over all values, in [0, 2]: tensors as they are, pictures after
 * v / 127.5 - 1. It is not multiplied by lambda.
 * @throws ShapeError for two sizes, or a tensor and a picture; UserError for a picture whose values are not those of its size
 */
export function l1(a: Picture | Float32Array, b: Picture | Float32Array): number {
  if (a instanceof Float32Array && b instanceof Float32Array) {
    if (a.length !== b.length) throw new ShapeError(`l1: the tensors hold ${a.length} and ${b.length} values.`);
    return meanOf(a, b, (x, y) => Math.abs(x - y));
  }
  if (a instanceof Float32Array || b instanceof Float32Array) {
    throw new ShapeError("l1: one is a tensor and one a picture; give two of a kind.");
  }
  sameSize("l1", a, b);
  return meanOf(a.data, b.data, (x, y) => Math.abs(x - y)) / 127.5;
}

/**
 * Peak signal-to-noise ratio, 10 log10(255^2 / mean squared difference), in decibels over all channels; Infinity for equal
 * pictures.
 * @throws ShapeError for pictures of different sizes; UserError for one whose values are not those of its size
 */
export function psnr(a: Picture, b: Picture): number {
  sameSize("psnr", a, b);
  return 10 * Math.log10(255 ** 2 / meanOf(a.data, b.data, (x, y) => (x - y) ** 2));
}

/** The Gaussian window of Wang et al. 2004: sigma 1.5, 11 wide, sum 1. */
const radius = 5;
const window = gaussian(radius, 1.5);
/** The least width and height of pictures for `ssim`, in pixels. */
export const leastSide = window.length;

/**
 * Structural similarity (Wang et al. 2004, equation 13; k1 .01, k2 .03, data range 255), the mean over positions where
 * the 11x11 window lies inside the picture, then over channels. Equals scikit-image's `structural_similarity` with
 * gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255, channel_axis=-1.
 * @throws UserError for pictures under 11 pixels wide or high, or whose values are not those of their size; ShapeError for pictures of different sizes
 *
 * @example
 * ```ts
 * import { l1, psnr, ssim } from "pix2pix";
 * import { nodePlatform } from "pix2pix/node";
 *
 * const { files, images } = await nodePlatform();
 * const output = await images.decode(await files.read("new/output.png"));
 * const target = await images.decode(await files.read("new/target.png"));
 * console.log(`L1 ${l1(output, target)}, PSNR ${psnr(output, target)} dB, SSIM ${ssim(output, target)}`);
 * ```
 */
export function ssim(a: Picture, b: Picture): number {
  sameSize("ssim", a, b);
  const { width, height, channels } = a;
  if (Math.min(width, height) < leastSide) {
    const least = `${leastSide}x${leastSide}`;
    throw new UserError(`ssim: needs pictures of at least ${least}, got ${width}x${height}; take a larger --crop-size`);
  }
  const c1 = (0.01 * 255) ** 2;
  const c2 = (0.03 * 255) ** 2;
  const size = width * height;
  // The four maps of the formula; the sum of the two variances needs only the sum of the squares.
  const [x, y, squares, products] = [0, 1, 2, 3].map(() => new Float64Array(size)) as Plane4;
  const inside = (width - 2 * radius) * (height - 2 * radius);
  let total = 0;
  for (let channel = 0; channel < channels; channel++) {
    for (let i = 0, at = channel; i < size; i++, at += channels) {
      const u = a.data[at]!;
      const v = b.data[at]!;
      x[i] = u;
      y[i] = v;
      squares[i] = u * u + v * v;
      products[i] = u * v;
    }
    const [mx, my, ms, mp] = [x, y, squares, products].map((plane) => blur(plane, width, height)) as Plane4;
    for (let i = 0; i < inside; i++) {
      const both = 2 * mx[i]! * my[i]!;
      const apart = mx[i]! ** 2 + my[i]! ** 2;
      total += ((both + c1) * (2 * mp[i]! - both + c2)) / ((apart + c1) * (ms[i]! - apart + c2));
    }
  }
  return total / (inside * channels);
}

/**
 * The mean absolute difference between neighbouring pixels of the output, divided by that of the target. It is computed on
 * grey levels (.299 R + .587 G + .114 B, unrounded) and averaged over horizontal and vertical neighbours. It shows the blur
 * that L1 prefers. Two flat pictures give 1, a flat target Infinity.
 * @throws ShapeError for pictures of different sizes; UserError for one whose values are not those of its size
 */
export function sharpness(output: Picture, target: Picture): number {
  sameSize("sharpness", output, target);
  const [of, over] = [detail(output), detail(target)];
  return of === over ? 1 : of / over;
}

/** Mean absolute difference of neighbouring grey levels, 0..255: the mean over horizontal and the mean over vertical pairs, averaged. */
export function detail(picture: Picture): number {
  const { width, height } = picture;
  const grey = greyLevels(picture);
  let across = 0;
  let down = 0;
  for (let row = 0, i = 0; row < height; row++) {
    for (let column = 0; column < width; column++, i++) {
      if (column > 0) across += Math.abs(grey[i]! - grey[i - 1]!);
      if (row > 0) down += Math.abs(grey[i]! - grey[i - width]!);
    }
  }
  return (across / Math.max(1, (width - 1) * height) + down / Math.max(1, width * (height - 1))) / 2;
}

type Plane4 = [Float64Array, Float64Array, Float64Array, Float64Array];

function greyLevels({ data, channels, width, height }: Picture): Float64Array {
  const grey = new Float64Array(width * height);
  for (let i = 0, at = 0; i < grey.length; i++, at += channels) {
    grey[i] = channels < 3 ? data[at]! : 0.299 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!;
  }
  return grey;
}

/** The plane under the window wherever the window fits: (height - 10) rows of (width - 10). Rows, then columns. */
function blur(plane: Float64Array, width: number, height: number): Float64Array {
  const narrow = width - 2 * radius;
  const rows = new Float64Array(narrow * height);
  for (let row = 0; row < height; row++) weigh(plane, row * width, 1, rows, row * narrow, narrow);
  const out = new Float64Array(narrow * (height - 2 * radius));
  weigh(rows, 0, narrow, out, 0, out.length);
  return out;
}

/** `count` values under the window, whose eleven values lie `step` apart; the window is symmetric. */
function weigh(values: Float64Array, from: number, step: number, out: Float64Array, to: number, count: number): void {
  const [w0 = 0, w1 = 0, w2 = 0, w3 = 0, w4 = 0, w5 = 0] = window;
  for (let i = 0, at = from; i < count; i++, at++) {
    out[to + i] =
      w5 * values[at + 5 * step]! +
      w4 * (values[at + 4 * step]! + values[at + 6 * step]!) +
      w3 * (values[at + 3 * step]! + values[at + 7 * step]!) +
      w2 * (values[at + 2 * step]! + values[at + 8 * step]!) +
      w1 * (values[at + step]! + values[at + 9 * step]!) +
      w0 * (values[at]! + values[at + 10 * step]!);
  }
}

function gaussian(radius: number, sigma: number): Float64Array {
  const values = Float64Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-0.5 * ((i - radius) / sigma) ** 2));
  const sum = values.reduce((a, b) => a + b, 0);
  return values.map((value) => value / sum);
}

function meanOf(a: ArrayLike<number>, b: ArrayLike<number>, distance: (x: number, y: number) => number): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += distance(a[i]!, b[i]!);
  return sum / a.length;
}

function sameSize(metric: string, a: Picture, b: Picture): void {
  const size = (p: Picture) => `${p.width}x${p.height}x${p.channels}`;
  if (size(a) !== size(b)) throw new ShapeError(`${metric}: the pictures differ in size: ${size(a)} and ${size(b)}.`);
  for (const picture of [a, b]) checkValues(metric, picture);
}
