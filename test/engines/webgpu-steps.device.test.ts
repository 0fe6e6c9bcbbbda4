/** One of PyTorch's steps on WebGPU in Node; all of them are in webgpu-steps.long.test.ts. */
import { rmSync } from "node:fs";
import { afterAll, describe, it } from "vitest";
import { stepCases } from "../training/step-cases.ts";
import { noAdapter, softwareAdapter } from "./webgpu/adapter.ts";
import { checkStep, runs } from "./webgpu/steps.ts";

const quick = "batch3-last-smaller";
afterAll(() => rmSync(runs, { recursive: true }));

const title = `a step of PyTorch on WebGPU in Node${softwareAdapter ? "" : ` (skipped: ${noAdapter})`}`;
describe.skipIf(!softwareAdapter)(title, () => {
  it(quick, () => checkStep(stepCases.find(({ name }) => name === quick)!), 900_000);
});
