/** PyTorch's steps on WebGPU in Node, by `pix2pix train --device webgpu` on Chromium's software adapter. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { compareRun, flagsOf, optionsOf, readCase, type StepCase } from "../../training/step-cases.ts";
import { onSoftwareAdapter } from "./adapter.ts";

/** Runs go into a folder of their own. */
export const runs = mkdtempSync(join(tmpdir(), "pix2pix-webgpu-"));

/** Trains one case and compares losses and final weights with PyTorch's. */
export async function checkStep(each: StepCase): Promise<void> {
  const { name, folder } = each;
  const place = { name, checkpointsDir: runs, device: "webgpu" } as const;
  const flags = flagsOf({ ...optionsOf(readCase(folder), folder), ...place });
  const { code, err } = await onSoftwareAdapter("src/cli/main.ts", "train", ...flags);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  compareRun(each, join(runs, name));
}
