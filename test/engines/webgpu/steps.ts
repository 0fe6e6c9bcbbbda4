/** PyTorch's steps on WebGPU in Node, by `pix2pix train --device webgpu` on Chromium's software adapter. */
import { existsSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { fixture, reference } from "../../paths.ts";
import {
  compareLosses,
  compareWeights,
  loose,
  optionsOf,
  read,
  readCase,
  type Tolerance,
  tight,
} from "../../training/step-cases.ts";
import { onSoftwareAdapter } from "./adapter.ts";

/** A folder of training steps with the tolerance that each step is held to. */
export interface StepCase {
  name: string;
  folder: string;
  tolerance: Tolerance;
}

/** All steps: those of the fixtures and, where they are there, those beside the repository. */
export const stepCases: readonly StepCase[] = [
  { parent: fixture("steps").pathname, tolerance: tight },
  { parent: reference, tolerance: loose },
].flatMap(({ parent, tolerance }) =>
  (existsSync(parent) ? readdirSync(parent) : [])
    .filter((name) => existsSync(join(parent, name, "expected.json")))
    .map((name) => ({ name, folder: join(parent, name), tolerance })),
);

/** Runs go into a folder of their own. */
export const runs = mkdtempSync(join(tmpdir(), "pix2pix-webgpu-"));

/** Trains one case and compares losses and final weights with PyTorch's. */
export async function checkStep({ name, folder, tolerance }: StepCase): Promise<void> {
  const expected = readCase(folder);
  const place = { name, checkpointsDir: runs, device: "webgpu" };
  const options: ReturnType<typeof optionsOf> = { ...optionsOf(expected, folder), ...place };
  const flags = Object.entries(options).map(([key, value]) => (value === true ? `--${key}` : `--${key}=${value}`));
  const { code, err } = await onSoftwareAdapter("src/cli/main.ts", "train", ...flags);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  const run = join(runs, name);
  const log = readFileSync(join(run, "loss_log.jsonl"), "utf8").trim().split("\n");
  const losses = log.map((line) => JSON.parse(line));
  compareLosses(expected.losses, losses, tolerance.loss);
  for (const letter of ["G", "D"] as const) {
    const actual = read(join(run, `latest_net_${letter}.safetensors`));
    compareWeights(folder, letter, expected.config.norm, tolerance, actual);
  }
}
