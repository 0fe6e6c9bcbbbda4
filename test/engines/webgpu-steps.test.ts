/**
 * PyTorch's steps on WebGPU in Node, by `pix2pix train --device webgpu` on Chromium's software adapter: one case, and with
 * PIX2PIX_LONG=1 all of them, those of ../shared/reference too.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import {
  compareLosses,
  compareWeights,
  loose,
  optionsOf,
  read,
  readCase,
  type Tolerance,
  tight,
} from "../training/step-cases.ts";
import { noAdapter, onSoftwareAdapter, softwareAdapter } from "./webgpu/adapter.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const runs = mkdtempSync(join(tmpdir(), "pix2pix-webgpu-"));
afterAll(() => rmSync(runs, { recursive: true }));

const quick = "batch3-last-smaller";
const reference = process.env.PIX2PIX_REFERENCE ?? join(root, "../shared/reference");
const folders: [string, Tolerance][] = [[join(root, "test/fixtures/steps"), tight]];
if (process.env.PIX2PIX_LONG && existsSync(reference)) folders.push([reference, loose]);

async function check(folder: string, name: string, tolerance: Tolerance): Promise<void> {
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

const title = `steps of PyTorch on WebGPU in Node${softwareAdapter ? "" : ` (skipped: ${noAdapter})`}`;
describe.skipIf(!softwareAdapter)(title, () => {
  for (const [folder, tolerance] of folders) {
    const cases = readdirSync(folder).filter((name) => existsSync(join(folder, name, "expected.json")));
    const wanted = process.env.PIX2PIX_LONG ? cases : cases.filter((name) => name === quick);
    for (const name of wanted) it(name, () => check(join(folder, name), name, tolerance), 900_000);
  }
});
