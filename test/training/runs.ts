/** Small runs for tests, each in a temporary folder of its file. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect } from "vitest";
import { type Config, parseConfig, resumeConfig } from "../../src/config/schema.ts";
import { writeDemo } from "../../src/demo/write.ts";
import { decode } from "../../src/formats/safetensors.ts";
import { files } from "../../src/node/files.ts";
import { images } from "../../src/node/images.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { Run } from "../../src/run/run.ts";
import { train } from "../../src/training/train.ts";
import { runIn } from "../cli/run.ts";
import { given, smallRun } from "../options.ts";
import { workFolder } from "../work-folder.ts";

export const platform = await nodePlatform({ threads: 1 });

export const small = given({ ...smallRun, threads: 1, saveEpochFreq: 1 });
/** Milliseconds for tests that take a few seconds on an idle machine. */
export const patience = 120_000;
export const latest = ["latest_net_G.safetensors", "latest_net_D.safetensors", "latest_state.safetensors"];

export const stepOf = (dir: string) => Number(decode(readFileSync(join(dir, latest[2]!))).metadata.step);

/** The result of a run: all weights and states with those of kept epochs, and the losses without their durations. */
export function outcome(dir: string): Record<string, string> {
  const stored = readdirSync(dir).filter((file) => file.endsWith(".safetensors"));
  const log = readFileSync(join(dir, "loss_log.jsonl"), "utf8").replaceAll(/,"seconds":[\d.e-]+/g, "");
  return { log, ...Object.fromEntries(stored.map((file) => [file, readFileSync(join(dir, file)).toString("base64")])) };
}

export function expectSame(dir: string, reference: string): void {
  const [got, expected] = [outcome(dir), outcome(reference)];
  expect(Object.keys(got).sort()).toEqual(Object.keys(expected).sort());
  // Not by toEqual: a difference would print the files.
  for (const [file, content] of Object.entries(expected)) expect(got[file] === content, `${dir}: ${file}`).toBe(true);
}

/**
 * Runs of one test file, in a folder that is removed after its last test, with the run "whole" of 7 steps.
 *
 * Batch 2 of 5 pairs: an epoch has 3 steps, the last on a single pair.
 */
export function ownRuns() {
  const work = workFolder("session");
  const dataroot = join(work, "data");
  const checkpointsDir = join(work, "runs");
  const dirOf = (name: string) => join(checkpointsDir, name);

  /** Trains a new run. `stopAfter` asks for a stop while that step is reported. */
  async function start(name: string, options: object = {}, { stopAfter = 0 } = {}) {
    return go(parseConfig({ dataroot, checkpointsDir, name, ...small, ...options }), stopAfter);
  }

  /** Goes on with a run from what is on the disk. */
  async function resume(name: string, options: object = {}, { stopAfter = 0, at = checkpointsDir } = {}) {
    const stored = await new Run(files, { checkpointsDir: at, name }).config();
    return go(resumeConfig(stored, { ...options, checkpointsDir: at, name }), stopAfter);
  }

  /** Runs the program in another process. @param signal sent as soon as the output matches `at` */
  function cli(args: readonly string[], { at, signal }: { at?: RegExp; signal?: NodeJS.Signals } = {}) {
    let sent = false;
    return runIn(work, args, (out, kill) => {
      if (sent || !signal || !at?.test(out)) return;
      sent = true;
      kill(signal);
    });
  }

  beforeAll(async () => {
    await writeDemo({ files, images }, dataroot, { train: 5, test: 1, size: 64, seed: 1 });
    await start("whole", { maxSteps: 7 });
  }, patience);

  return {
    work,
    dataroot,
    checkpointsDir,
    flags: flagsOf({ dataroot, checkpointsDir, ...small }),
    dirOf,
    read: (name: string, file: string) => readFileSync(join(dirOf(name), file)),
    start,
    resume,
    cli,
  };
}

function go(config: Config, stopAfter: number) {
  const stop = new AbortController();
  const step = (report: { step: number }) => {
    if (report.step === stopAfter) stop.abort();
  };
  return train(config, platform, { step }, stop.signal);
}

const flagsOf = (options: object) =>
  Object.entries(options).map(
    ([key, value]) => `--${key === "netG" ? key : key.replaceAll(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}=${value}`,
  );
