import { expect, it } from "vitest";
import { deviation, mean, median } from "../src/statistics.ts";

// numpy.mean, numpy.std and numpy.median of the same numbers.
it.each([
  [[10, 9, 2, 33], { mean: 13.5, deviation: 11.672617529928752, median: 9.5 }],
  [[10, 9, 2], { mean: 7, deviation: 3.559026084010437, median: 9 }],
  [[-0.25], { mean: -0.25, deviation: 0, median: -0.25 }],
])("of %j", (values, expected) => {
  expect(mean(values)).toBeCloseTo(expected.mean, 12);
  expect(deviation(values)).toBeCloseTo(expected.deviation, 12);
  expect(median(values)).toBeCloseTo(expected.median, 12);
});

it("are not a number without numbers", () => {
  expect([mean([]), deviation([]), median([])]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
});

it("sorts numbers by size, and leaves them as they are", () => {
  const values = [100, 20, 3];
  expect(median(values)).toBe(20);
  expect(values).toEqual([100, 20, 3]);
});
