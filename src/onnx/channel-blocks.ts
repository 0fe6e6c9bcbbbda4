/**
 * A program in the form that ONNX Runtime's CPU kernels like best: convolutions on channels in blocks.
 *
 * ONNX Runtime has a second Conv (domain com.microsoft.nchwc) that keeps 8 or 16 channels side by side, [N, C / b, H, W, b], as
 * wide as the CPU's registers. It copies no patches and misses no cache where rows are powers of two apart, as all of pix2pix's
 * are; it runs at the cores' full rate where the plain one reaches 0.6 of it. ONNX Runtime itself turns to it where
 * weights are constants. In training they are inputs, so this pass does: it rewrites a finished program, after the gradients
 * are built, and what it does not know stays as it is. Values are the same but for rounding.
 */
import { type Attributes, Graph, type Op, type OpDeclaration, op, type Program, type Tensor } from "../graph.ts";
import { Conv, type ConvAttributes, ConvTranspose, type ConvTransposeAttributes } from "../ops/conv.ts";
import { Gemm } from "../ops/linear.ts";
import { concat, Reshape, reshape, transpose } from "../ops/movement.ts";

/** Channels side by side in one block; 1: no blocks. */
export type ChannelBlock = 1 | 8 | 16;

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
const BlockedConv = op<ConvAttributes>("Conv", { domain, shape: Conv.declaration.shape });

/** Of `axis` the slices at these indices. */
const Gather = op<{ indices: readonly number[]; axis: number }>("Gather", {
  shape: ([x], { indices, axis }) => x!.with(axis, indices.length),
  constants: ({ indices }) => [indices],
  attributes: ({ axis }) => ({ axis }),
});

/** Whether weights are turned for blocks at every run, or once. */
export type WeightUse = "changing" | "fixed";

interface Worth {
  conv: number;
  convTranspose: number;
}

/**
 * Positions for each weight from which blocks repay the turning of weights: of the output of a Conv, and of the input of a
 * ConvTranspose, whose weights are turned more often.
 */
const worth: Record<WeightUse, Worth> = {
  changing: { conv: 256, convTranspose: 512 },
  fixed: { conv: 4, convTranspose: 4 },
};
/** Places summed over from which a weight gradient repays the turning of its result. */
const worthGradient = 512;

/** The program with such forms where they pay, for an ONNX Runtime whose CPU kernels take blocks of `block` channels. */
export function inBlocks(program: Program, block: ChannelBlock, weights: WeightUse = "changing"): Program {
  if (block === 1) return program;
  const graph = new Graph("cpu", [...program.inputs, ...program.outputs].map(nameOf));
  const values = new Map<Tensor, Tensor>();
  for (const t of program.inputs) values.set(t, graph.input(t.name, t.shape, t.dtype));
  for (const { tensor, data } of program.constants) values.set(tensor, graph.constant(data, tensor.shape));
  for (const { op, inputs, output, attrs, scope } of program.nodes) {
    const given = inputs.map((t) => values.get(t)!);
    const form = forms.get(op) ?? (() => undefined);
    graph.scope(scope, () =>
      values.set(output, form(given, attrs, block, worth[weights]) ?? graph.node(op, given, attrs)),
    );
  }
  for (const { name, tensor } of program.outputs) graph.output(name, values.get(tensor)!);
  return graph.program();
}

const nameOf = ({ name }: { name: string }): string => name;

/** An op's form in blocks, its result in ONNX's order; undefined where the op is better off as it is. */
type Form = (inputs: Tensor[], attrs: Attributes, block: number, worth: Worth) => Tensor | undefined;

const forms = new Map<OpDeclaration, Form>([
  [Conv.declaration, conv],
  [ConvTranspose.declaration, convTranspose],
  [Gemm.declaration, productWithPatches],
] as unknown as [OpDeclaration, Form][]);

