/** Layers: ops with named parameters. `name` is the module's name in the widely used PyTorch implementation. */
import type { Tensor } from "../graph/graph.ts";
import { Conv, ConvTranspose } from "../graph/ops/conv.ts";
import { add, div, mul, sqrt, sub } from "../graph/ops/elementwise.ts";
import { reflect, reshape } from "../graph/ops/movement.ts";
import { upsample } from "../graph/ops/pooling.ts";
import { mean, sumSquare } from "../graph/ops/reduce.ts";
import type { Moments, Parameters } from "./parameters.ts";

export type Norm = "batch" | "instance" | "none";

/**
 * Where a norm takes mean and variance from. A batch norm: from the batch (training, and testing as upstream does), from
 * the running statistics, or from each image of the batch; an instance norm always from each image. `given` is for both:
 * from inputs of the graph (`Parameters.given`).
 */
export type Statistics = "batch" | "running" | "image" | "given";

/** What a convolution sees beyond the edge of its input: zeros, or the input mirrored. */
export type Padding = "zero" | "reflect";

/** How a map doubles: by a transposed convolution, or by repeating its values and a convolution of stride 1. */
export type Upsample = "transpose" | "resize";

export interface ConvOptions {
  out: number;
  kernel: number;
  stride?: number;
  pad?: number;
  padding?: Padding;
  dilation?: number;
  bias?: boolean;
}

export interface ConvTransposeOptions extends Omit<ConvOptions, "padding"> {
  /** Rows and columns more at the bottom and the right. */
  outputPad?: number;
}

export interface NormOptions {
  statistics?: Statistics;
  /** Added to the variance. */
  normEpsilon?: number;
  /** The share of a new batch in the running statistics, as PyTorch counts it (Keras's is 1 minus that). */
  normMomentum?: number;
}

export function conv(p: Parameters, name: string, x: Tensor, options: ConvOptions): Tensor {
  const { out, kernel, stride = 1, pad = 0, padding = "zero", dilation = 1, bias = true } = options;
  const w = p.get(`${name}.weight`, [out, x.shape[1]!, kernel, kernel], "weight");
  const b = bias ? [p.get(`${name}.bias`, [out], "bias")] : [];
  const mirrored = padding === "reflect" && pad > 0;
  const rest = mirrored ? 0 : pad;
  return Conv([mirrored ? reflect(x, pad) : x, w, ...b], {
    strides: [stride, stride],
    pads: [rest, rest, rest, rest],
    dilations: [dilation, dilation],
  });
}

export function convTranspose(p: Parameters, name: string, x: Tensor, options: ConvTransposeOptions): Tensor {
  const { out, kernel, stride = 1, pad = 0, dilation = 1, bias = true, outputPad = 0 } = options;
  const w = p.get(`${name}.weight`, [x.shape[1]!, out, kernel, kernel], "weight");
  const b = bias ? [p.get(`${name}.bias`, [out], "bias")] : [];
  return ConvTranspose([x, w, ...b], {
    strides: [stride, stride],
    pads: [pad, pad, pad, pad],
    dilations: [dilation, dilation],
    output_padding: [outputPad, outputPad],
  });
}

/**
 * A map of twice the size, by the transposed convolution that `transposed` describes or, with `upsample` "resize", by
 * nearest neighbours and a 3 x 3 convolution of stride 1 (Odena et al. 2016: no checkerboard). Both have the name
 * `name`; the weight is [in, out, k, k] of the one and [out, in, 3, 3] of the other.
 */
export function double(
  p: Parameters,
  name: string,
  x: Tensor,
  how: { upsample?: Upsample; padding?: Padding; transposed: Omit<ConvTransposeOptions, "out" | "bias"> },
  options: { out: number; bias: boolean },
): Tensor {
  if (how.upsample !== "resize") return convTranspose(p, name, x, { ...how.transposed, ...options });
  return conv(p, name, upsample(x), { kernel: 3, pad: 1, padding: how.padding, ...options });
}

/**
 * batch: (x - mean) / sqrt(variance + epsilon) * weight + bias over samples and positions, and running statistics with
 * the unbiased variance; instance: the same per sample, without weight, bias and running statistics. Epsilon is 1e-5
 * and the momentum .1 (PyTorch's defaults) where the options do not say otherwise.
 */
export function norm(p: Parameters, kind: Norm, name: string, x: Tensor, options: NormOptions = {}): Tensor {
  const { statistics = "batch", normEpsilon: epsilon = 1e-5, normMomentum: momentum = 0.1 } = options;
  if (kind === "none") return x;
  const perImage = () =>
    statistics === "given" ? standardiseBy(x, p.given(name, x), epsilon) : standardise(x, [2, 3], epsilon);
  if (kind === "instance") return perImage();
  const channels = x.shape[1]!;
  const perChannel = (t: Tensor) => reshape(t, [1, channels, 1, 1]);
  const scale = perChannel(p.get(`${name}.weight`, [channels], "scale"));
  const shift = perChannel(p.get(`${name}.bias`, [channels], "bias"));
  const runningMean = p.get(`${name}.running_mean`, [channels], "mean");
  const runningVariance = p.get(`${name}.running_var`, [channels], "variance");
  if (statistics === "running") {
    const factor = div(scale, sqrt(add(perChannel(runningVariance), epsilon)));
    return add(mul(x, factor), sub(shift, mul(perChannel(runningMean), factor)));
  }
  if (statistics !== "batch") return add(mul(perImage(), scale), shift);
  const { centred, mean: batchMean, variance, count } = moments(x, [0, 2, 3]);
  const blend = (old: Tensor, now: Tensor) => add(mul(old, 1 - momentum), mul(reshape(now, [channels]), momentum));
  p.replace(`${name}.running_mean`, blend(runningMean, batchMean));
  p.replace(`${name}.running_var`, blend(runningVariance, mul(variance, count / Math.max(1, count - 1))));
  p.batches.set(name, (p.batches.get(name) ?? 0) + 1);
  // One factor a channel: a pass over the map less, forward and backward, than dividing first.
  return add(mul(centred, div(scale, sqrt(add(variance, epsilon)))), shift);
}

/** Mean and variance over `axes`, and x less its mean. */
function moments(x: Tensor, axes: number[]): { centred: Tensor; mean: Tensor; variance: Tensor; count: number } {
  const count = axes.reduce((n, axis) => n * x.shape[axis]!, 1);
  const average = mean(x, axes);
  const centred = sub(x, average);
  return { centred, mean: average, variance: div(sumSquare(centred, axes), count), count };
}

/** Zero mean and unit variance over `axes`. */
function standardise(x: Tensor, axes: number[], epsilon: number): Tensor {
  const { centred, variance } = moments(x, axes);
  return div(centred, sqrt(add(variance, epsilon)));
}

const standardiseBy = (x: Tensor, { mean, variance }: Moments, epsilon: number): Tensor =>
  div(sub(x, mean), sqrt(add(variance, epsilon)));

/** Dropout by a mask that the host draws. */
export const dropout = (p: Parameters, x: Tensor, rate: number): Tensor => mul(x, p.mask(x.shape, rate));
