/** Windows that slide over a map, such as the kernel of a convolution. */
import { ShapeError } from "../../errors.ts";
import type { Shape } from "../graph.ts";

/** Per axis (height, width); pads in ONNX's order, [top, left, bottom, right]. */
interface Windows {
  strides: readonly [number, number];
  pads: readonly [number, number, number, number];
  dilations?: readonly [number, number];
}

/** Attributes of a convolution of stride 1 without padding. */
export const unpadded = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1] } as const;

/**
 * Height and width of the output: the number of places of a window on x, [N, C, H, W].
 * @param window height and width of the window
 * @throws ShapeError where x with its padding is smaller than the window
 */
export function outputSize(x: Shape, window: Shape, { strides, pads, dilations = [1, 1] }: Windows): number[] {
  const map = x.slice(2).map((length, i) => {
    const extent = dilations[i]! * (window[i]! - 1) + 1;
    return Math.floor((length + pads[i]! + pads[i + 2]! - extent) / strides[i]!) + 1;
  });
  if (map.some((length) => length < 1)) throw new ShapeError(`input [${x}] is smaller than the kernel [${window}].`);
  return map;
}
