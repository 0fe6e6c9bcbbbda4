/** Conditions besides shapes and attributes that decide which form of an op is the fastest on a CPU. */

/** How many channels ONNX Runtime's blocked CPU kernels process at once on this CPU; 1: it has no such kernels. */
export type ChannelBlock = 1 | 8 | 16;

/**
 * The runtime's kernels on this CPU: the size of the blocks of channels (1: no blocked kernels); "intel": blocks of 16 on a processor
 * by Intel; "wasm": no blocked kernels, and vectors of four values without fused multiply-add.
 */
export type CpuKernels = ChannelBlock | "intel" | "wasm";

/** Whether weights change between runs (training), or stay the same for many runs. */
export type WeightUse = "changing" | "fixed";

export interface CpuOptions {
  block: ChannelBlock;
  weights: WeightUse;
  /**
   * When layers of stride 2 may take Winograd's form, which needs less arithmetic and more memory traffic: where channels fill blocks;
   * always in WASM, where arithmetic is slow; never in training on Intel's processors, as measured (docs/performance.md).
   */
  stridedWinograd: "in blocks" | "always" | "never";
}

export function cpuOptions(kernels: CpuKernels, weights: WeightUse): CpuOptions {
  if (kernels === "wasm") return { block: 1, weights, stridedWinograd: "always" };
  if (kernels === "intel") return { block: 16, weights, stridedWinograd: weights === "fixed" ? "in blocks" : "never" };
  return { block: kernels, weights, stridedWinograd: "in blocks" };
}
