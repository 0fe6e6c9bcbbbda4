/**
 * Convolutions on channels in blocks, the fastest convolutions of ONNX Runtime on a CPU.
 *
 * ONNX Runtime has a second Conv (domain com.microsoft.nchwc) that keeps 8 or 16 channels side by side, [N, C / b, H,
 * W, b], as many as a register of the CPU holds. It copies no patches, and it avoids the cache conflicts of rows whose
 * distance is a power of two, as those of pix2pix are. It runs at the full rate of the cores, the plain Conv at 0.6 of
 * it. ONNX Runtime itself uses it only for constant weights. In training weights are inputs, so these forms use it.
 * Their results are in ONNX's order; values are the same except for rounding.
 */
import { isNodeOf, op, type Tensor, unshaped } from "../../graph/graph.ts";
import { Conv, type ConvAttributes, type ConvTransposeAttributes } from "../../graph/ops/conv.ts";
import type { GemmAttributes } from "../../graph/ops/linear.ts";
import { concat, Reshape, reshape, transpose } from "../../graph/ops/movement.ts";
import { unpadded } from "../../graph/ops/windows.ts";
import type { CpuOptions, WeightUse } from "../cpu-options.ts";
import type { BuildForm } from "../rewrite.ts";
import { isHalving } from "../weight-gradients.ts";
import { BlockedConv, exchanged, fromBlocks, inBlocksAlready, ReorderInput, toBlocks, zeros } from "./ops.ts";

/** The slices at `indices` of `axis`. */
const Gather = op<{ indices: readonly number[]; axis: number }>("Gather", {
  shape: ([x], { indices, axis }) => x!.with(axis, indices.length),
  constants: ({ indices }) => [indices],
  attributes: ({ axis }) => ({ axis }),
});

/**
 * Positions from which blocks save more time than the reordering of the weights costs. They are those of a Conv's output,
 * and of the input of a ConvTranspose, whose weights take more reorderings.
 */
const worth: Record<WeightUse, { conv: number; convTranspose: number }> = {
  changing: { conv: 256, convTranspose: 512 },
  fixed: { conv: 4, convTranspose: 4 },
};
/** Positions over which a weight gradient sums, from which blocks save more time than the reordering of its result costs. */
const worthGradient = 512;

/** A Conv of enough positions whose channels fill blocks. Its input may also have fewer channels than one block. */
export const convInBlocks: BuildForm<ConvAttributes, CpuOptions> = ([x, w, bias], attrs, { block, weights }) => {
  const [o, i] = w!.shape as [number, number];
  const few = i < block;
  const [n, , height, width] = Conv.declaration.shape([x!.shape, w!.shape], attrs);
  if (block === 1 || o % block !== 0 || (i % block !== 0 && !few)) return undefined;
  if (n! * height! * width! < worth[weights].conv) return undefined;
  const inputs = [few ? x! : toBlocks(x!), filters(w!, block), ...(bias ? [bias] : [])];
  return fromBlocks(BlockedConv(inputs, attrs));
};

/**
 * The 4x4 kernel of stride 2 and padding 1 of every up step, as four Convs with 2x2 of its taps (Shi et al. 2016, arXiv
 * 1609.07009): row 2i + r of the output sees rows i - 1 + r and i + r of the input through kernel rows 3 - r and 1 - r.
 */
