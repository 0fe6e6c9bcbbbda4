/**
 * At stride 1 a transposed convolution is a convolution whose kernel is rotated by 180 degrees and whose input and
 * output channels are exchanged, and the reverse.
 */
import type { Shape, Tensor } from "../graph/graph.ts";
import { Conv, type ConvAttributes, type ConvTransposeAttributes } from "../graph/ops/conv.ts";
import { flip, transpose } from "../graph/ops/movement.ts";

/**
 * The attributes with which a Conv equals a ConvTranspose of the rotated kernel, and the reverse. Undefined for strides
 * above 1 and for padding wider than the kernel's reach.
 */
export function rotatedAttributes(
  kernel: Shape,
  { strides, pads, dilations }: ConvAttributes,
): ConvAttributes | undefined {
  const reach = (axis: 0 | 1) => dilations[axis] * (kernel[axis]! - 1);
  const [top, left, bottom, right] = pads;
  const full = [reach(0) - top, reach(1) - left, reach(0) - bottom, reach(1) - right] as const;
  return strides.some((s) => s !== 1) || full.some((p) => p < 0) ? undefined : { strides, pads: full, dilations };
}

/** [O, I, kh, kw] to [I, O, kh, kw], rows and columns in reverse. */
export const rotated = (w: Tensor): Tensor => transpose(flip(w, [2, 3]), [1, 0, 2, 3]);

/** A ConvTranspose of stride 1 as the equal Conv. */
export function asConv([x, w, ...bias]: Tensor[], attrs: ConvTransposeAttributes): Tensor | undefined {
  const { output_padding, ...rest } = attrs;
  const around = rotatedAttributes(w!.shape.slice(2), rest);
  if (!around || output_padding.some((p) => p > 0)) return undefined;
  return Conv([x!, rotated(w!), ...bias], around);
}
