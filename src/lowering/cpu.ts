/**
 * A finished program in the form that ONNX Runtime runs fastest on a CPU.
 *
 * A graph says what is computed, in few and plain nodes, of which gradients are built. What form a convolution and its
 * gradients take on a CPU is chosen here, by shape, when all of that is done. Each form is exact but for rounding;
 * docs/performance.md has the measurements behind the choices.
 */
import { type Attributes, Graph, type Output, type Program, type Shape, type Tensor } from "../graph/graph.ts";
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
import { convInBlocks, convTransposeInBlocks, productWithPatches } from "./channel-blocks/forms.ts";
import type { ChannelBlock, CpuForm, CpuUse, WeightUse } from "./channel-blocks/ops.ts";
import { byOneHotConv, byTaps, pairsOf } from "./cpu-weight-gradients.ts";
import { turned, turnedAround } from "./gpu.ts";
import { inStages, sumOfProducts } from "./reductions.ts";
import { winograd, winogradInputGradient, winogradWeightGradient } from "./winograd/winograd.ts";

/** The first that applies, and applied again to what it is made of. */
const forms = new Map<unknown, CpuForm[]>([
  [Conv.declaration, [toFew, winograd, withBlocks(convInBlocks)]],
  [ConvTranspose.declaration, [winogradInputGradient, flipped, withBlocks(convTransposeInBlocks)]],
  [ConvWeightGradient.declaration, [ofFew, winogradWeightGradient, byPatches]],
  [Gemm.declaration, [withBlocks(productWithPatches)]],
  [ReduceSum.declaration, [inStages(ReduceSum)]],
  [ReduceMean.declaration, [inStages(ReduceMean)]],
  [ReduceSumSquare.declaration, [sumOfProducts]],
]);

/**
 * The program in these forms; one for a GPU stays as it is.
 * @param block how many channels ONNX Runtime's blocked kernels take at once (./channel-block.ts); 1: there are none
 */
export function forCpu(program: Program, block: ChannelBlock = 1, weights: WeightUse = "changing"): Program {
  if (graphOf(program).target === "gpu") return program;
  const { graph, outputs } = formed([program], { block, weights });
  return graph.program(outputs[0]);
}

/**
 * The programs of a step in these forms. Where two are of one graph, the second goes on from the first: it is handed all that
 * the first has made of a batch, the transforms of maps as well. What is made of weights alone it makes again: to keep it would
 * be 50 MB for a hundredth of the time.
 * @param isWeight which inputs are weights
 */
export function stepForCpu(
  programs: readonly Program[],
  block: ChannelBlock,
  isWeight: (input: Tensor) => boolean,
): Program[] {
  const all: Program[] = [];
  for (const [i, first] of programs.entries()) {
    const k = programs.findIndex((other, k) => k > i && graphOf(other) === graphOf(first));
    const second = programs[k];
    if (!second) {
      all[i] ??= forCpu(first, block);
      continue;
    }
    const handed = new Set(second.inputs);
    const own = first.outputs.filter(({ name, tensor }) => name !== tensor.name || !handed.has(tensor));
    const { graph, outputs } = formed([{ ...first, outputs: own }, second], { block, weights: "changing" });
    const split = graph.split(outputs[0]!, outputs[1]!, ofAlone(graph, isWeight));
    [all[i], all[k]] = [split.first, split.second];
  }
  return all;
}

/** Whether a tensor is made of such inputs and of constants alone. */
function ofAlone({ inputs, nodes }: Graph, isWeight: (input: Tensor) => boolean): (t: Tensor) => boolean {
  const others = new Set(inputs.filter((t) => !isWeight(t)));
  for (const node of nodes) if (node.inputs.some((t) => others.has(t))) others.add(node.output);
  return (t) => !others.has(t);
}

const graphOf = (program: Program): Graph => program.outputs[0]!.tensor.graph;

