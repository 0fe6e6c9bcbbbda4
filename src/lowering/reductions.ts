/**
 * Forms of sums on a CPU. ONNX Runtime adds the values of a row one after the other, in one register or a few, so the
 * rounding error grows with their number: it is 1e-5 for a sum of 65536 squares and 3e-6 for a mean in a browser. Norms
 * divide by a deviation that may be small, which enlarges the error. In stages the error is 2e-7.
 */
import { type Op, sizeOf } from "../graph/graph.ts";
import { mul } from "../graph/ops/elementwise.ts";
import { type ReduceAttributes, sum } from "../graph/ops/reduce.ts";
import type { CpuOptions } from "./cpu-options.ts";
import type { BuildForm } from "./rewrite.ts";

type ReduceForm = BuildForm<ReduceAttributes, CpuOptions>;

/** Most values that one reduction sums accurately enough, and most values of each stage if there are several. */
const [inOneStage, perStage] = [2048, 512];

/** A sum or mean over many values in stages: first over the last axes, then over the axes before them, and so on. */
export const inStages =
  (reduce: Op<ReduceAttributes>): ReduceForm =>
  ([x], { axes }) => {
    const count = (of: readonly number[]) => sizeOf(of.map((axis) => x!.shape[axis]!));
    if (count(axes) <= inOneStage) return undefined;
    const stages: number[][] = [];
    for (const axis of axes.toReversed()) {
      const stage = stages.at(-1);
      if (stage && count([axis, ...stage]) <= perStage) stage.unshift(axis);
      else stages.push([axis]);
    }
    if (stages.length === 1) return undefined;
    return stages.reduce((partial, stage) => reduce([partial], { axes: stage }), x!);
  };

/** The sum of squares as a product and a sum, which have vectorised kernels: 0.4 of the time. */
export const sumOfProducts: ReduceForm = ([x], { axes }) => sum(mul(x!, x!), axes);
