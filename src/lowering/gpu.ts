/**
 * The forms in which ONNX Runtime computes ops fastest on a GPU (WebGPU), or at all. Each is exact; docs/performance.md
 * has the measurements.
 */
import type { Program, Tensor } from "../graph/graph.ts";
import {
  Conv,
  type ConvAttributes,
  ConvTranspose,
  ConvWeightGradient,
  type ConvWeightGradientAttributes,
} from "../graph/ops/conv.ts";
import { add } from "../graph/ops/elementwise.ts";
import { pad, reshape, SpaceToDepth, transpose } from "../graph/ops/movement.ts";
import { type Form, form, lowerProgram, lowerStep } from "./rewrite.ts";
import { asConv } from "./rotated-kernels.ts";
import { byConv, byHalving, bySlices, isHalving, pairsOf } from "./weight-gradients.ts";

const forms: readonly Form[] = [
  form(Conv, withPaddedChannels),
  form(ConvTranspose, asConv),
  form(ConvWeightGradient, weightGradient),
  form(SpaceToDepth, spaceToDepth),
];

/** The program in these forms. */
export const forGpu = (program: Program): Program => lowerProgram(program, forms, undefined);

/**
 * The programs of a training step in these forms; see `lowerStep`.
 * @param anyShape which outputs, by name, may have another shape of the same values
 */
export const stepForGpu = (programs: readonly Program[], anyShape?: (name: string) => boolean): Program[] =>
  lowerStep(programs, forms, undefined, { anyShape });

/**
 * onnxruntime 1.30 on WebGPU, in its default layout NHWC, computes garbage for a Conv from 6, 9, 15, 18, ... input
 * channels (a multiple of 3, not of 4, above 3) to a multiple of 4, with a kernel above 1x1; the first layer of every D
 * is one. With channels of zeros up to the next multiple of 4 it is right. test/engines/webgpu/faults.ts tests whether
 * the fault is still there.
 */
function withPaddedChannels([x, w, ...bias]: Tensor[], attrs: ConvAttributes): Tensor | undefined {
  const [cout, cin, kh, kw] = w!.shape as [number, number, number, number];
  if (cin <= 3 || cin % 3 !== 0 || cin % 4 === 0 || cout % 4 !== 0 || kh * kw === 1) return undefined;
  const missing = 4 - (cin % 4);
  const padded = (t: Tensor) => pad(t, [0, 0, 0, 0], [0, missing, 0, 0]);
  return Conv([padded(x!), padded(w!), ...bias], attrs);
}

/** Positions of an output map up to which a Conv with the map as its kernel is slower than products with patches. */
const smallMap = 64;

/** Each op launches a kernel, so the form with the fewest ops is the fastest for most maps. */
function weightGradient(inputs: Tensor[], attrs: ConvWeightGradientAttributes): Tensor {
  const gradients = pairsOf(inputs).map(([x, dy]) => {
    const [, , h, w] = dy.shape as [number, number, number, number];
    if (attrs.strides.every((s) => s === 1) && h * w > smallMap) return byConv(x, dy, attrs);
    const halving = isHalving(attrs.kernel, attrs) && x.shape.slice(2).every((side) => side % 2 === 0);
    return (halving ? byHalving : bySlices)(x, dy, attrs);
  });
  return gradients.reduce(add);
}

/** onnxruntime 1.30 has no kernel for SpaceToDepth on WebGPU and would compute it on the CPU. */
function spaceToDepth([x]: Tensor[], { blocksize: b }: { blocksize: number }): Tensor {
  const [n, c, h, w] = x!.shape as [number, number, number, number];
  const blocks = transpose(reshape(x!, [n, c, h / b, b, w / b, b]), [0, 3, 5, 1, 2, 4]);
  return reshape(blocks, [n, c * b * b, h / b, w / b]);
}
