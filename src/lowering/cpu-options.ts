/** Conditions besides shapes and attributes that decide which form of an op is the fastest on a CPU. */

/** How many channels ONNX Runtime's blocked CPU kernels take at once on this CPU; 1: it has no such kernels. */
export type ChannelBlock = 1 | 8 | 16;

/**
 * The kernels of a runtime on this CPU: blocked ones; those of a processor of Intel ("intel": blocks of 16); plain ones (1); or those of
 * WASM, which are plain ones on four values at a time without fused multiply-add.
 */
export type CpuKernels = ChannelBlock | "intel" | "wasm";

/** Whether weights change between runs (training), or stay the same for many runs. */
export type WeightUse = "changing" | "fixed";

export interface CpuOptions {
  block: ChannelBlock;
  weights: WeightUse;
  /**
   * Where layers of stride 2 may take Winograd's form, which trades arithmetic for memory: where channels fill blocks; always in WASM,
   * where arithmetic is dear; never while training on the processors of Intel that were measured (docs/performance.md).
   */
  stridedWinograd: "in blocks" | "always" | "never";
}

export function cpuOptions(kernels: CpuKernels, weights: WeightUse): CpuOptions {
  if (kernels === "wasm") return { block: 1, weights, stridedWinograd: "always" };
  if (kernels === "intel") return { block: 16, weights, stridedWinograd: weights === "fixed" ? "in blocks" : "never" };
  return { block: kernels, weights, stridedWinograd: "in blocks" };
}
