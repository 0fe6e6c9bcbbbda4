/** The names by which the programs of a step know a network are those of its tensors on a device. */
import { expect, it } from "vitest";
import { memoryOf } from "../../src/engines/engine.ts";
import { stepOnDevice, tensorsOf } from "../../src/engines/layout.ts";
import type { ModelOptions } from "../../src/model/losses.ts";
import { trainingStep } from "../../src/model/pix2pix.ts";
import { modelOptions } from "../options.ts";

const shape = { n: 1, height: 32, width: 32 };

it.each<[string, Partial<ModelOptions>]>([
  ["many vectors", {}],
  ["one vector: without norms G has the bias of its last layer alone", { norm: "none" }],
  ["two directions", { norm: "none", netD: "pixel", spectralNorm: true }],
])("%s", (_, changes) => {
  const options = modelOptions({ netG: "unet_32", ngf: 2, ndf: 2, noDropout: true, ...changes });
  const { substeps, netG, netD } = trainingStep(options, shape);
  const networks = [netG, netD];
  const known = networks.flatMap((net) => {
    const { trained, statistics } = tensorsOf(net);
    return [...trained, ...statistics].map(({ name }) => `${net.network}.${name}`);
  });
  const programs = stepOnDevice(
    substeps.map(({ batch }) => batch),
    networks,
  );
  const inputs = programs.flatMap((program) => program.inputs.map(({ name }) => memoryOf(name)));
  const own = inputs.filter((name) => /^net[GD]\./.test(name) && !/mask|uniform|\.grad$/.test(name));
  expect(own.length).toBeGreaterThan(5);
  expect(own.filter((name) => !known.includes(name))).toEqual([]);
});
