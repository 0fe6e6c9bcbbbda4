/**
 * A smooth random deformation of a pair (--warp): each pixel of a crop is read at a displaced place, the same for both sides. As in
 * the U-Net paper (Ronneberger et al. 2015, 3.1) displacements are normal numbers at the points of a coarse 3 x 3 grid, with bicubic
 * interpolation between them.
 */
import type { DeepPicture } from "../platform.ts";
import type { Random } from "../random.ts";
import { mirrored } from "./mirror.ts";
import type { Size } from "./sizes.ts";
import { alike, tableFor } from "./transforms.ts";

/** Points of the grid along a side. */
const points = 3;

/** Displacements at the points of the grid in pixels, row by row: all along x, then all along y. */
export type WarpGrid = Float64Array;

/** @param deviation of the displacements, in pixels */
export function drawWarp(random: Random, deviation: number): WarpGrid {
  return Float64Array.from({ length: 2 * points * points }, () => deviation * random.normal());
}

/** Where each pixel of a crop comes from, in pixels of the picture. */
export interface Places extends Size {
  x: Float64Array;
  y: Float64Array;
}

/** The places of the pixels of a crop with its upper left corner at (left, top). The grid's outer points lie on the crop's corners. */
export function placesOf(grid: WarpGrid, left: number, top: number, { width, height }: Size): Places {
  const [columns, rows] = [weightsOf(width), weightsOf(height)];
  const [x, y] = [new Float64Array(width * height), new Float64Array(width * height)];
  const half = points * points;
  for (let v = 0, i = 0; v < height; v++) {
    for (let u = 0; u < width; u++, i++) {
      let [dx, dy] = [0, 0];
      for (let p = 0; p < points; p++) {
        for (let q = 0; q < points; q++) {
          const weight = rows[points * v + p]! * columns[points * u + q]!;
          dx += weight * grid[points * p + q]!;
          dy += weight * grid[half + points * p + q]!;
        }
      }
      x[i] = left + u + dx;
      y[i] = top + v + dy;
    }
  }
  return { width, height, x, y };
}

/** Keys' cubic kernel with a = -0.75, the one of PyTorch's and OpenCV's bicubic interpolation. */
const a = -0.75;
function cubic(t: number): number {
  const d = Math.abs(t);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

/** For each of `size` positions the weight of each point of the grid. Beyond the grid its outer points are repeated. */
function weightsOf(size: number): Float64Array {
  const weights = new Float64Array(size * points);
  for (let i = 0; i < size; i++) {
    const at = size === 1 ? 0 : (i * (points - 1)) / (size - 1);
    const first = Math.floor(at) - 1;
    for (let k = first; k < first + 4; k++) {
      weights[i * points + Math.min(points - 1, Math.max(0, k))]! += cubic(at - k);
    }
  }
  return weights;
}

/** The pixels at these places, each the nearest one: for class numbers. */
export function nearestAt(picture: DeepPicture, { width, height, x, y }: Places): DeepPicture {
  const { channels, data } = picture;
  const out = alike(data, width * height * channels);
  for (let i = 0, o = 0; i < x.length; i++) {
    const column = Math.round(mirrored(x[i]!, picture.width));
    const row = Math.round(mirrored(y[i]!, picture.height));
    const from = (row * picture.width + column) * channels;
    for (let c = 0; c < channels; c++) out[o++] = data[from + c]!;
  }
  return { ...picture, width, height, data: out };
}

/** The pixels at these places by bilinear interpolation, as values in [-1, 1], not rounded. */
export function linearAt(picture: DeepPicture, { width, height, x, y }: Places): DeepPicture {
  const { channels, data } = picture;
  const table = data instanceof Float32Array ? undefined : tableFor(data);
  const out = new Float32Array(width * height * channels);
  for (let i = 0, o = 0; i < x.length; i++) {
    const [u, v] = [mirrored(x[i]!, picture.width), mirrored(y[i]!, picture.height)];
    const column = Math.floor(u);
    const row = Math.floor(v);
    const [s, t] = [u - column, v - row];
    const upper = (row * picture.width + column) * channels;
    const right = column + 1 < picture.width ? channels : 0;
    const down = row + 1 < picture.height ? picture.width * channels : 0;
    for (let c = upper; c < upper + channels; c++) {
      const [p, q, r, z] = [data[c]!, data[c + right]!, data[c + down]!, data[c + down + right]!];
      out[o++] = table
        ? (table[p]! * (1 - s) + table[q]! * s) * (1 - t) + (table[r]! * (1 - s) + table[z]! * s) * t
        : (p * (1 - s) + q * s) * (1 - t) + (r * (1 - s) + z * s) * t;
    }
  }
  return { ...picture, width, height, data: out };
}
