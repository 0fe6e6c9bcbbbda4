/** Ops on channels in blocks ([N, C / b, H, W, b]; ./channel-blocks.ts says why), and moves between such orders and plain ones. */
import { type Attributes, type Graph, type Op, op, type Tensor } from "../../graph/graph.ts";
import { Conv, type ConvAttributes } from "../../graph/ops/conv.ts";
import { reshape, transpose } from "../../graph/ops/movement.ts";

/** Channels side by side in one block; 1: no blocks. */
export type ChannelBlock = 1 | 8 | 16;

/** Whether weights are new at every run, or the same for many. */
export type WeightUse = "changing" | "fixed";

/** What forms are chosen for: how many channels ONNX Runtime's blocked kernels take, and whether weights change. */
export interface CpuUse {
  block: ChannelBlock;
  weights: WeightUse;
}

/** What an op becomes on a CPU; undefined where that is not the better form. */
export type CpuForm = (inputs: Tensor[], attrs: Attributes, use: CpuUse) => Tensor | undefined;

const domain = "com.microsoft.nchwc";

/** [N, C, H, W] in blocks; with `channels_last` from [N, H, W, C]. Threaded, and the fastest transpose that ONNX Runtime has. */
export const ReorderInput: Op<{ channels_last: 0 | 1 }> = op<{ channels_last: 0 | 1 }>("ReorderInput", {
  domain,
  shape: ([x], { channels_last }) => (channels_last ? [x![0]!, x![3]!, x![1]!, x![2]!] : x!),
});
/** Back to [N, C, H, W]. */
const ReorderOutput = op<{ channels: number }>("ReorderOutput", { domain, shape: ([x]) => x! });

/**
 * Inputs x in blocks (plain where it has fewer channels than a block), the weight in blocks of both, a bias, and a tensor
 * like the output that is added to it.
 */
export const BlockedConv: Op<ConvAttributes> = op<ConvAttributes>("Conv", { domain, shape: Conv.declaration.shape });

/** The same without a bias for groups of channels, each with filters of its own: [1, groups * C, H, W] and [groups * O, C, 1, 1]. */
export const GroupedConv: Op<ConvAttributes & { group: number }> = op<ConvAttributes & { group: number }>("Conv", {
  domain,
  shape: ([x, filters]) => x!.with(1, filters![0]!),
});

/** Attributes of a Conv with a 1x1 kernel. */
export const pointwise = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1] } as const;

/** The bias of a Conv in blocks that only adds to what was before. */
export function zeros(graph: Graph, length: number): Tensor {
  const values = made.get(length) ?? new Float32Array(length);
  made.set(length, values);
  return graph.constant(values, [length]);
}

/** Made once, for graphs know a constant by its array. */
const made = new Map<number, Float32Array>();

export const blocked = (x: Tensor): Tensor => inBlocksAlready(x) ?? ReorderInput([x], { channels_last: 0 });
export const plain = (x: Tensor): Tensor => ReorderOutput([x], { channels: x.shape[1]! });
export const inBlocksAlready = ({ producer }: Tensor): Tensor | undefined =>
  producer?.op.type === "ReorderOutput" ? producer.inputs[0] : undefined;

/** Values seen as [n, rows, columns, b] to [n, columns, rows, b]; a block of 1 is a plain transpose. */
export function exchanged(x: Tensor, n: number, rows: number, columns: number, block: number): Tensor {
  if (block === 1) return transpose(reshape(x, [n, rows, columns]), [0, 2, 1]);
  return ReorderInput([reshape(x, [n, rows, 1, columns * block])], { channels_last: 1 });
}
