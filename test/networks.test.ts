/** Networks against the known tables: parameter counts, output maps, receptive fields. */
import { describe, expect, it } from "vitest";
import { discriminators, receptiveField } from "../src/networks/discriminators.ts";
import { generators } from "../src/networks/generators.ts";
import { countParameters } from "../src/nn/parameters.ts";
import { generatorGraph, type ModelOptions, trainingStep } from "../src/pix2pix.ts";

const options: ModelOptions = {
  inputNc: 3,
  outputNc: 3,
  netG: "unet_256",
  ngf: 64,
  netD: "basic",
  ndf: 64,
  nLayersD: 3,
  norm: "batch",
  noDropout: false,
  ganMode: "vanilla",
  lambdaL1: 100,
  beta1: 0.5,
  beta2: 0.999,
};
const step = (changes: Partial<ModelOptions>, side = 256) =>
  trainingStep({ ...options, ...changes }, { n: 1, height: side, width: side });

// Counts that PyTorch's implementation prints or that follow from its layer lists (field notes, section 5.1).
describe("generator parameters", () => {
  it.each([
    ["unet_256", { norm: "batch" }, 54_413_955],
    ["unet_256", { norm: "instance" }, 54_409_603],
    ["unet_256", { norm: "batch", inputNc: 1, outputNc: 1 }, 54_407_809],
    ["unet_128", { norm: "batch" }, 41_828_995],
    ["unet_64", { norm: "batch", inputNc: 1, outputNc: 1 }, 29_237_889],
  ] as const)("%s %o: %i", (netG, changes, count) => {
    const { netG: net } = generatorGraph({ ...options, ...changes, netG }, { n: 1, height: 256, width: 256 });
    expect(countParameters(net.specs)).toBe(count);
  });

  it("halves its input to a single value at the innermost level, for every U-Net", () => {
    for (const [name, { multiple }] of Object.entries(generators)) {
      const { program } = generatorGraph(
        { ...options, netG: name, ngf: 1 },
        { n: 1, height: multiple, width: multiple },
      );
      const down = program.nodes.filter((node) => node.op.type === "Conv").map((node) => node.output.shape.slice(2));
      expect(down[0], name).toEqual([multiple / 2, multiple / 2]);
      expect(down.at(-1), name).toEqual([1, 1]);
      expect(program.outputs[0]!.tensor.shape, name).toEqual([1, 3, multiple, multiple]);
    }
  });
});

// Field notes, section 5.2: layers, receptive field, output map at 256, parameters.
describe("discriminator", () => {
  it.each([
    [0, 1, 256, 9_024],
    [1, 16, 126, 139_585],
    [2, 34, 62, 666_433],
    [3, 70, 30, 2_768_705],
    [4, 142, 14, 6_964_033],
    [5, 286, 6, 11_159_361],
    [6, 574, 2, 15_354_689],
  ])("of %i layers: receptive field %i, map %i, %i parameters", (nLayersD, field, side, count) => {
    const { netD, outputMap } = step({ netD: "n_layers", nLayersD, ngf: 1 });
    expect(countParameters(netD.specs)).toBe(count);
    expect(outputMap).toEqual([1, 1, side, side]);
    expect(receptiveField(discriminators.n_layers!.geometry({ nLayers: nLayersD }))).toBe(field);
  });

  it("pixel is n_layers of 0, basic n_layers of 3", () => {
    expect(countParameters(step({ netD: "pixel", ngf: 1 }).netD.specs)).toBe(9_024);
    expect(countParameters(step({ netD: "basic", ngf: 1 }).netD.specs)).toBe(2_768_705);
  });

  it.each([
    [1, 9_024],
    [16, 139_585],
    [70, 2_768_705],
    [286, 11_159_361],
  ])("patch_%i has the receptive field of its name, whatever --n-layers-d is", (field, count) => {
    const name = `patch_${field}`;
    expect(countParameters(step({ netD: name, ngf: 1, nLayersD: 2 }).netD.specs)).toBe(count);
    expect(receptiveField(discriminators[name]!.geometry({ nLayers: 2 }))).toBe(field);
  });

  it("of 2 input channels (grey to grey)", () => {
    expect(countParameters(step({ inputNc: 1, outputNc: 1, ngf: 1 }).netD.specs)).toBe(2_764_609);
  });

  it("of the article: the map is 70x70, the receptive field is not", () => {
    const { outputMap } = step({ netG: "article", netD: "article", norm: "instance", ngf: 1, ndf: 4 });
    expect(outputMap).toEqual([1, 1, 70, 70]);
    expect(receptiveField(discriminators.article!.geometry({ nLayers: 3 }))).toBe(46);
  });
});
