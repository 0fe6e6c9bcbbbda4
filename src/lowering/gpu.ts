/**
 * The forms in which ONNX Runtime computes ops fastest on a GPU (WebGPU), or at all. Each is exact; docs/performance.md
 * has the measurements.
 */
import type { Program, Tensor } from "../graph/graph.ts";
import { Conv, type ConvAttributes, ConvTranspose, ConvWeightGradient } from "../graph/ops/conv.ts";
import { LeakyRelu, Relu, Slope } from "../graph/ops/elementwise.ts";
import { pad, reshape, SpaceToDepth, transpose } from "../graph/ops/movement.ts";
import {
  BatchNorm,
  BatchNormInputGradient,
  BatchNormScaleGradient,
  BatchNormShiftGradient,
} from "../graph/ops/norm.ts";
import { ReduceMean, ReduceSum, ReduceSumSquare } from "../graph/ops/reduce.ts";
import { leakyReluOf, reluOf, slopeOf } from "./gpu/activations.ts";
import { batchNorm, batchNormInputGradient, batchNormScaleGradient, batchNormShiftGradient } from "./gpu/norms.ts";
import { byChannelPatches } from "./gpu/patches.ts";
import { lastAxesFirst } from "./gpu/reductions.ts";
import { type Form, form, lowerProgram, lowerStep } from "./rewrite.ts";
import { asConv } from "./rotated-kernels.ts";
import { withMergedWeightGradients } from "./weight-gradients.ts";

const forms: readonly Form[] = [
  form(Conv, withPaddedChannels),
  form(ConvTranspose, asConv),
  form(ConvWeightGradient, byChannelPatches),
  form(SpaceToDepth, spaceToDepth),
  form(BatchNorm, batchNorm),
  form(BatchNormInputGradient, batchNormInputGradient),
  form(BatchNormScaleGradient, batchNormScaleGradient),
  form(BatchNormShiftGradient, batchNormShiftGradient),
  form(LeakyRelu, leakyReluOf),
  form(Relu, reluOf),
  form(Slope, slopeOf),
  form(ReduceSum, lastAxesFirst(ReduceSum, ReduceSum)),
  form(ReduceMean, lastAxesFirst(ReduceMean, ReduceMean)),
  form(ReduceSumSquare, lastAxesFirst(ReduceSumSquare, ReduceSum)),
];

/** The program in these forms. */
export const forGpu = (program: Program): Program => lowerProgram(withMergedWeightGradients(program), forms, undefined);

/**
 * The programs of a training step in these forms; see `lowerStep`.
 * @param anyShape which outputs, by name, may have another shape of the same values
 */
export const stepForGpu = (programs: readonly Program[], anyShape?: (name: string) => boolean): Program[] =>
  lowerStep(programs.map(withMergedWeightGradients), forms, undefined, { anyShape });

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

/** onnxruntime 1.30 has no kernel for SpaceToDepth on WebGPU and would compute it on the CPU. */
function spaceToDepth([x]: Tensor[], { blocksize: b }: { blocksize: number }): Tensor {
  const [n, c, h, w] = x!.shape as [number, number, number, number];
  const blocks = transpose(reshape(x!, [n, c, h / b, b, w / b, b]), [0, 3, 5, 1, 2, 4]);
  return reshape(blocks, [n, c * b * b, h / b, w / b]);
}
