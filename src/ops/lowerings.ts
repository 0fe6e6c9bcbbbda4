/**
 * Which ONNX form a convolution's gradient takes, by shape and target. Each form is exact; they differ in speed.
 * docs/performance.md has the measurements behind the choices.
 */
import type { Shape, Tensor } from "../graph.ts";
import { Conv, type ConvAttributes, ConvTranspose } from "./conv.ts";
import { gemm } from "./linear.ts";
import { concat, flip, pad, reshape, slice, stride, transpose } from "./movement.ts";

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

/** d loss / d w of y = Conv(x, w), as [Cout, Cin, kh, kw]. */
export function convWeightGradient(
  x: Tensor,
  dy: Tensor,
  kernel: readonly [number, number],
  attrs: ConvAttributes,
): Tensor {
  return weightGradientByConv(x, dy, kernel, attrs);
}

/** The transposed input as the image, dy as the kernel, dilation and stride exchanged. */
export function weightGradientByConv(
  x: Tensor,
  dy: Tensor,
  kernel: readonly [number, number],
  attrs: ConvAttributes,
): Tensor {
  const { strides, pads, dilations } = attrs;
  const swapped = Conv([transpose(x, [1, 0, 2, 3]), transpose(dy, [1, 0, 2, 3])], {
    strides: dilations,
    pads,
    dilations: strides,
  });
  return transpose(slice(swapped, [2, 3], [0, 0], kernel), [1, 0, 2, 3]);
}

/** One matrix product a sample: dy [Cout, h*w] times the patches of x, [Cin*kh*kw, h*w], transposed. */
export function weightGradientByPatches(
  x: Tensor,
  dy: Tensor,
  kernel: readonly [number, number],
  attrs: ConvAttributes,
): Tensor {
  const [n, cout, h, w] = dy.shape as [number, number, number, number];
  const cin = x.shape[1]!;
  const patches = im2col(x, [h, w], kernel, attrs);
  let total: Tensor | undefined;
  for (let i = 0; i < n; i++) {
    const a = reshape(slice(dy, [0], [i], [i + 1]), [cout, h * w]);
    const b = reshape(slice(patches, [0], [i], [i + 1]), [cin * kernel[0] * kernel[1], h * w]);
    total = gemm(a, b, 0, 1, total);
  }
  return reshape(total!, [cout, cin, ...kernel]);
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
      const part = stride(padded, [2, 3], [top, left], [bottom, right], strides[0]);
      parts.push(reshape(part, [n, c, 1, map[0] * map[1]]));
    }
  }
  return concat(parts, 2);
}
