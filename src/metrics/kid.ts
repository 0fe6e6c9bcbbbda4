/**
 * The kernel distance of two sets of features (Binkowski et al. 2018: KID, where they are Inception's): the unbiased
 * estimate of the squared maximum mean discrepancy with the kernel (x'y / size + 1)^3.
 */
import { UserError } from "../errors.ts";
import { deviation, mean } from "../statistics.ts";
import { checkRows, checkSizes, type FeatureRows } from "./features.ts";
import { rowsByRows } from "./matrices.ts";
import { NumpyRandom } from "./numpy-random.ts";

/** The subsets of `kernelDistance`. */
export interface KidOptions {
  /** Number of subsets. Default 100, as torch-fidelity. */
  subsets?: number | undefined;
  /** Pictures of each set in a subset. Default: 1000, as torch-fidelity, or all pictures of the smaller set. */
  subsetSize?: number | undefined;
  /** The seed of the subsets, which are those of torch-fidelity for the same seed. Default 2020, as there. */
  seed?: number | undefined;
}

/** A kernel distance. */
export interface Kid {
  /** The mean over the subsets. For sets of one distribution it is 0 on average, so it can be negative. */
  mean: number;
  /** The standard deviation over the subsets, as torch-fidelity gives it; 0 where the subsets are the sets. */
  std: number;
  /** The standard error of the estimate from all pictures. */
  error: number;
  subsets: number;
  subsetSize: number;
}

/** Up to this many pictures in a set, the kernels between all pictures are kept in memory: 100 MB. */
const mostKept = 2000;

/**
 * The kernel distance of two sets of at least two pictures each, in float64. Where a subset holds all pictures, there is one.
 * Up to 2000 pictures the error is the jackknife's, leaving out one picture after the other. Of larger sets it is
 * std * sqrt(m / (n - m)) for subsets of m of n pictures (Politis and Romano 1994).
 * @throws UserError for fewer pictures, subsets that are larger than a set, different networks, and features that are not
 *   finite
 *
 * @example
 * ```ts
 * import { type FeatureRows, kernelDistance } from "pix2pix";
 *
 * const outputs: FeatureRows = { count: 3, size: 2, values: Float32Array.of(0, 1, 2, 1, 1, 3) };
 * const targets: FeatureRows = { count: 3, size: 2, values: Float32Array.of(5, 1, 4, 2, 6, 3) };
 * const { mean, error } = kernelDistance(outputs, targets);
 * console.log(`${mean} with a standard error of ${error}`);
 * ```
 */
export function kernelDistance(a: FeatureRows, b: FeatureRows, options: KidOptions = {}): Kid {
  checkRows(a, "the outputs");
  checkRows(b, "the targets");
  checkSizes(a, b);
  const least = Math.min(a.count, b.count);
  const { subsets = 100, subsetSize: m = Math.min(1000, least), seed = 2020 } = options;
  if (m < 2 || m > least) {
    throw new UserError(`a subset of ${m} pictures: the sets have ${a.count} and ${b.count}, expected 2 to ${least}`);
  }
  if (m === a.count && m === b.count) {
    const kernels = kernelsOf(a, b);
    return { mean: discrepancy(kernels), std: 0, error: jackknife(kernels), subsets: 1, subsetSize: m };
  }
  const random = new NumpyRandom(seed);
  const kept = Math.max(a.count, b.count) <= mostKept ? kernelsOf(a, b) : undefined;
  const each = Array.from({ length: subsets }, () => {
    const [i, j] = [random.choice(a.count, m), random.choice(b.count, m)];
    return discrepancy(kept ? partOf(kept, i, j) : kernelsOf(chosen(a, i), chosen(b, j)));
  });
  const std = deviation(each);
  const all = least > m ? least : Math.max(a.count, b.count);
  const error = kept ? jackknife(kept) : std * Math.sqrt(m / (all - m));
  return { mean: mean(each), std, error, subsets, subsetSize: m };
}

/** The kernel within both sets, and between them: xx [m, m], yy [n, n], xy [m, n]. */
export interface Kernels {
  xx: Float64Array;
  yy: Float64Array;
  xy: Float64Array;
  m: number;
  n: number;
}

