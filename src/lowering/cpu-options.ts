/** Conditions besides shapes and attributes that decide which form of an op is the fastest on a CPU. */

/** How many channels ONNX Runtime's blocked CPU kernels take at once on this CPU; 1: it has no such kernels. */
export type ChannelBlock = 1 | 8 | 16;

/** Whether weights change between runs (training), or stay the same for many runs. */
export type WeightUse = "changing" | "fixed";

export interface CpuOptions {
  block: ChannelBlock;
  weights: WeightUse;
}
