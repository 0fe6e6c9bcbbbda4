/**
 * Which ONNX form a convolution and its gradients take, by shape and target. Each form is exact; they differ in speed.
 * docs/performance.md has the measurements behind the choices.
 */
import type { Shape, Tensor } from "../graph.ts";
import { Conv, type ConvAttributes, ConvTranspose } from "./conv.ts";
import { flip, pad, transpose } from "./movement.ts";
import { byConv, byHalving, byOneHotConv, bySlices, byTaps, halves } from "./weight-gradients.ts";
import { winograd } from "./winograd.ts";

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

/** The form of y = Conv(x, w) (+ b) on a CPU; undefined where it is right as it is. */
export function convOnCpu(x: Tensor, w: Tensor, b: Tensor | undefined, attrs: ConvAttributes): Tensor | undefined {
  return convToFew(x, w, b, attrs) ?? winograd(x, w, b, attrs);
}

/** Input channels for each output channel from which `convToFew` is the faster form. */
const manyToOne = 16;

/**
 * From many channels to few at stride 1, as in the last layer of a D or a ResNet: as the equal ConvTranspose, whose product is
 * with the maps themselves; a Conv copies every value once a tap first. Its weight gradient is then one with patches of dy.
 */
function convToFew(x: Tensor, w: Tensor, b: Tensor | undefined, attrs: ConvAttributes): Tensor | undefined {
  const [cout, cin, kh, kw] = w.shape as [number, number, number, number];
  if (kh * kw === 1 || cin < manyToOne * cout) return undefined;
  const around = turnedAround(w, attrs);
  return around && ConvTranspose([x, around.w, ...(b ? [b] : [])], { ...around.attrs, output_padding: [0, 0] });
}

/** The kernel and attributes by which a Conv of stride 1 is a ConvTranspose and the reverse; undefined for other strides or wider pads. */
function turnedAround(w: Tensor, attrs: ConvAttributes): { w: Tensor; attrs: ConvAttributes } | undefined {
  const { strides, pads, dilations } = attrs;
  const reach = w.shape.slice(2).map((k, i) => dilations[i]! * (k - 1));
  const full = pads.map((p, i) => reach[i % 2]! - p) as [number, number, number, number];
  if (strides.some((s) => s !== 1) || full.some((p) => p < 0)) return undefined;
  return { w: transpose(flip(w, [2, 3]), [1, 0, 2, 3]), attrs: { strides, pads: full, dilations } };
}

/** d loss / d x of y = Conv(x, w), x of shape `shape`. */
export function convInputGradient(dy: Tensor, w: Tensor, shape: Shape, attrs: ConvAttributes): Tensor {
  const around = turnedAround(w, attrs);
  if (around) return Conv([dy, around.w], around.attrs);
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
  const single = attrs.strides.every((s) => s === 1);
  if (x.graph.target === "cpu") {
    const few = kernel[0] * kernel[1] <= fewTaps;
    return (single && few ? byTaps : byOneHotConv)(x, dy, kernel, attrs);
  }
  // On a GPU each op is a kernel to launch.
  if (single && dy.shape[2]! * dy.shape[3]! > smallMap) return byConv(x, dy, kernel, attrs);
  return (halves(x, kernel, attrs) ? byHalving : bySlices)(x, dy, kernel, attrs);
}

/** Taps of a kernel up to which one matrix product for each is the faster form: those of 3x3. */
const fewTaps = 9;
/** Values of an output map up to which a Conv with the map as its kernel is the slower form. */
const smallMap = 64;
