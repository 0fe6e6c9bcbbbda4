/**
 * Convolutions on channels in blocks: what ONNX Runtime's CPU kernels like best.
 *
 * ONNX Runtime has a second Conv (domain com.microsoft.nchwc) that keeps 8 or 16 channels side by side, [N, C / b, H, W, b], as
 * wide as the CPU's registers. It copies no patches and misses no cache where rows are powers of two apart, as all of pix2pix's
 * are; it runs at the cores' full rate where the plain one reaches 0.6 of it. ONNX Runtime itself turns to it where
 * weights are constants. In training they are inputs, so these forms do. Their results are in ONNX's order again; values are
 * the same but for rounding.
 */
import { op, type Tensor } from "../../graph/graph.ts";
import { Conv, type ConvAttributes, type ConvTransposeAttributes } from "../../graph/ops/conv.ts";
import { concat, Reshape, reshape, transpose } from "../../graph/ops/movement.ts";
import {
  BlockedConv,
  blocked,
  type CpuForm,
  exchanged,
  inBlocksAlready,
  plain,
  pointwise,
  ReorderInput,
  type WeightUse,
  zeros,
} from "./ops.ts";

/** Of `axis` the slices at these indices. */
const Gather = op<{ indices: readonly number[]; axis: number }>("Gather", {
  shape: ([x], { indices, axis }) => x!.with(axis, indices.length),
  constants: ({ indices }) => [indices],
  attributes: ({ axis }) => ({ axis }),
});

/**
 * Positions for each weight from which blocks repay the turning of weights: of the output of a Conv, and of the input of a
 * ConvTranspose, whose weights are turned more often.
 */
const worth: Record<WeightUse, { conv: number; convTranspose: number }> = {
  changing: { conv: 256, convTranspose: 512 },
  fixed: { conv: 4, convTranspose: 4 },
};
/** Places summed over from which a weight gradient repays the turning of its result. */
const worthGradient = 512;

export const convInBlocks: CpuForm = ([x, w, bias], attrs, { block, weights }) => {
  const [o, i] = w!.shape as [number, number];
  const few = i < block;
  const [n, , h, width] = Conv.declaration.shape([x!.shape, w!.shape], attrs as unknown as ConvAttributes);
  if (o % block !== 0 || (i % block !== 0 && !few) || n! * h! * width! < worth[weights].conv) return undefined;
  const inputs = [few ? x! : blocked(x!), filters(w!, block), ...(bias ? [bias] : [])];
  return plain(BlockedConv(inputs, attrs as unknown as ConvAttributes));
};

/**
 * The 4x4 kernel of stride 2 and padding 1 of every up step, as four Convs with 2x2 of its taps (Shi et al. 2016, arXiv
 * 1609.07009): row 2i + r of the output sees rows i - 1 + r and i + r of the input through kernel rows 3 - r and 1 - r.
 */
export const convTransposeInBlocks: CpuForm = ([x, w, bias], attrs, { block, weights }) => {
  const { strides, pads, dilations, output_padding } = attrs as unknown as ConvTransposeAttributes;
  const [i, o, kh, kw] = w!.shape as [number, number, number, number];
  const [n, , h, width] = x!.shape as [number, number, number, number];
  const usual = `${[kh, kw, ...strides, ...pads, ...dilations, ...output_padding]}` === "4,4,2,2,1,1,1,1,1,1,0,0";
  if (!usual || i % block !== 0 || o % block !== 0 || n * h * width < worth[weights].convTranspose) return undefined;
  const input = blocked(x!);
  const taps = filtersOfTranspose(w!, block);
  // Of each position its two columns side by side, then of each row its two rows.
  const positions = n * (o / block) * h;
  const rows = [0, 1].map((r) => {
    const columns = [0, 1].map((c) => {
      const indices = [3 - r, 1 - r].flatMap((row) => [3 - c, 1 - c].map((column) => 4 * row + column));
      const filter = reshape(Gather([taps], { indices, axis: 2 }), [o, i, 2, 2]);
      const part = BlockedConv([input, filter, ...(bias ? [bias] : [])], { ...pointwise, pads: [1 - r, 1 - c, r, c] });
      return reshape(part, [positions * width, 1, block]);
    });
    return reshape(concat(columns, 1), [positions, 1, 2 * width * block]);
  });
  return plain(reshape(concat(rows, 1), [n, o, 2 * h, 2 * width]));
};

/**
 * The weight gradient's product of a map with patches (./weight-gradients.ts): a 1x1 Conv whose channels are the places of the
 * map. Patches that a Conv has just made in blocks of taps are its filters as they lie in memory.
 */
export const productWithPatches: CpuForm = ([map, patches, sum], attrs, { block }) => {
  const { transA, transB } = attrs as { transA: number; transB: number };
  const [rows, places] = map!.shape as [number, number];
  const made = patches!.producer?.op === Reshape.declaration ? patches!.producer.inputs[0]! : patches!;
  const filter = inBlocksAlready(made);
  const asMade = made.rank === 4 && made.shape[2]! * made.shape[3]! === places;
  if (transA || !transB || !filter || !asMade || places % block !== 0 || places < worthGradient) return undefined;
  const columns = patches!.shape[0]!;
  const before = sum && products.get(sum);
  if (sum && !before) return undefined;
  const input = ReorderInput([reshape(map!, [1, rows, 1, places])], { channels_last: 1 });
  const added = before ? [zeros(map!.graph, columns), before] : [];
  const product = BlockedConv([input, reshape(filter, [columns, places, 1, 1]), ...added], pointwise);
  const result = reshape(exchanged(product, 1, columns / block, rows, block), [rows, columns]);
  products.set(result, product);
  return result;
};

/** Of results of `productWithPatches` what they were in blocks, for the next sample's to be added. */
const products = new WeakMap<Tensor, Tensor>();

/** [O, I, kh, kw] to [O / b, I / b, kh, kw, b of I, b of O]; with fewer input channels than a block [O / b, I, kh, kw, b]. */
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
