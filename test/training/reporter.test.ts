/** The time left follows the pace of the steps, and not one step during which the machine slept. */
import { expect, it } from "vitest";
import { parseConfig } from "../../src/config/schema.ts";
import { files } from "../../src/node/files.ts";
import { type LossLine, Run } from "../../src/run/run.ts";
import { Reporter } from "../../src/training/reporter.ts";

const config = parseConfig({ dataroot: "none" });
const run = new Run(files, config);
const line = (step: number, seconds: number): LossLine => ({
  epoch: 1,
  step,
  lr: 2e-4,
  seconds,
  G_GAN: 1,
  G_L1: 1,
  D_real: 1,
  D_fake: 1,
});

it("a step of an hour among steps of a quarter of a second leaves the time left in its order", () => {
  const reporter = new Reporter({ run, config, lines: [], scores: [], steps: { epochs: 1, last: 1000 } });
  for (let step = 1; step <= 100; step++) reporter.add(line(step, 0.25), 1);
  const { secondsLeft } = reporter.add(line(101, 3600), 1);
  expect(secondsLeft).toBeGreaterThan(899 * 0.25);
  expect(secondsLeft).toBeLessThan(899 * 0.25 * 1.5);
});

it("follows a machine that becomes slower for good", () => {
  const reporter = new Reporter({ run, config, lines: [], scores: [], steps: { epochs: 1, last: 1000 } });
  for (let step = 1; step <= 50; step++) reporter.add(line(step, 0.25), 1);
  let left = 0;
  for (let step = 51; step <= 250; step++) left = reporter.add(line(step, 2), 1).secondsLeft;
  expect(left).toBeCloseTo(750 * 2, -1);
});
