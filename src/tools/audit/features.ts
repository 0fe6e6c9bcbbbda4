/** Data that the audit takes from a picture: local features on a small grid, outlines, hashes, faults of the content. */
import type { ContentFault } from "../../data/content.ts";
import { resize } from "../../data/resize.ts";
import { reduceChannels } from "../../data/transforms.ts";
import type { Picture } from "../../platform.ts";
import { outlineGrid, outlinePlanes } from "./correlation.ts";

/** Width and height of the grid of features. */
export const grid = 48;
/** Features per place. */
export const featureCount = 17;

/** Red, green and blue planes of the picture at size x size, 0 to 1. */
function planes(picture: Picture, size: number): Float64Array[] {
  const { data, channels } = resize(reduceChannels(picture, 3), size, size, "area");
  return [0, 1, 2].map((c) => {
    const plane = new Float64Array(size * size);
    const source = channels === 3 ? c : 0;
    for (let i = 0; i < plane.length; i++) plane[i] = data[i * channels + source]! / 255;
    return plane;
  });
}

/**
 * Features [grid * grid, featureCount] of each place and its surroundings: colours, their squares and products,
 * smoothed colours at two scales, edges at two scales. No feature depends on the position.
 */
export function features(picture: Picture): Float32Array {
  const fine = planes(picture, 2 * grid);
  const colours = fine.map((data) => halved(data, grid));
  const { slope } = steepest(fine, 2 * grid);
  const edges = halved(slope.map(Math.sqrt), grid);
  const around = (data: Float64Array, sigma: number) => blurred(data, grid, sigma);
  const products = [
    [0, 0],
    [0, 1],
    [0, 2],
    [1, 1],
    [1, 2],
    [2, 2],
  ].map(([i, j]) => colours[i!]!.map((value, k) => value * colours[j!]![k]!));
  const all = [
    ...colours,
    ...products,
    ...colours.map((data) => around(data, 0.75)),
    ...colours.map((data) => around(data, 2)),
    around(edges, 0.5),
    around(edges, 1.5),
  ];
  const out = new Float32Array(grid * grid * featureCount);
  for (const [k, data] of all.entries()) {
    for (let i = 0; i < data.length; i++) out[i * featureCount + k] = data[i]!;
  }
  return out;
}

/** Weights of a Gaussian for each place of a line, zero outside; rows of 2 radius + 1. */
const kernels = new Map<string, { radius: number; weights: Float64Array }>();

function kernelOf(size: number, sigma: number): { radius: number; weights: Float64Array } {
  const known = kernels.get(`${size} ${sigma}`);
  if (known) return known;
  const radius = Math.trunc(4 * sigma + 0.5);
  const taps = 2 * radius + 1;
  const weights = new Float64Array(size * taps);
  for (let at = 0; at < size; at++) {
    const row = weights.subarray(at * taps, (at + 1) * taps);
    for (let k = 0; k < taps; k++) {
      const there = at + k - radius;
      if (there >= 0 && there < size) row[k] = Math.exp(-((k - radius) ** 2) / (2 * sigma ** 2));
    }
    const total = row.reduce((sum, value) => sum + value, 0);
    for (let k = 0; k < taps; k++) row[k]! /= total;
  }
  kernels.set(`${size} ${sigma}`, { radius, weights });
  return { radius, weights };
}

/** A square smoothed by a Gaussian; near the border the weights of the places inside are scaled up to 1. */
function blurred(data: Float64Array, size: number, sigma: number): Float64Array {
  const { radius, weights } = kernelOf(size, sigma);
  const taps = 2 * radius + 1;
  // Each pass smooths along rows and transposes, so that two passes smooth both ways.
  const pass = (from: Float64Array) => {
    const out = new Float64Array(from.length);
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const [first, last] = [Math.max(0, x - radius), Math.min(size - 1, x + radius)];
        let weight = x * taps + first - x + radius;
        let sum = 0;
        for (let i = y * size + first; i <= y * size + last; i++) sum += weights[weight++]! * from[i]!;
        out[x * size + y] = sum;
      }
    }
    return out;
  };
  return pass(pass(data));
}

