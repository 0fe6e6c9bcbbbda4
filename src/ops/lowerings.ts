/**
 * Which ONNX form a convolution's gradient takes, by shape and target. Each form is exact; they differ in speed.
 * docs/performance.md has the measurements behind the choices.
 */
import type { Shape, Tensor } from "../graph.ts";
import { Conv, type ConvAttributes, ConvTranspose } from "./conv.ts";
import { gemm } from "./linear.ts";
import { concat, flip, pad, reshape, SpaceToDepth, slice, stride, transpose } from "./movement.ts";

/**
 * onnxruntime 1.30 on WebGPU, in its default layout NHWC, computes garbage for a Conv of 6, 9, 15, 18, ... input channels (a multiple of 3, not of 4, above
 * 3) to a multiple of 4, with a kernel above 1x1: the first layer of every D is one. With channels of zeros up to the next
 * multiple of 4 it is right. test/conformance.test.ts says when this can go.
 * @returns undefined where the Conv is right as it is
 */
export function convOnGpu(x: Tensor, w: Tensor, b: Tensor | undefined, attrs: ConvAttributes): Tensor | undefined {
  const [cout, cin, kh, kw] = w.shape as [number, number, number, number];
  if (cin <= 3 || cin % 3 !== 0 || cin % 4 === 0 || cout % 4 !== 0 || kh * kw === 1) return undefined;
  const missing = 4 - (cin % 4);
  const [wideX, wideW] = [x, w].map((t) => pad(t, [0, 0, 0, 0], [0, missing, 0, 0]));
  return Conv([wideX!, wideW!, ...(b ? [b] : [])], attrs);
}

/** d loss / d x of y = Conv(x, w), x of shape `shape`. */
export function convInputGradient(dy: Tensor, w: Tensor, shape: Shape, attrs: ConvAttributes): Tensor {
  const { strides, pads, dilations } = attrs;
  const kernel = w.shape.slice(2);
  const extent = kernel.map((k, i) => dilations[i]! * (k - 1) + 1);
  if (strides.every((s) => s === 1) && extent.every((e, i) => e > pads[i]! && e > pads[i + 2]!)) {
    const flipped = transpose(flip(w, [2, 3]), [1, 0, 2, 3]);
    const full = [...pads].map((p, i) => extent[i % 2]! - 1 - p) as [number, number, number, number];
    return Conv([dy, flipped], { strides: [1, 1], pads: full, dilations });
  }
  const output_padding = strides.map((s, i) => {
    const without = (dy.shape[i + 2]! - 1) * s - pads[i]! - pads[i + 2]! + extent[i]!;
    return shape[i + 2]! - without;
  }) as [number, number];
  return ConvTranspose([dy, w], { ...attrs, output_padding });
}

/**
 * d loss / d w of y = Conv(x, w), as [Cout, Cin, kh, kw].
 * As a Conv of its own it is fast where that Conv has no dilation (stride 1) and many taps; for few of them, one matrix
 * product a tap and sample. With stride 2 one product a sample is faster: the patches of x by strided slices where maps
 * are small, by space-to-depth (whole rows at a time) where large.
 */
export function convWeightGradient(
  x: Tensor,
  dy: Tensor,
  kernel: readonly [number, number],
  attrs: ConvAttributes,
): Tensor {
  const [, , h, w] = dy.shape as [number, number, number, number];
  if (attrs.strides.every((s) => s === 1) && h * w > smallMap) {
    const few = kernel[0] * kernel[1] <= fewTaps && x.graph.target === "cpu";
    return few ? weightGradientByTaps(x, dy, kernel, attrs) : weightGradientByConv(x, dy, kernel, attrs);
  }
  // On a GPU each op is a kernel to launch, and this form has half as many.
  const large = h * w > largeMap || x.graph.target === "gpu";
  if (large && halves(x, kernel, attrs)) return weightGradientByHalving(x, dy);
  return weightGradientByPatches(x, dy, kernel, attrs);
}

/** Taps of a kernel up to which one matrix product for each is faster than a convolution: those of 3x3. */
const fewTaps = 9;
/** Values of an output map up to which strided stride-1 gradients, and above which halving ones, are the slower form. */
const smallMap = 64;
const largeMap = 1024;

/** The convolution of every down and up step: 4x4, stride 2, padding 1, on an even map. */
function halves(x: Tensor, kernel: readonly number[], { strides, pads, dilations }: ConvAttributes): boolean {
  const all = (values: readonly number[], n: number) => values.every((v) => v === n);
  return (
    all(kernel, 4) && all(strides, 2) && all(pads, 1) && all(dilations, 1) && x.shape.slice(2).every((n) => n % 2 === 0)
  );
}

/** The transposed input as the image, dy as the kernel, dilation and stride exchanged. */
function weightGradientByConv(x: Tensor, dy: Tensor, kernel: readonly [number, number], attrs: ConvAttributes): Tensor {
  const { strides, pads, dilations } = attrs;
  const swapped = Conv([transpose(x, [1, 0, 2, 3]), transpose(dy, [1, 0, 2, 3])], {
    strides: dilations,
    pads,
    dilations: strides,
  });
  return transpose(slice(swapped, [2, 3], [0, 0], kernel), [1, 0, 2, 3]);
}

/** For stride 1: each tap is a matrix product a sample of dy with the map shifted to it. */
function weightGradientByTaps(
  x: Tensor,
  dy: Tensor,
  [kh, kw]: readonly [number, number],
  { pads, dilations }: ConvAttributes,
): Tensor {
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
}

/** One matrix product a sample: dy [Cout, h*w] times the patches of x, [Cin*kh*kw, h*w], transposed. */
function weightGradientByPatches(
  x: Tensor,
  dy: Tensor,
  kernel: readonly [number, number],
  attrs: ConvAttributes,
): Tensor {
  const [, cout, h, w] = dy.shape as [number, number, number, number];
  const cin = x.shape[1]!;
  const patches = im2col(x, [h, w], kernel, attrs);
  const total = productOverSamples(
    reshape(dy, [dy.shape[0]!, cout, h * w]),
    reshape(patches, [dy.shape[0]!, cin * kernel[0] * kernel[1], h * w]),
  );
  return reshape(total, [cout, cin, ...kernel]);
}

/**
 * For the 4x4 kernel of stride 2 and padding 1. Space-to-depth makes it a 2x2 kernel of stride 1, whose four taps are
 * four matrix products with shifted maps.
 */
function weightGradientByHalving(x: Tensor, dy: Tensor): Tensor {
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
  [kh, kw]: readonly [number, number],
  attrs: ConvAttributes,
): Tensor {
  const { strides, pads, dilations } = attrs;
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
