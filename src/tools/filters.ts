/** Filters over planes of values: Gaussian smoothing and Sobel's derivatives. */

/** One value per pixel, row by row. */
export interface Plane {
  width: number;
  height: number;
  data: Float64Array;
}

interface Kernel {
  radius: number;
  /** A row of 2 radius + 1 weights for each place of a line; zero outside the line, with a sum of 1. */
  weights: Float64Array;
}

/** The last kernels, by length of the line and sigma: pictures of one data set need the same few. */
const kernels = new Map<string, Kernel>();
const mostKernels = 16;

function kernelOf(length: number, sigma: number): Kernel {
  const key = `${length} ${sigma}`;
  const known = kernels.get(key) ?? makeKernel(length, sigma);
  kernels.delete(key);
  kernels.set(key, known);
  for (const oldest of kernels.keys()) {
    if (kernels.size <= mostKernels) break;
    kernels.delete(oldest);
  }
  return known;
}

function makeKernel(length: number, sigma: number): Kernel {
  const radius = Math.trunc(4 * sigma + 0.5);
  const taps = 2 * radius + 1;
  const weights = new Float64Array(length * taps);
  for (let at = 0; at < length; at++) {
    const row = weights.subarray(at * taps, (at + 1) * taps);
    for (let k = 0; k < taps; k++) {
      const there = at + k - radius;
      if (there >= 0 && there < length) row[k] = Math.exp(-((k - radius) ** 2) / (2 * sigma ** 2));
    }
    const total = row.reduce((sum, value) => sum + value, 0);
    for (let k = 0; k < taps; k++) row[k]! /= total;
  }
  return { radius, weights };
}

/**
 * Gaussian filter along rows and columns. Near the border the weights inside the picture are scaled to a sum of 1, as in
 * skimage.feature.canny. @param sigma in pixels; below 1/8 nothing changes
 */
export function gaussian({ width, height, data }: Plane, sigma: number): Float64Array {
  if (Math.trunc(4 * sigma + 0.5) === 0) return data;
  // Each pass smooths along rows and transposes.
  return smoothed(smoothed(data, width, height, sigma), height, width, sigma);
}

function smoothed(from: Float64Array, width: number, height: number, sigma: number): Float64Array {
  const { radius, weights } = kernelOf(width, sigma);
  const taps = 2 * radius + 1;
  const out = new Float64Array(from.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [first, last] = [Math.max(0, x - radius), Math.min(width - 1, x + radius)];
      let weight = x * taps + first - x + radius;
      let sum = 0;
      for (let i = y * width + first; i <= y * width + last; i++) sum += weights[weight++]! * from[i]!;
      out[x * height + y] = sum;
    }
  }
  return out;
}

/** Sobel's derivatives, and their norm. */
export interface Slopes {
  dx: Float64Array;
  dy: Float64Array;
  slope: Float64Array;
}

/** Sobel's derivatives (weights 1 2 1, not scaled) with mirrored borders, and their norm. */
export function sobel({ width, height, data }: Plane): Slopes {
  const [dx, dy, slope] = [0, 0, 0].map(() => new Float64Array(data.length)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  for (let y = 0; y < height; y++) {
    const row = y * width;
    const [above, below] = [Math.max(0, y - 1) * width, Math.min(height - 1, y + 1) * width];
    for (let x = 0; x < width; x++) {
      const [l, r] = [Math.max(0, x - 1), Math.min(width - 1, x + 1)];
      const falling = data[below + r]! - data[above + l]!;
      const rising = data[above + r]! - data[below + l]!;
      const h = falling + rising + 2 * (data[row + r]! - data[row + l]!);
      const v = falling - rising + 2 * (data[below + x]! - data[above + x]!);
      const i = row + x;
      dx[i] = h;
      dy[i] = v;
      slope[i] = Math.sqrt(h * h + v * v);
    }
  }
  return { dx, dy, slope };
}
