/** A run that goes on from weights that it has kept: --continue-train --epoch. */
import { cpSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parseConfig, resumeConfig } from "../../src/config/schema.ts";
import { CheckpointError, ConfigError } from "../../src/errors.ts";
import { decode } from "../../src/formats/safetensors.ts";
import type { Files } from "../../src/platform.ts";
import { Run } from "../../src/run/run.ts";
import { train } from "../../src/training/train.ts";
import { expectSame, outcome, ownRuns, patience, platform } from "./runs.ts";

const { checkpointsDir, cli, dataroot, dirOf, resume, start } = ownRuns();

const end = { nEpochs: 4, nEpochsDecay: 0, valFreq: 1, valPhase: "test", saveByIter: true, saveLatestFreq: 2 };

beforeAll(async () => {
  await start("exact", { ...end, saveState: true });
  await start("plain", end);
}, patience);

let count = 0;
function copyOf(name: string): string {
  const copy = `copy${count++}`;
  cpSync(dirOf(name), dirOf(copy), { recursive: true });
  return copy;
}

const weights = (name: string, file: string) => decode(readFileSync(join(dirOf(name), file))).tensors;
const steps = (name: string) =>
  readFileSync(join(dirOf(name), "loss_log.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).step);

describe("a run that goes on from a kept epoch", () => {
  it("comes to the same files where its moments were kept; what came after is a run of its own", async () => {
    const name = copyOf("exact");
    expect(await resume(name, { epoch: "2", maxSteps: 6 })).toMatchObject({ step: 6 });
    expect(steps(name)).toEqual([1, 2, 3, 4, 5, 6]);
    const left = readdirSync(dirOf(name)).filter(
      (file) => /^(\d|iter)/.test(file) && file.endsWith("net_G.safetensors"),
    );
    expect(left.sort()).toEqual(["1", "2", "iter_2", "iter_4", "iter_6"].map((label) => `${label}_net_G.safetensors`));
    expect(readdirSync(join(dirOf(name), "samples"))).toEqual(["epoch_001.png", "epoch_002.png"]);
    expect(await resume(name, { maxSteps: 12 })).toMatchObject({ step: 12 });
    expectSame(dirOf(name), dirOf("exact"));

    const aside = join(dirOf(name), "until_epoch_4");
    const all = outcome(dirOf("exact"));
    const earlier = Object.keys(all).filter((file) => !/^([12]|iter_[246])_/.test(file));
    const kept = outcome(aside);
    expect(Object.keys(kept).sort()).toEqual(earlier.filter((file) => file in kept).sort());
    for (const file of Object.keys(kept)) expect(kept[file] === all[file], file).toBe(true);
    for (const file of earlier.filter((file) => !file.startsWith("best"))) expect(kept).toHaveProperty([file]);
    expect(await resume(`${name}/until_epoch_4`, { maxSteps: 13, nEpochs: 5 })).toMatchObject({ step: 13 });
  }, 60_000);

  it("begins Adam anew where its moments were not kept: the first step changes each weight by the learning rate", async () => {
    const name = copyOf("plain");
    await resume(name, { epoch: "2", maxSteps: 7, lr: 1e-3 });
    const [before, after] = [weights("plain", "2_net_G.safetensors"), weights(name, "latest_net_G.safetensors")];
    const { data } = after["model.model.0.weight"]!;
    const changes = [...data].map((value, i) =>
      Math.abs(Number(value) - Number(before["model.model.0.weight"]!.data[i])),
    );
    // Kingma and Ba 2015, section 2.1: m / sqrt(v) of the first step is the sign of the gradient.
    for (const change of changes) expect(Math.abs(change / 1e-3 - 1)).toBeLessThan(1e-2);

    const stopped = copyOf("plain");
    await resume(stopped, { epoch: "2", maxSteps: 7 });
    await resume(stopped, { maxSteps: 12 });
    const through = copyOf("plain");
    await resume(through, { epoch: "2" });
    expectSame(dirOf(stopped), dirOf(through));
  }, 60_000);

  it("takes every kept label, again and again, and keeps each past", async () => {
    const name = copyOf("exact");
    expect(await resume(name, { epoch: "iter_4", maxSteps: 5 })).toMatchObject({ step: 5 });
    expect(await resume(name, { epoch: "iter_2", maxSteps: 12 })).toMatchObject({ step: 12 });
    expectSame(dirOf(name), dirOf("exact"));
    expect(await resume(name, { epoch: "iter_4", maxSteps: 4 })).toMatchObject({ step: 4 });
    const asides = readdirSync(dirOf(name)).filter((file) => file.startsWith("until"));
    // The same end, twice: it is the same past.
    expect(asides).toEqual(["until_epoch_2", "until_epoch_4"]);
    await resume(name, { lr: 5e-4, maxSteps: 12 });
    await resume(name, { epoch: "1", maxSteps: 3 });
    expect(readdirSync(dirOf(name)).filter((file) => file.startsWith("until"))).toEqual([...asides, "until_epoch_4_2"]);
  }, 60_000);

  it("sets aside what was drawn within later epochs, too", async () => {
    await start("watched", { ...end, displayFreq: "4" });
    const samples = (dir: string) => readdirSync(join(dir, "samples"));
    const all = samples(dirOf("watched"));
    expect(all).toContain("epoch_003_step_000008.png");
    await resume("watched", { epoch: "2", maxSteps: 6 });
    expect(samples(dirOf("watched"))).toEqual([
      "epoch_001.png",
      "epoch_001_step_000000.png",
      "epoch_002.png",
      "epoch_002_step_000004.png",
    ]);
    const aside = join(dirOf("watched"), "until_epoch_4");
    expect(samples(aside)).toEqual(all);
    expect(readdirSync(aside)).toEqual(expect.arrayContaining(["status.json", "drawing.json"]));
  }, 60_000);

  it("loses nothing when it fails at any point, and a repetition completes it", async () => {
    const reference = copyOf("exact");
    await resume(reference, { epoch: "2", maxSteps: 6 });
    for (let failAt = 1, failed = true; failed; failAt += 5) {
      const name = copyOf("exact");
      const run = new Run(platform.files, { checkpointsDir, name });
      let changes = 0;
      failed = false;
      const counted = <Args extends unknown[]>(change: (...args: Args) => Promise<void>) => {
        return async (...args: Args) => {
          if (++changes === failAt) {
            failed = true;
            throw new Error("injected");
          }
          await change(...args);
        };
      };
      const { write, rename, remove } = platform.files;
      const files: Files = {
        ...platform.files,
        write: counted(write),
        rename: counted(rename),
        remove: counted(remove),
      };
      const config = resumeConfig(await run.config(), { checkpointsDir, name, epoch: "2", maxSteps: 6 });
      const error = await train(config, { ...platform, files }).catch((reason: Error) => reason.message);
      if (failed) expect(error).toBe("injected");
      expect([6, 12]).toContain((await run.progress())!.step);
      const all = ["3", "4", "iter_8", "iter_10", "iter_12", "1", "2", "iter_2"].map(
        (label) => `${label}_net_D.safetensors`,
      );
      for (const file of all) {
        const there = [dirOf(name), join(dirOf(name), "until_epoch_4")].some((dir) => existsSync(join(dir, file)));
        expect(there, `${file} after a failure at change ${failAt}`).toBe(true);
      }
      await resume(name, { epoch: "2", maxSteps: 6 });
      expectSame(dirOf(name), dirOf(reference));
      expectSame(join(dirOf(name), "until_epoch_4"), join(dirOf(reference), "until_epoch_4"));
      expect(readdirSync(dirOf(name)).filter((file) => file.startsWith("until"))).toEqual(["until_epoch_4"]);
    }
  }, 120_000);

  it("refuses weights that were not kept, other labels, and a run that does not go on; nothing changes", async () => {
    const name = copyOf("plain");
    await expect(resume(name, { epoch: "7" })).rejects.toThrow(
      /7_net_G\.safetensors does not exist\. Kept weights: .*1, 2/,
    );
    await expect(resume(name, { epoch: "two" })).rejects.toThrow(ConfigError);
    const other = { dataroot, checkpointsDir, name: "fresh", epoch: "2" };
    expect(() => parseConfig(other)).toThrow("give --continue-train and the --name of the run");
    cpSync(join(dirOf(name), "3_net_D.safetensors"), join(dirOf(name), "2_net_D.safetensors"));
    await expect(resume(name, { epoch: "2" })).rejects.toThrow(CheckpointError);
    cpSync(join(dirOf("plain"), "2_net_D.safetensors"), join(dirOf(name), "2_net_D.safetensors"));
    expectSame(dirOf(name), dirOf("plain"));
  }, 60_000);
});

it("upstream's way to go on from an epoch works, and says what it did", async () => {
  const name = copyOf("plain");
  const args = ["train", "--checkpoints_dir", checkpointsDir, "--name", name, "--continue_train", "--max-steps=6"];
  const { code, out } = await cli([...args, "--epoch", "2", "--epoch_count", "3"]);
  expect(out).toContain(
    "The run goes on from the weights of --epoch 2 (step 6). Adam's moments were not kept with them (--save-state) and " +
      `begin anew. What came after them, to step 12, is the run --name ${name}/until_epoch_4.`,
  );
  expect(code).toBe(0);
  const again = await cli([...args, "--epoch=2"]);
  expect(again.out).toContain("The last checkpoint is that of --epoch 2 (step 6).");
}, 60_000);
