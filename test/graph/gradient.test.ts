/** Reverse-mode differentiation as printed graphs, and the dependencies of the programs of a training step. */

import { describe, expect, it } from "vitest";
import { gradient } from "../../src/graph/gradient.ts";
import { Graph, op, type Program, type Tensor } from "../../src/graph/graph.ts";
import { add, mul, neg, relu, sub, tanh } from "../../src/graph/ops/elementwise.ts";
import { detach, Identity, reshape } from "../../src/graph/ops/movement.ts";
import { mean, sum } from "../../src/graph/ops/reduce.ts";
import { stepForCpu } from "../../src/lowering/cpu.ts";
import { trainingStep } from "../../src/model/pix2pix.ts";
import { discriminators, receptiveField } from "../../src/networks/discriminators.ts";
import { Parameters } from "../../src/nn/parameters.ts";
import { Random } from "../../src/random.ts";
import { discriminatorOptions, modelOptions } from "../options.ts";
import { normals, run } from "./evaluate.ts";

/** The printed graph of the gradients of `build` by its inputs. */
function printed(shapes: number[][], build: (...x: Tensor[]) => Tensor): string {
  const graph = new Graph();
  const x = shapes.map((shape, i) => graph.input("abc"[i]!, shape));
  gradient(build(...x), x).forEach((t, i) => {
    graph.output(`d${"abc"[i]}`, t);
  });
  return `\n${graph}\n`;
}

