/** Maps [N, C, H, W] at twice and at half their size, by ops that have gradient rules. */
import type { Tensor } from "../graph.ts";
import { Conv } from "./conv.ts";
import { mul } from "./elementwise.ts";
import { concat, DepthToSpace, reshape } from "./movement.ts";

/** Twice the height and width: each value becomes a block of 2 x 2 (nearest neighbour). */
export const upsample = (x: Tensor): Tensor => DepthToSpace([concat([x, x, x, x], 1)], { blocksize: 2, mode: "DCR" });

/**
 * The mean of each 3 x 3 window, stride 2, padding 1, over those of its values that lie inside the picture
 * (AvgPool2d(3, 2, 1, count_include_pad=False)): [N, C, H, W] to [N, C, ceil(H / 2), ceil(W / 2)].
 */
export function averagePool(x: Tensor): Tensor {
  const { graph } = x;
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const ones = graph.constant(new Float32Array(9).fill(1), [1, 1, 3, 3]);
  const planes = reshape(x, [n * c, 1, h, w]);
  const sums = Conv([planes, ones], { strides: [2, 2], pads: [1, 1, 1, 1], dilations: [1, 1] });
  // A window has (rows inside) x (columns inside) values.
  const [rows, columns] = [h, w].map((size) => Float32Array.from(insides(size), (count) => 1 / count));
  const mean = mul(mul(sums, graph.constant(rows!, [rows!.length, 1])), graph.constant(columns!, [columns!.length]));
  return reshape(mean, [n, c, ...mean.shape.slice(2)]);
}

/** For each i the number of the positions 2i - 1, 2i, 2i + 1 that lie in an axis of `size`. */
const insides = (size: number): number[] =>
  Array.from({ length: Math.ceil(size / 2) }, (_, i) => Math.min(2 * i + 1, size - 1) - Math.max(2 * i - 1, 0) + 1);
