/** Runs compared on the same pictures: the differences of their means, with intervals by a paired bootstrap. */
import { type Interval, interval, middle, resamples, weightedMean } from "./bootstrap.ts";
import type { FeatureRows } from "./features.ts";
import { discrepancy, type Kernels, kernelsOf } from "./kid.ts";

/** A score of one run, and its difference from that of the first run. */
export interface Measured {
  /** The value over all pictures. */
  value: number;
  /** Its middle 95 % over the resamples; undefined for values that are not resampled. */
  interval?: Interval | undefined;
  /** The difference from the first run; undefined for the first. */
  difference?: { value: number; interval: Interval } | undefined;
  /**
   * Compared with the first run: whether the interval of the difference in badness is below 0, above 0, or around it.
   */
  verdict?: "better" | "worse" | "unclear" | undefined;
}

/** How pictures are resampled; the same seed gives the same resamples. */
export interface Resampling {
  /** The number of resamples. Default 2000. */
  number?: number | undefined;
  seed?: number | undefined;
}

/**
 * The means of a metric over the same pictures for each run.
 * @param values for each run, one for each picture in the same order; those that are not finite for one of two runs are left
 *   out of their difference
 * @param badness the quantity that is smaller for a better value
 */
export function compareMeans(
  values: readonly (readonly number[])[],
  badness: (value: number) => number,
  options: Resampling = {},
): Measured[] {
  const times = resamples(values[0]!.length, options.number, options.seed);
  const once = new Uint16Array(values[0]!.length).fill(1);
  return values.map((own, i): Measured => {
    const value = weightedMean(own, once);
    const measured = { value, interval: interval(times, (each) => weightedMean(own, each)) };
    if (i === 0) return measured;
    const first = values[0]!;
    const differences = own.map((v, k) => v - first[k]!);
    const worse = own.map((v, k) => badness(v) - badness(first[k]!));
    return {
      ...measured,
      difference: {
        value: weightedMean(differences, once),
        interval: interval(times, (each) => weightedMean(differences, each)),
      },
      verdict: verdictOf(interval(times, (each) => weightedMean(worse, each))),
    };
  });
}

/** Most pairs of pictures, times resamples, of a comparison of kernel distances: about 10 s of work. */
const mostWork = 5e9;

/**
 * The kernel distances (KID) of the runs' outputs from targets. Pictures are drawn with their targets, and pairs of a picture
 * with itself do not count. The number of resamples falls with the size of the sets; where it would be below 100, there are no intervals.
 * @param outputs for each run; `samples` rows for each picture
 * @param targets a row for each picture, or those of another set
 */
export function compareDistances(
  outputs: readonly FeatureRows[],
  targets: FeatureRows,
  pictures: number,
  options: Resampling = {},
): Measured[] {
  const work = outputs.reduce((sum, { count }) => sum + (count + targets.count) ** 2, 0);
  const number = Math.min(options.number ?? 2000, Math.floor(mostWork / work));
  const times = number < 100 ? [] : resamples(pictures, number, options.seed);
  const paired = targets.count === pictures;
  const distances = outputs.map((rows) => {
    const kernels = kernelsOf(rows, targets);
    return { value: discrepancy(kernels), resampled: times.map((each) => resampled(kernels, each, pictures, paired)) };
  });
  return distances.map(({ value, resampled: own }, i): Measured => {
    if (times.length === 0) return { value };
    const measured = { value, interval: middle(own) };
    if (i === 0) return measured;
    const first = distances[0]!;
    const differences = middle(own.map((v, k) => v - first.resampled[k]!));
    return {
      ...measured,
      difference: { value: value - first.value, interval: differences },
      verdict: verdictOf(differences),
    };
  });
}

function resampled(kernels: Kernels, times: Uint16Array, pictures: number, paired: boolean): number {
  const samples = kernels.m / pictures;
  const x = samples === 1 ? times : Uint16Array.from({ length: kernels.m }, (_, i) => times[Math.floor(i / samples)]!);
  return discrepancy(kernels, x, paired ? times : undefined);
}

const verdictOf = ({ low, high }: Interval): Measured["verdict"] =>
  high < 0 ? "better" : low > 0 ? "worse" : "unclear";