describe("gradient", () => {
  it("of a function of functions, by the chain rule", () => {
    expect(printed([[2, 3]], (a) => sum(tanh(a)))).toMatchInlineSnapshot(`
      "
      input a: float32[2,3]
      Tanh_1 = Tanh(a) : float32[2,3]
      Expand_1 = Expand(1) {shape=[2,3]} : float32[2,3]  # grad()
      Mul_1 = Mul(Tanh_1, Tanh_1) : float32[2,3]  # grad()
      Sub_1 = Sub(1, Mul_1) : float32[2,3]  # grad()
      Mul_2 = Mul(Expand_1, Sub_1) : float32[2,3]  # grad()
      output da = Mul_2
      "
    `);
  });

  it("adds up where a value is used twice", () => {
    expect(printed([[4]], (a) => sum(add(mul(a, a), a)))).toMatchInlineSnapshot(`
      "
      input a: float32[4]
      Expand_1 = Expand(1) {shape=[4]} : float32[4]  # grad()
      Mul_2 = Mul(Expand_1, a) : float32[4]  # grad()
      Add_2 = Add(Expand_1, Mul_2) : float32[4]  # grad()
      Add_3 = Add(Add_2, Mul_2) : float32[4]  # grad()
      output da = Add_3
      "
    `);
  });

  it("stops at a detached value, also where the same value is used with its gradient", () => {
    expect(printed([[4]], (a) => sum(add(mul(detach(a), a), Identity([a]))))).toMatchInlineSnapshot(`
      "
      input a: float32[4]
      Identity_1 = Identity(a) : float32[4]
      Expand_1 = Expand(1) {shape=[4]} : float32[4]  # grad()
      Mul_3 = Mul(Expand_1, Identity_1) : float32[4]  # grad()
      Add_2 = Add(Expand_1, Mul_3) : float32[4]  # grad()
      output da = Add_2
      "
    `);
  });

  it("sums over the axes along which an input was broadcast", () => {
    expect(printed([[2, 3, 4], [3, 1], []], (a, b, c) => sum(add(mul(a, b), c)))).toMatchInlineSnapshot(`
      "
      input a: float32[2,3,4]
      input b: float32[3,1]
      Expand_1 = Expand(1) {shape=[2,3,4]} : float32[2,3,4]  # grad()
      ReduceSum_2 = ReduceSum(Expand_1) {axes=[0,1,2]} : float32[1,1,1]  # grad()
      Reshape_1 = Reshape(ReduceSum_2) {shape=[]} : float32[]  # grad()
      Mul_2 = Mul(Expand_1, b) : float32[2,3,4]  # grad()
      Mul_3 = Mul(Expand_1, a) : float32[2,3,4]  # grad()
      ReduceSum_3 = ReduceSum(Mul_3) {axes=[0,2]} : float32[1,3,1]  # grad()
      Reshape_2 = Reshape(ReduceSum_3) {shape=[3,1]} : float32[3,1]  # grad()
      output da = Mul_2
      output db = Reshape_2
      output dc = Reshape_1
      "
    `);
  });

  it("expands where a loss gives every value the same", () => {
    expect(printed([[2, 3]], (a) => mean(a))).toMatchInlineSnapshot(`
      "
      Div_1 = Div(1, 6) : float32[1,1]  # grad()
      Expand_1 = Expand(Div_1) {shape=[2,3]} : float32[2,3]
      output da = Expand_1
      "
    `);
  });

  it("carries the scope of what it is the gradient of", () => {
    const build = (a: Tensor) => a.graph.scope("net", () => a.graph.scope("layer", () => sum(relu(a))));
    expect(printed([[3]], build)).toMatchInlineSnapshot(`
      "
      input a: float32[3]
      Relu_1 = Relu(a) : float32[3]  # net/layer
      Expand_1 = Expand(1) {shape=[3]} : float32[3]  # grad(net/layer)
      Slope_1 = Slope(Relu_1) {low=0} : float32[3]  # grad(net/layer)
      Mul_1 = Mul(Expand_1, Slope_1) : float32[3]  # grad(net/layer)
      output da = Mul_1
      "
    `);
  });

  it("is zero where the loss does not depend on a tensor", async () => {
    const graph = new Graph();
    const [a, b] = [graph.input("a", [2]), graph.input("b", [3])];
    graph.output("db", gradient(sum(mul(a, a)), [b])[0]!);
    expect([...(await run(graph, {})).db!]).toEqual([0, 0, 0]);
  });

  it("does not visit what leads to the loss from other tensors", () => {
    const graph = new Graph();
    const [a, b] = [graph.input("a", [2]), graph.input("b", [2])];
    const opaque = op("Opaque", { shape: ([x]) => x! });
    gradient(sum(mul(opaque([a]), b)), [b]);
    expect(() => gradient(sum(mul(opaque([a]), b)), [a])).toThrow(/No gradient rule for Opaque/);
  });

  it("says which op has no rule, where it stands and where a rule belongs", () => {
    const graph = new Graph();
    const a = graph.input("a", [2]);
    const opaque = op("Opaque", { shape: ([x]) => x! });
    const y = graph.scope("netG", () => graph.scope("down3", () => opaque([a])));
    expect(() => gradient(sum(y), [a])).toThrow(
      "No gradient rule for Opaque (netG/down3). Add `gradient` to its declaration in src/graph/ops/.",
    );
  });

  it("says when a rule returns too few gradients, or the loss is no scalar", () => {
    const graph = new Graph();
    const a = graph.input("a", [2]);
    const half = op("Half", { shape: ([x]) => x!, gradient: ({ dy }) => [dy] });
    expect(() => gradient(sum(half([a, a])), [a])).toThrow(
      "The gradient rule of Half returned 1 gradients for 2 inputs.",
    );
    expect(() => gradient(a, [a])).toThrow("the loss has to be a scalar, got [2]");
  });
});

