/**
 * The forms that d loss / d w of y = Conv(x, w) takes on a GPU, each as [Cout, Cin, kh, kw]. All are exact; they differ in
 * speed, and ./lowerings.ts chooses. A form multiplies the values that a kernel sees, its patches, with dy; it is in how patches
 * are made that they differ.
 */
import type { Tensor } from "../graph/graph.ts";
import { Conv, type ConvAttributes } from "../graph/ops/conv.ts";
import { gemm } from "../graph/ops/linear.ts";
import { concat, pad, reshape, SpaceToDepth, slice, stride, transpose } from "../graph/ops/movement.ts";

type Kernel = readonly [number, number];
type WeightGradient = (x: Tensor, dy: Tensor, kernel: Kernel, attrs: ConvAttributes) => Tensor;

/** Patches by strided slices, of all samples at once. */
export const bySlices: WeightGradient = (x, dy, [kh, kw], attrs) => {
  const cin = x.shape[1]!;
  const patches = im2col(x, dy.shape.slice(2) as [number, number], [kh, kw], attrs);
  const total = productOverSamples(dy, (i) => sampleOf(patches, i), cin * kh * kw);
  return reshape(total, [dy.shape[1]!, cin, kh, kw]);
};

/** One Conv: the transposed input as the image, dy as the kernel, dilation and stride exchanged. */
export const byConv: WeightGradient = (x, dy, kernel, { strides, pads, dilations }) => {
  const swapped = Conv([transpose(x, [1, 0, 2, 3]), transpose(dy, [1, 0, 2, 3])], {
    strides: dilations,
    pads,
    dilations: strides,
  });
  return transpose(slice(swapped, [2, 3], [0, 0], kernel), [1, 0, 2, 3]);
};

/**
 * For the 4x4 kernel of stride 2 and padding 1 of every down and up step. Space-to-depth makes it a 2x2 kernel of stride 1,
 * whose four taps are four matrix products with shifted maps.
 */
export const byHalving: WeightGradient = (x, dy) => {
  const [, cout, h, w] = dy.shape as [number, number, number, number];
  const cin = x.shape[1]!;
  // [n, (row in block, column in block, cin), h + 1, w + 1]
  const blocks = SpaceToDepth([pad(x, [0, 0, 1, 1], [0, 0, 1, 1])], { blocksize: 2 });
  const taps = [0, 1].flatMap((i) =>
    [0, 1].map((j) => {
      const shifted = slice(blocks, [2, 3], [i, j], [i + h, j + w]);
      return reshape(
        productOverSamples(dy, (k) => sampleOf(shifted, k), 4 * cin),
        [1, cout * 4 * cin],
      );
    }),
  );
  // [tap row, tap column, cout, row in block, column in block, cin] to [cout, cin, 4, 4]
  const split = reshape(concat(taps, 0), [2, 2, cout, 2, 2, cin]);
  return reshape(transpose(split, [2, 5, 0, 3, 1, 4]), [cout, cin, 4, 4]);
};

/** Whether `byHalving` can do this one. */
export function halves(x: Tensor, kernel: Kernel, { strides, pads, dilations }: ConvAttributes): boolean {
  const all = (values: readonly number[], n: number) => values.every((v) => v === n);
  return (
    all(kernel, 4) && all(strides, 2) && all(pads, 1) && all(dilations, 1) && x.shape.slice(2).every((n) => n % 2 === 0)
  );
}

/**
 * The sum over samples of dy [Cout, map] times the transpose of the sample's patches, `rows` of them for each place of the map.
 * @param before what is added to it
 */
export function productOverSamples(
  dy: Tensor,
  patchesOf: (i: number) => Tensor,
  rows: number,
  before?: Tensor,
): Tensor {
  const [n, cout, h, w] = dy.shape as [number, number, number, number];
  let total = before;
  for (let i = 0; i < n; i++) {
    total = gemm(reshape(sampleOf(dy, i), [cout, h * w]), reshape(patchesOf(i), [rows, h * w]), 0, 1, total);
  }
  return total!;
}

export const sampleOf = (t: Tensor, i: number): Tensor => slice(t, [0], [i], [i + 1]);

/** [N, C, H, W] to the patches that a kernel sees, [N, C, kh*kw, h*w]. */
function im2col(
  x: Tensor,
  map: readonly [number, number],
  [kh, kw]: Kernel,
  { strides, pads, dilations }: ConvAttributes,
): Tensor {
  const [n, c] = x.shape as [number, number];
  const padded = pad(x, [0, 0, pads[0], pads[1]], [0, 0, pads[2], pads[3]]);
  const parts: Tensor[] = [];
  for (let i = 0; i < kh; i++) {
    for (let j = 0; j < kw; j++) {
      const top = i * dilations[0];
      const left = j * dilations[1];
      const bottom = top + strides[0] * (map[0] - 1) + 1;
      const right = left + strides[1] * (map[1] - 1) + 1;
      const part = stride(padded, [2, 3], [top, left], [bottom, right], strides);
      parts.push(reshape(part, [n, c, 1, map[0] * map[1]]));
    }
  }
  return concat(parts, 2);
}
