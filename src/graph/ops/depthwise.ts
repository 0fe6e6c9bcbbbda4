/** Depthwise convolution: one kernel for each channel. In ONNX it is a Conv whose groups are single channels. */
import { ShapeError } from "../../errors.ts";
import { type Op, op, type Shape, type Tensor } from "../graph.ts";
import type { ConvAttributes } from "./conv.ts";
import { flip, reshape, slice, spaced } from "./movement.ts";
import { sum } from "./reduce.ts";
import { outputSize } from "./windows.ts";

export type DepthwiseAttributes = ConvAttributes & {
  /** The number of channels. */
  group: number;
};

/** y[n, c] = x[n, c] * w[c, 0], cross-correlation. The weight is [C, 1, kh, kw]. */
export const DepthwiseConv: Op<DepthwiseAttributes> = op<DepthwiseAttributes>("Conv", {
  shape: ([x, w], { group, ...attrs }) => {
    const [n, channels] = x!;
    const [kernels, one, ...kernel] = w!;
    if (channels !== group || kernels !== group || one !== 1) {
      throw new ShapeError(`expects a kernel for each of ${group} channels, got input [${x}] and weight [${w}].`);
    }
    return [n!, channels!, ...outputSize(x!, kernel, attrs)];
  },
  gradient: ({ x: [x, w], dy, attrs, needed }) => [
    needed[0] ? inputGradient(dy, w!, x!.shape, attrs) : null,
    needed[1] ? weightGradient(x!, dy, w!.shape, attrs) : null,
  ],
});

/** A DepthwiseConv of x, [N, C, H, W], with w, [C, 1, kh, kw]. */
export const depthwise = (x: Tensor, w: Tensor, attrs: ConvAttributes): Tensor =>
  DepthwiseConv([x, w], { ...attrs, group: x.shape[1]! });

/**
 * The gradient of y = DepthwiseConv(x, w) with respect to x, which has the shape `shape`: a convolution of stride 1 with rotated
 * kernels. On a CPU it is faster than a transposed convolution with groups.
 */
function inputGradient(dy: Tensor, w: Tensor, shape: Shape, attrs: DepthwiseAttributes): Tensor {
  const { strides, pads, dilations } = attrs;
  const wide = strides.reduce((t, step, i) => spaced(t, i + 2, step), dy);
  const around = ([0, 1] as const).map((axis) => {
    const reach = dilations[axis] * (w.shape[axis + 2]! - 1);
    const before = reach - pads[axis];
    return { before, after: shape[axis + 2]! + reach - wide.shape[axis + 2]! - before };
  });
  const [rows, columns] = around as [(typeof around)[number], (typeof around)[number]];
  return DepthwiseConv([wide, flip(w, [2, 3])], {
    ...attrs,
    strides: [1, 1],
    pads: [rows.before, columns.before, rows.after, columns.after],
  });
}

/**
 * The gradient with respect to w, which has the shape `shape`: a convolution of each channel of each sample of x with the same channel
 * of dy as the kernel, strides and dilations exchanged, summed over samples.
 */
function weightGradient(x: Tensor, dy: Tensor, shape: Shape, attrs: DepthwiseAttributes): Tensor {
  const { strides, pads, dilations } = attrs;
  const [n, c, ...size] = x.shape as [number, number, number, number];
  const [kh, kw] = shape.slice(2) as [number, number];
  const swapped = DepthwiseConv([reshape(x, [1, n * c, ...size]), reshape(dy, [n * c, 1, ...dy.shape.slice(2)])], {
    strides: dilations,
    dilations: strides,
    pads,
    group: n * c,
  });
  const kernels = reshape(slice(swapped, [2, 3], [0, 0], [kh, kw]), [n, c, kh, kw]);
  return reshape(sum(kernels, [0]), shape);
}
