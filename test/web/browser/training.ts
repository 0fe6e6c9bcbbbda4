/** Training in the page, from a test: files go there and come back, runs begin, stop and go on. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { expect } from "vitest";
import type { ConfigInput } from "../../../src/config/schema.ts";
import { decode } from "../../../src/formats/safetensors.ts";
import {
  compareLosses,
  compareWeights,
  loose,
  optionsOf,
  readCase,
  type StepCase,
  stepCases,
} from "../../training/step-cases.ts";
import type { Harness } from "./harness.ts";

declare const pix2pix: Harness;

/** Training steps of PyTorch by name: the folder of each, and how near to be. */
export const cases: Record<string, Pick<StepCase, "folder" | "tolerance">> = Object.fromEntries(
  // Instance norms over the few values of the article's innermost maps enlarge rounding.
  stepCases.map(({ name, folder, tolerance }) => [
    name,
    { folder, tolerance: name.startsWith("article") ? loose : tolerance },
  ]),
);
/** The files of a checkpoint: weights of both networks and the state. */
export const latest = ["latest_net_G.safetensors", "latest_net_D.safetensors", "latest_state.safetensors"];

/** Copies a folder of this machine into the page's storage. */
export async function upload(page: Page, folder: string, to: string): Promise<void> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const contents = files.map(({ parentPath, name }) => ({
    path: join(parentPath, name).replace(folder, to),
    text: readFileSync(join(parentPath, name)).toString("base64"),
  }));
  await page.evaluate(async (all) => {
    for (const { path, text } of all) await pix2pix.files.write(path, pix2pix.toBytes(text));
  }, contents);
}

export async function download(page: Page, path: string): Promise<Buffer> {
  const text = await page.evaluate(async (name) => pix2pix.toText(await pix2pix.files.read(name)), path);
  return Buffer.from(text, "base64");
}

export const runFile = (page: Page, name: string, file: string) => download(page, `runs/${name}/${file}`);

/**
 * Trains a new run, or goes on with one. `pauseAfter` aborts while that step is reported. The page's title is the last
 * step.
 */
export async function trainIn(page: Page, options: Partial<ConfigInput>, { pauseAfter = 0, resume = false } = {}) {
  return page.evaluate(
    async ({ options, pauseAfter, resume }) => {
      const { client, descriptionLines, files, parseConfig, resumeConfig, Run } = pix2pix;
      const name = String(options.name);
      const stored = resume ? await new Run(files, { checkpointsDir: "runs", name }).config() : undefined;
      const config = stored ? resumeConfig(stored, options) : parseConfig({ dataroot: "", ...options });
      const stop = new AbortController();
      const said: string[] = [];
      const result = await client.train(
        config,
        {
          start: (description) => said.push(...descriptionLines(description)),
          step: ({ step }) => {
            document.title = `step ${step}`;
            if (step === pauseAfter) stop.abort();
          },
          message: (text) => said.push(text),
        },
        stop.signal,
      );
      return { ...result, said };
    },
    { options, pauseAfter, resume },
  );
}

/** Three pairs and one kept apart, 64 px, in the folder data. */
export async function writeDemo(page: Page): Promise<void> {
  await page.evaluate(() => pix2pix.client.writeDemo("data", { train: 3, test: 1, size: 64, seed: 1 }));
}

/** All that a run has come to: weights, states, and losses without the time they took. */
export async function outcome(page: Page, name: string): Promise<string[]> {
  const log = (await runFile(page, name, "loss_log.jsonl")).toString().replaceAll(/,"seconds":[\d.e-]+/g, "");
  const stored = await Promise.all(latest.map((file) => runFile(page, name, file)));
  return [log, ...stored.map((bytes) => bytes.toString("base64"))];
}

/** Trains a case of PyTorch's steps; `devices` take over from each other, each from its step on. */
export async function checkCase(page: Page, name: string, devices: Record<number, "wasm" | "webgpu">): Promise<void> {
  const { folder, tolerance } = cases[name]!;
  const expected = readCase(folder);
  const run = `${name} ${Object.values(devices).join(" ")}`;
  await upload(page, folder, name);
  const starts = Object.keys(devices).map(Number);
  for (const [i, start] of starts.entries()) {
    const maxSteps = starts[i + 1] === undefined ? expected.config.steps : starts[i + 1]! - 1;
    const device = devices[start]!;
    const options = i === 0 ? { ...optionsOf(expected, name), name: run } : { name: run };
    const { said } = await trainIn(page, { ...options, maxSteps, device }, { resume: i > 0 });
    expect(said.find((line) => line.startsWith("device"))).toMatch(new RegExp(`^device +${device}`));
  }
  const log = (await runFile(page, run, "loss_log.jsonl")).toString().trim().split("\n");
  compareLosses(
    expected.losses,
    log.map((line) => JSON.parse(line)),
    tolerance.loss,
  );
  for (const letter of ["G", "D"] as const) {
    const { tensors } = decode(await runFile(page, run, `latest_net_${letter}.safetensors`));
    compareWeights(folder, letter, expected.config.norm, tolerance, tensors);
  }
}
