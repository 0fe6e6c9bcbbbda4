/** Ops that change the size of maps, [N, C, H, W]: max pooling, average pooling, and doubling by nearest neighbours. */
import { ShapeError } from "../../errors.ts";
import { type Op, op, type Tensor } from "../graph.ts";
import { Conv, ConvTranspose } from "./conv.ts";
import { Cast, Less, mul, sub } from "./elementwise.ts";
import { concat, DepthToSpace, pad, reshape, slice, stride } from "./movement.ts";
import { outputSize, unpadded } from "./windows.ts";

/** Per axis (height, width); pads in ONNX's order, [top, left, bottom, right]. */
export type MaxPoolAttributes = {
  kernel_shape: readonly [number, number];
  strides: readonly [number, number];
  pads: readonly [number, number, number, number];
};

/** y = the largest value of each window; values beyond the edge do not count. */
export const MaxPool: Op<MaxPoolAttributes> = op<MaxPoolAttributes>("MaxPool", {
  shape: ([x], { kernel_shape: kernel, strides, pads }) => {
    const [n, c] = x!;
    const map = outputSize(x!, kernel, { strides, pads });
    if (pads.some((by, i) => by >= kernel[i % 2]!)) {
      throw new ShapeError(`pads [${pads}] have to be smaller than the window [${kernel}].`);
    }
    return [n!, c!, ...map];
  },
  gradient: ({ x: [x], y, dy, attrs }) => [maxPoolGradient(x!, y, dy, attrs)],
});

/** As PyTorch does, the gradient of a window goes to the first of its largest values, row by row. */
function maxPoolGradient(x: Tensor, y: Tensor, dy: Tensor, attrs: MaxPoolAttributes): Tensor {
  const { kernel_shape: kernel, strides, pads } = attrs;
  const { graph } = x;
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const [rows, columns] = y.shape.slice(2) as [number, number];
  const inWindow = (t: Tensor) => reshape(t, [n * c, 1, rows, columns]);
  const around = (t: Tensor) => pad(t, [0, 0, pads[0], pads[1]], [0, 0, pads[2], pads[3]]);
  const taps = Array.from({ length: kernel[0] * kernel[1] }, (_, k) => {
    const from = [Math.floor(k / kernel[1]), k % kernel[1]];
    const to = [rows, columns].map((count, i) => from[i]! + (count - 1) * strides[i]! + 1);
    return (t: Tensor) => stride(t, [2, 3], from, to, strides);
  });
  const wide = around(x);
  const values = concat(
    taps.map((tap) => inWindow(tap(wide))),
    1,
  );
  // 1 where a value of the window is the largest, [N * C, taps, rows, columns].
  const isLess = Cast([Less([values, inWindow(y)])], { to: 1 });
  let largest = sub(1, isLess);
  if (pads.some((by) => by > 0)) {
    const inside = around(graph.constant(new Float32Array(h * w).fill(1), [1, 1, h, w]));
    const counts = concat(
      taps.map((tap) => tap(inside)),
      1,
    );
    largest = mul(largest, counts);
  }
  const count = taps.length;
  // A tap is the first of the largest if no earlier tap has the largest value: `before` is the number of those.
  const earlier = Float32Array.from({ length: count * count }, (_, i) => Number(i % count < Math.floor(i / count)));
  const before = Conv([largest, graph.constant(earlier, [count, count, 1, 1])], unpadded);
  const first = mul(largest, Cast([Less([before, 0.5])], { to: 1 }));
  const identity = Float32Array.from({ length: count * count }, (_, i) => Number(i % count === Math.floor(i / count)));
  const unseen = [rows, columns].map((count, i) => wide.shape[i + 2]! - ((count - 1) * strides[i]! + kernel[i]!)) as [
    number,
    number,
  ];
  const spread = ConvTranspose([mul(first, inWindow(dy)), graph.constant(identity, [count, 1, ...kernel])], {
    strides,
    pads: [0, 0, 0, 0],
    dilations: [1, 1],
    output_padding: unseen,
  });
  const [top, left] = [pads[0], pads[1]];
  return reshape(slice(spread, [2, 3], [top, left], [top + h, left + w]), x.shape);
}

/** The windows of a pool, square. */
export interface Pool {
  kernel: number;
  stride: number;
  pad?: number;
}

/**
 * The largest value of each window (MaxPool2d).
 * @param ceil whether a last window that reaches beyond the edge counts (ceil_mode)
 */
export function maxPool(x: Tensor, { kernel, stride, pad = 0, ceil = false }: Pool & { ceil?: boolean }): Tensor {
  const beyond = (side: number) => {
    const rest = (side + 2 * pad - kernel) % stride;
    // A window must begin within the input or in front of it.
    const begins = side + 2 * pad - kernel - rest + stride < side + pad;
    return ceil && rest > 0 && begins ? stride - rest : 0;
  };
  const [h, w] = x.shape.slice(2) as [number, number];
  return MaxPool([x], {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: [pad, pad, pad + beyond(h), pad + beyond(w)],
  });
}

/** Twice the height and width: each value becomes a block of 2 x 2 (nearest neighbour). */
export const upsample = (x: Tensor): Tensor => DepthToSpace([concat([x, x, x, x], 1)], { blocksize: 2, mode: "DCR" });

/**
 * The mean of each window (AvgPool2d), by default 3 x 3 with stride 2 and padding 1.
 * @param countPad whether the zeros around the picture count (count_include_pad); otherwise the mean is over those values
 *   of a window that lie inside
 */
export function averagePool(
  x: Tensor,
  { kernel, stride, pad = 0, countPad = false }: Pool & { countPad?: boolean } = { kernel: 3, stride: 2, pad: 1 },
): Tensor {
  const { graph } = x;
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const ones = graph.constant(new Float32Array(kernel * kernel).fill(1), [1, 1, kernel, kernel]);
  const planes = reshape(x, [n * c, 1, h, w]);
  const pads = [pad, pad, pad, pad] as const;
  const sums = Conv([planes, ones], { strides: [stride, stride], pads, dilations: [1, 1] });
  // A window has (rows inside) x (columns inside) values.
  const shares = (axis: number) => {
    const inside = insides(x.shape[axis]!, sums.shape[axis]!, { kernel, stride, pad });
    return Float32Array.from(inside, (count) => 1 / (countPad ? kernel : count));
  };
  const [rows, columns] = [shares(2), shares(3)];
  const mean = mul(mul(sums, graph.constant(rows, [rows.length, 1])), graph.constant(columns, [columns.length]));
  return reshape(mean, [n, c, ...mean.shape.slice(2)]);
}

/** For each of `count` windows along an axis the number of its positions that lie in the axis, of `size` values. */
const insides = (size: number, count: number, { kernel, stride, pad }: Required<Pool>): number[] =>
  Array.from({ length: count }, (_, i) => {
    const start = i * stride - pad;
    return Math.min(start + kernel, size) - Math.max(start, 0);
  });
