/** Long sums are as exact as short ones, compared with float64, on ONNX Runtime for Node and for browsers. */
import * as cpu from "onnxruntime-node";
import * as wasm from "onnxruntime-web";
import { describe, expect, it } from "vitest";
import { Graph, type Shape, sizeOf, type Tensor } from "../../src/graph/graph.ts";
import { mean, sum, sumSquare } from "../../src/graph/ops/reduce.ts";
import { encodeOnnx } from "../../src/lowering/cpu.ts";
import { Random } from "../../src/random.ts";

wasm.env.wasm.numThreads = 1;
const runtimes = { cpu, wasm } as unknown as Record<string, typeof cpu>;

const reductions: [string, (x: Tensor, axes: number[]) => Tensor, (v: number, count: number) => number][] = [
  ["sum", sum, (v) => v],
  ["mean", mean, (v, count) => v / count],
  ["sumSquare", sumSquare, (v) => v * v],
];
/** The last axes are reduced, so the values of a result lie side by side. */
const cases: [string, Shape, number[]][] = [
  ["each map", [1, 2, 512, 512], [2, 3]],
  ["a map of odd sides", [1, 1, 511, 603], [2, 3]],
  ["a whole batch", [4, 3, 256, 192], [0, 1, 2, 3]],
  ["all weights of a layer", [512, 128, 4, 4], [0, 1, 2, 3]],
  ["few values", [2, 3, 8, 8], [2, 3]],
];

describe.each(Object.keys(runtimes))("on %s", (name) => {
  const ort = runtimes[name]!;
  for (const [what, reduce, value] of reductions) {
    it.each(cases)(`${what} of %s`, async (_, shape, axes) => {
      const random = new Random(3, "reductions", 0);
      // Values of one sign, like squares, for which rounding errors add up.
      const x = Float32Array.from({ length: sizeOf(shape) }, () => 0.5 + random.float());
      const graph = new Graph();
      graph.output("y", reduce(graph.input("x", shape), axes));
      const session = await ort.InferenceSession.create(encodeOnnx(graph.program()));
      const { y } = await session.run({ x: new ort.Tensor("float32", x, [...shape]) });
      const got = y!.data as Float32Array;
      expect(y!.dims).toEqual(shape.map((n, axis) => (axes.includes(axis) ? 1 : n)));
      const count = x.length / got.length;
      got.forEach((result, i) => {
        let exact = 0;
        for (const v of x.subarray(i * count, (i + 1) * count)) exact += value(v, count);
        expect(Math.abs(result / exact - 1)).toBeLessThan(2e-6);
      });
    });
  }
});
