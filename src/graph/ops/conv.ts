/**
 * Convolution and its transpose, each the other's gradient by its input, and the gradient of both by their weight. NCHW; a
 * Conv's weight is [Cout, Cin, kh, kw], a ConvTranspose's [Cin, Cout, kh, kw]. Which form they take on a GPU is chosen in
 * ./lowerings.ts, on a CPU in ../onnx/for-cpu.ts.
 */
import { ShapeError } from "../../errors.ts";
import { convInputGradient, convOnGpu, convWeightGradient } from "../../lowering/gpu.ts";
import { type Op, op, type Tensor } from "../graph.ts";
import { reshape } from "./movement.ts";
import { sum } from "./reduce.ts";

/** Per axis (height, width); pads as ONNX: [top, left, bottom, right]. */
export interface ConvAttributes {
  strides: readonly [number, number];
  pads: readonly [number, number, number, number];
  dilations: readonly [number, number];
}

export interface ConvTransposeAttributes extends ConvAttributes {
  output_padding: readonly [number, number];
}

/** y[n, o] = sum_c x[n, c] * w[o, c] (+ b[o]), cross-correlation. */
export const Conv: Op<ConvAttributes> = op<ConvAttributes>("Conv", {
  shape: ([x, w, b], { strides, pads, dilations }) => {
    const [n, channels, ...size] = x!;
    const [cout, cin, ...kernel] = w!;
    if (channels !== cin) throw new ShapeError(`weight expects ${cin} input channels, input has ${channels} [${x}].`);
    if (b && b[0] !== cout) throw new ShapeError(`bias has ${b[0]} values for ${cout} output channels.`);
    const map = size.map((length, i) => {
      const extent = dilations[i]! * (kernel[i]! - 1) + 1;
      return Math.floor((length + pads[i]! + pads[i + 2]! - extent) / strides[i]!) + 1;
    });
    if (map.some((length) => length < 1)) {
      throw new ShapeError(`input [${x}] is smaller than the kernel [${kernel}]; use a larger size or fewer layers.`);
    }
    return [n!, cout!, ...map];
  },
  lower: ([x, w, b], attrs, target) => (target === "gpu" ? convOnGpu(x!, w!, b, attrs) : undefined),
  gradient: ({ x: [x, w, b], dy, attrs, needed }) => {
    const [, , kh, kw] = w!.shape;
    const gradients = [
      needed[0] ? convInputGradient(dy, w!, x!.shape, attrs) : null,
      needed[1] ? convWeightGradient(x!, dy, [kh!, kw!], attrs) : null,
    ];
    return b ? [...gradients, biasGradient(dy)] : gradients;
  },
});

/** The gradient of Conv by its input, as an op of its own; output_padding extends the bottom and the right. */
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
    const [, , kh, kw] = w!.shape;
    const gradients = [
      needed[0] ? Conv([dy, w!], attrs) : null,
      needed[1] ? convWeightGradient(dy, x!, [kh!, kw!], attrs) : null,
    ];
    return b ? [...gradients, biasGradient(dy)] : gradients;
  },
});

export interface ConvWeightGradientAttributes extends ConvAttributes {
  /** Height and width of the kernel: those of x and dy leave it open where strides do not fit. */
  kernel: readonly [number, number];
}

/**
 * The sum over pairs (x, dy) of the gradient of Conv by its weight, [Cout, Cin, kh, kw]: inputs x, dy, x, dy, ... No op of ONNX;
 * programs for a CPU get a form of it.
 */
export const ConvWeightGradient: Op<ConvWeightGradientAttributes> = op<ConvWeightGradientAttributes>(
  "ConvWeightGradient",
  {
    abstract: true,
    shape: ([x, dy], { kernel }) => [dy![1]!, x![1]!, ...kernel],
    gradient: ({ x, dy: dw, attrs: { kernel: _, ...attrs }, needed }) =>
      x.map((t, i) => {
        if (!needed[i]) return null;
        return i % 2 === 0 ? convInputGradient(x[i + 1]!, dw, t.shape, attrs) : Conv([x[i - 1]!, dw], attrs);
      }),
    plus: (a, b) =>
      `${Object.values(a.attrs)}` === `${Object.values(b.attrs)}`
        ? ConvWeightGradient([...a.inputs, ...b.inputs], a.attrs as unknown as ConvWeightGradientAttributes)
        : undefined,
  },
);

/** Sum over samples and positions, [C]. */
function biasGradient(dy: Tensor): Tensor {
  return reshape(sum(dy, [0, 2, 3]), [dy.shape[1]!]);
}