function conv([x, w, bias]: Tensor[], attrs: Attributes, block: number, worth: Worth): Tensor | undefined {
  const [o, i] = w!.shape as [number, number];
  const few = i < block;
  const [n, , h, width] = Conv.declaration.shape([x!.shape, w!.shape], attrs as unknown as ConvAttributes);
  if (o % block !== 0 || (i % block !== 0 && !few) || n! * h! * width! < worth.conv) return undefined;
  const inputs = [few ? x! : blocked(x!), filters(w!, block), ...(bias ? [bias] : [])];
  return plain(BlockedConv(inputs, attrs as unknown as ConvAttributes));
}

/**
 * The 4x4 kernel of stride 2 and padding 1 of every up step, as four Convs with 2x2 of its taps (Shi et al. 2016, arXiv
 * 1609.07009): row 2i + r of the output sees rows i - 1 + r and i + r of the input through kernel rows 3 - r and 1 - r.
 */
function convTranspose([x, w, bias]: Tensor[], attrs: Attributes, block: number, worth: Worth): Tensor | undefined {
  const { strides, pads, dilations, output_padding } = attrs as unknown as ConvTransposeAttributes;
  const [i, o, kh, kw] = w!.shape as [number, number, number, number];
  const [n, , h, width] = x!.shape as [number, number, number, number];
  const usual = `${[kh, kw, ...strides, ...pads, ...dilations, ...output_padding]}` === "4,4,2,2,1,1,1,1,1,1,0,0";
  if (!usual || i % block !== 0 || o % block !== 0 || n * h * width < worth.convTranspose) return undefined;
  const input = blocked(x!);
  const taps = filtersOfTranspose(w!, block);
  // Of each position its two columns side by side, then of each row its two rows.
  const positions = n * (o / block) * h;
  const rows = [0, 1].map((r) => {
    const columns = [0, 1].map((c) => {
      const indices = [3 - r, 1 - r].flatMap((row) => [3 - c, 1 - c].map((column) => 4 * row + column));
      const filter = reshape(Gather([taps], { indices, axis: 2 }), [o, i, 2, 2]);
      const part = BlockedConv([input, filter, ...(bias ? [bias] : [])], { ...single, pads: [1 - r, 1 - c, r, c] });
      return reshape(part, [positions * width, 1, block]);
    });
    return reshape(concat(columns, 1), [positions, 1, 2 * width * block]);
  });
  return plain(reshape(concat(rows, 1), [n, o, 2 * h, 2 * width]));
}

/**
 * The weight gradient's product of a map with patches (ops/weight-gradients.ts): a 1x1 Conv whose channels are the places of the
 * map. Patches that a Conv has just made in blocks of taps are its filters as they lie in memory.
 */
function productWithPatches([map, patches, sum]: Tensor[], attrs: Attributes, block: number): Tensor | undefined {
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
  const added = before ? [map!.graph.constant(new Float32Array(columns), [columns]), before] : [];
  const product = BlockedConv([input, reshape(filter, [columns, places, 1, 1]), ...added], {
    ...single,
    pads: [0, 0, 0, 0],
  });
  const result = reshape(exchanged(product, 1, columns / block, rows, block), [rows, columns]);
  products.set(result, product);
  return result;
}

/** Of results of `productWithPatches` what they were in blocks, for the next sample's to be added. */
const products = new WeakMap<Tensor, Tensor>();

const single = { strides: [1, 1], dilations: [1, 1] } as const;

const blocked = (x: Tensor): Tensor => inBlocksAlready(x) ?? ReorderInput([x], { channels_last: 0 });
const plain = (x: Tensor): Tensor => ReorderOutput([x], { channels: x.shape[1]! });
const inBlocksAlready = ({ producer }: Tensor): Tensor | undefined =>
  producer?.op.type === "ReorderOutput" ? producer.inputs[0] : undefined;

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

/** Values seen as [n, rows, columns, b] to [n, columns, rows, b]. */
function exchanged(x: Tensor, n: number, rows: number, columns: number, block: number): Tensor {
  return ReorderInput([reshape(x, [n, rows, 1, columns * block])], { channels_last: 1 });
}