describe("a graph", () => {
  it("makes equal nodes once, and leaves out what no output needs", () => {
    const graph = new Graph();
    const a = graph.input("a", [2]);
    const b = graph.input("b", [2]);
    tanh(b);
    graph.output("y", add(mul(a, 2), mul(a, 2)));
    expect(`\n${graph}\n`).toMatchInlineSnapshot(`
      "
      input a: float32[2]
      Mul_1 = Mul(a, 2) : float32[2]
      Add_1 = Add(Mul_1, Mul_1) : float32[2]
      output y = Add_1
      "
    `);
  });

  it("has equal constants once, by their bits and shape, whatever array they come in", () => {
    const graph = new Graph();
    const large = () => Float32Array.from({ length: 10_000 }, (_, i) => i % 7);
    expect(graph.constant(large(), [100, 100])).toBe(graph.constant(large(), [100, 100]));
    expect(graph.constant(large(), [10_000])).not.toBe(graph.constant(large(), [100, 100]));
    expect(graph.constant(large().fill(9, 9999), [100, 100])).not.toBe(graph.constant(large(), [100, 100]));
    expect(graph.constant(Number.NaN)).toBe(graph.constant(Number.NaN));
    expect(graph.constant(-0)).not.toBe(graph.constant(0));
  });

  it("names op, shapes and scope where shapes do not fit", () => {
    const graph = new Graph();
    const build = () => add(graph.input("a", [2, 3]), graph.input("b", [4]));
    expect(() => graph.scope("netG/up5", build)).toThrow("Add: shapes [2,3] and [4] do not broadcast. (netG/up5)");
  });

  it("refuses a tensor of another graph, also one whose node it has under the same names", () => {
    const [graph, other] = [new Graph(), new Graph()];
    const [a, b] = [graph.input("a", [2]), graph.input("b", [2])];
    add(a, b);
    expect(() => add(a, other.input("b", [2]))).toThrow("Add: input b: float32[2] belongs to another graph.");
  });

  it("gives no two tensors one name, whatever its inputs are called", () => {
    const graph = new Graph();
    const named = graph.input("Neg_1", [2]);
    const negative = neg(graph.input("a", [2]));
    expect(negative.name).not.toBe(named.name);
    expect(relu(negative)).not.toBe(relu(named));
    expect(() => graph.input(negative.name, [2])).toThrow(`The graph already has a tensor "${negative.name}".`);
    expect(() => graph.input("a", [2])).toThrow('The graph already has a tensor "a".');
  });

  it("splits in two programs: the second reads what the first computed, but renames it anew", async () => {
    const graph = new Graph();
    const a = graph.input("a", [6]);
    const b = graph.input("b", [2, 3]);
    const hidden = tanh(a);
    const matrix = reshape(hidden, [2, 3]);
    const first = [{ name: "first", tensor: mul(matrix, 2) }];
    const second = [{ name: "second", tensor: sub(matrix, b) }];
    const split = graph.split(first, second);
    const types = ({ nodes }: Program) => nodes.map(({ op }) => op.type);
    const names = (list: readonly { name: string }[]) => list.map(({ name }) => name);
    expect(types(split.first)).toEqual(["Tanh", "Reshape", "Mul"]);
    expect(types(split.second)).toEqual(["Reshape", "Sub"]);
    expect(split.carried).toEqual([hidden]);
    expect(names(split.first.inputs)).toEqual(["a"]);
    expect(names(split.first.outputs)).toEqual(["first", hidden.name]);
    expect(names(split.second.inputs)).toEqual(["b", hidden.name]);
  });
});

const options = modelOptions({ netG: "unet_32", ngf: 2, netD: "basic", ndf: 2, nLayersD: 2 });

