/** The Frechet distance of two sets of features (Heusel et al. 2017: FID, where they are Inception's). */
import { checkRows, checkSizes, type FeatureRows } from "./features.ts";
import { rowsByRows, traceOfRoot } from "./matrices.ts";

/** Mean and covariance of features. */
export interface Moments {
  /** Number of pictures. */
  count: number;
  /** Number of features. */
  size: number;
  /** [size] */
  mean: Float64Array;
  /** [size, size], with count - 1 as the divisor. */
  covariance: Float64Array;
}

/**
 * The mean and covariance of at least two rows, in float64.
 * @throws UserError for fewer, and for features that are not finite
 */
export function moments(rows: FeatureRows, what = "the pictures"): Moments {
  checkRows(rows, what);
  const { count, size, values } = rows;
  const mean = new Float64Array(size);
  for (let at = 0; at < values.length; at += size) for (let k = 0; k < size; k++) mean[k]! += values[at + k]! / count;
  // One row for each feature, so that a covariance is a dot product of two rows.
  const scale = 1 / Math.sqrt(count - 1);
  const turned = new Float64Array(values.length);
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < size; k++) turned[k * count + i] = (values[i * size + k]! - mean[k]!) * scale;
  }
  return { count, size, mean, covariance: rowsByRows(turned, turned, count) };
}

/**
 * |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)), in float64. With 2048 features and as many pictures it takes about 15 s;
 * with few pictures, whose covariance has a low rank, much less. The distance of small sets is biased upwards, so that only
 * sets of equal size can be compared.
 * @throws UserError for moments of different networks
 *
 * @example
 * ```ts
 * import { type FeatureRows, frechetDistance, moments } from "pix2pix";
 *
 * // Two pictures with three features each, and the same moved by 1.
 * const rows: FeatureRows = { count: 2, size: 3, values: Float32Array.of(0, 1, 2, 3, 4, 6) };
 * const moved: FeatureRows = { ...rows, values: rows.values.map((value) => value + 1) };
 * console.log(frechetDistance(moments(rows), moments(moved))); // 3
 * ```
 */
export function frechetDistance(a: Moments, b: Moments): number {
  checkSizes(a, b);
  const { size } = a;
  const trace = ({ covariance }: Moments) => {
    let sum = 0;
    for (let k = 0; k < size; k++) sum += covariance[k * (size + 1)]!;
    return sum;
  };
  let between = 0;
  for (let k = 0; k < size; k++) between += (a.mean[k]! - b.mean[k]!) ** 2;
  // The factorised covariance should be that of the lower rank.
  const [first, second] = a.count <= b.count ? [a, b] : [b, a];
  return between + trace(a) + trace(b) - 2 * traceOfRoot(first.covariance, second.covariance, size);
}
