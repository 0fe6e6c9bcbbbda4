/**
 * The forms of d loss / d w of y = Conv(x, w), each as [Cout, Cin, kh, kw]. All are exact; they differ in speed, and
 * ./lowerings.ts chooses. A form multiplies the values that a kernel sees, its patches, with dy; it is in how patches are made
 * that they differ.
 */
import type { Tensor } from "../graph.ts";
import { Conv, type ConvAttributes } from "./conv.ts";
import { gemm } from "./linear.ts";
import { concat, pad, reshape, SpaceToDepth, slice, stride, transpose } from "./movement.ts";

type Kernel = readonly [number, number];
type WeightGradient = (x: Tensor, dy: Tensor, kernel: Kernel, attrs: ConvAttributes) => Tensor;

/** Patches by a Conv of each channel alone with one kernel a tap, 1 there and 0 elsewhere: the runtime's fastest copy on a CPU. */
export const byOneHotConv: WeightGradient = (x, dy, [kh, kw], attrs) => {
  const [, cin, height, width] = x.shape as [number, number, number, number];
  const taps = kh * kw;
  const oneHot = Float32Array.from({ length: taps * taps }, (_, i) => (i % (taps + 1) === 0 ? 1 : 0));
  const kernels = x.graph.constant(oneHot, [taps, 1, kh, kw]);
  return overSamples(x, dy, [kh, kw], (sample, map) => {
    const patches = Conv([reshape(sample, [cin, 1, height, width]), kernels], attrs);
    return reshape(patches, [cin * taps, map]);
  });
};

/** Patches by strided slices. */
export const bySlices: WeightGradient = (x, dy, kernel, attrs) =>
  overSamples(x, dy, kernel, (sample, map) => {
    const patches = im2col(sample, dy.shape.slice(2) as [number, number], kernel, attrs);
    return reshape(patches, [x.shape[1]! * kernel[0] * kernel[1], map]);
  });

/** For stride 1 and few taps: each is a matrix product a sample of dy with the map shifted to it. */
export const byTaps: WeightGradient = (x, dy, [kh, kw], { pads, dilations }) => {
  const [n, cout, h, w] = dy.shape as [number, number, number, number];
  const cin = x.shape[1]!;
  const padded = pad(x, [0, 0, pads[0], pads[1]], [0, 0, pads[2], pads[3]]);
  const a = reshape(dy, [n, cout, h * w]);
  const taps = Array.from({ length: kh * kw }, (_, k) => {
    const [top, left] = [dilations[0] * Math.floor(k / kw), dilations[1] * (k % kw)];
    const shifted = slice(padded, [2, 3], [top, left], [top + h, left + w]);
    return reshape(productOverSamples(a, reshape(shifted, [n, cin, h * w])), [1, cout * cin]);
  });
  return reshape(transpose(reshape(concat(taps, 0), [kh * kw, cout, cin]), [1, 2, 0]), [cout, cin, kh, kw]);
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
  const [n, cout, h, w] = dy.shape as [number, number, number, number];
  const cin = x.shape[1]!;
  // [n, (row in block, column in block, cin), h + 1, w + 1]
  const blocks = SpaceToDepth([pad(x, [0, 0, 1, 1], [0, 0, 1, 1])], { blocksize: 2 });
  const a = reshape(dy, [n, cout, h * w]);
  const taps = [0, 1].flatMap((i) =>
    [0, 1].map((j) => {
      const shifted = reshape(slice(blocks, [2, 3], [i, j], [i + h, j + w]), [n, 4 * cin, h * w]);
      return reshape(productOverSamples(a, shifted), [1, cout * 4 * cin]);
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

/** The sum over samples of dy [Cout, map] times the transpose of its patches [Cin * kh * kw, map]. */
function overSamples(
  x: Tensor,
  dy: Tensor,
  kernel: Kernel,
  patchesOf: (sample: Tensor, map: number) => Tensor,
): Tensor {
  const [n, cout, h, w] = dy.shape as [number, number, number, number];
  let total: Tensor | undefined;
  for (let i = 0; i < n; i++) {
    const [sample, judged] = [x, dy].map((t) => slice(t, [0], [i], [i + 1]));
    total = gemm(reshape(judged!, [cout, h * w]), patchesOf(sample!, h * w), 0, 1, total);
  }
  return reshape(total!, [cout, x.shape[1]!, ...kernel]);
}

/** The sum over samples of a[i] times the transpose of b[i]. */
function productOverSamples(a: Tensor, b: Tensor): Tensor {
  let total: Tensor | undefined;
  for (let i = 0; i < a.shape[0]!; i++) {
    const [left, right] = [a, b].map((t) => reshape(slice(t, [0], [i], [i + 1]), t.shape.slice(1)));
    total = gemm(left!, right!, 0, 1, total);
  }
  return total!;
}

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
