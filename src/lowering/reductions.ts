/**
 * Forms of sums on a CPU. ONNX Runtime adds the values of a row one after the other, in one register or a few, so that rounding
 * grows with their number: of 65536 squares it loses 1e-5, of a mean in a browser 3e-6, and a norm divides what is left by a
 * deviation that may be small. In stages it loses 2e-7.
 */
import type { Attributes, Op } from "../graph/graph.ts";
import { mul } from "../graph/ops/elementwise.ts";
import { sum } from "../graph/ops/reduce.ts";
import type { CpuForm } from "./channel-blocks/ops.ts";

interface Axes {
  axes: readonly number[];
}

const axesOf = (attrs: Attributes): readonly number[] => (attrs as unknown as Axes).axes;

/** Values up to which a sum of one stage is exact enough, and those that come to one stage of several. */
const [atOnce, inStage] = [2048, 512];

/** A sum or mean over many values as one over the last axes, of that one over those before, and so on. */
export const inStages =
  (reduce: Op<Axes>): CpuForm =>
  ([x], attrs) => {
    const count = (axes: readonly number[]) => axes.reduce((product, axis) => product * x!.shape[axis]!, 1);
    const axes = axesOf(attrs);
    if (count(axes) <= atOnce) return undefined;
    const stages: number[][] = [];
    for (const axis of axes.toReversed()) {
      const stage = stages.at(-1);
      if (stage && count([axis, ...stage]) <= inStage) stage.unshift(axis);
      else stages.push([axis]);
    }
    if (stages.length === 1) return undefined;
    return stages.reduce((partial, axes) => reduce([partial], { axes }), x!);
  };

/** The sum of squares as a product and a sum, which have wide kernels: 0.4 of the time. */
export const sumOfProducts: CpuForm = ([x], attrs) => sum(mul(x!, x!), axesOf(attrs));
