/** PyTorch's steps on WebGPU in Node, by `pix2pix train --device webgpu` on Chromium's software adapter. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import {
  compareRun,
  flagsOf,
  optionsOf,
  read,
  readCase,
  type StepCase,
  updateError,
} from "../../training/step-cases.ts";
import { onSoftwareAdapter } from "./adapter.ts";

/** Runs go into a folder of their own. */
export const runs = mkdtempSync(join(tmpdir(), "pix2pix-webgpu-"));

/** Trains one case and compares losses and final weights with PyTorch's. */
export async function checkStep(each: StepCase): Promise<void> {
  await trainOn("webgpu", each, each.name);
  compareRun(each, join(runs, each.name));
}

/** Trains one case with --ema on WebGPU and on the CPU, and compares the running averages. */
export async function checkAverage(each: StepCase): Promise<void> {
  const initial = read(join(each.folder, "init_net_G.safetensors"));
  const [gpu, cpu] = await Promise.all(
    (["webgpu", "cpu"] as const).map(async (device) => {
      await trainOn(device, each, `average-${device}`, { ema: 0.5 });
      return read(join(runs, `average-${device}`, "latest_net_G_ema.safetensors"));
    }),
  );
  const weights = Object.keys(cpu!).filter((name) => cpu![name]!.shape.length === 4);
  expect(updateError(weights, initial, cpu!, gpu!)).toBeLessThan(each.tolerance.update);
}

async function trainOn(device: "cpu" | "webgpu", { folder }: StepCase, name: string, more = {}): Promise<void> {
  const place = { name, checkpointsDir: runs, device };
  const flags = flagsOf({ ...optionsOf(readCase(folder), folder), ...place, ...more });
  const { code, err } = await onSoftwareAdapter("src/cli/main.ts", "train", ...flags);
  expect({ code, err }).toEqual({ code: 0, err: "" });
}
