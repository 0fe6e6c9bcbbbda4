/** Whether a run is finished: by its last checkpoint and its options, not by its log. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import type { ConfigInput } from "../../src/config/schema.ts";
import { importRun } from "../../src/exchange/import.ts";
import { files } from "../../src/node/files.ts";
import { Run } from "../../src/run/run.ts";
import { Runs } from "../../src/run/summaries.ts";
import { storedRun } from "../exchange/stored-run.ts";
import { fixture } from "../paths.ts";
import { workFolder } from "../work-folder.ts";

const checkpointsDir = join(workFolder("states"), "runs");
const runs = new Runs(files, checkpointsDir);

/** A run of one pair, whose checkpoint is of step 1. @param logged steps in the log */
async function runOf(name: string, logged: number, options: Partial<ConfigInput>): Promise<Run> {
  const config = await storedRun(checkpointsDir, name, options);
  const run = new Run(files, config);
  for (let step = 1; step <= logged; step++) {
    await run.losses.append({ epoch: step, step, lr: 2e-4, seconds: 1, G_L1: 1 });
  }
  const steps = { perEpoch: 1, last: config.maxSteps ?? config.nEpochs + config.nEpochsDecay, epochs: 1 };
  const about = { device: "cpu", threads: 1, objective: "", parameters: 1, sample: { width: 32, height: 32 } };
  await run.saveStatus({ pairs: 1, steps, ...about });
  return run;
}

const stateOf = async (run: Run) => {
  const { state, step } = await runs.summary(run);
  return { state, step };
};

it("a run at its end is finished, until it gets more epochs", async () => {
  const run = await runOf("ended", 1, { nEpochs: 1, nEpochsDecay: 0 });
  expect(await stateOf(run)).toEqual({ state: "finished", step: 1 });
  // A kill right after the options were stored: the status is that of the training before.
  await run.saveConfig({ ...(await run.config()), nEpochs: 2 });
  expect(await stateOf(run)).toEqual({ state: "stopped", step: 1 });
});

it("a run that was killed between its last step and the checkpoint is not", async () => {
  expect(await stateOf(await runOf("killed", 3, { maxSteps: 3 }))).toEqual({ state: "stopped", step: 3 });
});

it("a run that --early-stop has ended is, by the scores up to its checkpoint", async () => {
  const run = await runOf("early", 1, { valFreq: 1, earlyStop: 2 });
  const score = (step: number, L1: number) => run.scores.append({ epoch: step, step, L1, PSNR: 1, SSIM: 0 });
  await score(-1, 0.1);
  await score(0, 0.2);
  expect(await stateOf(run)).toEqual({ state: "stopped", step: 1 });
  await score(2, 0.2);
  expect((await stateOf(run)).state).toBe("stopped");
  await score(1, 0.2);
  expect((await stateOf(run)).state).toBe("finished");
});

it("a damaged checkpoint leaves the run in the list", async () => {
  const run = await runOf("damaged", 1, { maxSteps: 1 });
  await files.write(run.path("latest_state.safetensors"), "no safetensors");
  expect(await runs.summary(run)).toMatchObject({ state: "stopped", usable: true });
});

it("a run of weights that were trained elsewhere is imported, until it has a checkpoint", async () => {
  const run = new Run(files, { checkpointsDir, name: "elsewhere" });
  const from = [fileURLToPath(fixture("torch/unet32_net_G.pth"))];
  await importRun({ from, name: run.name, checkpointsDir }, files);
  expect(await runs.summary(run)).toMatchObject({ state: "imported", usable: true });
  const begun = await runOf("begun", 0, {});
  await rm(begun.path("latest_state.safetensors"));
  await rm(begun.path("latest_net_G.safetensors"));
  expect(await runs.summary(begun)).toMatchObject({ state: "started", usable: false });
});
