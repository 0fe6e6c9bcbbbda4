/** Splits pairs into train, val and test. */
import type { Pair } from "../data/layouts.ts";
import { ConfigError } from "../errors.ts";
import { Random } from "../random.ts";

export const phases = ["train", "val", "test"] as const;
export type Phase = (typeof phases)[number];

/** Share of each phase; the sum is 1. */
export type Shares = Record<Phase, number>;

/**
 * The three shares. Val gets the rest unless its share is given.
 * @throws ConfigError where their sum is not 1
 */
export function sharesOf(train: number, test: number, val: number | undefined): Shares {
  const rest = val ?? 1 - train - test;
  const sum = train + test + rest;
  if (rest < -1e-9 || Math.abs(sum - 1) > 1e-9) {
    const given = `--train-frac ${train}, --test-frac ${test}${val === undefined ? "" : `, --val-frac ${val}`}`;
    throw new ConfigError(
      `${given}: the shares add up to ${Number((val === undefined ? train + test : sum).toFixed(6))}, expected 1`,
    );
  }
  return { train, test, val: Math.max(0, rest) };
}

/**
 * The phase of each of `count` pairs. The numbers of train and test are rounded to the nearest, val gets the rest. The
 * order is random by `seed`; with `sort` the first pairs go to train, the next to val, the last to test.
 */
export function deal(count: number, shares: Shares, { seed, sort }: { seed: number; sort: boolean }): Phase[] {
  const train = Math.min(count, Math.round(count * shares.train));
  const test = shares.val < 1e-9 ? count - train : Math.min(count - train, Math.round(count * shares.test));
  const order = sort ? Array.from({ length: count }, (_, i) => i) : new Random(seed, "split", 0).permutation(count);
  const dealt = new Array<Phase>(count);
  order.forEach((index, place) => {
    dealt[index] = place < train ? "train" : place < count - test ? "val" : "test";
  });
  return dealt;
}

export interface Placement {
  /** Paths relative to the input and to the output folder. */
  from: string;
  to: string;
  phase: Phase;
}

/**
 * The new path of each file. The result has the same layout: A/x.png of two folders goes to trainA/x.png, x.jpg of any
 * other layout to train/x.jpg. @param pairs with paths relative to the input folder
 */
export function placements(pairs: readonly Pair[], dealt: readonly Phase[]): Placement[] {
  return pairs.flatMap(({ A, B }, i) => {
    const phase = dealt[i]!;
    return [...new Set([A.file, B.file])].map((from) => {
      const [, side, rest] = A.file !== B.file ? (/^([AB])\/(.*)$/.exec(from) ?? []) : [];
      return { from, to: side ? `${phase}${side}/${rest}` : `${phase}/${from}`, phase };
    });
  });
}
