/**
 * Forms of the gradient of y = Conv(x, w) with respect to w, a ConvWeightGradient, as [Cout, Cin, kh, kw]. All are exact
 * and differ in speed; ./cpu.ts and ./gpu.ts choose. Most multiply dy with the patches of x under the kernel, and differ
 * in how they copy those.
 */
import { isNodeOf, type Node, type Program, sameShape, type Tensor } from "../graph/graph.ts";
import { Conv, type ConvAttributes, ConvWeightGradient, type ConvWeightGradientAttributes } from "../graph/ops/conv.ts";
import { Add } from "../graph/ops/elementwise.ts";
import { gemm } from "../graph/ops/linear.ts";
import { concat, pad, reshape, slice, transpose } from "../graph/ops/movement.ts";

/** The weight gradient of one pair (x, dy). */
type GradientOfPair = (x: Tensor, dy: Tensor, attrs: ConvWeightGradientAttributes) => Tensor;
/** The weight gradient summed over all pairs (x, dy). The Gemm of each pair adds the sum so far, which costs nothing. */
type GradientOfPairs = (inputs: readonly Tensor[], attrs: ConvWeightGradientAttributes) => Tensor;

/** The pairs (x, dy) of a ConvWeightGradient's inputs. */
export const pairsOf = (inputs: readonly Tensor[]): [x: Tensor, dy: Tensor][] =>
  inputs.flatMap((x, i) => (i % 2 === 0 ? [[x, inputs[i + 1]!]] : []));

/**
 * The program with each sum of weight gradients of one kernel as one ConvWeightGradient of all pairs (x, dy), whose forms
 * sum at no cost. D's kernels have such sums: their gradients come from real and from fake pairs.
 */
export function withMergedWeightGradients(program: Program): Program {
  const uses = new Map<Tensor, number>();
  for (const { inputs } of program.nodes) for (const t of inputs) uses.set(t, (uses.get(t) ?? 0) + 1);
  for (const { tensor } of program.outputs) uses.set(tensor, (uses.get(tensor) ?? 0) + 1);
  const nodes = new Map<Tensor, Node>();
  for (const node of program.nodes) {
    nodes.set(node.output, node);
    if (!isNodeOf(node, Add)) continue;
    const [a, b] = node.inputs.map((t) => (uses.get(t) === 1 ? nodes.get(t) : undefined));
    if (!isNodeOf(a, ConvWeightGradient) || !isNodeOf(b, ConvWeightGradient) || !sameGeometry(a.attrs, b.attrs))
      continue;
    nodes.delete(a.output);
    nodes.delete(b.output);
    nodes.set(node.output, { ...node, op: a.op, attrs: a.attrs, inputs: [...a.inputs, ...b.inputs] });
  }
  return { ...program, nodes: [...nodes.values()] };
}

const sameGeometry = (a: ConvWeightGradientAttributes, b: ConvWeightGradientAttributes): boolean =>
  sameShape(a.kernel, b.kernel) &&
  sameShape(a.strides, b.strides) &&
  sameShape(a.pads, b.pads) &&
  sameShape(a.dilations, b.dilations);

/**
 * Patches by a Conv of each channel with one kernel for each tap, 1 at the tap and 0 elsewhere: ONNX Runtime's fastest
 * copy on a CPU.
 */
export const byOneHotConv: GradientOfPairs = (inputs, { kernel: [kh, kw], ...attrs }) => {
  const [cin, cout] = channelsOf(inputs);
  const taps = kh * kw;
  const oneHot = Float32Array.from({ length: taps * taps }, (_, i) => (i % (taps + 1) === 0 ? 1 : 0));
  let total: Tensor | undefined;
  for (const [x, dy] of pairsOf(inputs)) {
    const kernels = x.graph.constant(oneHot, [taps, 1, kh, kw]);
    const patchesOf = (i: number) => Conv([reshape(sampleOf(x, i), [cin, 1, ...x.shape.slice(2)]), kernels], attrs);
    total = productOverSamples(dy, patchesOf, cin * taps, total);
  }
  return reshape(total!, [cout, cin, kh, kw]);
};

/** For stride 1 and few taps: for each tap and sample a matrix product of dy with the map shifted to the tap. */
export const byTaps: GradientOfPairs = (inputs, { kernel: [kh, kw], pads, dilations }) => {
  const [cin, cout] = channelsOf(inputs);
  const padded = pairsOf(inputs).map(([x, dy]) => [zeroPadded(x, pads), dy] as const);
  const taps = Array.from({ length: kh * kw }, (_, k) => {
    const [top, left] = [dilations[0] * Math.floor(k / kw), dilations[1] * (k % kw)];
    let total: Tensor | undefined;
    for (const [x, dy] of padded) {
      const shifted = slice(x, [2, 3], [top, left], [top + dy.shape[2]!, left + dy.shape[3]!]);
      total = productOverSamples(dy, (i) => sampleOf(shifted, i), cin, total);
    }
    return reshape(total!, [1, cout * cin]);
  });
  return reshape(transpose(reshape(concat(taps, 0), [kh * kw, cout, cin]), [1, 2, 0]), [cout, cin, kh, kw]);
};

/** One Conv: the transposed input as the picture, dy as the kernel, dilations and strides exchanged. */
export const byConv: GradientOfPair = (x, dy, { kernel, strides, pads, dilations }) => {
  const swapped = Conv([transpose(x, [1, 0, 2, 3]), transpose(dy, [1, 0, 2, 3])], {
    strides: dilations,
    pads,
    dilations: strides,
  });
  return transpose(slice(swapped, [2, 3], [0, 0], kernel), [1, 0, 2, 3]);
};

/** Whether a convolution has kernel 4x4, stride 2 and padding 1, as the U-Net's down and up steps and D's strided layers. */
export const isHalving = (kernel: readonly number[], { strides, pads, dilations }: ConvAttributes): boolean =>
  sameShape(kernel, [4, 4]) &&
  sameShape(strides, [2, 2]) &&
  sameShape(pads, [1, 1, 1, 1]) &&
  sameShape(dilations, [1, 1]);

/** Channels of x and of dy. */
export const channelsOf = ([x, dy]: readonly Tensor[]): [cin: number, cout: number] => [x!.shape[1]!, dy!.shape[1]!];

/**
 * The sum over samples of dy [Cout, positions] times the transpose of the sample's patches [rows, positions].
 * @param before a sum that is added
 */
export function productOverSamples(
  dy: Tensor,
  patchesOf: (i: number) => Tensor,
  rows: number,
  before?: Tensor,
): Tensor {
  const [n, cout, h, w] = dy.shape as [number, number, number, number];
  let total = before;
  for (let i = 0; i < n; i++) {
    total = gemm(reshape(sampleOf(dy, i), [cout, h * w]), reshape(patchesOf(i), [rows, h * w]), 0, 1, total);
  }
  return total!;
}

/** Sample i of a batch, as a batch of one. */
export const sampleOf = (t: Tensor, i: number): Tensor => slice(t, [0], [i], [i + 1]);

const zeroPadded = (x: Tensor, [top, left, bottom, right]: ConvAttributes["pads"]): Tensor =>
  pad(x, [0, 0, top, left], [0, 0, bottom, right]);
