/** Layers: ops with named parameters. `name` is the module's name in the widely used PyTorch implementation. */
import type { Tensor } from "../graph/graph.ts";
import { Conv, ConvTranspose } from "../graph/ops/conv.ts";
import { mul } from "../graph/ops/elementwise.ts";
import { reflect } from "../graph/ops/movement.ts";
import { upsample } from "../graph/ops/pooling.ts";
import type { Parameters } from "./parameters.ts";

/** The values that a convolution reads beyond the edge of its input: zeros, or the input mirrored at its edge. */
export const paddings = ["zero", "reflect"] as const;
export type Padding = (typeof paddings)[number];

/** How a layer doubles a map: by a transposed convolution, or by repeating each value and a convolution of stride 1. */
export const upsamples = ["transpose", "resize"] as const;
export type Upsample = (typeof upsamples)[number];

export interface ConvOptions {
  out: number;
  kernel: number;
  stride?: number;
  pad?: number;
  padding?: Padding;
  dilation?: number;
  bias?: boolean;
}

export interface ConvTransposeOptions extends Omit<ConvOptions, "padding"> {
  /** Rows and columns more at the bottom and the right. */
  outputPad?: number;
}

export function conv(p: Parameters, name: string, x: Tensor, options: ConvOptions): Tensor {
  const { out, kernel, stride = 1, pad = 0, padding = "zero", dilation = 1, bias = true } = options;
  const w = p.get(`${name}.weight`, [out, x.shape[1]!, kernel, kernel], "weight");
  const b = bias ? [p.get(`${name}.bias`, [out], "bias")] : [];
  const mirrored = padding === "reflect" && pad > 0;
  const rest = mirrored ? 0 : pad;
  return Conv([mirrored ? reflect(x, pad) : x, w, ...b], {
    strides: [stride, stride],
    pads: [rest, rest, rest, rest],
    dilations: [dilation, dilation],
  });
}

export function convTranspose(p: Parameters, name: string, x: Tensor, options: ConvTransposeOptions): Tensor {
  const { out, kernel, stride = 1, pad = 0, dilation = 1, bias = true, outputPad = 0 } = options;
  const w = p.get(`${name}.weight`, [x.shape[1]!, out, kernel, kernel], "weight");
  const b = bias ? [p.get(`${name}.bias`, [out], "bias")] : [];
  return ConvTranspose([x, w, ...b], {
    strides: [stride, stride],
    pads: [pad, pad, pad, pad],
    dilations: [dilation, dilation],
    output_padding: [outputPad, outputPad],
  });
}

/**
 * A map of twice the size, by the transposed convolution that `transposed` describes or, with `upsample` "resize", by
 * nearest neighbours and a 3 x 3 convolution of stride 1 (Odena et al. 2016: no checkerboard). Both have the name
 * `name`; the weight is [in, out, k, k] of the one and [out, in, 3, 3] of the other.
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

/** Dropout by a mask that the host draws. */
export const dropout = (p: Parameters, x: Tensor, rate: number): Tensor => mul(x, p.mask(x.shape, rate));
