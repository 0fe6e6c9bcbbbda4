/** Which kernels ONNX Runtime has on this CPU: blocked ones (../lowering/channel-blocks/), plain ones, or those of WASM. */
import { Graph, op } from "../graph/graph.ts";
import { ReorderInput } from "../lowering/channel-blocks/ops.ts";
import type { ChannelBlock, CpuKernels } from "../lowering/cpu-options.ts";
import { encode } from "../onnx/encode.ts";
import type { Device, Ort, Platform } from "../platform.ts";
import { onCpu } from "./device.ts";

const Shape = op("Shape", { shape: ([x]) => [x!.length], dtype: "int64" });

const known = new WeakMap<Ort, Promise<ChannelBlock>>();

/** 1 for devices that are no CPU, and if ONNX Runtime has no blocked kernels for this CPU. */
export async function cpuKernels(
  { ort, processor = "" }: Pick<Platform, "ort" | "processor">,
  { name }: Device,
): Promise<CpuKernels> {
  if (name === "wasm") return "wasm";
  if (name !== "cpu") return 1;
  const block = known.get(ort) ?? ask(ort).catch(() => 1 as const);
  known.set(ort, block);
  return (await block) === 16 && processor.includes("Intel") ? "intel" : block;
}

/**
 * Reads the shape that ONNX Runtime infers for 4 channels in blocks. It rounds them up to a block: 16 with AVX-512, 8
 * with AVX. They stay 4 on a CPU without such kernels, and a build without them refuses the model.
 */
async function ask(ort: Ort): Promise<ChannelBlock> {
  const graph = new Graph();
  const x = graph.input("x", [1, 4, 1, 1]);
  graph.output("shape", Shape([ReorderInput([x], { channels_last: 0 })]));
  const session = await ort.InferenceSession.create(encode(graph.program()), onCpu(1));
  const { shape } = await session.run({ x: new ort.Tensor("float32", new Float32Array(4), x.shape) });
  await session.release();
  const channels = Number(shape!.data[1]);
  return channels === 8 || channels === 16 ? channels : 1;
}
