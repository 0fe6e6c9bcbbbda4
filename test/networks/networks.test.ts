/** Networks against the known tables: parameter counts, output maps, receptive fields. */

import { describe, expect, it } from "vitest";
import { namesOf } from "../../src/config/names.ts";
import { Graph, sizeOf } from "../../src/graph/graph.ts";
import { encodeOnnx } from "../../src/lowering/cpu.ts";
import { type ModelOptions, trainingStep } from "../../src/model/pix2pix.ts";
import { discriminators, receptiveField } from "../../src/networks/discriminators.ts";
import type { Generator, GeneratorOptions } from "../../src/networks/generator.ts";
import { type GeneratorName, generators } from "../../src/networks/generators.ts";
import { countParameters, Parameters } from "../../src/nn/parameters.ts";
import { discriminatorOptions, generatorOptions, modelOptions } from "../options.ts";

const step = (changes: Partial<ModelOptions>, side = 256) =>
  trainingStep(modelOptions(changes), { n: 1, height: side, width: side });

const paper = { bias: "always", dropoutLevels: "first" } as const;
const hesse = { ...paper, bottleneckNorm: true } as const;
const tutorial = { bias: "never", bottleneckNorm: true, slope: 0.3, skip: "leaky", dropoutLevels: "first" } as const;

// Counts that PyTorch's implementation prints, or that follow from the layer lists of the known systems.
describe("generator parameters", () => {
  it.each([
    ["unet_256", { norm: "batch" }, 54_413_955],
    ["unet_256", { norm: "instance" }, 54_409_603],
    ["unet_256", { norm: "batch", inputNc: 1, outputNc: 1 }, 54_407_809],
    ["unet_128", { norm: "batch" }, 41_828_995],
    ["unet_64", { norm: "batch", inputNc: 1, outputNc: 1 }, 29_237_889],
    ["unet_256", paper, 54_419_459],
    ["encoder_decoder", paper, 39_080_963],
    ["unet_256", hesse, 54_420_483],
    ["unet_256", { ...hesse, ngf: 32 }, 13_611_523],
    ["unet_256", tutorial, 54_414_979],
    ["resnet_9blocks", { norm: "instance" }, 11_378_179],
    ["resnet_9blocks", { norm: "batch" }, 11_383_427],
  ] as const)("%s %o: %i", (netG, changes, count) => {
    const { inputNc = 3, outputNc = 3, ...rest } = { inputNc: 3, outputNc: 3, ...changes };
    expect(countParameters(generatorOf(netG, 256, inputNc, { outputNc, ...rest }).p.specs)).toBe(count);
  });

  it("and statistics of the tutorial's", () => {
    const { p } = generatorOf("unet_256", 256, 3, tutorial);
    expect(p.specs.reduce((total, { shape }) => total + sizeOf(shape), 0)).toBe(54_425_859);
  });

  it("halves its input as often as `multiple` says, for every generator", () => {
    for (const name of namesOf(generators)) {
      const { multiple } = generators[name];
      const { graph, y } = generatorOf(name, multiple, 3, { ngf: 1 });
      const down = graph.nodes.filter((node) => node.op.type === "Conv").map((node) => node.output.shape[2]!);
      expect(Math.min(...down), name).toBe(1);
      expect(y.shape, name).toEqual([1, 3, multiple, multiple]);
    }
  });

  it("reads the switches that it declares, and no other", () => {
    const changes = { skip: "leaky", dropoutLevels: "first", bottleneckNorm: true, separableConv: true } as const;
    for (const name of namesOf(generators)) {
      const { multiple, switches = [] }: Generator = generators[name];
      const bytesWith = (options: Partial<GeneratorOptions>) => {
        const { graph, y } = generatorOf(name, multiple, 3, { ngf: 1, dropout: true, ...options });
        graph.output("y", y);
        return Buffer.from(encodeOnnx(graph.program()));
      };
      const plain = bytesWith({});
      const read = (Object.keys(changes) as (keyof typeof changes)[]).filter(
        (key) => !bytesWith({ [key]: changes[key] }).equals(plain),
      );
      expect(read, name).toEqual(switches);
    }
  });

  it("keeps the picture's size with every way of doubling and padding", () => {
    for (const name of namesOf(generators)) {
      const { multiple } = generators[name];
      const { y } = generatorOf(name, 2 * multiple, 2, { ngf: 1, upsample: "resize", padding: "reflect" });
      expect(y.shape, name).toEqual([1, 3, 2 * multiple, 2 * multiple]);
    }
  });

  it("has dropout on the levels that are asked for", () => {
    const sides = (name: GeneratorName, options: Partial<GeneratorOptions>) =>
      generatorOf(name, 256, 3, { ngf: 1, dropout: true, ...options }).p.masks.map(({ shape }) => shape[2]);
    expect(sides("unet_256", {})).toEqual([4, 8, 16]);
    expect(sides("unet_128", {})).toEqual([8, 16]);
    expect(sides("unet_256", { dropoutLevels: "first" })).toEqual([2, 4, 8]);
    expect(sides("encoder_decoder", { dropoutLevels: "first" })).toEqual([2, 4, 8]);
    expect(sides("resnet_6blocks", {})).toEqual([64, 64, 64, 64, 64, 64]);
  });
});

/** A generator on one picture of `side` pixels: the graph, the output and the parameters. */
function generatorOf(name: GeneratorName, side: number, inputNc: number, options: Partial<GeneratorOptions>) {
  const graph = new Graph();
  const p = new Parameters(graph, "netG");
  const y = generators[name].build(p, graph.input("x", [1, inputNc, side, side]), generatorOptions(options));
  return { graph, p, y };
}

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
    expect(receptiveField(discriminators.n_layers.geometry({ nLayersD }))).toBe(field);
  });

  it("has the map of one picture, whatever the batch is", () => {
    const shape = { n: 3, height: 64, width: 96 };
    for (const accumulate of [1, 2]) {
      expect(trainingStep(modelOptions({ netG: "unet_32", ngf: 1, ndf: 1, accumulate }), shape).outputMap).toEqual([
        1, 1, 6, 10,
      ]);
    }
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
  ] as const)("patch_%i has the receptive field of its name, whatever --n-layers-d is", (field, count) => {
    const name = `patch_${field}` as const;
    expect(countParameters(step({ netD: name, ngf: 1, nLayersD: 2 }).netD.specs)).toBe(count);
    expect(receptiveField(discriminators[name].geometry({ nLayersD: 2 }))).toBe(field);
  });

  it.each([
    ["basic", tutorial, 2_768_641, 2_770_433],
    ["pixel", { bias: "always" }, 9_153, 9_409],
  ] as const)("%s %o: %i parameters, %i with statistics", (name, changes, count, all) => {
    const p = new Parameters(new Graph(), "netD");
    const x = p.graph.input("x", [1, 6, 64, 64]);
    discriminators[name].layers(p, x, discriminatorOptions(changes));
    expect(countParameters(p.specs)).toBe(count);
    expect(p.specs.reduce((total, { shape }) => total + sizeOf(shape), 0)).toBe(all);
  });

  it("of 2 input channels (grey to grey)", () => {
    expect(countParameters(step({ inputNc: 1, outputNc: 1, ngf: 1 }).netD.specs)).toBe(2_764_609);
  });

  it("of the article: the map is 70x70, the receptive field is not", () => {
    const { outputMap } = step({ netG: "article", netD: "article", norm: "instance", ngf: 1, ndf: 4 });
    expect(outputMap).toEqual([1, 1, 70, 70]);
    expect(receptiveField(discriminators.article.geometry({ nLayersD: 3 }))).toBe(46);
  });
});
