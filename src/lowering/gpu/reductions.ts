/**
 * Sums and means on a GPU: over the last axes first, then over those before the others. ONNX Runtime reduces the last
 * axes in place and transposes a map first if others are among them, also where those have one value.
 */
import type { Op } from "../../graph/graph.ts";
import type { ReduceAttributes } from "../../graph/ops/reduce.ts";
import type { BuildForm } from "../rewrite.ts";

/** @param rest the op that reduces the results of `reduce` further */
export const lastAxesFirst =
  (reduce: Op<ReduceAttributes>, rest: Op<ReduceAttributes>): BuildForm<ReduceAttributes> =>
  ([x], { axes }) => {
    const long = axes.filter((axis) => x!.shape[axis] !== 1);
    // A sum or mean of one value is the value.
    if (long.length === 0) return reduce.declaration === rest.declaration ? x! : undefined;
    const last = long.filter((axis) => x!.shape.every((n, other) => other <= axis || n === 1 || long.includes(other)));
    const first = last.length === 0 ? long : last;
    if (first.length === axes.length) return undefined;
    const partial = reduce([x!], { axes: first });
    const others = long.filter((axis) => !first.includes(axis));
    return others.length === 0 ? partial : rest([partial], { axes: others });
  };
