/** Paired bootstrap: how sure a difference between two runs on the same pictures is (Efron and Tibshirani 1993, 13.3). */
import { Random } from "../random.ts";

/** The middle 95 % of a value over the resamples. */
export interface Interval {
  low: number;
  high: number;
}

/**
 * How often each of `count` pictures is in each resample: `count` draws with replacement. The same seed gives the same
 * resamples, so that all runs and metrics are compared on the same ones.
 */
export function resamples(count: number, number = 2000, seed = 0): Uint16Array[] {
  return Array.from({ length: number }, (_, i) => {
    const random = new Random(seed, "bootstrap", i);
    const times = new Uint16Array(count);
    for (let k = 0; k < count; k++) times[random.int(count)]!++;
    return times;
  });
}

/** The 95 % interval of `statistic` over resamples; values that are not finite are left out. */
export const interval = (samples: readonly Uint16Array[], statistic: (times: Uint16Array) => number): Interval =>
  middle(samples.map(statistic));

/** The middle 95 % of values; those that are not finite are left out. */
export function middle(values: readonly number[]): Interval {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
  return { low: at(0.025), high: at(0.975) };
}

/** The mean of a resample, of the values that are finite. */
export function weightedMean(values: readonly number[], times: ArrayLike<number>): number {
  let [sum, all] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    if (times[i] === 0 || !Number.isFinite(values[i]!)) continue;
    sum += times[i]! * values[i]!;
    all += times[i]!;
  }
  return sum / all;
}
