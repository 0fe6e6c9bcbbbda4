/** The peak rate that ONNX Runtime reaches on this CPU or GPU, measured with one large float32 matrix product. */
import { chooseDevice, type DeviceChoice, sessionOptions } from "../src/engines/device.ts";
import { Graph } from "../src/graph/graph.ts";
import { gemm } from "../src/graph/ops/linear.ts";
import { sum } from "../src/graph/ops/reduce.ts";
import { nodePlatform } from "../src/node/index.ts";
import { encode } from "../src/onnx/encode.ts";

const side = 2048;

/** GFLOP/s of the fastest of 12 products of two 2048 x 2048 matrices. */
export async function gemmPeak(choice: DeviceChoice, threads?: number): Promise<number> {
  const platform = await nodePlatform({ threads });
  const device = await chooseDevice(platform, choice);
  const graph = new Graph();
  const [a, b] = [graph.input("a", [side, side]), graph.input("b", [side, side])];
  // On a GPU the output is the sum of the product, so that the time does not include a download of 16 MB.
  const [y, shape] = device.name === "cpu" ? [gemm(a, b), [side, side]] : [sum(gemm(a, b)), [1, 1]];
  graph.output("y", y);
  const session = await platform.ort.InferenceSession.create(
    encode(graph.program()),
    sessionOptions(device, platform.cores),
  );
  const matrix = ([rows, columns]: number[]) =>
    new platform.ort.Tensor("float32", new Float32Array(rows! * columns!).fill(0.5), [rows!, columns!]);
  const [feeds, fetches] = [{ a: matrix([side, side]), b: matrix([side, side]) }, { y: matrix(shape) }];
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 12; i++) {
    const began = performance.now();
    await session.run(feeds, fetches);
    best = Math.min(best, performance.now() - began);
  }
  await session.release();
  return (2 * side ** 3) / best / 1e6;
}
