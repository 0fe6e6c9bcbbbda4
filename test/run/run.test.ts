/** A run on disk: progress from the header alone, logs with incomplete lines, lists of runs, weights and samples. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CheckpointError } from "../../src/errors.ts";
import { encode } from "../../src/formats/safetensors.ts";
import { openWeights } from "../../src/formats/weights-file.ts";
import { files } from "../../src/node/files.ts";
import type { Files } from "../../src/platform.ts";
import { metricsOf } from "../../src/run/results.ts";
import { listRuns, nestedRuns, Run } from "../../src/run/run.ts";
import { workFolder } from "../work-folder.ts";
import { config, networks } from "./networks.ts";

const work = workFolder("run");
const place = (name: string) => ({ checkpointsDir: join(work, "runs"), name });

describe("progress", () => {
  it("is read from the header of the state: the file's other bytes are not", async () => {
    const run = new Run(files, place("header"));
    expect([await run.hasCheckpoint(), await run.progress()]).toEqual([false, undefined]);
    await run.saveLatest(networks(), { step: 7, epoch: 3, pairs: 5 });
    const parts: [string, number, number][] = [];
    const watched: Files = {
      ...files,
      read: (path) => Promise.reject(new Error(`${path} was read`)),
      readPart: (path, start, end) => {
        parts.push([path, start, end]);
        return files.readPart!(path, start, end);
      },
    };
    expect(await new Run(watched, place("header")).progress()).toEqual({ step: 7, epoch: 3, pairs: 5 });
    const { length } = await files.read(run.path("latest_state.safetensors"));
    for (const [path, start, end] of parts) {
      expect(path).toBe(run.path("latest_state.safetensors"));
      expect(end - start).toBeLessThan(length / 2);
    }
    expect(parts.length).toBeGreaterThan(0);
  });

  it("is the same where a runtime cannot read parts of files", async () => {
    const { readPart: _, ...whole } = files;
    expect(await new Run(whole, place("header")).progress()).toEqual({ step: 7, epoch: 3, pairs: 5 });
  });

  it("is that of a save that was written whole and not yet renamed", async () => {
    const run = new Run(files, place("cut"));
    await run.saveLatest(networks(), { step: 1, epoch: 1, pairs: 5 });
    const [state] = encode({}, { step: "2", epoch: "1", pairs: "5" });
    await files.write(run.path("latest_state.safetensors.next"), state!);
    expect(await run.progress()).toMatchObject({ step: 2 });
  });

  it("of a damaged state: the file is named", async () => {
    const run = new Run(files, place("damaged"));
    for (const content of ["", "PK\x03\x04 and so on", "no header"]) {
      await files.write(run.path("latest_state.safetensors"), content);
      const error = await run.progress().catch((e: Error) => e);
      expect(error).toBeInstanceOf(CheckpointError);
      expect((error as Error).message).toMatch(/latest_state\.safetensors: not a safetensors file/);
    }
  });
});

describe("logs", () => {
  const line = (step: number) => ({ epoch: 1, step, G_GAN: 1, G_L1: 2, D_real: 3, D_fake: 4, lr: 0.1, seconds: 1 });

  it("are read up to a step, and only cutAfter changes the file", async () => {
    const run = new Run(files, place("logs"));
    expect(await run.losses.read()).toEqual([]);
    for (const step of [1, 2, 3]) await run.losses.append(line(step));
    // As a kill leaves it.
    await files.append(run.path("loss_log.jsonl"), '{"epoch":1,"step":4,"G_G');
    const before = await files.read(run.path("loss_log.jsonl"));
    expect((await run.losses.read()).map(({ step }) => step)).toEqual([1, 2, 3]);
    expect((await run.losses.read(2)).map(({ step }) => step)).toEqual([1, 2]);
    expect(await files.read(run.path("loss_log.jsonl"))).toEqual(before);
    expect((await run.losses.cutAfter(2)).map(({ step }) => step)).toEqual([1, 2]);
    const text = new TextDecoder().decode(await files.read(run.path("loss_log.jsonl")));
    expect(text).toBe([1, 2].map((step) => `${JSON.stringify(line(step))}\n`).join(""));
    await run.losses.append(line(3));
    expect(await run.losses.read()).toHaveLength(3);
    // A whole line without its line break, after one that is none and one in the middle that is too late.
    await files.append(run.path("loss_log.jsonl"), `{"epoch":\n${JSON.stringify(line(9))}\n${JSON.stringify(line(4))}`);
    expect((await run.losses.cutAfter(4)).map(({ step }) => step)).toEqual([1, 2, 3, 4]);
    await run.losses.append(line(5));
    expect((await run.losses.read()).map(({ step }) => step)).toEqual([1, 2, 3, 4, 5]);
  });
});

describe("a folder of runs", () => {
  it("lists those that have options, and names them where one is missing", async () => {
    const checkpointsDir = join(work, "list");
    const run = (name: string) => new Run(files, { checkpointsDir, name });
    await expect(run("facades").config()).rejects.toThrow(/no run "facades".*list has no runs; train one with/);
    await files.write(join(checkpointsDir, "notes.txt"), "no run");
    await files.write(join(checkpointsDir, "empty/notes.txt"), "no run");
    for (const name of ["maps", "facades"]) await run(name).saveConfig(config);
    expect(await listRuns(files, checkpointsDir)).toEqual(["facades", "maps"]);
    expect(await run("maps").config()).toEqual(config);
    const error = await run("facade")
      .config()
      .catch((e: Error) => e);
    expect(error).toBeInstanceOf(CheckpointError);
    expect((error as Error).message).toMatch(
      /no run "facade": .*Did you mean facades\? Runs in .*list: facades, maps\./,
    );
    await new Run(files, { checkpointsDir: join(checkpointsDir, "grid"), name: "seed=1" }).saveConfig(config);
    expect(await nestedRuns(files, checkpointsDir)).toEqual(["grid/seed=1"]);
    await expect(run("grid/seed=0").config()).rejects.toThrow(
      /Did you mean grid\/seed=1\? Runs in .*list: facades, maps, grid\/seed=1\./,
    );
    await expect(run("xy").config()).rejects.toThrow(/no run "xy": \S+ does not exist\. Runs in/);
  });
});

it("a folder with weights of another system is no run yet: the message has the command that makes it one", async () => {
  const checkpointsDir = join(work, "checkpoints");
  const moments = ["latest_optimizers.pth", "latest_state.safetensors"];
  for (const name of ["5_net_G.pth", "latest_net_G.pth", "loss_log.txt", ...moments])
    await files.write(join(checkpointsDir, "label 2 photo", name), "");
  await expect(new Run(files, { checkpointsDir, name: "label 2 photo" }).config()).rejects.toThrow(
    `The folder has weights (latest_net_G.pth, 5_net_G.pth); make a run from them: npx pix2pix import '${checkpointsDir}/label 2 photo/latest_net_G.pth' --name 'label 2 photo' --checkpoints-dir ${checkpointsDir}; with --direction BtoA where they translate B to A`,
  );
  await files.write(join(checkpointsDir, "both", "latest_net_D.pth"), "");
  await files.write(join(checkpointsDir, "both", "latest_net_G.pth"), "");
  await expect(new Run(files, { checkpointsDir, name: "both" }).config()).rejects.toThrow(
    `npx pix2pix import ${checkpointsDir}/both/latest_net_G.pth ${checkpointsDir}/both/latest_net_D.pth --name both`,
  );
  await expect(openWeights(files, join(checkpointsDir, "label 2 photo"))).rejects.toThrow(
    /label 2 photo is a folder\. Give a file of weights in it: one of latest_net_G\.pth, 5_net_G\.pth\./,
  );
});

it("kept weights and samples are found again by their names", async () => {
  const run = new Run(files, place("kept"));
  await expect(run.generator("latest")).rejects.toThrow(/latest_net_G\.safetensors does not exist: .* not saved/);
  const nets = networks();
  await run.saveLatest(nets, { step: 1, epoch: 1, pairs: 1 });
  await run.saveWeights(20, nets, { epoch: 20, step: 100 });
  await run.saveWeights("best", nets, { epoch: 20, step: 100 });
  expect((await run.keptWeights()).sort()).toEqual(["20", "best", "latest"]);
  const { tensors, path } = await run.generator("20");
  expect(path).toBe(run.path("20_net_G.safetensors"));
  expect(tensors).toEqual((await run.generator("best")).tensors);
  await expect(run.generator("9")).rejects.toThrow(
    /9_net_G\.safetensors does not exist\. Kept weights: 20, best, latest/,
  );
  for (const epoch of [1000, 3, 20]) await run.writeSample(epoch, Uint8Array.of(epoch % 256));
  expect(await run.sampleEpochs()).toEqual([3, 20, 1000]);
  expect(await files.list(run.path("samples"))).toContainEqual({ name: "epoch_003.png", folder: false });
  expect([...(await run.readSample(20))]).toEqual([20]);
});

it("metrics.json that cannot be read is not said to be damaged", async () => {
  const folder = join(work, "results");
  mkdirSync(join(folder, "metrics.json"), { recursive: true });
  await expect(metricsOf(files, folder, "runs/x")).rejects.toThrow(/cannot read .*metrics\.json: it is a folder/);
});