/** The kernels of two sets of features. @throws UserError for different networks */
export function kernelsOf(a: FeatureRows, b: FeatureRows): Kernels {
  checkSizes(a, b);
  const [x, y] = [a, b].map(({ values }) => Float64Array.from(values)) as [Float64Array, Float64Array];
  const cubed = (p: Float64Array, q: Float64Array) => rowsByRows(p, q, a.size).map((v) => (v / a.size + 1) ** 3);
  return { xx: cubed(x, x), yy: cubed(y, y), xy: cubed(x, y), m: a.count, n: b.count };
}

/**
 * The squared discrepancy of samples from both sets, without bias.
 * @param x how often each picture of the first set is in the sample; once by default @param y the same of the second
 */
export function discrepancy({ xx, yy, xy, m, n }: Kernels, x?: ArrayLike<number>, y?: ArrayLike<number>): number {
  return within(xx, m, x) + within(yy, n, y) - 2 * between(xy, m, n, x, y);
}

/** The mean over pairs of two different pictures. */
function within(kernel: Float64Array, n: number, times?: ArrayLike<number>): number {
  let [sum, pairs] = [0, 0];
  for (let i = 0; i < n; i++) {
    const ti = times ? times[i]! : 1;
    if (ti === 0) continue;
    let [row, others] = [0, 0];
    for (let j = 0; j < i; j++) {
      const tj = times ? times[j]! : 1;
      row += tj * kernel[i * n + j]!;
      others += tj;
    }
    sum += ti * row;
    pairs += ti * others;
  }
  return sum / pairs;
}

function between(
  kernel: Float64Array,
  m: number,
  n: number,
  x: ArrayLike<number> | undefined,
  y: ArrayLike<number> | undefined,
): number {
  let [sum, pairs] = [0, 0];
  for (let i = 0; i < m; i++) {
    const xi = x ? x[i]! : 1;
    if (xi === 0) continue;
    for (let j = 0; j < n; j++) {
      const weight = xi * (y ? y[j]! : 1);
      sum += weight * kernel[i * n + j]!;
      pairs += weight;
    }
  }
  return sum / pairs;
}

function partOf({ xx, yy, xy, m, n }: Kernels, i: Uint32Array, j: Uint32Array): Kernels {
  const part = (kernel: Float64Array, width: number, rows: Uint32Array, columns: Uint32Array) => {
    const out = new Float64Array(rows.length * columns.length);
    let at = 0;
    for (const row of rows) for (const column of columns) out[at++] = kernel[row * width + column]!;
    return out;
  };
  return { xx: part(xx, m, i, i), yy: part(yy, n, j, j), xy: part(xy, n, i, j), m: i.length, n: j.length };
}

function chosen({ size, values }: FeatureRows, rows: Uint32Array): FeatureRows {
  const out = new Float32Array(rows.length * size);
  rows.forEach((row, i) => {
    out.set(values.subarray(row * size, (row + 1) * size), i * size);
  });
  return { count: rows.length, size, values: out };
}

/** The jackknife's standard error of the discrepancy of two independent sets (Arvesen 1969), from sums of rows. */
function jackknife({ xx, yy, xy, m, n }: Kernels): number {
  if (Math.min(m, n) < 3) return Number.NaN;
  const rowSums = (kernel: Float64Array, rows: number, columns: number) =>
    Float64Array.from({ length: rows }, (_, i) =>
      kernel.subarray(i * columns, (i + 1) * columns).reduce((sum, value) => sum + value, 0),
    );
  const turned = new Float64Array(m * n);
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) turned[j * m + i] = xy[i * n + j]!;
  const variance = (own: Float64Array, count: number, cross: Float64Array, others: number) => {
    const inside = rowSums(own, count, count).map((sum, i) => sum - own[i * (count + 1)]!);
    const outside = rowSums(cross, count, others);
    const [all, crossing] = [inside, outside].map((sums) => sums.reduce((a, b) => a + b, 0)) as [number, number];
    // The discrepancy without picture i, apart from a term that is the same for all i.
    const without = inside.map(
      (sum, i) =>
        (all - 2 * sum) / ((count - 1) * (count - 2)) - (2 * (crossing - outside[i]!)) / ((count - 1) * others),
    );
    const middle = mean(without);
    return ((count - 1) / count) * without.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  };
  return Math.sqrt(variance(xx, m, xy, n) + variance(yy, n, turned, m));
}
