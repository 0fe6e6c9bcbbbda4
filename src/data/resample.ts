/**
 * Pillow's resampling filters, and its arithmetic for floats (mode F), which 16-bit pictures share.
 *
 * `area` is Pillow's BOX: all input pixels with their centre in the field of the output pixel have the same weight. OpenCV's
 * INTER_AREA and TensorFlow's "area" weight the pixels at the field's border by the covered part: the results are equal for
 * integer factors and differ slightly otherwise. BOX repeats pixels where the picture grows.
 */
import type { DeepPicture } from "../platform.ts";

interface Kernel {
  /** Half width in input pixels at scale 1. */
  support: number;
  weight(x: number): number;
}

const kernels = {
  /** a = -0.5. */
  bicubic: {
    support: 2,
    weight: (x: number) => {
      const a = -0.5;
      x = Math.abs(x);
      if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
    },
  },
  /** A triangle. */
  bilinear: { support: 1, weight: (x: number) => Math.max(0, 1 - Math.abs(x)) },
  /** A box. */
  area: { support: 0.5, weight: (x: number) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
} satisfies Record<string, Kernel>;

/** The filters that weight input pixels by a kernel. */
export type KernelFilter = keyof typeof kernels;

/** For each output position: the first input position, how many there are, and their weights, `stride` apart. */
export interface Weights {
  first: Int32Array;
  count: Int32Array;
  /** Their sum is 1. */
  weights: Float64Array;
  stride: number;
}

/** The weights with which a filter brings an axis of `from` pixels to `to` pixels. */
export function kernelWeights(filter: KernelFilter, from: number, to: number): Weights {
  const kernel = kernels[filter];
  const scale = from / to;
  const widening = Math.max(scale, 1);
  const support = kernel.support * widening;
  const stride = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(to);
  const count = new Int32Array(to);
  const weights = new Float64Array(to * stride);
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const n = Math.min(from, Math.trunc(center + support + 0.5)) - start;
    const at = i * stride;
    let sum = 0;
    for (let k = 0; k < n; k++) sum += weights[at + k] = kernel.weight((k + start - center + 0.5) * (1 / widening));
    if (sum !== 0) for (let k = 0; k < n; k++) weights[at + k]! /= sum;
    first[i] = start;
    count[i] = n;
  }
  return { first, count, weights, stride };
}

/**
 * 16-bit or float values at another size. 16 bits are rounded once, at the end; with `alpha` (the last channel of 16-bit
 * pictures) colours are weighted by it.
 */
export function resampleFloat(
  data: Uint16Array | Float32Array,
  { width, height, channels }: Omit<DeepPicture, "data">,
  newWidth: number,
  newHeight: number,
  filter: KernelFilter,
  alpha: boolean,
): Uint16Array | Float32Array {
  let values = new Float32Array(data);
  if (alpha) weigh(values, channels, (color, a) => color * (a / 65535));
  if (newWidth !== width) {
    values = alongRows(values, width, height, newWidth, channels, kernelWeights(filter, width, newWidth));
  }
  if (newHeight !== height) {
    values = alongColumns(values, newWidth * channels, newHeight, kernelWeights(filter, height, newHeight));
  }
  if (alpha) weigh(values, channels, (color, a) => (a > 0 ? color / (a / 65535) : color));
  if (data instanceof Float32Array) return values;
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) out[i] = Math.max(0, Math.min(65535, values[i]! + 0.5));
  return out;
}

function weigh(values: Float32Array, channels: number, by: (color: number, alpha: number) => number): void {
  for (let i = 0; i < values.length; i += channels) {
    for (let c = 0; c < channels - 1; c++) values[i + c] = by(values[i + c]!, values[i + channels - 1]!);
  }
}

function alongRows(input: Float32Array, from: number, height: number, to: number, channels: number, w: Weights) {
  const out = new Float32Array(to * height * channels);
  let o = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < to; x++) {
      const start = x * w.stride;
      for (let c = 0; c < channels; c++) {
        let i = (y * from + w.first[x]!) * channels + c;
        let sum = 0;
        for (let k = start, end = start + w.count[x]!; k < end; k++, i += channels) sum += input[i]! * w.weights[k]!;
        out[o++] = sum;
      }
    }
  }
  return out;
}

function alongColumns(input: Float32Array, length: number, to: number, w: Weights) {
  const out = new Float32Array(length * to);
  for (let y = 0; y < to; y++) {
    for (let x = 0; x < length; x++) {
      let i = w.first[y]! * length + x;
      let sum = 0;
      for (let k = y * w.stride, end = k + w.count[y]!; k < end; k++, i += length) sum += input[i]! * w.weights[k]!;
      out[y * length + x] = sum;
    }
  }
  return out;
}
