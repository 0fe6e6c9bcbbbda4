/** Copies of host tensors in the memory of a device. */
import { Graph } from "../graph/graph.ts";
import { Identity } from "../graph/ops/movement.ts";
import { encode } from "../onnx/encode.ts";
import type { Device, Platform, Tensors } from "../platform.ts";
import { keepsState, sessionOptions } from "./device.ts";

/**
 * The same values in the device's memory, for inputs that do not change between many runs. For a device that reads the
 * host's memory these are the given tensors, which it reads at every run.
 */
export async function toDevice({ ort }: Platform, device: Device, tensors: Tensors): Promise<Tensors> {
  const entries = Object.entries(tensors);
  if (!keepsState(device) || entries.length === 0) return tensors;
  const graph = new Graph();
  for (const [i, [, { dims }]] of entries.entries()) {
    graph.output(`to_${i}`, Identity([graph.input(`from_${i}`, dims)]));
  }
  const options = { ...sessionOptions(device, 1), preferredOutputLocation: "gpu-buffer" as const };
  const session = await ort.InferenceSession.create(encode(graph.program()), options);
  const up = await session.run(Object.fromEntries(entries.map(([, tensor], i) => [`from_${i}`, tensor])));
  await session.release();
  return Object.fromEntries(entries.map(([name], i) => [name, up[`to_${i}`]!]));
}
