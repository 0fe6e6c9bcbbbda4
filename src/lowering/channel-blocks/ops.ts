/**
 * Ops on channels in blocks, [N, C / b, H, W, b] (./forms.ts says why), and reorderings between blocks and ONNX's
 * order.
 */
import { type Graph, isNodeOf, type Op, op, type Tensor } from "../../graph/graph.ts";
import { Conv, type ConvAttributes } from "../../graph/ops/conv.ts";
import { reshape, transpose } from "../../graph/ops/movement.ts";

const domain = "com.microsoft.nchwc";

type ReorderAttributes = { channels_last: 0 | 1 };

/**
 * [N, C, H, W] to blocks of channels; with `channels_last` from [N, H, W, C]. It is threaded, and ONNX Runtime's fastest
 * transpose. The output's shape is given in ONNX's order, [N, C, H, W].
 */
export const ReorderInput: Op<ReorderAttributes> = op<ReorderAttributes>("ReorderInput", {
  domain,
  shape: ([x], { channels_last }) => (channels_last ? [x![0]!, x![3]!, x![1]!, x![2]!] : x!),
});
/** Blocks of channels to [N, C, H, W]. */
const ReorderOutput = op<{ channels: number }>("ReorderOutput", { domain, shape: ([x]) => x! });

/**
 * Inputs: x in blocks (in ONNX's order if it has fewer channels than a block), the weight in blocks of both its
 * channels, a bias, and a tensor of the output's shape that is added to the output.
 */
export const BlockedConv: Op<ConvAttributes> = op<ConvAttributes>("Conv", { domain, shape: Conv.declaration.shape });

type GroupedConvAttributes = ConvAttributes & { group: number };

/** BlockedConv for groups of channels with filters of their own: [1, groups * C, H, W] and [groups * O, C, 1, 1]. */
export const GroupedConv: Op<GroupedConvAttributes> = op<GroupedConvAttributes>("Conv", {
  domain,
  shape: ([x, filters]) => x!.with(1, filters![0]!),
});

/** A bias of zeros: a Conv in blocks that adds a tensor to its output takes it after a bias. */
export const zeros = (graph: Graph, length: number): Tensor => graph.constant(new Float32Array(length), [length]);

/** x, [N, C, H, W], in blocks of channels. */
export const toBlocks = (x: Tensor): Tensor => inBlocksAlready(x) ?? ReorderInput([x], { channels_last: 0 });
/** x, in blocks of channels, in ONNX's order. */
export const fromBlocks = (x: Tensor): Tensor => ReorderOutput([x], { channels: x.shape[1]! });

/** The tensor in blocks from which `x` was reordered. */
export const inBlocksAlready = ({ producer }: Tensor): Tensor | undefined =>
  isNodeOf(producer, ReorderOutput) ? producer.inputs[0] : undefined;

/** Transposes values seen as [n, rows, columns, b] to [n, columns, rows, b]. */
export function exchanged(x: Tensor, n: number, rows: number, columns: number, block: number): Tensor {
  if (block === 1) return transpose(reshape(x, [n, rows, columns]), [0, 2, 1]);
  return ReorderInput([reshape(x, [n, rows, 1, columns * block])], { channels_last: 1 });
}
