/**
 * A batch norm on a GPU, forward and backward in 7 kernels each, where the definitions take 9 and 15. Scale, shift and
 * the activation behind them are one kernel. With the centred map c, its variance q with epsilon, f = scale / sqrt(q)
 * and means over samples and positions:
 *
 *     y = f c + shift
 *     dx = f (dy - (mean(dy c) / q) c - mean(dy))
 *     dscale = n mean(dy c) / sqrt(q)
 *     dshift = n mean(dy)
 *
 * This is the definition's formula: the mean of c is 0, so two of its terms are. c is kept because its squares give an
 * exact variance; the runtime's InstanceNormalization takes E[x^2] - E[x]^2.
 */
import { sizeOf, type Tensor } from "../../graph/graph.ts";
import { div, mul, sqrt, sub } from "../../graph/ops/elementwise.ts";
import type { NormAttributes } from "../../graph/ops/norm.ts";
import { mean, sumSquare } from "../../graph/ops/reduce.ts";
import { perChannel, scaled } from "./channel-conv.ts";

const axes = [0, 2, 3];

/** c, q and sqrt(q); q and its root are [1, C, 1, 1]. */
function statistics(x: Tensor, { epsilon }: NormAttributes) {
  const centred = sub(x, mean(x, axes));
  const variance = scaled(sumSquare(centred, axes), perChannel(x, 1 / countOf(x)), perChannel(x, epsilon));
  return { centred, variance, deviation: sqrt(variance) };
}

const countOf = (x: Tensor): number => sizeOf(axes.map((axis) => x.shape[axis]!));

/** Whether the form applies: one channel is one group, which is another op (./channel-conv.ts). */
const hasGroups = (x: Tensor): boolean => x.shape[1]! > 1;

export function batchNorm([x, scale, shift]: Tensor[], attrs: NormAttributes): Tensor | undefined {
  if (!hasGroups(x!)) return undefined;
  const { centred, deviation } = statistics(x!, attrs);
  return scaled(centred, div(scale!, deviation), shift!);
}

export function batchNormInputGradient([x, scale, dy]: Tensor[], attrs: NormAttributes): Tensor | undefined {
  if (!hasGroups(x!)) return undefined;
  const { centred, variance, deviation } = statistics(x!, attrs);
  const byFactor = mean(mul(dy!, centred), axes);
  const common = scaled(centred, div(byFactor, variance), mean(dy!, axes));
  return mul(sub(dy!, common), div(scale!, deviation));
}

export function batchNormScaleGradient([x, dy]: Tensor[], attrs: NormAttributes): Tensor | undefined {
  if (!hasGroups(x!)) return undefined;
  const { centred, deviation } = statistics(x!, attrs);
  return mul(div(mean(mul(dy!, centred), axes), deviation), countOf(x!));
}

/** From the mean that the gradient by x needs as well. */
export const batchNormShiftGradient = ([dy]: Tensor[]): Tensor => mul(mean(dy!, axes), countOf(dy!));
