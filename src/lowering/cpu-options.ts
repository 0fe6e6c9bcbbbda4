/** What the choice of a form on a CPU depends on besides shapes and attributes. */

/** How many channels ONNX Runtime's blocked CPU kernels take at once on this CPU; 1: it has no such kernels. */
export type ChannelBlock = 1 | 8 | 16;

/** Whether weights change between runs (training), or stay the same for many runs. */
export type WeightUse = "changing" | "fixed";

export interface CpuOptions {
  block: ChannelBlock;
  weights: WeightUse;
}
