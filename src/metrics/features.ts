/** Features of pictures: a row of numbers for each, as a network computes them. */
import { UserError } from "../errors.ts";

/** The features of a set of pictures. */
export interface FeatureRows {
  /** Number of pictures. */
  count: number;
  /** Features of each. */
  size: number;
  /** [count, size] */
  values: Float32Array;
}

/** Rows below each other. All have the length of the first. */
export function featureRows(rows: readonly Float32Array[]): FeatureRows {
  const size = rows[0]?.length ?? 0;
  const values = new Float32Array(rows.length * size);
  for (const [i, row] of rows.entries()) values.set(row, i * size);
  return { count: rows.length, size, values };
}

/**
 * @param what the set is, for the message: "the outputs"
 * @throws UserError for fewer than two pictures, and for features that are not finite
 */
export function checkRows({ count, size, values }: FeatureRows, what: string): void {
  if (count < 2) throw new UserError(`FID and KID compare sets of at least two pictures; ${what} are ${count}`);
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new UserError(
      `feature ${bad % size} of picture ${Math.floor(bad / size) + 1} of ${what} is ${values[bad]}: the features file is ` +
        "damaged, or its weights are not those of the network that its names say; FID and KID need finite features",
    );
  }
}

/** @throws UserError for two sets with different numbers of features */
export function checkSizes(a: { size: number }, b: { size: number }): void {
  if (a.size === b.size) return;
  throw new UserError(`the sets have ${a.size} and ${b.size} features a picture: they are of different networks`);
}
