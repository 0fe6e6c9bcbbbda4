/**
 * Convolutions of any geometry, their gradients and the gradients of the gradients against plain loops, in all forms of
 * lowering/cpu.ts and lowering/gpu.ts.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gradient } from "../../src/graph/gradient.ts";
import { Graph, type Program, type Shape, sizeOf, type Tensor } from "../../src/graph/graph.ts";
import { Conv, ConvTranspose, ConvWeightGradient } from "../../src/graph/ops/conv.ts";
import { add, mul } from "../../src/graph/ops/elementwise.ts";
import { sum } from "../../src/graph/ops/reduce.ts";
import { forCpu } from "../../src/lowering/cpu.ts";
import type { CpuKernels } from "../../src/lowering/cpu-options.ts";
import { forGpu } from "../../src/lowering/gpu.ts";
import { byConv } from "../../src/lowering/weight-gradients.ts";
import { Random } from "../../src/random.ts";
import { compileProgram, distance, normals, run } from "../graph/evaluate.ts";

type Pair = readonly [number, number];

interface Geometry {
  n: number;
  cin: number;
  cout: number;
  size: Pair;
  kernel: Pair;
  strides: Pair;
  pads: readonly [number, number, number, number];
  dilations: Pair;
}

type Layer = Omit<Geometry, "n" | "cin" | "cout">;

const square = (side: number, kernel: number, stride: number, pad: number, dilation = 1): Layer => ({
  size: [side, side],
  kernel: [kernel, kernel],
  strides: [stride, stride],
  pads: [pad, pad, pad, pad],
  dilations: [dilation, dilation],
});

const down: Layer = { ...square(48, 4, 2, 1), size: [48, 64] };
const oblong: Layer = { size: [40, 29], kernel: [3, 2], strides: [1, 2], pads: [1, 0, 2, 1], dilations: [2, 1] };

// Form of the gradient by the input, forms of the gradient by the weight on a CPU and on a GPU, and a geometry that
// takes them.
const forms: [string, [string, string], string, Layer][] = [
  ["flipped", ["one-hot", "one-hot"], "D's stride 1", square(14, 4, 1, 1)],
  ["flipped", ["taps", "one-hot"], "3x3 of stride 1", square(12, 3, 1, 1)],
  ["flipped", ["taps", "one-hot"], "oblong, dilated", { ...square(13, 3, 1, 2), size: [13, 17], dilations: [2, 3] }],
  ["flipped", ["one-hot", "one-hot"], "stride 1 on a small map", square(7, 4, 1, 1)],
  ["flipped", ["taps", "one-hot"], "3x3 on a small map", square(7, 3, 1, 1)],
  ["transposed", ["one-hot", "one-hot"], "stride 2", { ...square(12, 4, 2, 1), size: [12, 8] }],
  ["transposed", ["one-hot", "one-hot"], "down to 1x1", square(2, 4, 2, 1)],
  ["transposed", ["one-hot", "one-hot"], "a large map", { ...square(68, 4, 2, 1), size: [68, 64] }],
  ["transposed", ["one-hot", "one-hot"], "an odd map", { ...square(67, 4, 2, 1), size: [67, 68] }],
  ["transposed", ["one-hot", "one-hot"], "stride 2 without padding", square(20, 4, 2, 0)],
  ["flipped", ["taps", "taps"], "1x1 on a large map", square(16, 1, 1, 0)],
  ["transposed", ["taps", "one-hot"], "padding beyond the kernel", square(9, 1, 1, 1)],
  ["transposed", ["one-hot", "one-hot"], "the article's stride 4, dilation 3", square(18, 4, 4, 0, 3)],
  ["transposed", ["one-hot", "one-hot"], "one stride", { ...square(12, 3, 1, 1), strides: [1, 2] }],
];

describe.each([1, 2])("batch %i", (n) => {
  it.each(forms)("input %s, weight by %j: %s", async (input, weights, _, geometry) => {
    for (const [i, kind] of (["cpu", "gpu"] as const).entries()) {
      const taken = await check({ n, cin: 3, cout: 2, ...geometry }, kind);
      expect(taken, kind).toMatchObject({ output: "Conv", input, weight: weights[i] });
    }
  });

  it("from many channels to few on a CPU: a transposed convolution", async () => {
    const geometry = {
      n,
      cin: 32,
      cout: 2,
      ...square(14, 4, 1, 1),
      pads: [1, 0, 2, 1] as const,
      size: [14, 9] as const,
    };
    expect((await check(geometry, "cpu")).output).toBe("ConvTranspose");
    expect((await check(geometry, "gpu")).output).toBe("Conv");
  });
});

// Tiles of seven by seven: maps that fill them and maps that do not, kernels of 4 and 3, several samples, different
// paddings.
it.each([
  [1, square(21, 4, 1, 1)],
  [2, { ...square(17, 4, 1, 1), size: [17, 22] as const }],
  [1, { ...square(22, 4, 1, 0), pads: [2, 0, 1, 3] as const }],
  [1, square(20, 3, 1, 1)],
  [2, { ...square(19, 3, 1, 0), size: [19, 17] as const }],
] satisfies [number, Layer][])("Winograd's form, batch %i: %o", async (n, geometry) => {
  const taken = await check({ n, cin: 32, cout: 34, ...geometry }, "cpu", 1e-5);
  expect(taken).toMatchObject({ output: "MatMul", input: "winograd", weight: "winograd" });
});

// The numbers of Convs in blocks in the output, in the gradients by input and weight, and in the transposed Conv.
it.each([
  ["a down step", { n: 1, cin: 16, cout: 32, ...down }, { y: 1, dx: 4, dw: 2, transposed: 4 }],
  ["of two samples", { n: 2, cin: 32, cout: 16, ...down }, { y: 1, dx: 4, dw: 4, transposed: 4 }],
  ["of few channels", { n: 1, cin: 6, cout: 32, ...down }, { y: 1, dx: 0, dw: 2, transposed: 0 }],
  ["to few channels", { n: 1, cin: 32, cout: 6, ...down }, { y: 0, dx: 0, dw: 2, transposed: 0 }],
  ["on a small map", { n: 1, cin: 16, cout: 16, ...down, size: [32, 32] }, { y: 1, dx: 0, dw: 1, transposed: 0 }],
  ["on a smaller map", { n: 1, cin: 16, cout: 16, ...down, size: [16, 16] }, { y: 0, dx: 0, dw: 1, transposed: 0 }],
  ["any kernel", { n: 2, cin: 16, cout: 16, ...oblong }, { y: 1, dx: 0, dw: 0, transposed: 0 }],
] satisfies [string, Geometry, Record<string, number>][])("channels in blocks, %s", async (_, geometry, blocks) => {
  expect((await check(geometry, "cpu")).blocks).toEqual(blocks);
});

// Channels and tiles in blocks: each product is one grouped Conv, at stride 2 one for each polyphase component.
it.each([
  ["4x4", 1, { n: 1, cin: 32, cout: 48, ...square(16, 4, 1, 1) }],
  ["two samples, oblong", 1, { n: 2, cin: 32, cout: 48, ...square(16, 4, 1, 1), size: [16, 32] }],
  ["3x3", 1, { n: 1, cin: 32, cout: 48, ...square(18, 3, 1, 1) }],
  ["stride 2", 4, { n: 1, cin: 64, cout: 80, ...square(64, 4, 2, 1), size: [64, 48] }],
  ["stride 2, small tiles", 4, { n: 1, cin: 64, cout: 64, ...square(48, 4, 2, 1) }],
  ["stride 2, odd", 4, { n: 2, cin: 64, cout: 64, ...square(61, 4, 2, 2), size: [61, 29] }],
] satisfies [string, number, Geometry][])("channels in blocks, Winograd's form, %s", async (_, products, geometry) => {
  const { blocks } = await check(geometry, "cpu", 1e-5);
  expect(blocks).toEqual({ y: products, dx: products, dw: products, transposed: products });
});

// In WASM stride 2 takes Winograd's form without blocks of channels; plain kernels elsewhere do not. Its gradient by the weight adds the
// four polyphase components in one chain.
it.each([
  ["a down step", { n: 1, cin: 64, cout: 72, ...square(48, 4, 2, 1) }],
  ["two samples, odd", { n: 2, cin: 64, cout: 65, ...square(37, 4, 2, 2), size: [37, 45] }],
] satisfies [string, Geometry][])("Winograd's form at stride 2 in WASM, %s", async (_, geometry) => {
  const taken = await check(geometry, "wasm", 1e-5);
  expect(taken).toMatchObject({ output: "MatMul", input: "winograd", weight: "winograd" });
});

it("on processors of Intel, layers of stride 2 are computed in blocks, those of stride 1 in Winograd's form", () => {
  const products = (layer: Layer, kernels: CpuKernels) => {
    const graph = new Graph();
    const [x, w] = [graph.input("x", [1, 64, ...layer.size]), graph.input("w", [64, 64, ...layer.kernel])];
    const { strides, pads, dilations } = layer;
    graph.output("y", Conv([x, w], { strides, pads, dilations }));
    const { nodes } = forCpu(graph.program(), kernels);
    return nodes.filter(({ op }) => op.domain && op.type === "Conv").map(({ attrs }) => Number(attrs.group ?? 1));
  };
  expect(products(square(64, 4, 2, 1), 16)).toEqual([25, 25, 25, 25]);
  expect(products(square(64, 4, 2, 1), "intel")).toEqual([1]);
  expect(products(square(32, 4, 1, 1), "intel")).toEqual([49]);
});

// The gradient by a kernel that sees two maps, of one sample and of two samples, is merged: its forms add the second at
// no cost.
it.each([
  ["taps", { cin: 3, cout: 2, ...square(12, 3, 1, 1) }],
  ["patches", { cin: 3, cout: 2, ...square(12, 4, 2, 1) }],
  ["patches of few channels", { cin: 32, cout: 2, ...square(12, 4, 1, 1) }],
  ["patches in blocks", { cin: 16, cout: 16, ...square(48, 4, 2, 1) }],
  ["Winograd's form", { cin: 32, cout: 34, ...square(21, 4, 1, 1) }],
  ["Winograd's form in blocks", { cin: 32, cout: 48, ...square(16, 4, 1, 1) }],
] satisfies [string, Omit<Geometry, "n">][])("two maps: %s", async (_, layer) => {
  const { cin, cout, size, kernel, ...attrs } = layer;
  const graph = new Graph();
  const random = new Random(0, "two maps", 0);
  const values: Record<string, Float32Array> = {};
  const drawn = (name: string, shape: Shape) => {
    values[name] = normals(random, sizeOf(shape), 4);
    return graph.input(name, shape);
  };
  const w = drawn("w", [cout, cin, ...kernel]);
  const wanted = new Float64Array(w.size);
  const losses = [1, 2].map((n) => {
    const y = Conv([drawn(`x${n}`, [n, cin, ...size]), w], attrs);
    const loss = sum(mul(y, drawn(`t${n}`, y.shape)));
    const { dw } = loops({ n, ...layer }, y.shape.slice(2), values[`x${n}`]!, values.w!, values[`t${n}`]!);
    for (const [i, v] of dw.entries()) wanted[i]! += v;
    return loss;
  });
  graph.output("dw", gradient(add(losses[0]!, losses[1]!), [w])[0]!);
  const typesOf = (program: Program) => program.nodes.map(({ op }) => op.type);
  expect(typesOf(graph.program()).filter((type) => type === "ConvWeightGradient")).toHaveLength(2);
  expect(typesOf(forCpu(graph.program()))).not.toContain("Add");
  expect(distance((await run(graph, values)).dw!, wanted)).toBeLessThan(1e-5);
});

it("by one Conv, where the patches of a GPU's form would be too large", async () => {
  const layer = { n: 2, cin: 3, cout: 2, ...oblong };
  const { kernel, strides, pads, dilations } = layer;
  const attrs = { kernel, strides, pads, dilations };
  const random = new Random(0, "one Conv", 0);
  const graph = new Graph();
  const x = graph.input("x", [2, 3, ...oblong.size]);
  const w = graph.input("w", [2, 3, ...kernel]);
  const dy = graph.input("dy", Conv([x, w], { strides, pads, dilations }).shape);
  graph.output("dw", byConv(x, dy, attrs));
  const values = Object.fromEntries([x, w, dy].map(({ name, size }) => [name, normals(random, size, 4)]));
  const { dw } = loops(layer, dy.shape.slice(2), values.x!, values.w!, values.dy!);
  expect(distance((await run(graph, values)).dw!, dw)).toBeLessThan(1e-6);

  const large = new Graph();
  const [map, slope] = [large.input("x", [1, 64, 112, 112]), large.input("dy", [1, 3, 106, 106])];
  const wide = { kernel: [7, 7], strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1] } as const;
  large.output("dw", ConvWeightGradient([map, slope], wide));
  expect(forGpu(large.program()).nodes.map(({ op }) => op.type)).not.toContain("Gemm");
});

it("two maps: a weight gradient that is also an output is not merged into the sum", async () => {
  const graph = new Graph();
  const [x, dy] = [graph.input("x", [1, 3, 12, 12]), graph.input("dy", [1, 2, 6, 6])];
  const attrs = { strides: [2, 2], pads: [1, 1, 1, 1], dilations: [1, 1], kernel: [4, 4] } as const;
  const [one, other] = [ConvWeightGradient([x, dy], attrs), ConvWeightGradient([mul(x, 2), dy], attrs)];
  graph.outputs.push(...named(["one", "both"], [one, add(one, other)]));
  const types = forCpu(graph.program()).nodes.map(({ op }) => op.type);
  expect(types.filter((type) => type === "Add" || type === "Gemm")).toEqual(["Gemm", "Gemm", "Add"]);
  const random = new Random(0, "two maps", 0);
  const got = await run(graph, { x: normals(random, x.size, 4), dy: normals(random, dy.size, 4) });
  const thrice = got.one!.map((value) => 3 * value);
  expect(distance(got.both!, thrice)).toBeLessThan(1e-6);
});

it("any geometry", async () => {
  const upTo = (most: number, least = 0) => fc.integer({ min: least, max: most });
  const geometries = fc
    .record({
      n: upTo(2, 1),
      cin: upTo(3, 1),
      cout: upTo(3, 1),
      kernel: fc.tuple(upTo(4, 1), upTo(4, 1)),
      strides: fc.tuple(upTo(3, 1), upTo(3, 1)),
      pads: fc.tuple(upTo(2), upTo(2), upTo(2), upTo(2)),
      dilations: fc.tuple(upTo(3, 1), upTo(3, 1)),
      more: fc.tuple(upTo(12), upTo(12)),
    })
    .map(({ more, ...rest }): Geometry => {
      const { kernel, pads, dilations } = rest;
      const side = (i: 0 | 1) =>
        Math.max(1, dilations[i] * (kernel[i] - 1) + 1 - pads[i] - pads[(i + 2) as 2 | 3] + more[i]);
      return { ...rest, size: [side(0), side(1)] };
    });
  await fc.assert(
    fc.asyncProperty(geometries, async (geometry) => {
      await check(geometry, "cpu");
      await check(geometry, "gpu");
    }),
    { numRuns: 60 },
  );
});

/** The op that Conv became, and the forms that its gradients took. */
interface Forms {
  output: string | undefined;
  input: string;
  weight: string;
  /** The numbers of Convs on blocks of 16 channels, whatever CPU runs the test. */
  blocks: Record<string, number>;
}

