/** Layers, losses and Adam, forward and backward, against PyTorch (fixtures/make/ops.py). */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { decode } from "../../src/formats/safetensors.ts";
import { gradient } from "../../src/graph/gradient.ts";
import { Graph, type Tensor } from "../../src/graph/graph.ts";
import { Conv, ConvTranspose } from "../../src/graph/ops/conv.ts";
import { leakyRelu, mul, relu, sigmoid, tanh } from "../../src/graph/ops/elementwise.ts";
import { sum } from "../../src/graph/ops/reduce.ts";
import { adamFactors, adamInPlace, adamState } from "../../src/nn/adam.ts";
import { dropout } from "../../src/nn/layers.ts";
import { ganLosses, l1 } from "../../src/nn/losses.ts";
import { norm } from "../../src/nn/norms.ts";
import { Parameters } from "../../src/nn/parameters.ts";
import { distance, run, type Values } from "../graph/evaluate.ts";
import { generatorOptions } from "../options.ts";
import { fixture as addressOf } from "../paths.ts";

const fixture = (name: string) => readFileSync(addressOf(name));
const { tensors: stored } = decode(fixture("ops.safetensors"));

interface Case {
  op: string;
  stride: number;
  pad: number;
  outputPad: number;
  dilation: number;
  slope: number;
  target: number;
}
const { adam, ...cases }: Record<string, Case> & { adam?: unknown } = JSON.parse(fixture("ops.json").toString());

/** A layer on inputs with the fixture's names, and the layer's names of those inputs that are parameters. */
interface Block {
  build(x: Record<string, Tensor>, p: Parameters, options: Case): Tensor;
  parameters?: Record<string, string>;
}

const geometry = ({ stride, pad, dilation = 1 }: Case) => ({
  strides: [stride, stride] as const,
  pads: [pad, pad, pad, pad] as const,
  dilations: [dilation, dilation] as const,
});

const blocks: Record<string, Block> = {
  conv2d: { build: ({ x, w, b }, _, options) => Conv(b ? [x!, w!, b] : [x!, w!], geometry(options)) },
  conv_transpose2d: {
    build: ({ x, w, b }, _, options) => {
      const { outputPad } = options;
      return ConvTranspose(b ? [x!, w!, b] : [x!, w!], {
        ...geometry(options),
        output_padding: [outputPad, outputPad],
      });
    },
  },
  batch_norm: {
    build: ({ x }, p) => norm(p, "batch", "l", x!, generatorOptions()),
    parameters: { w: "l.weight", b: "l.bias", mean: "l.running_mean", var: "l.running_var" },
  },
  instance_norm: { build: ({ x }, p) => norm(p, "instance", "l", x!, generatorOptions()) },
  leaky_relu: { build: ({ x }, _, { slope }) => leakyRelu(x!, slope) },
  relu: { build: ({ x }) => relu(x!) },
  tanh: { build: ({ x }) => tanh(x!) },
  sigmoid: { build: ({ x }) => sigmoid(x!) },
  dropout: { build: ({ x }, p) => dropout(p, x!, 0.5), parameters: { mask: "mask0" } },
  bce_with_logits: { build: ({ x }, _, { target }) => ganLosses.vanilla[target === 1 ? "real" : "fake"](x!) },
  mse: { build: ({ x }, _, { target }) => ganLosses.lsgan[target === 1 ? "real" : "fake"](x!) },
  l1: { build: ({ x, t }) => l1(x!, t!) },
};

/** Values near .5 that differ by .003: in float32 the differences are exact to 1e-5. */
const tolerances: Record<string, number> = { "instance-norm-faint": 2e-5 };

describe("as PyTorch", () => {
  it("every kind of block has a case", () => {
    expect(Object.keys(blocks).sort()).toEqual([...new Set(Object.values(cases).map(({ op }) => op))].sort());
  });

  it.each(Object.entries(cases))("%s", async (name, options) => {
    const of = (part: string) => stored[`${name}.${part}`];
    const graph = new Graph();
    const p = new Parameters(graph, "net");
    const { build, parameters = {} } = blocks[options.op]!;
    const inputs = ["x", "w", "b", "t", "mask", "mean", "var"].filter((part) => of(part));
    const free = inputs.filter((part) => !parameters[part]);
    const x = Object.fromEntries(free.map((part) => [part, graph.input(part, of(part)!.shape)]));
    const y = build(x, p, options);
    graph.output("y", y);
    const wrt = inputs.filter((part) => of(`d${part}`));
    const nodeOf = (part: string) => {
      const known = parameters[part];
      return known ? graph.inputs.find((t) => t.name === `net.${known}`)! : x[part]!;
    };
    const r = graph.input("r", of("r")!.shape);
    gradient(sum(mul(y, r)), wrt.map(nodeOf)).forEach((t, i) => {
      graph.output(`d${wrt[i]}`, t);
    });
    for (const part of inputs.filter((part) => of(`${part}_after`))) {
      graph.output(`${part}_after`, p.current(parameters[part]!));
    }
    const values: Values = { r: of("r")!.data as Float32Array };
    for (const part of inputs) values[nodeOf(part).name] = of(part)!.data as Float32Array;

    const got = await run(graph, values);
    const expected = Object.keys(stored).filter((key) => key.startsWith(`${name}.`) && /\.(y|d.|.*_after)$/.test(key));
    expect(expected).toHaveLength(graph.outputs.length);
    for (const key of expected) {
      const part = key.slice(name.length + 1);
      expect(distance(got[part]!, stored[key]!.data as Float32Array), part).toBeLessThan(tolerances[name] ?? 2e-6);
    }
  });
});

describe("Adam, as PyTorch", () => {
  const { lr: rates, ...betas } = adam as { lr: number[]; beta1: number; beta2: number };
  const values = (part: string) => Float32Array.from(stored[`adam.${part}`]!.data as Float32Array);
  const count = values("p0").length;
  const zeros = () => new Float32Array(count);

  it.each([
    [
      "in WebAssembly",
      () => {
        const state = adamState(count);
        state.values.set(values("p0"));
        return state;
      },
    ],
    [
      "as a loop",
      () => {
        const arrays = { values: values("p0"), gradients: zeros(), m: zeros(), v: zeros() };
        const step = (...rest: [ReturnType<typeof adamFactors>, typeof betas]) => adamInPlace(arrays, ...rest);
        return { ...arrays, step };
      },
    ],
  ] as const)("%s", (_, begin) => {
    const state = begin();
    for (const [i, lr] of rates.entries()) {
      state.gradients.set(values(`g${i + 1}`));
      state.step(adamFactors(i + 1, lr, betas), betas);
      const expected = values(`p${i + 1}`);
      // Values are near .02, where neighbours in float32 are 2e-9 apart; a step is up to 2e-4.
      for (let k = 0; k < count; k++) expect(Math.abs(state.values[k]! - expected[k]!), `${i} ${k}`).toBeLessThan(1e-8);
    }
    for (const moment of ["m", "v"] as const) {
      const expected = values(`${moment}5`);
      for (let k = 0; k < count; k++) {
        expect(Math.abs(state[moment][k]! - expected[k]!), `${moment} ${k}`).toBeLessThanOrEqual(
          2e-6 * Math.abs(expected[k]!),
        );
      }
    }
  });
});
