/** Weights and moments of a network as the tensors of a safetensors file, and back. */

import type { NetworkState, Weights } from "../engines/state.ts";
import { CheckpointError, UserError } from "../errors.ts";
import type { StoredTensor } from "../formats/safetensors.ts";
import { toFloat32 } from "../formats/tensors.ts";
import { sameShape } from "../graph/graph.ts";
import { isTrainable, type ParameterSpec } from "../nn/parameters.ts";

type Tensors = Readonly<Record<string, StoredTensor>>;

/** Adam's moments: of the gradient and of its square. */
const moments = ["m", "v"] as const;
const momentName = (net: NetworkState, spec: ParameterSpec, moment: "m" | "v") =>
  `${net.network}.${spec.name}.${moment}`;
const countName = (norm: string) => `${norm}.num_batches_tracked`;

/** The running average of the parameters, with the running statistics. */
export function averageTensors({ specs, get }: Weights): Record<string, StoredTensor> {
  return Object.fromEntries(specs.map((spec) => [spec.name, float32(spec.shape, get(spec))]));
}

/** Parameters, running statistics and num_batches_tracked, by PyTorch's names. The data are views, not copies. */
export function weightTensors(net: NetworkState): Record<string, StoredTensor> {
  const tensors: Record<string, StoredTensor> = {};
  for (const spec of net.specs) tensors[spec.name] = float32(spec.shape, net.get(spec));
  for (const [norm, count] of net.batches) {
    tensors[countName(norm)] = { dtype: "I64", shape: [], data: BigInt64Array.of(BigInt(count)) };
  }
  return tensors;
}

/** Adam's moments of every trained parameter, named such as "netG.model.model.0.weight.m". The data are views. */
export function momentTensors(net: NetworkState): Record<string, StoredTensor> {
  const tensors: Record<string, StoredTensor> = {};
  for (const spec of net.specs.filter(isTrainable)) {
    for (const moment of moments) tensors[momentName(net, spec, moment)] = float32(spec.shape, net.view(moment, spec));
  }
  return tensors;
}

/**
 * Copies stored weights (of a checkpoint, --init-g or --init-d) into a network. Nothing is changed when it throws.
 * @param file the path, for messages
 * @throws CheckpointError naming the first tensor that differs, with both shapes
 */
export function loadWeights(net: NetworkState, tensors: Tensors, file: string): void {
  const expected = new Set(net.specs.map((spec) => spec.name));
  const values = net.specs.map((spec) => valuesOf(tensors, spec.name, spec.shape, file));
  const extra = Object.keys(tensors).find((name) => !expected.has(name) && !name.endsWith(countName("")));
  if (extra) {
    throw new CheckpointError(
      `${file} is of another ${net.network}: it has ${extra} [${tensors[extra]!.shape}], which this network does not have. ` +
        "Give the architecture options (--netG, --netD, --norm, ...) that the file was made with.",
    );
  }
  for (const [i, spec] of net.specs.entries()) net.get(spec).set(values[i]!);
  for (const norm of net.batches.keys()) {
    const count = tensors[countName(norm)];
    if (count) net.batches.set(norm, Number(count.data[0]));
  }
}

/** Copies a stored running average into a network. @throws CheckpointError naming the first tensor that differs */
export function loadAverage(net: NetworkState, tensors: Tensors, file: string): void {
  for (const spec of net.specs.filter(isTrainable)) {
    net.view("average", spec).set(valuesOf(tensors, spec.name, spec.shape, file));
  }
}

/** Copies stored moments into a network. @throws CheckpointError naming the first tensor that differs */
export function loadMoments(net: NetworkState, tensors: Tensors, file: string): void {
  for (const spec of net.specs.filter(isTrainable)) {
    for (const moment of moments) {
      net.view(moment, spec).set(valuesOf(tensors, momentName(net, spec, moment), spec.shape, file));
    }
  }
}

/**
 * @param kept the checkpoint that stays, for the message
 * @throws UserError when a trained value is not finite
 */
export function refuseNonFinite(net: NetworkState, kept: string): void {
  if (allFinite(net.adam.values)) return;
  throw new UserError(
    `The weights of ${net.network} are no longer finite, so they were not saved; the checkpoint before is intact (${kept}). ` +
      "Continue from it with a smaller --lr, or look for damaged pictures (pix2pix inspect).",
  );
}

/** The first tensor with a value that is not finite. */
export function notFinite(tensors: Tensors): string | undefined {
  return Object.keys(tensors).find((name) => {
    const { dtype, data } = tensors[name]!;
    return (dtype === "F32" || dtype === "F64") && !allFinite(data);
  });
}

function allFinite(values: Float32Array | Float64Array): boolean {
  // 0 times a number is 0; 0 times an infinity or a NaN is NaN.
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * 0;
  return sum === 0;
}

/** Shared memory is only read while the file is written, so the type of an unshared buffer is safe. */
function float32(shape: readonly number[], data: Float32Array): StoredTensor {
  return { dtype: "F32", shape, data: data as Float32Array<ArrayBuffer> };
}

function valuesOf(tensors: Tensors, name: string, shape: readonly number[], file: string): Float32Array {
  const stored = tensors[name];
  const values = stored && sameShape(stored.shape, shape) ? toFloat32(stored) : undefined;
  if (values) return values;
  const got = stored ? `has ${name} ${stored.dtype} [${stored.shape}]` : `has no ${name}`;
  throw new CheckpointError(
    `${file} is of another architecture: it ${got}, expected F32 [${shape}]. ` +
      "Give the architecture options (--netG, --ngf, --netD, --ndf, --norm, ...) that the file was made with.",
  );
}
