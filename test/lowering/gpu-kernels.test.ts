/**
 * The kernels of a training step on a GPU, counted in its graphs. Launching them bounds a step on a fast card.
 * test/engines/webgpu-kernels.long.test.ts counts those that ONNX Runtime launches.
 */
import { describe, expect, it } from "vitest";
import type { Config } from "../../src/config/schema.ts";
import { adamOnDevice, stepOnDevice } from "../../src/engines/layout.ts";
import type { Program } from "../../src/graph/graph.ts";
import { mostParts } from "../../src/graph/ops/movement.ts";
import { trainingStep } from "../../src/model/pix2pix.ts";
import { modelOf } from "../../src/onnx/program.ts";
import { modelOptions } from "../options.ts";
import { launchesOf } from "./launches.ts";

/** Kernels of the default networks' step, without the 12 that write losses into the table of the device. */
function kernels(changes: Partial<Config>, side: number, n = 1): { step: number; adam: number } {
  const options = modelOptions(changes);
  const { substeps, netG, netD } = trainingStep(options, { n, height: side, width: side });
  const networks = [netG, netD];
  const plain = substeps.flatMap(({ before, batch, after }) => [...before, batch, ...after]);
  const adam = networks.map((of) => adamOnDevice(of, options, { name: "webgpu", label: "webgpu" }));
  const total = (programs: readonly Program[]) =>
    programs.map((program) => launchesOf(modelOf(program, { split: mostParts }))).reduce((a, b) => a + b);
  return { step: total(stepOnDevice(plain, networks)), adam: total(adam) };
}

describe("a training step on a GPU launches", () => {
  // The bars of the default networks at 256 px, batch 1: 800 in all, 40 of Adam.
  it.each([
    ["the default networks", {}, 256, 1, { step: 710, adam: 35 }],
    ["batches of 4", {}, 256, 4, { step: 1010, adam: 35 }],
    ["instance norm", { norm: "instance" }, 256, 1, { step: 865, adam: 35 }],
  ] satisfies [string, Partial<Config>, number, number, object][])("few kernels: %s", (_, changes, side, n, most) => {
    const got = kernels({ netG: "unet_256", ...changes }, side, n);
    expect(got.step, "step").toBeLessThanOrEqual(most.step);
    expect(got.adam, "Adam").toBeLessThanOrEqual(most.adam);
  });
});
