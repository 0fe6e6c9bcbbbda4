/** Conditions besides shapes and attributes that decide which form of an op is the fastest on a CPU. */

/** How many channels ONNX Runtime's blocked CPU kernels take at once on this CPU; 1: it has no such kernels. */
export type ChannelBlock = 1 | 8 | 16;

/**
 * The kernels of a runtime on this CPU: blocked ones, plain ones (1), or those of WASM, which are plain ones on four values at a time
 * without fused multiply-add. There arithmetic is dear and memory cheap, so that forms with fewer products pay for more shapes.
 */
export type CpuKernels = ChannelBlock | "wasm";

/** Whether weights change between runs (training), or stay the same for many runs. */
export type WeightUse = "changing" | "fixed";

export interface CpuOptions {
  block: ChannelBlock;
  /** Whether the kernels are those of WASM. */
  wasm: boolean;
  weights: WeightUse;
}

export const cpuOptions = (kernels: CpuKernels, weights: WeightUse): CpuOptions =>
  kernels === "wasm" ? { block: 1, wasm: true, weights } : { block: kernels, wasm: false, weights };
