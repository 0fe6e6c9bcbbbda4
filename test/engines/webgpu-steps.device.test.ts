/** One of PyTorch's steps on WebGPU in Node; all of them are in webgpu-steps.long.test.ts. */
import { rmSync } from "node:fs";
import { afterAll, describe, it } from "vitest";
import { stepCases } from "../training/step-cases.ts";
import { noAdapter, softwareAdapter } from "./webgpu/adapter.ts";
import { checkAverage, checkStep, runs } from "./webgpu/steps.ts";

const quick = "batch3-last-smaller";
afterAll(() => rmSync(runs, { recursive: true }));

const title = `a step of PyTorch on WebGPU in Node${softwareAdapter ? "" : ` (skipped: ${noAdapter})`}`;
describe.skipIf(!softwareAdapter)(title, () => {
  const each = stepCases.find(({ name }) => name === quick)!;
  it(quick, () => checkStep(each), 900_000);
  it("the running average of G's weights is that of the CPU", () => checkAverage(each), 900_000);
});