export const convTransposeInBlocks: BuildForm<ConvTransposeAttributes, CpuOptions> = (
  [x, w, bias],
  attrs,
  { block, weights },
) => {
  const [i, o, ...kernel] = w!.shape as [number, number, number, number];
  const [n, , h, width] = x!.shape as [number, number, number, number];
  const usual = isHalving(kernel, attrs) && attrs.output_padding.every((p) => p === 0);
  if (block === 1 || !usual || i % block !== 0 || o % block !== 0) return undefined;
  if (n * h * width < worth[weights].convTranspose) return undefined;
  const input = toBlocks(x!);
  const taps = filtersOfTranspose(w!, block);
  // The two columns of each position side by side, then the two rows of each row.
  const positions = n * (o / block) * h;
  const rows = [0, 1].map((r) => {
    const columns = [0, 1].map((c) => {
      const indices = [3 - r, 1 - r].flatMap((row) => [3 - c, 1 - c].map((column) => 4 * row + column));
      const filter = reshape(Gather([taps], { indices, axis: 2 }), [o, i, 2, 2]);
      const part = BlockedConv([input, filter, ...(bias ? [bias] : [])], { ...unpadded, pads: [1 - r, 1 - c, r, c] });
      return reshape(part, [positions * width, 1, block]);
    });
    return reshape(concat(columns, 1), [positions, 1, 2 * width * block]);
  });
  return fromBlocks(reshape(concat(rows, 1), [n, o, 2 * h, 2 * width]));
};

/**
 * The product of a map with patches in a weight gradient (../weight-gradients.ts), as a 1x1 Conv whose channels are the
 * positions of the map. Its filters are the patches that a Conv in blocks has computed, without a reordering.
 */
export const gemmInBlocks: BuildForm<GemmAttributes, CpuOptions> = (
  [map, patches, sum],
  { transA, transB },
  { block },
) => {
  const [rows, positions] = map!.shape as [number, number];
  const source = isNodeOf(patches!.producer, Reshape) ? patches!.producer.inputs[0]! : patches!;
  const filter = inBlocksAlready(source);
  const ofMap = source.rank === 4 && source.shape[2]! * source.shape[3]! === positions;
  if (block === 1 || transA || !transB || !filter || !ofMap) return undefined;
  if (positions % block !== 0 || positions < worthGradient) return undefined;
  const columns = patches!.shape[0]!;
  const before = sum && productInBlocks(sum, rows, columns);
  if (sum && !before) return undefined;
  const input = ReorderInput([reshape(map!, [1, rows, 1, positions])], { channels_last: 1 });
  const added = before ? [zeros(map!.graph, columns), before] : [];
  const product = BlockedConv([input, reshape(filter, [columns, positions, 1, 1]), ...added], unpadded);
  return reshape(exchanged(product, 1, columns / block, rows, block), [rows, columns]);
};

/**
 * The product in blocks, [1, columns, rows, 1], if `gemmInBlocks` has computed `sum` (that of earlier samples) from such a
 * product; else undefined.
 */
function productInBlocks(sum: Tensor, rows: number, columns: number): Tensor | undefined {
  const reordered = unshaped(sum).producer;
  if (!isNodeOf(reordered, ReorderInput) || reordered.attrs.channels_last === 0) return undefined;
  const product = unshaped(reordered.inputs[0]!);
  const ofThisShape = product.shape[1] === columns && product.shape[2] === rows;
  return isNodeOf(product.producer, BlockedConv) && ofThisShape ? product : undefined;
}

/**
 * [O, I, kh, kw] to [O / b, I / b, kh, kw, b of I, b of O]; with fewer input channels than a block [O / b, I, kh, kw,
 * b].
 */
function filters(w: Tensor, block: number): Tensor {
  const [o, i, kh, kw] = w.shape as [number, number, number, number];
  const outer = ReorderInput([reshape(w, [o / block, block, i * kh * kw, 1])], { channels_last: 0 });
  if (i < block) return reshape(outer, w.shape);
  return reshape(exchanged(outer, (o / block) * (i / block), block, kh * kw, block), w.shape);
}

/** The weight of a ConvTranspose, [I, O, 4, 4], to [O / b, I / b, 16, b of I * b of O]. */
function filtersOfTranspose(w: Tensor, block: number): Tensor {
  const [i, o, kh, kw] = w.shape as [number, number, number, number];
  const outer = ReorderInput([reshape(w, [(i * o) / block, block, kh * kw, 1])], { channels_last: 0 });
  const both = exchanged(outer, i / block, block, (o / block) * kh * kw, block);
  return transpose(reshape(both, [i / block, o / block, kh * kw, block * block]), [1, 0, 2, 3]);
}
