import { expect, test } from "vitest";
import { parseConfig } from "../../src/config/schema.ts";
import { stepsOf, stepsPerEpoch } from "../../src/run/steps.ts";

test.each([
  ["a batch for each pair", { batchSize: 1, accumulate: 1, dropLast: false }, 10],
  ["a smaller last batch", { batchSize: 4, accumulate: 1, dropLast: false }, 3],
  ["the smaller batch dropped", { batchSize: 4, accumulate: 1, dropLast: true }, 2],
  ["two batches a step", { batchSize: 4, accumulate: 2, dropLast: false }, 2],
  ["two batches a step, the smaller one dropped", { batchSize: 4, accumulate: 2, dropLast: true }, 1],
])("an epoch of 10 pairs with %s", (_, options, steps) => {
  expect(stepsPerEpoch(10, options)).toBe(steps);
});

test("--max-steps ends a run within an epoch", () => {
  const config = parseConfig({
    dataroot: "pairs",
    batchSize: 4,
    dropLast: true,
    nEpochs: 3,
    nEpochsDecay: 2,
    maxSteps: 7,
  });
  expect(stepsOf(config, 10)).toEqual({ perEpoch: 2, last: 7, epochs: 4 });
  expect(stepsOf({ ...config, maxSteps: undefined }, 10)).toEqual({ perEpoch: 2, last: 10, epochs: 5 });
});
