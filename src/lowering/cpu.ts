/**
 * The forms in which ONNX Runtime computes ops fastest on a CPU, chosen by shape. Each equals its op except for rounding;
 * docs/performance.md has the measurements.
 */
import type { Graph, Program, Shape, Tensor } from "../graph/graph.ts";
import {
  Conv,
  type ConvAttributes,
  ConvTranspose,
  type ConvTransposeAttributes,
  ConvWeightGradient,
  type ConvWeightGradientAttributes,
} from "../graph/ops/conv.ts";
import { Gemm } from "../graph/ops/linear.ts";
import { ReduceMean, ReduceSum, ReduceSumSquare } from "../graph/ops/reduce.ts";
import { type EncodeOptions, encode } from "../onnx/encode.ts";
import { convInBlocks, convTransposeInBlocks, gemmInBlocks } from "./channel-blocks/forms.ts";
import { type CpuKernels, type CpuOptions, cpuOptions, type WeightUse } from "./cpu-options.ts";
import { inStages, sumOfProducts } from "./reductions.ts";
import { type Form, form, lowerProgram, lowerStep } from "./rewrite.ts";
import { asConv, rotated, rotatedAttributes } from "./rotated-kernels.ts";
import { byOneHotConv, byTaps, pairsOf, withMergedWeightGradients } from "./weight-gradients.ts";
import { winograd, winogradInputGradient, winogradWeightGradient } from "./winograd/winograd.ts";

/** Of several forms of an op, the first that applies is used. */
const forms: readonly Form<CpuOptions>[] = [
  form(Conv, toFewChannels),
  form(Conv, winograd),
  form(Conv, convInBlocks),
  form(ConvTranspose, winogradInputGradient),
  form(ConvTranspose, fromFewChannels),
  form(ConvTranspose, convTransposeInBlocks),
  form(ConvWeightGradient, gradientToFewChannels),
  form(ConvWeightGradient, winogradWeightGradient),
  form(ConvWeightGradient, byPatches),
  form(Gemm, gemmInBlocks),
  form(ReduceSum, inStages(ReduceSum)),
  form(ReduceMean, inStages(ReduceMean)),
  form(ReduceSumSquare, sumOfProducts),
];

/**
 * The program in these forms.
 * @param kernels the runtime's kernels on this CPU, which engines/cpu-kernels.ts finds out; 1: no blocked kernels
 * @param weights whether weights change at every run: if so, a form may add less work on weights
 */
export function forCpu(program: Program, kernels: CpuKernels = 1, weights: WeightUse = "changing"): Program {
  return lowerProgram(withMergedWeightGradients(program), forms, cpuOptions(kernels, weights));
}

/**
 * The programs of a training step in these forms; see `lowerStep`. The second program of a graph recomputes what depends
 * only on weights: keeping the transformed weights would take 50 MB and save 1 percent of the time.
 * @param isWeight which inputs are weights
 */
export function stepForCpu(
  programs: readonly Program[],
  kernels: CpuKernels,
  isWeight: (input: Tensor) => boolean,
): Program[] {
  const merged = programs.map(withMergedWeightGradients);
  return lowerStep(merged, forms, cpuOptions(kernels, "changing"), {
    recomputed: (graph) => dependsOnSameWeights(graph, isWeight),
  });
}

/**
 * Tells for a tensor whether it depends only on constants and on weights that have the same values for both programs. A weight
 * "<name>" has other values for the second program if the graph has an input "<name>.updated": both use the same memory.
 */
function dependsOnSameWeights({ inputs, nodes }: Graph, isWeight: (input: Tensor) => boolean): (t: Tensor) => boolean {
  const names = new Set(inputs.map(({ name }) => name));
  const changing = new Set(inputs.filter((t) => !isWeight(t) || names.has(`${t.name}.updated`)));
  for (const node of nodes) if (node.inputs.some((t) => changing.has(t))) changing.add(node.output);
  return (t) => !changing.has(t);
}

/**
 * A program as the bytes of an ONNX model that any ONNX Runtime can load.
 *
 * @example
 * ```ts
 * import { encodeOnnx, Graph, ops } from "pix2pix";
 *
 * const graph = new Graph();
 * graph.output("y", ops.relu(graph.input("x", [1, 3])));
 * const model: Uint8Array = encodeOnnx(graph.program(), { name: "relu" });
 * ```
 */
export const encodeOnnx = (program: Program, options?: EncodeOptions): Uint8Array => encode(forCpu(program), options);

/** Input channels per output channel from which a convolution counts as one from many channels to few. */
const manyToOne = 16;
const toFewer = (cin: number, cout: number, [kh, kw]: Shape): boolean => kh! * kw! > 1 && cin >= manyToOne * cout;

/**
 * A Conv of stride 1 from many channels to few (the last layer of a D or a ResNet) as the equal ConvTranspose: its matrix
 * product reads the maps themselves, while that of a Conv reads a copy of every value for each tap.
 */
function toFewChannels([x, w, ...bias]: Tensor[], attrs: ConvAttributes): Tensor | undefined {
  const [cout, cin, ...kernel] = w!.shape as [number, number, number, number];
  const around = rotatedAttributes(kernel, attrs);
  if (!around || !toFewer(cin, cout, kernel)) return undefined;
  return ConvTranspose([x!, rotated(w!), ...bias], { ...around, output_padding: [0, 0] });
}

/** Every other ConvTranspose of stride 1, as the equal Conv. */
function fromFewChannels(inputs: Tensor[], attrs: ConvTransposeAttributes): Tensor | undefined {
  const [cin, cout, ...kernel] = inputs[1]!.shape as [number, number, number, number];
  return toFewer(cin, cout, kernel) ? undefined : asConv(inputs, attrs);
}

/** The weight gradient of a Conv from many channels to few, by patches of dy: that of the equal ConvTranspose. */
function gradientToFewChannels(inputs: Tensor[], attrs: ConvWeightGradientAttributes): Tensor | undefined {
  const { kernel, ...rest } = attrs;
  const [cin, cout] = inputs.map(({ shape }) => shape[1]!) as [number, number];
  const around = rotatedAttributes(kernel, rest);
  if (!around || !toFewer(cin, cout, kernel)) return undefined;
  const swapped = pairsOf(inputs).flatMap(([x, dy]) => [dy, x]);
  return rotated(ConvWeightGradient(swapped, { ...around, kernel }));
}

/** Most taps of a kernel for which a matrix product for each tap is the faster form: those of 3x3. */
const fewTaps = 9;

function byPatches(inputs: Tensor[], attrs: ConvWeightGradientAttributes): Tensor {
  const { strides, kernel } = attrs;
  const taps = strides.every((s) => s === 1) && kernel[0] * kernel[1] <= fewTaps;
  return (taps ? byTaps : byOneHotConv)(inputs, attrs);
}
