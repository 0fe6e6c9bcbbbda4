/** How many kernels ONNX Runtime 1.30 launches on WebGPU, in layout NCHW, for the nodes of a model. */
import type { Model, ModelNode } from "../../src/onnx/model.ts";

/** Kernels of a model. The profile of a run has the exact number: test/engines/webgpu/kernels.ts. */
export const launchesOf = ({ nodes }: Model): number => nodes.reduce((total, node) => total + launches(node), 0);

function launches({ type, attributes, inputs }: ModelNode): number {
  // They keep the buffer, or copy it without a kernel.
  if (type === "Reshape" || type === "Identity") return 0;
  // Without groups the weights are transposed first.
  const { group } = attributes;
  if (type === "ConvTranspose" || (type === "Conv" && !(group && "int" in group && group.int > 1))) return 2;
  // Of 8 buffers, what every device has, one is the output.
  if (type === "Concat") return Math.ceil(inputs.length / 7);
  return 1;
}
