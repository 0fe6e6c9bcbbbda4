/**
 * Normalisation over the batch and all positions of a map. Its gradients are ops too, so that a device can compute them
 * in fewer passes than their definitions take.
 */
import { type Op, op, sizeOf, type Tensor } from "../graph.ts";
import { add, div, mul, neg, sqrt, sub } from "./elementwise.ts";
import { mean, sum, sumSquare } from "./reduce.ts";

export type NormAttributes = {
  /** Added to the variance. */
  epsilon: number;
};

const axes = [0, 2, 3];

/** The sum of each channel, [1, C, 1, 1]. */
function channelSum(x: Tensor): Tensor {
  const long = axes.filter((axis) => x.shape[axis] !== 1);
  return long.length === 0 ? x : sum(x, long);
}

/** Mean and variance over `axes`, x minus its mean, and the number of values of which each mean is taken. */
export function moments(
  x: Tensor,
  axes: readonly number[],
): { centred: Tensor; mean: Tensor; variance: Tensor; count: number } {
  const count = sizeOf(axes.map((axis) => x.shape[axis]!));
  const average = mean(x, axes);
  const centred = sub(x, average);
  return { centred, mean: average, variance: div(sumSquare(centred, axes), count), count };
}

/**
 * x minus its mean, and the deviation of each channel. The definitions below multiply maps by scale / deviation: one factor for a
 * channel, which saves a pass over the map.
 */
function standardised(x: Tensor, { epsilon }: NormAttributes) {
  const { centred, variance, count } = moments(x, axes);
  return { centred, count, deviation: sqrt(add(variance, epsilon)) };
}

/**
 * y = (x - mean) / sqrt(variance + epsilon) * scale + shift for each channel, with the mean and variance of x over
 * samples and positions. x is [N, C, H, W], scale and shift are [1, C, 1, 1].
 */
export const BatchNorm: Op<NormAttributes> = op<NormAttributes>("BatchNorm", {
  abstract: true,
  definition: ([x, scale, shift], attrs) => {
    const { centred, deviation } = standardised(x!, attrs);
    return add(mul(centred, div(scale!, deviation)), shift!);
  },
  shape: ([x]) => x!,
  gradient: ({ x: [x, scale], dy, attrs, needed }) => [
    needed[0] ? BatchNormInputGradient([x!, scale!, dy], attrs) : null,
    needed[1] ? BatchNormScaleGradient([x!, dy], attrs) : null,
    needed[2] ? BatchNormShiftGradient([dy]) : null,
  ],
});

/** The gradient of BatchNorm with respect to x. Inputs x, scale, dy. */
export const BatchNormInputGradient: Op<NormAttributes> = op<NormAttributes>("BatchNormInputGradient", {
  abstract: true,
  definition: ([x, scale, dy], attrs) => {
    const { centred, deviation, count } = standardised(x!, attrs);
    // y = centred * factor + shift. A name by<Value> is the gradient with respect to that value; squares = centred^2.
    const factor = div(scale!, deviation);
    const byFactor = channelSum(mul(dy!, centred));
    const byDeviation = neg(div(mul(byFactor, factor), deviation));
    const bySquares = div(div(mul(byDeviation, 0.5), deviation), count);
    const byCentred = add(mul(dy!, factor), mul(mul(bySquares, 2), centred));
    return add(byCentred, div(channelSum(neg(byCentred)), count));
  },
  shape: ([x]) => x!,
});

/** The gradient of BatchNorm with respect to its scale, [1, C, 1, 1]. Inputs x, dy. */
export const BatchNormScaleGradient: Op<NormAttributes> = op<NormAttributes>("BatchNormScaleGradient", {
  abstract: true,
  definition: ([x, dy], attrs) => {
    const { centred, deviation } = standardised(x!, attrs);
    return div(channelSum(mul(dy!, centred)), deviation);
  },
  shape: ([x]) => [1, x![1]!, 1, 1],
});

/** The gradient of BatchNorm with respect to its shift, [1, C, 1, 1]. Input dy. */
export const BatchNormShiftGradient: Op = op("BatchNormShiftGradient", {
  abstract: true,
  definition: ([dy]) => channelSum(dy!),
  shape: ([dy]) => [1, dy![1]!, 1, 1],
});
