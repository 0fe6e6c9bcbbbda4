/**
 * Which ONNX form a convolution and its gradients take on a GPU, by shape; on a CPU they are ops, whose form is chosen when the
 * program is finished (../onnx/for-cpu.ts). Each form is exact; they differ in speed. docs/performance.md has the
 * measurements behind the choices.
 */
import type { Shape, Tensor } from "../graph/graph.ts";
import { Conv, type ConvAttributes, ConvTranspose, ConvWeightGradient } from "../graph/ops/conv.ts";
import { flip, pad, transpose } from "../graph/ops/movement.ts";
import { byConv, byHalving, bySlices, halves } from "./gpu-weight-gradients.ts";

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

/** The attributes by which a Conv of stride 1 is a ConvTranspose of the kernel turned around, and the reverse; undefined for other strides or wider pads. */
export function turnedAround(kernel: Shape, { strides, pads, dilations }: ConvAttributes): ConvAttributes | undefined {
  const reach = kernel.map((k, i) => dilations[i]! * (k - 1));
  const full = pads.map((p, i) => reach[i % 2]! - p) as [number, number, number, number];
  return strides.some((s) => s !== 1) || full.some((p) => p < 0) ? undefined : { strides, pads: full, dilations };
}

/** [O, I, kh, kw] to [I, O, kh, kw], rows and columns in reverse. */
export const turned = (w: Tensor): Tensor => transpose(flip(w, [2, 3]), [1, 0, 2, 3]);

/** d loss / d x of y = Conv(x, w), x of shape `shape`. */
export function convInputGradient(dy: Tensor, w: Tensor, shape: Shape, attrs: ConvAttributes): Tensor {
  const around = turnedAround(w.shape.slice(2), attrs);
  if (around && dy.graph.target === "gpu") return Conv([dy, turned(w)], around);
  const { strides, pads, dilations } = attrs;
  const extent = w.shape.slice(2).map((k, i) => dilations[i]! * (k - 1) + 1);
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
  if (x.graph.target === "cpu") return ConvWeightGradient([x, dy], { ...attrs, kernel });
  // Each op is a kernel to launch.
  const single = attrs.strides.every((s) => s === 1);
  if (single && dy.shape[2]! * dy.shape[3]! > smallMap) return byConv(x, dy, kernel, attrs);
  return (halves(x, kernel, attrs) ? byHalving : bySlices)(x, dy, kernel, attrs);
}

/** Values of an output map up to which a Conv with the map as its kernel is the slower form. */
const smallMap = 64;