/** Programs of one graph in another, where ops take their forms. */
function formed(programs: readonly Program[], use: CpuUse): { graph: Graph; outputs: Output[][] } {
  const names = programs.flatMap(({ inputs, outputs }) => [...inputs, ...outputs].map(({ name }) => name));
  const graph = new Graph("cpu", names, (op, inputs, attrs) => {
    for (const form of forms.get(op) ?? []) {
      const formed = form(inputs, attrs, use);
      if (formed) return formed;
    }
    return undefined;
  });
  const values = new Map<Tensor, Tensor>();
  const known = (t: Tensor, make: () => Tensor) => values.get(t) ?? values.set(t, make()).get(t)!;
  const outputs = programs.map((program) => {
    for (const t of program.inputs) known(t, () => graph.input(t.name, t.shape, t.dtype));
    for (const { tensor, data } of program.constants) known(tensor, () => graph.constant(data, tensor.shape));
    for (const { op, inputs, output, attrs, scope } of program.nodes) {
      const given = inputs.map((t) => values.get(t)!);
      graph.scope(scope, () => known(output, () => graph.node(op, given, attrs)));
    }
    return program.outputs.map(({ name, tensor }) => ({ name, tensor: values.get(tensor)! }));
  });
  return { graph, outputs };
}

/** Where there are kernels on blocks. */
function withBlocks(form: CpuForm): CpuForm {
  return (inputs, attrs, use) => (use.block === 1 ? undefined : form(inputs, attrs, use));
}

/** A program as the bytes of an ONNX model that any ONNX Runtime knows. */
export const encodePlain = (program: Program, options?: EncodeOptions): Uint8Array => encode(forCpu(program), options);

/** Input channels for each output channel from which a convolution goes from many to few. */
const manyToOne = 16;
const toFewer = (cin: number, cout: number, [kh, kw]: Shape): boolean => kh! * kw! > 1 && cin >= manyToOne * cout;

/**
 * From many channels to few at stride 1, as in the last layer of a D or a ResNet: as the equal ConvTranspose, whose product is
 * with the maps themselves; a Conv copies every value once a tap first.
 */
function toFew([x, w, ...bias]: Tensor[], attrs: Attributes): Tensor | undefined {
  const [cout, cin, ...kernel] = w!.shape as [number, number, number, number];
  const around = turnedAround(kernel, attrs as unknown as ConvAttributes);
  if (!around || !toFewer(cin, cout, kernel)) return undefined;
  return ConvTranspose([x!, turned(w!), ...bias], { ...around, output_padding: [0, 0] });
}

/** A ConvTranspose of stride 1 that does not go to few channels: as the equal Conv. */
function flipped([x, w, ...bias]: Tensor[], attrs: Attributes): Tensor | undefined {
  const [cin, cout, ...kernel] = w!.shape as [number, number, number, number];
  const { output_padding, ...rest } = attrs as unknown as ConvTransposeAttributes;
  const around = turnedAround(kernel, rest);
  if (!around || toFewer(cin, cout, kernel) || output_padding.some((p) => p > 0)) return undefined;
  return Conv([x!, turned(w!), ...bias], around);
}

/** Of a Conv from many channels to few, by patches of dy: those of the equal ConvTranspose. */
function ofFew(inputs: Tensor[], attrs: Attributes): Tensor | undefined {
  const { kernel, ...rest } = attrs as unknown as ConvWeightGradientAttributes;
  const [cin, cout] = inputs.map(({ shape }) => shape[1]!) as [number, number];
  const around = turnedAround(kernel, rest);
  if (!around || !toFewer(cin, cout, kernel)) return undefined;
  const swapped = pairsOf(inputs).flatMap(([x, dy]) => [dy, x]);
  return turned(ConvWeightGradient(swapped, { ...around, kernel }));
}

/** Taps of a kernel up to which one matrix product for each is the faster form: those of 3x3. */
const fewTaps = 9;

function byPatches(inputs: Tensor[], attrs: Attributes): Tensor {
  const { strides, kernel } = attrs as unknown as ConvWeightGradientAttributes;
  const taps = strides.every((s) => s === 1) && kernel[0] * kernel[1] <= fewTaps;
  return (taps ? byTaps : byOneHotConv)(inputs, attrs as unknown as ConvWeightGradientAttributes);
}
