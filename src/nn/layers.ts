/** Layers on maps [N, C, H, W]. `name` is the module's name in the PyTorch implementation of pix2pix. */
import type { Shape, Tensor } from "../graph/graph.ts";
import { Conv, ConvTranspose } from "../graph/ops/conv.ts";
import { depthwise } from "../graph/ops/depthwise.ts";
import { mul } from "../graph/ops/elementwise.ts";
import { reflect } from "../graph/ops/movement.ts";
import { upsample } from "../graph/ops/pooling.ts";
import { blur } from "./blur.ts";
import type { Parameters } from "./parameters.ts";
import { spectralWeight } from "./spectral.ts";

/** The values that a convolution reads beyond the edge of its input: zeros, or the input mirrored at its edge. */
export const paddings = ["zero", "reflect"] as const;
export type Padding = (typeof paddings)[number];

/** The choices of --upsample: how a layer doubles a map. */
export const upsamples = {
  transpose: { help: "transposed convolution" },
  resize: { help: "nearest neighbours and a convolution of stride 1 (no checkerboard)" },
};
export type Upsample = keyof typeof upsamples;

export interface ConvOptions {
  /** Output channels. */
  out: number;
  /** Side of the square kernel. */
  kernel: number;
  /** Default 1. */
  stride?: number;
  /** Rows and columns that are added at each edge. Default 0. */
  pad?: number;
  /** Default "zero". */
  padding?: Padding;
  /** Distance of the kernel's taps. Default 1. */
  dilation?: number;
  /** Default true. */
  bias?: boolean;
  /** A filter against aliasing precedes the convolution (blur.ts). */
  blurred?: boolean;
  /** A convolution of each channel, then one of 1 x 1 (`separableConv`). */
  separable?: boolean;
}

export interface ConvTransposeOptions extends Omit<ConvOptions, "padding" | "blurred" | "separable"> {
  /** Rows and columns that are added at the bottom and the right. */
  outputPad?: number;
}

/** The weight of a convolution. @param outputs the axis of `shape` that counts the output channels */
const weightOf = (p: Parameters, name: string, shape: Shape, outputs: 0 | 1): Tensor =>
  p.spectral ? spectralWeight(p, name, shape, outputs) : p.get(`${name}.weight`, shape, "weight");

/**
 * A convolution of x [N, C, H, W] with "<name>.weight" [out, C, k, k], as torch.nn.Conv2d. Of H rows the output has
 * floor((H + 2 pad - dilation (k - 1) - 1) / stride) + 1.
 */
export function conv(p: Parameters, name: string, input: Tensor, options: ConvOptions): Tensor {
  const { out, kernel, stride = 1, pad = 0, padding = "zero", dilation = 1, bias = true } = options;
  const x = options.blurred ? blur(input) : input;
  if (options.separable) {
    return separableConv(p, name, x, { out, kernel, stride, bias, pads: [pad, pad, pad, pad] });
  }
  const w = weightOf(p, name, [out, x.shape[1]!, kernel, kernel], 0);
  const b = bias ? [p.get(`${name}.bias`, [out], "bias")] : [];
  const mirrored = padding === "reflect" && pad > 0;
  const zeros = mirrored ? 0 : pad;
  return Conv([mirrored ? reflect(x, pad) : x, w, ...b], {
    strides: [stride, stride],
    pads: [zeros, zeros, zeros, zeros],
    dilations: [dilation, dilation],
  });
}

/**
 * A separable convolution: one kernel for each channel, "<name>.depthwise.weight" [in, 1, k, k], then a convolution of 1 x 1,
 * "<name>.pointwise.weight" [out, in, 1, 1] with its bias (TensorFlow's separable_conv2d, as Hesse's code uses it).
 */
function separableConv(
  p: Parameters,
  name: string,
  x: Tensor,
  { out, kernel, stride, bias, pads }: SeparableShape,
): Tensor {
  const w = p.get(`${name}.depthwise.weight`, [x.shape[1]!, 1, kernel, kernel], "weight");
  const each = depthwise(x, w, { strides: [stride, stride], pads, dilations: [1, 1] });
  return conv(p, `${name}.pointwise`, each, { out, kernel: 1, bias });
}

interface SeparableShape extends Required<Pick<ConvOptions, "out" | "kernel" | "stride" | "bias">> {
  /** Zeros at the top, the left, the bottom and the right. */
  pads: readonly [number, number, number, number];
}

/**
 * A transposed convolution of x [N, C, H, W] with "<name>.weight" [C, out, k, k], as torch.nn.ConvTranspose2d. Of H rows the output has
 * (H - 1) stride - 2 pad + dilation (k - 1) + 1 + outputPad.
 */
export function convTranspose(p: Parameters, name: string, x: Tensor, options: ConvTransposeOptions): Tensor {
  const { out, kernel, stride = 1, pad = 0, dilation = 1, bias = true, outputPad = 0 } = options;
  const w = weightOf(p, name, [x.shape[1]!, out, kernel, kernel], 1);
  const b = bias ? [p.get(`${name}.bias`, [out], "bias")] : [];
  return ConvTranspose([x, w, ...b], {
    strides: [stride, stride],
    pads: [pad, pad, pad, pad],
    dilations: [dilation, dilation],
    output_padding: [outputPad, outputPad],
  });
}

/** How `double` doubles a map. */
export interface Doubling {
  upsample: Upsample;
  /** Of the 3 x 3 convolution of `upsample` "resize". */
  padding: Padding;
  /** The transposed convolution of `upsample` "transpose". */
  transposed: Omit<ConvTransposeOptions, "out" | "bias">;
  /** A separable convolution after nearest neighbours, instead of both. */
  separable?: boolean;
}

/**
 * A map of twice the height and width.
 * - `upsample` "transpose": the transposed convolution that `transposed` describes, with weight [in, out, k, k].
 * - `upsample` "resize": nearest neighbours and a 3 x 3 convolution of stride 1, with weight [out, in, 3, 3] under the same name;
 *   it avoids checkerboard patterns (Odena et al. 2016).
 * - `separable`, with any `upsample`: nearest neighbours and a separable 4 x 4 convolution of stride 1, padded as TensorFlow's "same".
 */
export function double(
  p: Parameters,
  name: string,
  x: Tensor,
  how: Doubling,
  options: { out: number; bias: boolean },
): Tensor {
  if (how.separable) {
    return separableConv(p, name, upsample(x), { ...options, kernel: 4, stride: 1, pads: [1, 1, 2, 2] });
  }
  if (how.upsample === "transpose") return convTranspose(p, name, x, { ...how.transposed, ...options });
  return conv(p, name, upsample(x), { kernel: 3, pad: 1, padding: how.padding, ...options });
}

/** x with values set to 0 with probability `rate` and the others divided by 1 - rate, by a mask that the host draws. */
export const dropout = (p: Parameters, x: Tensor, rate: number): Tensor => mul(x, p.mask(x.shape, rate));
