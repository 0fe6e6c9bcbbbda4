/**
 * Convolution and transposed convolution (each is the other's gradient with respect to its input) and their gradient with
 * respect to the weight, on NCHW maps. The weight of a Conv is [Cout, Cin, kh, kw], that of a ConvTranspose [Cin, Cout,
 * kh, kw]. src/lowering chooses how a device computes them.
 */
import { ShapeError } from "../../errors.ts";
import { type Op, op, type Shape, type Tensor } from "../graph.ts";
import { reshape } from "./movement.ts";
import { sum } from "./reduce.ts";
import { outputSize } from "./windows.ts";

/** Per axis (height, width); pads in ONNX's order, [top, left, bottom, right]. */
export type ConvAttributes = {
  strides: readonly [number, number];
  pads: readonly [number, number, number, number];
  dilations: readonly [number, number];
};

export type ConvTransposeAttributes = ConvAttributes & {
  /** Rows and columns that are added at the bottom and the right of the output. */
  output_padding: readonly [number, number];
};

/** y[n, o] = sum_c x[n, c] * w[o, c] (+ b[o]), cross-correlation. */
export const Conv: Op<ConvAttributes> = op<ConvAttributes>("Conv", {
  shape: ([x, w, b], attrs) => {
    const [n, channels] = x!;
    const [cout, cin, ...kernel] = w!;
    if (channels !== cin) throw new ShapeError(`weight expects ${cin} input channels, input has ${channels} [${x}].`);
    if (b && b[0] !== cout) throw new ShapeError(`bias has ${b[0]} values for ${cout} output channels.`);
    return [n!, cout!, ...outputSize(x!, kernel, attrs)];
  },
  gradient: ({ x: [x, w, b], dy, attrs, needed }) => {
    const gradients = [
      needed[0] ? inputGradient(dy, w!, x!.shape, attrs) : null,
      needed[1] ? ConvWeightGradient([x!, dy], { ...attrs, kernel: kernelOf(w!) }) : null,
    ];
    return b ? [...gradients, biasGradient(dy)] : gradients;
  },
});

/** The gradient of Conv with respect to its input. */
export const ConvTranspose: Op<ConvTransposeAttributes> = op<ConvTransposeAttributes>("ConvTranspose", {
  shape: ([x, w, b], { strides, pads, dilations, output_padding }) => {
    const [n, channels, ...size] = x!;
    const [cin, cout, ...kernel] = w!;
    if (channels !== cin) throw new ShapeError(`weight expects ${cin} input channels, input has ${channels} [${x}].`);
    if (b && b[0] !== cout) throw new ShapeError(`bias has ${b[0]} values for ${cout} output channels.`);
    const map = size.map((length, i) => {
      const extent = dilations[i]! * (kernel[i]! - 1) + 1;
      return (length - 1) * strides[i]! - pads[i]! - pads[i + 2]! + extent + output_padding[i]!;
    });
    if (map.some((length) => length < 1)) throw new ShapeError(`input [${x}] gives an output of [${map}].`);
    return [n!, cout!, ...map];
  },
  gradient: ({ x: [x, w, b], dy, attrs: { strides, pads, dilations }, needed }) => {
    const attrs = { strides, pads, dilations };
    const gradients = [
      needed[0] ? Conv([dy, w!], attrs) : null,
      needed[1] ? ConvWeightGradient([dy, x!], { ...attrs, kernel: kernelOf(w!) }) : null,
    ];
    return b ? [...gradients, biasGradient(dy)] : gradients;
  },
});

export type ConvWeightGradientAttributes = ConvAttributes & {
  /** Height and width of the kernel. Where strides leave a remainder, the sizes of x and dy do not determine them. */
  kernel: readonly [number, number];
};

/**
 * The gradient of Conv with respect to its weight, [Cout, Cin, kh, kw], summed over pairs (x, dy): inputs x, dy, x, dy,
 * ... Gradient rules add it with one pair; lowering/weight-gradients.ts merges sums of them into one of several pairs. It
 * is not an ONNX op: src/lowering replaces it.
 */
export const ConvWeightGradient: Op<ConvWeightGradientAttributes> = op<ConvWeightGradientAttributes>(
  "ConvWeightGradient",
  {
    abstract: true,
    shape: ([x, dy], { kernel }) => [dy![1]!, x![1]!, ...kernel],
    gradient: ({ x, dy: dw, attrs: { kernel: _, ...attrs }, needed }) =>
      x.map((t, i) => {
        if (!needed[i]) return null;
        return i % 2 === 0 ? inputGradient(x[i + 1]!, dw, t.shape, attrs) : Conv([x[i - 1]!, dw], attrs);
      }),
  },
);

/** The gradient of y = Conv(x, w) with respect to x, which has the shape `shape`. */
function inputGradient(dy: Tensor, w: Tensor, shape: Shape, attrs: ConvAttributes): Tensor {
  const { strides, pads, dilations } = attrs;
  // Rows (columns) of x at the end that a strided Conv does not read.
  const unseen = (axis: 0 | 1) => {
    const extent = dilations[axis] * (w.shape[axis + 2]! - 1) + 1;
    return shape[axis + 2]! - ((dy.shape[axis + 2]! - 1) * strides[axis] - pads[axis] - pads[axis + 2]! + extent);
  };
  return ConvTranspose([dy, w], { ...attrs, output_padding: [unseen(0), unseen(1)] });
}

const kernelOf = ({ shape }: Tensor): [number, number] => [shape[2]!, shape[3]!];

/** Sum over samples and positions, [C]. */
function biasGradient(dy: Tensor): Tensor {
  return reshape(sum(dy, [0, 2, 3]), [dy.shape[1]!]);
}
