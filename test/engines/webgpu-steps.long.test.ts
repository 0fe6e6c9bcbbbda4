/** All of PyTorch's steps on WebGPU in Node, on a software adapter. */
import { rmSync } from "node:fs";
import { afterAll, describe, it } from "vitest";
import { stepCases } from "../training/step-cases.ts";
import { noAdapter, softwareAdapter } from "./webgpu/adapter.ts";
import { checkAverage, checkStep, runs } from "./webgpu/steps.ts";

afterAll(() => rmSync(runs, { recursive: true }));

const title = `steps of PyTorch on WebGPU in Node${softwareAdapter ? "" : ` (skipped: ${noAdapter})`}`;
describe.skipIf(!softwareAdapter)(title, () => {
  for (const each of stepCases) it(each.name, () => checkStep(each), 900_000);
  const each = stepCases.find(({ name }) => name === "batch3-last-smaller")!;
  it("the running average of G's weights is that of the CPU", () => checkAverage(each), 900_000);
});