/** Compares Conv, ConvTranspose and all their gradients with `loops`. */
async function check(geometry: Geometry, kind: "cpu" | "gpu" | "wasm" = "cpu", tolerance = 1e-6): Promise<Forms> {
  const { n, cin, cout, size, kernel, strides, pads, dilations } = geometry;
  const extent = kernel.map((k, i) => dilations[i]! * (k - 1) + 1);
  const padded = size.map((length, i) => length + pads[i]! + pads[i + 2]!);
  const map = padded.map((length, i) => Math.floor((length - extent[i]!) / strides[i]!) + 1);
  const output_padding = padded.map((length, i) => (length - extent[i]!) % strides[i]!) as unknown as Pair;
  const shapes: Record<string, Shape> = {
    x: [n, cin, ...size],
    w: [cout, cin, ...kernel],
    bias: [cout],
    t: [n, cout, ...map],
    biasT: [cin],
  };
  // Multiples of 1/4: sums of their products are exact in float32 in any order.
  const random = new Random(0, "convolution", 0);
  const values = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, normals(random, sizeOf(shape), 4)]),
  );

  const graph = new Graph();
  const [x, w, bias, t, biasT] = Object.entries(shapes).map(([name, shape]) => graph.input(name, shape));
  const attrs = { strides, pads, dilations };
  const y = Conv([x!, w!, bias!], attrs);
  const gradients = gradient(sum(mul(y, t!)), [x!, w!, bias!]);
  const programOf = (tensor: Tensor) => graph.program(named(["it"], [tensor]));
  const lowered = (program: Program) =>
    kind === "gpu" ? forGpu(program) : forCpu(program, kind === "wasm" ? kind : 1);
  const ops = (tensor: Tensor) => lowered(programOf(tensor)).nodes.map(({ op }) => op.type);
  const blocksOf = (tensor: Tensor) =>
    forCpu(programOf(tensor), 16).nodes.filter(({ op }) => op.domain && op.type === "Conv").length;
  const taken = {
    output: ["MatMul", "ConvTranspose", "Conv"].find((type) => ops(y).includes(type)),
    input: inputForm(ops(gradients[0]!)),
    weight: weightForm(ops(gradients[1]!), n, kernel),
  };
  const transposed = ConvTranspose([t!, w!, biasT!], { ...attrs, output_padding });
  const [dx, dw] = gradients;
  const blocks = { y: blocksOf(y), dx: blocksOf(dx!), dw: blocksOf(dw!), transposed: blocksOf(transposed) };
  const gradientsT = gradient(sum(mul(transposed, x!)), [t!, w!, biasT!]);
  // sum(y * t) without the bias is linear in each of x, w and t, so the gradients of its gradients are y, dx and dw.
  const seconds = [...gradient(sum(mul(dx!, x!)), [w!, t!]), ...gradient(sum(mul(dw!, w!)), [x!, t!])];
  const names = ["y", "dx", "dw", "db", "transposed", "dt", "dwT", "dbT", "dw of dx", "y of dx", "dx of dw", "y of dw"];
  graph.outputs.push(...named(names, [y, ...gradients, transposed, ...gradientsT, ...seconds]));
  const got =
    kind === "cpu" ? await run(graph, values) : await (await compileProgram(lowered(graph.program())))(values);

  const expected = loops(geometry, map, values.x!, values.w!, values.t!);
  const shifted = (sums: Float64Array, by: Float32Array, area: number) =>
    sums.map((v, i) => v + by[Math.floor(i / area) % by.length]!);
  const area = (shape: Shape) => shape[2]! * shape[3]!;
  const wanted: Record<string, Float64Array> = {
    y: shifted(expected.y, values.bias!, area(shapes.t!)),
    dx: expected.dx,
    dw: expected.dw,
    db: channelSums(shapes.t!, values.t!),
    // ConvTranspose is the gradient of Conv by x. Its gradients are the Conv, and the same gradient by w.
    transposed: shifted(expected.dx, values.biasT!, area(shapes.x!)),
    dt: expected.y,
    dwT: expected.dw,
    dbT: channelSums(shapes.x!, values.x!),
    "dw of dx": expected.dw,
    "y of dx": expected.y,
    "dx of dw": expected.dx,
    "y of dw": expected.y,
  };
  for (const name of names) expect(distance(got[name]!, wanted[name]!), name).toBeLessThan(tolerance);
  return { ...taken, blocks };
}

