/**
 * Gradients of a convolution by its weight on a GPU: the product of dy with the patches of x that the kernel sees, two
 * kernels for a sample and no transposes. The patches are a Conv of each channel by itself with one kernel for each tap,
 * 1 at the tap and 0 elsewhere. They take 4 times the map for a 4x4 kernel of stride 2; slices for the taps, put
 * together, moved twice that and took 12 kernels.
 */
import { sizeOf, type Tensor } from "../../graph/graph.ts";
import { Conv, type ConvAttributes, type ConvWeightGradientAttributes } from "../../graph/ops/conv.ts";
import { add } from "../../graph/ops/elementwise.ts";
import { reshape } from "../../graph/ops/movement.ts";
import { byConv, channelsOf, pairsOf, productOverSamples, sampleOf } from "../weight-gradients.ts";
import { ChannelConv } from "./channel-conv.ts";

/** Values of the largest tensor that every WebGPU device can bind: 128 MiB. */
const mostValues = 2 ** 25;

/** The sum over all pairs (x, dy) and samples; each but the first is added by its product at no cost. */
export function byChannelPatches(inputs: Tensor[], attrs: ConvWeightGradientAttributes): Tensor {
  const { kernel, ...rest } = attrs;
  const [cin, cout] = channelsOf(inputs);
  const rows = cin * sizeOf(kernel);
  let total: Tensor | undefined;
  for (const [x, dy] of pairsOf(inputs)) {
    if (rows * sizeOf(dy.shape.slice(2)) > mostValues) return byConvOfPairs(inputs, attrs);
    total = productOverSamples(dy, (i) => patches(sampleOf(x, i), kernel, rest), rows, total);
  }
  return reshape(total!, [cout, cin, ...kernel]);
}

/** The patches of one sample [1, C, H, W], channel by channel and tap by tap: [C * kh * kw, h, w] in any shape. */
function patches(x: Tensor, [kh, kw]: readonly [number, number], attrs: ConvAttributes): Tensor {
  const [, channels, ...size] = x.shape as [number, number, number, number];
  const taps = kh * kw;
  if (taps === 1 && attrs.strides.every((step) => step === 1) && attrs.pads.every((by) => by === 0)) return x;
  // Few groups, each with many maps, need few kernels. One group would be another op, which transposes them.
  const group = channels % 2 === 0 ? 2 : channels;
  const oneHot = Float32Array.from({ length: group * taps * taps }, (_, i) => ((i % taps ** 2) % (taps + 1) ? 0 : 1));
  const kernels = x.graph.constant(oneHot, [group * taps, 1, kh, kw]);
  const maps = reshape(x, [channels / group, group, ...size]);
  return group === 1 ? Conv([maps, kernels], attrs) : ChannelConv([maps, kernels], { ...attrs, group });
}

const byConvOfPairs = (inputs: Tensor[], attrs: ConvWeightGradientAttributes): Tensor =>
  pairsOf(inputs)
    .map(([x, dy]) => byConv(x, dy, attrs))
    .reduce(add);
