/** Data that the audit takes from a picture: local features on a small grid, outlines, hashes, faults of the content. */
import type { ContentFault } from "../../data/content.ts";
import { resize } from "../../data/resize.ts";
import { reduceChannels } from "../../data/transforms.ts";
import type { Picture } from "../../platform.ts";
import { gaussian, type Slopes, sobel } from "../filters.ts";
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
  const around = (data: Float64Array, sigma: number) => gaussian({ width: grid, height: grid, data }, sigma);
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

/** At each place the largest values over the planes of |dx|, |dy| and of their norm, with Sobel's derivatives. */
function steepest(all: readonly Float64Array[], size: number): Slopes {
  const [first, ...others] = all.map((data) => sobel({ width: size, height: size, data }));
  const { dx, dy, slope } = first!;
  for (let i = 0; i < slope.length; i++) {
    dx[i] = Math.abs(dx[i]!);
    dy[i] = Math.abs(dy[i]!);
  }
  for (const other of others) {
    for (let i = 0; i < slope.length; i++) {
      dx[i] = Math.max(dx[i]!, Math.abs(other.dx[i]!));
      dy[i] = Math.max(dy[i]!, Math.abs(other.dy[i]!));
      slope[i] = Math.max(slope[i]!, other.slope[i]!);
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
 * [outlinePlanes, outlineGrid, outlineGrid]: how strongly the picture changes along x and along y at each place, minus the
 * mean of the surroundings. The root makes weak and strong outlines more alike: a label's is strong where a photo's is weak.
 */
export function outlines(picture: Picture): Float32Array {
  const size = 2 * outlineGrid;
  const { dx, dy } = steepest(planes(picture, size), size);
  const out = new Float32Array(outlinePlanes * outlineGrid ** 2);
  for (const [k, slope] of [dx, dy].entries()) {
    const strength = slope.map(Math.sqrt);
    const plane = { width: outlineGrid, height: outlineGrid, data: halved(strength, outlineGrid) };
    const [near, around] = [gaussian(plane, 0.6), gaussian(plane, 3)];
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
  /** The fault of the side's content; undefined where there is none. */
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