function inputForm(ops: string[]): string {
  if (ops.includes("MatMul")) return "winograd";
  return ops.includes("ConvTranspose") ? "transposed" : "flipped";
}

/**
 * The form of a weight gradient, recognised by the number of matrix products: one for each sample, or one for each tap.
 */
function weightForm(ops: string[], n: number, [kh, kw]: Pair): string {
  const products = ops.filter((type) => type === "Gemm").length;
  if (ops.includes("MatMul")) return "winograd";
  if (products === 0) return "convolution";
  if (ops.includes("Conv")) return "one-hot";
  return products === n * kh * kw ? "taps" : "other";
}

const named = (names: string[], tensors: Tensor[]) => names.map((name, i) => ({ name, tensor: tensors[i]! }));

/** y = Conv(x, w), and the gradients of sum(y * t) by x and w. */
function loops(geometry: Geometry, map: number[], x: Float32Array, w: Float32Array, t: Float32Array) {
  const { n, cin, cout, size, kernel, strides, pads, dilations } = geometry;
  const [height, width] = size;
  const [y, dx, dw] = [t, x, w].map(({ length }) => new Float64Array(length)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  let yi = 0;
  for (let sample = 0; sample < n; sample++)
    for (let o = 0; o < cout; o++)
      for (let p = 0; p < map[0]!; p++)
        for (let q = 0; q < map[1]!; q++, yi++)
          for (let c = 0; c < cin; c++)
            for (let i = 0; i < kernel[0]; i++)
              for (let j = 0; j < kernel[1]; j++) {
                const row = p * strides[0] + i * dilations[0] - pads[0];
                const column = q * strides[1] + j * dilations[1] - pads[1];
                if (row < 0 || row >= height || column < 0 || column >= width) continue;
                const xi = ((sample * cin + c) * height + row) * width + column;
                const wi = ((o * cin + c) * kernel[0] + i) * kernel[1] + j;
                y[yi]! += x[xi]! * w[wi]!;
                dx[xi]! += t[yi]! * w[wi]!;
                dw[wi]! += t[yi]! * x[xi]!;
              }
  return { y, dx, dw };
}

function channelSums([, channels, h, w]: Shape, values: Float32Array): Float64Array {
  const sums = new Float64Array(channels!);
  values.forEach((v, i) => {
    sums[Math.floor(i / (h! * w!)) % channels!]! += v;
  });
  return sums;
}