/** At each place the largest values over the planes of |dx|, |dy| and of their norm, with Sobel's derivatives. */
function steepest(all: readonly Float64Array[], size: number): Record<"dx" | "dy" | "slope", Float64Array> {
  const [dx, dy, slope] = [0, 0, 0].map(() => new Float64Array(size * size)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  for (const data of all) {
    for (let y = 0; y < size; y++) {
      const [above, row, below] = [Math.max(0, y - 1) * size, y * size, Math.min(size - 1, y + 1) * size];
      for (let x = 0; x < size; x++) {
        const [l, r] = [Math.max(0, x - 1), Math.min(size - 1, x + 1)];
        const falling = data[below + r]! - data[above + l]!;
        const rising = data[above + r]! - data[below + l]!;
        const h = Math.abs(falling + rising + 2 * (data[row + r]! - data[row + l]!));
        const v = Math.abs(falling - rising + 2 * (data[below + x]! - data[above + x]!));
        const i = row + x;
        if (h > dx[i]!) dx[i] = h;
        if (v > dy[i]!) dy[i] = v;
        slope[i] = Math.max(slope[i]!, Math.sqrt(h * h + v * v));
      }
    }
  }
  return { dx, dy, slope };
}

/** Means of 2 x 2 values; [2 size, 2 size] becomes [size, size]. */
function halved(data: Float64Array, size: number): Float64Array {
  const out = new Float64Array(size * size);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const i = (2 * y * size + x) * 2;
      out[y * size + x] = (data[i]! + data[i + 1]! + data[i + 2 * size]! + data[i + 2 * size + 1]!) / 4;
    }
  }
  return out;
}

/**
 * [outlinePlanes, outlineGrid, outlineGrid]: how strongly the picture changes along x and along y at each place, less the
 * mean of the surroundings. The root makes weak and strong outlines more alike: a label's is strong where a photo's is weak.
 */
export function outlines(picture: Picture): Float32Array {
  const size = 2 * outlineGrid;
  const { dx, dy } = steepest(planes(picture, size), size);
  const out = new Float32Array(outlinePlanes * outlineGrid ** 2);
  for (const [k, slope] of [dx, dy].entries()) {
    const strength = slope.map(Math.sqrt);
    const small = halved(strength, outlineGrid);
    const near = blurred(small, outlineGrid, 0.6);
    const around = blurred(small, outlineGrid, 3);
    for (let i = 0; i < near.length; i++) out[k * near.length + i] = near[i]! - around[i]!;
  }
  return out;
}

/** Data kept of each side to find duplicates and empty pictures. */
export interface Look {
  width: number;
  height: number;
  /** Hash of all pixels, 64 bits. */
  content: string;
  /** Perceptual hash of 64 bits, high word first: pictures that look alike differ in few bits. */
  hash: readonly [high: number, low: number];
  /** 16 x 16 RGB. */
  small: Uint8Array;
  /** What is wrong with the content of the side, where anything is. */
  fault: ContentFault | undefined;
}

/** @param fault see `contentFault` */
export function look(picture: Picture, fault?: ContentFault): Look {
  const { width, height } = picture;
  const small = resize(reduceChannels(picture, 3), 16, 16, "area");
  const rgb =
    small.channels === 3 ? small.data : Uint8Array.from({ length: 768 }, (_, i) => small.data[Math.floor(i / 3)]!);
  return { width, height, content: contentOf(picture), hash: perceptualHash(picture), small: rgb, fault };
}

/** Two multiplicative hashes of the size and all values. */
function contentOf({ width, height, channels, data }: Picture): string {
  let [a, b] = [0x811c9dc5, 0x1b873593];
  for (const value of [width, height, channels])
    [a, b] = [Math.imul(a ^ value, 0x01000193), Math.imul(b + value, 0x5bd1e995)];
  for (let i = 0; i < data.length; i++) {
    a = Math.imul(a ^ data[i]!, 0x01000193);
    b = Math.imul((b ^ (b >>> 13)) + data[i]!, 0x5bd1e995);
  }
  return `${(a >>> 0).toString(16)}-${(b >>> 0).toString(16)}`;
}

/** Cosines of the 8 lowest frequencies, without the mean, at 32 samples. */
const cosines = Array.from({ length: 8 }, (_, k) =>
  Float64Array.from({ length: 32 }, (_, x) => Math.cos((Math.PI / 32) * (x + 0.5) * (k + 1))),
);

/**
 * One bit for each of the 64 lowest frequencies of the 32 x 32 grey picture, without the mean: 1 above their median.
 */
function perceptualHash(picture: Picture): [number, number] {
  const { data } = resize(reduceChannels(picture, 1), 32, 32, "area");
  const rows = cosines.map((wave) =>
    Float64Array.from({ length: 32 }, (_, y) => wave.reduce((sum, c, x) => sum + c * data[y * 32 + x]!, 0)),
  );
  const values = cosines.flatMap((wave) => rows.map((row) => wave.reduce((sum, c, y) => sum + c * row[y]!, 0)));
  const median = [...values].sort((a, b) => a - b)[32]!;
  const word = (from: number) =>
    values.slice(from, from + 32).reduce((bits, v) => (bits << 1) | (v > median ? 1 : 0), 0);
  return [word(0) >>> 0, word(32) >>> 0];
}
