/** LPIPS (Zhang et al. 2018, arXiv 1801.03924), version 0.1, as nodes of a graph: for scores and for a loss. */

import type { Tensor } from "../graph/graph.ts";
import { add, div, mul, sqrt, square, sub } from "../graph/ops/elementwise.ts";
import { reshape } from "../graph/ops/movement.ts";
import { mean, sum, sumSquare } from "../graph/ops/reduce.ts";

/**
 * The distance of two batches of pictures: at each position the maps are divided by the length over their channels, their
 * squared differences are weighted, summed over channels, averaged over positions and summed over layers.
 * @param a maps of the first batch, [N, C, H, W] for each layer @param b of the second
 * @param weights [C] for each layer
 * @returns [N]
 */
export function lpipsDistance(a: readonly Tensor[], b: readonly Tensor[], weights: readonly Tensor[]): Tensor {
  const each = weights.map((weight, i) => {
    const difference = square(sub(unitLength(a[i]!), unitLength(b[i]!)));
    const weighted = mul(difference, reshape(weight, [1, weight.size, 1, 1]));
    return mean(sum(weighted, [1]), [2, 3]);
  });
  const total = each.reduce(add);
  return reshape(total, [total.shape[0]!]);
}

/** lpips adds 1e-10 to the length. The square of it under the root keeps the gradient finite where all channels are 0. */
function unitLength(x: Tensor): Tensor {
  return div(x, add(sqrt(add(sumSquare(x, [1]), 1e-20)), 1e-10));
}
