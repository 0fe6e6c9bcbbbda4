/** The machine's limit as ONNX Runtime reaches it: one large float32 matrix product. */
import { onCpu } from "../src/device.ts";
import { Graph } from "../src/graph.ts";
import { nodePlatform } from "../src/node/index.ts";
import { encode } from "../src/onnx/encode.ts";
import { gemm } from "../src/ops/linear.ts";

const side = 2048;

/** The best rate of 12 products of 2048 x 2048 matrices, in GFLOP/s. */
export async function gemmPeak(threads?: number): Promise<number> {
  const platform = await nodePlatform({ threads });
  const graph = new Graph();
  const [a, b] = [graph.input("a", [side, side]), graph.input("b", [side, side])];
  graph.output("y", gemm(a, b));
  const session = await platform.ort.InferenceSession.create(encode(graph.program()), onCpu(platform.cores));
  const matrix = () => new platform.ort.Tensor("float32", new Float32Array(side * side).fill(0.5), [side, side]);
  const [feeds, fetches] = [{ a: matrix(), b: matrix() }, { y: matrix() }];
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 12; i++) {
    const began = performance.now();
    await session.run(feeds, fetches);
    best = Math.min(best, performance.now() - began);
  }
  await session.release();
  return (2 * side ** 3) / best / 1e6;
}
