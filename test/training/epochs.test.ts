/** The report at the end of each epoch: its time and the means of its losses. */
import { expect, it } from "vitest";
import { parseConfig, resumeConfig } from "../../src/config/schema.ts";
import type { LossLine } from "../../src/run/run.ts";
import { type EpochReport, train } from "../../src/training/train.ts";
import { ownRuns, patience, platform, small } from "./runs.ts";

const { checkpointsDir, dataroot, read } = ownRuns();

/** Trains with a stop at a step, then goes on. @returns the reports of both trainings */
async function reports(name: string, { stopAfter, ...options }: { stopAfter: number; lambdaGan?: number }) {
  const config = parseConfig({ dataroot, checkpointsDir, name, ...small, ...options, maxSteps: 7 });
  const all: EpochReport[] = [];
  const epoch = (report: EpochReport) => all.push(report);
  const stop = new AbortController();
  const step = (report: { step: number }) => report.step === stopAfter && stop.abort();
  await train(config, platform, { epoch, step }, stop.signal);
  await train(resumeConfig(config, {}), platform, { epoch });
  return all;
}

const linesOf = (name: string) =>
  read(name, "loss_log.jsonl")
    .toString()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as LossLine);

it(
  "comes after each whole epoch, once, also where a stop has cut it in two",
  async () => {
    const all = await reports("epochs", { stopAfter: 4 });
    // Steps 1 to 3, 4 to 6; the run ends in the third epoch.
    expect(all.map(({ epoch }) => epoch)).toEqual([1, 2]);
    const lines = linesOf("epochs").slice(3, 6);
    const mean = (of: (line: LossLine) => number) => lines.reduce((sum, line) => sum + of(line), 0) / 3;
    const { seconds, losses, lossG, lossD, lr, epochs } = all[1]!;
    expect({ lr, epochs }).toEqual({ lr: 2e-4, epochs: 3 });
    expect(seconds).toBeCloseTo(3 * mean((line) => line.seconds), 6);
    expect(Object.keys(losses)).toEqual(["G_GAN", "G_L1", "D_real", "D_fake"]);
    expect(losses.D_fake).toBeCloseTo(
      mean((line) => line.D_fake!),
      6,
    );
    expect(lossG).toBeCloseTo(
      mean(({ G_GAN, G_L1 }) => G_GAN! + G_L1),
      5,
    );
    expect(lossD).toBeCloseTo(
      mean(({ D_real, D_fake }) => (D_real! + D_fake!) / 2),
      6,
    );
  },
  patience,
);

it(
  "has nothing of D where there is none",
  async () => {
    const [first] = await reports("epochs-l1", { stopAfter: 7, lambdaGan: 0 });
    expect(Object.keys(first!.losses)).toEqual(["G_L1"]);
    expect(first!.lossD).toBeUndefined();
  },
  patience,
);
