/** Whole networks of every option, forward and backward, against PyTorch (fixtures/make/networks_values.py). */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { decode, type StoredTensor } from "../../src/formats/safetensors.ts";
import { gradient } from "../../src/graph/gradient.ts";
import { Graph, type Tensor } from "../../src/graph/graph.ts";
import { add, mul, sqrt, square, sub } from "../../src/graph/ops/elementwise.ts";
import { sum, sumSquare } from "../../src/graph/ops/reduce.ts";
import {
  type DiscriminatorName,
  type DiscriminatorOptions,
  discriminateScales,
} from "../../src/networks/discriminators.ts";
import type { Generator, GeneratorOptions } from "../../src/networks/generator.ts";
import { generators } from "../../src/networks/generators.ts";
import { unet } from "../../src/networks/unet.ts";
import { Parameters } from "../../src/nn/parameters.ts";
import { distance, run, type Values } from "../graph/evaluate.ts";
import { discriminatorOptions, generatorOptions } from "../options.ts";
import { fixture as addressOf } from "../paths.ts";

interface Case {
  net: string;
  options: Partial<DiscriminatorOptions & GeneratorOptions> & { numD?: number; width?: number; nLayers?: number };
}

const fixture = (name: string) => readFileSync(addressOf(name));
const { tensors: stored } = decode(fixture("networks.safetensors"));
const cases: [string, Case][] = Object.entries(JSON.parse(fixture("networks.json").toString()));

/** The tensors of a case whose names begin with `prefix`, by the rest of their names. */
function partsOf(name: string, prefix: string): Record<string, StoredTensor> {
  const start = `${name}.${prefix}`;
  const found = Object.entries(stored).filter(([key]) => key.startsWith(start));
  return Object.fromEntries(found.map(([key, tensor]) => [key.slice(start.length), tensor]));
}

/** Runs the graph on the case's tensors, and compares all outputs, which are named as the fixture's tensors. */
async function compare(name: string, graph: Graph, p: Parameters, free: string[]): Promise<void> {
  const values: Values = {};
  for (const part of free) values[part] = stored[`${name}.${part}`]!.data as Float32Array;
  for (const { name: mask } of p.masks) {
    values[mask] = stored[`${name}.${mask.slice(p.network.length + 1)}`]!.data as Float32Array;
  }
  const parameters = partsOf(name, "p.");
  expect(Object.fromEntries(p.specs.map((spec) => [spec.name, spec.shape]))).toEqual(
    Object.fromEntries(Object.entries(parameters).map(([key, { shape }]) => [key, shape])),
  );
  for (const [key, { data }] of Object.entries(parameters)) values[`${p.network}.${key}`] = data as Float32Array;
  for (const { name: key } of p.statistics) graph.output(`after.${key}`, p.current(key));
  const got = await run(graph, values);
  const expected = Object.keys(partsOf(name, "")).filter((key) => /^(y|[dg]\.|after\.)/.test(key));
  expect(Object.keys(got).sort()).toEqual(expected.sort());
  const of = (key: string) => stored[`${name}.${key}`]!.data as Float32Array;
  const size = (key: string) => Math.max(...of(key).map(Math.abs));
  for (const key of expected) {
    const alike = Math.max(...expected.filter((other) => other[0] === key[0]).map(size));
    // Gradients of biases before a norm are zero but for rounding; other small ones have lost digits to large terms.
    const least = (size(key) < 1e-8 * alike ? 1 : 0.01) * alike;
    expect(distance([...got[key]!, least], [...of(key), least]), key).toBeLessThan(1e-4);
  }
}

/** Outputs "<letter>.<parameter>": the gradients of `loss` by the trained parameters as they went in. */
function gradientOutputs(graph: Graph, letter: string, loss: Tensor, p: Parameters): void {
  const inputs = p.trainable.map((s) => graph.inputs.find((t) => t.name === `${p.network}.${s.name}`)!);
  gradient(loss, inputs).forEach((t, i) => {
    graph.output(`${letter}.${p.trainable[i]!.name}`, t);
  });
}

describe("generators: pictures, gradients and running statistics, as PyTorch", () => {
  // Of --netG encoder_decoder, whose pictures are 256 x 256, a smaller one.
  const all: Record<string, Generator> = { ...generators, encoder_decoder_32: unet(5, { skips: false }) };

  it.each(cases.filter(([name]) => name.startsWith("G-")))("%s", async (name, { net, options }) => {
    const graph = new Graph();
    const p = new Parameters(graph, "netG");
    const x = graph.input("x", stored[`${name}.x`]!.shape);
    const { width = 1, ...rest } = options;
    const y = all[net]!.build(p, x, generatorOptions({ ngf: width, outputNc: 2, ...rest }));
    graph.output("y", y);
    gradientOutputs(graph, "d", sum(mul(y, graph.input("r", y.shape))), p);
    await compare(name, graph, p, ["x", "r"]);
  });
});

describe("discriminators: every layer, gradients and the gradients of a gradient penalty, as PyTorch", () => {
  it.each(cases.filter(([name]) => name.startsWith("D-")))("%s", async (name, { net, options }) => {
    const graph = new Graph();
    const p = new Parameters(graph, "netD");
    const x = graph.input("x", stored[`${name}.x`]!.shape);
    const { numD = 1, width = 1, nLayers: nLayersD = 3, ...rest } = options;
    const chosen = { netD: net as DiscriminatorName, numD };
    const scales = discriminateScales(p, x, { ...discriminatorOptions({ ndf: width, nLayersD, ...rest }), ...chosen });
    expect(scales).toHaveLength(numD);
    const projected = scales.map((maps, k) => {
      maps.forEach((y, i) => {
        graph.output(`y${k}.${i}`, y);
      });
      return sum(mul(maps.at(-1)!, graph.input(`r${k}`, maps.at(-1)!.shape)));
    });
    const total = projected.reduce(add);
    gradientOutputs(graph, "d", total, p);
    const [slope] = gradient(total, [x]);
    const penalty = sum(square(sub(sqrt(sumSquare(slope!, [1, 2, 3])), 1)));
    gradientOutputs(graph, "g", penalty, p);
    await compare(name, graph, p, ["x", ...scales.map((_, k) => `r${k}`)]);
  });
});
