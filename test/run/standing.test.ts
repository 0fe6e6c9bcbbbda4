/** Where a run ends, for every page and server that shows it. */
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/config/schema.ts";
import type { Score } from "../../src/run/logs.ts";
import { standingOf } from "../../src/run/standing.ts";

const config = parseConfig({ dataroot: "pairs", nEpochs: 2, nEpochsDecay: 1 });
/** A checkpoint of a run on 10 pairs. */
const at = (step: number) => ({ status: undefined, progress: { epoch: 1, step, pairs: 10 }, scores: [] as Score[] });

describe("a run of 3 epochs of 10 pairs", () => {
  it("ends at step 30, also where --max-steps is not set", () => {
    expect(standingOf(config, at(29))).toMatchObject({ lastStep: 30, finished: false });
    expect(standingOf(config, at(30))).toMatchObject({ lastStep: 30, finished: true, steps: { perEpoch: 10 } });
  });

  it("ends earlier with --max-steps", () => {
    expect(standingOf({ ...config, maxSteps: 7 }, at(7))).toMatchObject({ lastStep: 7, finished: true });
  });

  it("ends earlier where --early-stop ends it, by the scores up to the checkpoint", () => {
    const scores = [10, 20, 30].map((step) => ({ epoch: step / 10, step, L1: step, PSNR: 1, SSIM: 0 }));
    const early = { ...config, valFreq: 1, earlyStop: 2 };
    expect(standingOf(early, { ...at(20), scores })).toMatchObject({ lastStep: 30, finished: false });
    expect(standingOf({ ...early, earlyStop: 1 }, { ...at(20), scores }).finished).toBe(true);
  });
});

it("before the first checkpoint nothing is finished, and the end is known by --max-steps alone", () => {
  const nothing = { status: undefined, progress: undefined, scores: [] };
  expect(standingOf(config, nothing)).toEqual({ steps: undefined, lastStep: undefined, finished: false });
  expect(standingOf({ ...config, maxSteps: 7 }, nothing).lastStep).toBe(7);
});