describe("a training step", () => {
  const { substeps } = trainingStep({ ...options, netD: "n_layers" }, { n: 2, height: 32, width: 32 });
  const [stepD, stepG] = substeps.map(({ batch }) => batch) as [Program, Program];

  /** The inputs of a program on which one of its outputs depends, and the scopes of the nodes between. */
  function sources(program: Program, output: string): { inputs: Set<string>; scopes: Set<string> } {
    const wanted = new Set([program.outputs.find(({ name }) => name === output)!.tensor]);
    const scopes = new Set<string>();
    for (const node of [...program.nodes].reverse()) {
      if (!wanted.has(node.output)) continue;
      scopes.add(node.scope);
      for (const t of node.inputs) wanted.add(t);
    }
    return { inputs: new Set(program.inputs.filter((t) => wanted.has(t)).map(({ name }) => name)), scopes };
  }

  it("D's loss stops at G's picture: nothing of G is differentiated in D's step", () => {
    const scopes = new Set(stepD.nodes.map(({ scope }) => scope));
    expect([...scopes].filter((scope) => /^grad\(netG/.test(scope))).toEqual([]);
    expect([...scopes].filter((scope) => /^grad\(netD/.test(scope))).not.toEqual([]);
    expect(stepD.outputs.map(({ name }) => name).filter((name) => /^netG.*grad/.test(name))).toEqual([]);
  });

  it("with --draw-twice G's step has other dropout masks than D's, and the host draws both", () => {
    const twice = trainingStep(
      modelOptions({ ...options, netG: "unet_64", drawTwice: true, nLayersD: 2, netD: "n_layers" }),
      { n: 1, height: 64, width: 64 },
    );
    const masksOf = ({ batch }: { batch: Program }) =>
      batch.inputs.map(({ name }) => name).filter((name) => name.includes("mask"));
    expect(twice.substeps.map(masksOf)).toEqual([["netG.mask0"], ["netG.second.mask0"]]);
    expect(twice.masks.map(({ name }) => name)).toEqual(["netG.mask0", "netG.second.mask0"]);
  });

  it("G's loss goes through the updated D, and its gradient by D is not computed", () => {
    const { inputs } = sources(stepG, "losses_G");
    expect(inputs).toContain("netD.model.0.weight.updated");
    expect(inputs).not.toContain("netD.model.0.weight");
    expect(stepG.outputs.map(({ name }) => name).filter((name) => /^netD.*grad/.test(name))).toEqual([]);
    // Through D's convolutions the gradient goes by their inputs only.
    const backwards = stepG.nodes.filter(({ scope }) => scope.startsWith("grad(netD"));
    expect(backwards.some(({ op }) => op.type.startsWith("Conv"))).toBe(true);
    expect(backwards.some(({ op }) => op.type === "ConvWeightGradient" || op.type === "Gemm")).toBe(false);
  });

  it("G's gradient depends on the target only by the losses, and on every parameter of G", () => {
    const { inputs } = sources(stepG, "netG.model.model.0.weight.grad");
    expect(inputs).toContain("real_B");
    const { inputs: fake } = sources(stepD, "fake_B");
    expect(fake).not.toContain("real_B");
    expect([...fake].some((name) => name.startsWith("netD"))).toBe(false);
  });

  it("computes no forward pass of G twice", () => {
    // Norms and their running statistics have the same nodes once they are lowered.
    const isWeight = ({ name }: Tensor) => /^net[GD]\./.test(name);
    const [, second] = stepForCpu([stepD, stepG], 1, isWeight) as [Program, Program];
    const forward = second.nodes.filter(({ scope, op }) => scope.startsWith("netG") && !op.renames);
    const running = forward.filter(({ output }) => output.size > 64);
    expect(running.map(({ op, scope }) => `${op.type} ${scope}`)).toEqual([]);
    const carried = stepG.inputs.filter(({ producer }) => producer);
    expect(carried.length).toBeGreaterThan(0);
    expect(carried.every((t) => stepD.outputs.some(({ name }) => name === t.name))).toBe(true);
    expect(carried.some((t) => t.producer!.op.renames)).toBe(false);
  });
});

describe("the receptive field", () => {
  // Measured: the extent of the input values on which one value in the middle of the map depends. Without norms,
  // because with
  // them every value depends on all.
  it.each([
    ["pixel", 3, 32],
    ["n_layers", 0, 32],
    ["n_layers", 1, 64],
    ["n_layers", 2, 96],
    ["n_layers", 3, 160],
    ["n_layers", 4, 256],
    ["basic", 1, 160],
    ["patch_16", 4, 64],
    ["article", 3, 128],
  ] as const)("of %s, %i layers", async (name, nLayersD, side) => {
    const graph = new Graph();
    const p = new Parameters(graph, "netD");
    const x = graph.input("x", [1, 2, side, side]);
    const map = discriminators[name].layers(p, x, discriminatorOptions({ ndf: 1, nLayersD, norm: "none" })).at(-1)!;
    const [, , h, w] = map.shape as [number, number, number, number];
    const middle = new Float32Array(h * w);
    middle[Math.floor(h / 2) * w + Math.floor(w / 2)] = 1;
    graph.output("dx", gradient(sum(mul(map, graph.constant(middle, map.shape))), [x])[0]!);
    const random = new Random(0, "receptive field", 0);
    const values = Object.fromEntries(graph.inputs.map((t) => [t.name, normals(random, t.size).map((v) => v || 1)]));
    const { dx } = await run(graph, values);
    const reached = [...dx!.keys()].filter((i) => dx![i] !== 0).map((i) => i % (side * side));
    const extent = (places: number[]) => Math.max(...places) - Math.min(...places) + 1;
    const measured = [extent(reached.map((i) => Math.floor(i / side))), extent(reached.map((i) => i % side))];
    const field = receptiveField(discriminators[name].geometry({ nLayersD }));
    expect(measured).toEqual([field, field]);
  });
});
