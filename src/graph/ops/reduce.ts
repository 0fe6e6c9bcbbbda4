/**
 * Reductions over axes (ONNX Reduce*, operator set 18). Reduced axes keep size 1, so results broadcast back. The
 * gradients are constant along those axes and have size 1 there too; ../gradient.ts broadcasts them where needed.
 */
import { op, type Shape, sizeOf, type Tensor } from "../graph.ts";
import { div, mul } from "./elementwise.ts";

export type ReduceAttributes = {
  axes: readonly number[];
};

const reduced = ([x]: Shape[], { axes }: ReduceAttributes): Shape => x!.map((n, i) => (axes.includes(i) ? 1 : n));
const asInputs = {
  constants: ({ axes }: ReduceAttributes) => [axes],
  attributes: () => ({ keepdims: 1 }),
};

/** y = sum x */
export const ReduceSum = op<ReduceAttributes>("ReduceSum", {
  shape: reduced,
  ...asInputs,
  gradient: ({ dy }) => [dy],
});
/** y = mean x */
export const ReduceMean = op<ReduceAttributes>("ReduceMean", {
  shape: reduced,
  ...asInputs,
  gradient: ({ x: [x], dy, attrs }) => [div(dy, sizeOf(attrs.axes.map((axis) => x!.shape[axis]!)))],
});
/** y = sum x^2 */
export const ReduceSumSquare = op<ReduceAttributes>("ReduceSumSquare", {
  shape: reduced,
  ...asInputs,
  gradient: ({ x: [x], dy }) => [mul(mul(dy, 2), x!)],
});
/** Broadcasts to `shape` by NumPy's rules. */
export const Expand = op<{ shape: Shape }>("Expand", {
  shape: (_, attrs) => attrs.shape,
  constants: (attrs) => [attrs.shape],
  gradient: ({ dy }) => [dy],
});

const all = (x: Tensor): number[] => x.shape.map((_, i) => i);

/** Sum over `axes` (all by default), which keep size 1. */
export const sum = (x: Tensor, axes: readonly number[] = all(x)): Tensor => ReduceSum([x], { axes });
/** Mean over `axes` (all by default), which keep size 1. */
export const mean = (x: Tensor, axes: readonly number[] = all(x)): Tensor => ReduceMean([x], { axes });
/** Sum of squares over `axes` (all by default), which keep size 1. */
export const sumSquare = (x: Tensor, axes: readonly number[] = all(x)): Tensor => ReduceSumSquare([x], { axes });
