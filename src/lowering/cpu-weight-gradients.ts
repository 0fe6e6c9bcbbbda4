/**
 * The forms that the gradient of a convolution by its weight takes on a CPU (a ConvWeightGradient's inputs and attributes), as
 * [Cout, Cin, kh, kw]. Both multiply dy with the values that a kernel sees, and differ in how they come by those.
 */
import type { Tensor } from "../graph/graph.ts";
import { Conv, type ConvWeightGradientAttributes } from "../graph/ops/conv.ts";
import { concat, pad, reshape, slice, transpose } from "../graph/ops/movement.ts";
import { productOverSamples, sampleOf } from "./gpu-weight-gradients.ts";

type WeightGradient = (inputs: readonly Tensor[], attrs: ConvWeightGradientAttributes) => Tensor;

/** Pairs of x and dy. */
export const pairsOf = (inputs: readonly Tensor[]): [Tensor, Tensor][] =>
  inputs.flatMap((x, i) => (i % 2 === 0 ? [[x, inputs[i + 1]!]] : []));

/** Patches by a Conv of each channel alone with one kernel a tap, 1 there and 0 elsewhere: ONNX Runtime's fastest copy on a CPU. */
export const byOneHotConv: WeightGradient = (inputs, { kernel: [kh, kw], ...attrs }) => {
  const [cin, cout] = inputs.map(({ shape }) => shape[1]!) as [number, number];
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

/** For stride 1 and few taps: each is a matrix product a sample of dy with the map shifted to it. */
export const byTaps: WeightGradient = (inputs, { kernel: [kh, kw], pads, dilations }) => {
  const [cin, cout] = inputs.map(({ shape }) => shape[1]!) as [number, number];
  const padded = pairsOf(inputs).map(
    ([x, dy]) => [pad(x, [0, 0, pads[0], pads[1]], [0, 0, pads[2], pads[3]]), dy] as const,
  );
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
