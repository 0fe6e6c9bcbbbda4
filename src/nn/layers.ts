/** Layers on maps [N, C, H, W]. `name` is the module's name in the PyTorch implementation of pix2pix. */
import type { Shape, Tensor } from "../graph/graph.ts";
import { Conv, ConvTranspose } from "../graph/ops/conv.ts";
import { mul } from "../graph/ops/elementwise.ts";
import { reflect } from "../graph/ops/movement.ts";
import { upsample } from "../graph/ops/pooling.ts";
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
  stride?: number;
  pad?: number;
  padding?: Padding;
  dilation?: number;
  bias?: boolean;
}

export interface ConvTransposeOptions extends Omit<ConvOptions, "padding"> {
  /** Rows and columns that are added at the bottom and the right. */
  outputPad?: number;
}

/** The weight of a convolution. @param outputs the axis of `shape` that counts the output channels */
const weightOf = (p: Parameters, name: string, shape: Shape, outputs: 0 | 1): Tensor =>
  p.spectral ? spectralWeight(p, name, shape, outputs) : p.get(`${name}.weight`, shape, "weight");

/** A convolution; stride 1, no padding and a bias by default. */
export function conv(p: Parameters, name: string, x: Tensor, options: ConvOptions): Tensor {
  const { out, kernel, stride = 1, pad = 0, padding = "zero", dilation = 1, bias = true } = options;
  const w = weightOf(p, name, [out, x.shape[1]!, kernel, kernel], 0);
  const b = bias ? [p.get(`${name}.bias`, [out], "bias")] : [];
  const mirrored = padding === "reflect" && pad > 0;
  const rest = mirrored ? 0 : pad;
  return Conv([mirrored ? reflect(x, pad) : x, w, ...b], {
    strides: [stride, stride],
    pads: [rest, rest, rest, rest],
    dilations: [dilation, dilation],
  });
}

/** A transposed convolution; stride 1, no padding and a bias by default. */
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

/**
 * A map of twice the height and width. With `upsample` "transpose" by the transposed convolution that `transposed`
 * describes, with weight [in, out, k, k]; with "resize" by nearest neighbours and a 3 x 3 convolution of stride 1
 * (Odena et al. 2016: no checkerboard), with weight [out, in, 3, 3]. Both have the parameter name `name`.
 */
export function double(
  p: Parameters,
  name: string,
  x: Tensor,
  how: { upsample: Upsample; padding: Padding; transposed: Omit<ConvTransposeOptions, "out" | "bias"> },
  options: { out: number; bias: boolean },
): Tensor {
  if (how.upsample === "transpose") return convTranspose(p, name, x, { ...how.transposed, ...options });
  return conv(p, name, upsample(x), { kernel: 3, pad: 1, padding: how.padding, ...options });
}

/** Dropout of values with probability `rate`, by a mask that the host draws. */
export const dropout = (p: Parameters, x: Tensor, rate: number): Tensor => mul(x, p.mask(x.shape, rate));
