/** Pictures of any size for a network that takes multiples of a number. */
import type { Tensor } from "../graph/graph.ts";
import { concat, flip, slice } from "../graph/ops/movement.ts";

/** The smallest multiple of `multiple` that is at least `side`. */
export const roundedUp = (side: number, multiple: number): number => Math.ceil(side / multiple) * multiple;

/**
 * Pads x, [N, C, H, W], at the right and the bottom by reflection to the next multiples of `multiple`, builds the
 * network on it, and crops its output to H x W.
 */
export function fitted(x: Tensor, multiple: number, build: (x: Tensor) => Tensor): Tensor {
  const [height, width] = x.shape.slice(2) as [number, number];
  const y = build(reflected(reflected(x, 2, roundedUp(height, multiple)), 3, roundedUp(width, multiple)));
  return slice(y, [2, 3], [0, 0], [height, width]);
}

/** x extended at the end of `axis` to `length` by repeated reflection at its last value. */
function reflected(x: Tensor, axis: number, length: number): Tensor {
  const side = x.shape[axis]!;
  if (side >= length) return x;
  if (side === 1) return concat(Array<Tensor>(length).fill(x), axis);
  const more = Math.min(length - side, side - 1);
  const end = slice(x, [axis], [side - 1 - more], [side - 1]);
  return reflected(concat([x, flip(end, [axis])], axis), axis, length);
}
