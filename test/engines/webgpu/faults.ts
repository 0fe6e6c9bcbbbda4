/** Prints which faults of the runtime on WebGPU are still there, as JSON: name to true or false. */
import { sessionOptions } from "../../../src/engines/device.ts";
import { Graph } from "../../../src/graph/graph.ts";
import { Conv } from "../../../src/graph/ops/conv.ts";
import { mul } from "../../../src/graph/ops/elementwise.ts";
import { SpaceToDepth } from "../../../src/graph/ops/movement.ts";
import { nodePlatform } from "../../../src/node/index.ts";
import { encode } from "../../../src/onnx/encode.ts";
import type { InferenceSession, Tensors } from "../../../src/platform.ts";
import { Random } from "../../../src/random.ts";
import { distance, normals } from "../../graph/evaluate.ts";

const { ort } = await nodePlatform();
const random = new Random(0, "faults", 0);
const webgpu = sessionOptions({ name: "webgpu", label: "webgpu" }, 1);

/** As it is, without the GPU forms of src/lowering that avoid the faults. */
async function run(graph: Graph, options: InferenceSession.SessionOptions, feeds: Tensors): Promise<Float32Array> {
  const session = await ort.InferenceSession.create(encode(graph.program()), options);
  const { y } = await session.run(feeds);
  return y!.data as Float32Array;
}
const tensor = (shape: readonly number[]) => {
  const size = shape.reduce((n, d) => n * d, 1);
  return new ort.Tensor("float32", normals(random, size), shape);
};

/** lowering/gpu.ts, withPaddedChannels. */
async function convOfSixChannels(): Promise<boolean> {
  const graph = new Graph();
  const [x, w] = [graph.input("x", [1, 6, 16, 16]), graph.input("w", [4, 6, 4, 4])];
  graph.output("y", Conv([x, w], { strides: [2, 2], pads: [1, 1, 1, 1], dilations: [1, 1] }));
  const feeds = { x: tensor(x.shape), w: tensor(w.shape) };
  const expected = await run(graph, { executionProviders: ["cpu"] }, feeds);
  return distance(await run(graph, { executionProviders: ["webgpu"], logSeverityLevel: 3 }, feeds), expected) > 0.1;
}

/** lowering/gpu.ts, spaceToDepth. */
async function spaceToDepthOnTheCpu(): Promise<boolean> {
  const graph = new Graph();
  const x = graph.input("x", [1, 3, 8, 8]);
  graph.output("y", SpaceToDepth([x], { blocksize: 2 }));
  const strict = { ...webgpu, extra: { session: { disable_cpu_ep_fallback: "1" } } };
  return run(graph, strict, { x: tensor(x.shape) }).then(
    () => false,
    () => true,
  );
}

/** engines/gpu.ts: a GPU tensor given as a fetch is not written where `preferredOutputLocation` is set. */
async function fetchesAreNotWritten(): Promise<boolean> {
  const graph = new Graph();
  graph.output("y", mul(graph.input("x", [4]), 2));
  const located = { ...webgpu, preferredOutputLocation: "gpu-buffer" as const };
  const session = await ort.InferenceSession.create(encode(graph.program()), located);
  const back = await ort.InferenceSession.create(encode(graph.program()), webgpu);
  const once = (values: number[]) => ({ x: new ort.Tensor("float32", Float32Array.from(values), [4]) });
  const { y } = await session.run(once([1, 1, 1, 1]));
  await session.run(once([5, 5, 5, 5]), { y: y! });
  return ((await back.run({ x: y! })).y!.data as Float32Array)[0] === 4;
}

/** platform.ts, captures: onnxruntime-node refuses the option that onnxruntime-web gives the same provider. */
async function captureIsRefused(): Promise<boolean> {
  const graph = new Graph();
  graph.output("y", mul(graph.input("x", [4]), 2));
  const provider = { name: "webgpu", enableGraphCapture: true } as const;
  return ort.InferenceSession.create(encode(graph.program()), { executionProviders: [provider] }).then(
    () => false,
    (error: Error) => /unrecognized option: 'enableGraphCapture'/.test(error.message),
  );
}

console.log(
  JSON.stringify({
    convOfSixChannels: await convOfSixChannels(),
    spaceToDepthOnTheCpu: await spaceToDepthOnTheCpu(),
    fetchesAreNotWritten: await fetchesAreNotWritten(),
    captureIsRefused: await captureIsRefused(),
  }),
);
