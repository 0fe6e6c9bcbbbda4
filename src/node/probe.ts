/**
 * Examines one device in a separate process, since a driver may end the process that uses it. Prints a ProbeResult as
 * one line of JSON. The log of the runtime on standard error names the GPUs of the machine.
 */
import { sessionOptions } from "../engines/device.ts";
import { messageOf } from "../errors.ts";
import { Graph } from "../graph/graph.ts";
import { gemm } from "../graph/ops/linear.ts";
import { Expand, sum } from "../graph/ops/reduce.ts";
import { encode } from "../onnx/encode.ts";
import type { DeviceName, InferenceSession } from "../platform.ts";
import { logAll, ort } from "./ort.ts";

export interface ProbeResult {
  /** Rate of a matrix product, GFLOP/s. */
  rate?: number;
  /** Bytes; absent where it is 4 GiB or more. */
  maxBufferSize?: number;
  error?: string;
}

async function session(graph: Graph, name: DeviceName): Promise<InferenceSession> {
  return ort.InferenceSession.create(encode(graph.program()), sessionOptions({ name, label: name }, 1));
}

/** GFLOP/s of a matrix product. Matrices grow until one takes 10 ms: a GPU is slow on small ones. */
async function rate(name: DeviceName): Promise<number> {
  let [best, side] = [0, 128];
  for (let seconds = 0; seconds < 0.01 && side <= 4096; side *= 2) {
    seconds = await product(name, side);
    best = (2 * side ** 3) / seconds / 1e9;
  }
  return best;
}

/** Seconds for one product of square matrices, the smaller of two measurements. */
async function product(name: DeviceName, side: number): Promise<number> {
  const graph = new Graph();
  // Only the sum of the product is read back.
  graph.output("y", sum(gemm(graph.input("a", [side, side]), graph.input("b", [side, side]))));
  const multiply = await session(graph, name);
  const matrix = new ort.Tensor("float32", new Float32Array(side * side).fill(0.5), [side, side]);
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3; i++) {
    const began = performance.now();
    const { y } = await multiply.run({ a: matrix, b: matrix });
    if (Math.abs((y!.data[0] as number) / (side ** 3 / 4) - 1) > 1e-4)
      throw new Error("a matrix product came out wrong");
    if (i > 0) best = Math.min(best, (performance.now() - began) / 1000);
  }
  await multiply.release();
  return best;
}

/** The runtime does not report limits. A buffer of just under 4 GiB makes it name the limit in an error. */
async function maxBufferSize(): Promise<number | undefined> {
  const graph = new Graph();
  graph.output("y", sum(Expand([graph.input("x", [1, 1])], { shape: [1023, 2 ** 20] })));
  const large = await session(graph, "webgpu");
  // The first error may be about the allocation; the second names the limit.
  for (let i = 0; i < 2; i++) {
    try {
      await large.run({ x: new ort.Tensor("float32", new Float32Array(1), [1, 1]) });
    } catch (error) {
      const limit = /max buffer size limit \((\d+)\)/.exec(String(error))?.[1];
      if (limit) return Number(limit);
    }
  }
  return undefined;
}

const result: ProbeResult = {};
try {
  const name = process.argv[2] as DeviceName;
  logAll();
  result.rate = await rate(name);
  if (name === "webgpu") Object.assign(result, { maxBufferSize: await maxBufferSize() });
} catch (error) {
  result.error = messageOf(error);
}
process.stdout.write(`\n${JSON.stringify(result)}\n`);
