/**
 * Adam (Kingma and Ba 2015, algorithm 1) as PyTorch arranges it: p -= size * m / (sqrt(v) / correction + 1e-8).
 *
 * As ONNX nodes a step would read and write memory a dozen times, and memory bounds its speed. On the host it is one
 * loop, in WebAssembly for its arithmetic on four values at once. ONNX Runtime uses the arrays in WebAssembly memory in
 * place.
 */
import { Graph, type Program, type Shape, sizeOf } from "../graph/graph.ts";
import { add, div, mul, neg, sqrt, sub } from "../graph/ops/elementwise.ts";
import { concat, slice } from "../graph/ops/movement.ts";
import { adamKernel } from "../kernels/assembled.ts";
import { instance } from "../kernels/instance.ts";
import { blendInPlace } from "./average.ts";
import type { ParameterSpec } from "./parameters.ts";

export interface Betas {
  beta1: number;
  beta2: number;
}

/** The two numbers that depend on the number t of a step (from 1) and the learning rate. */
export interface Factors {
  size: number;
  correction: number;
}

const epsilon = 1e-8;

/** The factors of step t: size = lr / (1 - beta1^t), correction = sqrt(1 - beta2^t). */
export function adamFactors(t: number, lr: number, { beta1, beta2 }: Betas): Factors {
  return { size: lr / (1 - beta1 ** t), correction: Math.sqrt(1 - beta2 ** t) };
}

/** One step on flat arrays of equal length, in place. */
export function adamInPlace(
  { values, gradients, m, v }: AdamArrays,
  { size, correction }: Factors,
  { beta1, beta2 }: Betas,
): void {
  for (let i = 0; i < values.length; i++) {
    const g = gradients[i]!;
    m[i] = beta1 * m[i]! + (1 - beta1) * g;
    v[i] = beta2 * v[i]! + (1 - beta2) * g * g;
    values[i] = values[i]! - (size * m[i]!) / (Math.sqrt(v[i]!) / correction + epsilon);
  }
}

/** The trained values of a network, their gradients and both moments, as flat arrays of equal length. */
export interface AdamArrays {
  values: Float32Array;
  gradients: Float32Array;
  m: Float32Array;
  v: Float32Array;
}

export interface AdamState extends AdamArrays {
  /** The running average of the values (average.ts), where one was asked for. */
  average?: Float32Array;
  /** One step on all values. */
  step(factors: Factors, betas: Betas): void;
  /** average += share * (values - average) */
  blend(share: number): void;
}

/** WebAssembly memory has at most 4 GiB. */
const mostPages = 65536;
const pageBytes = 65536;

/**
 * Arrays of `length` zeros (a multiple of 4) and the step on them. Above 4 GiB, 268 million values without an average, the
 * step is a loop in JavaScript.
 * @param averaged whether there is also an array for the running average
 */
export function adamState(length: number, averaged = false): AdamState {
  const bytes = length * 4;
  const pages = Math.ceil(((averaged ? 5 : 4) * bytes) / pageBytes) || 1;
  if (pages > mostPages) return adamLoops(length, averaged);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const kernels = instance(adamKernel, { env: { memory } }) as Record<string, (...args: number[]) => void>;
  const { adam, average } = kernels as { adam: (...args: number[]) => void; average: (...args: number[]) => void };
  const array = (i: number) => new Float32Array(memory.buffer, i * bytes, length);
  return {
    values: array(0),
    gradients: array(1),
    m: array(2),
    v: array(3),
    ...(averaged && { average: array(4) }),
    step: ({ size, correction }, { beta1, beta2 }) =>
      adam(0, bytes, 2 * bytes, 3 * bytes, bytes, size, 1 / correction, epsilon, beta1, 1 - beta1, beta2, 1 - beta2),
    blend: (share) => average(4 * bytes, 0, bytes, share),
  };
}

function adamLoops(length: number, averaged: boolean): AdamState {
  const array = () => new Float32Array(length);
  const arrays = { values: array(), gradients: array(), m: array(), v: array() };
  const average = averaged ? array() : undefined;
  return {
    ...arrays,
    ...(average && { average }),
    step: (factors, betas) => adamInPlace(arrays, factors, betas),
    blend: (share) => average && blendInPlace(average, arrays.values, share),
  };
}

/** Parameters whose moments are one tensor on a device, with the name of the group. */
export interface MomentGroup {
  name: string;
  specs: readonly ParameterSpec[];
  shape: Shape;
}

/**
 * Each kernel has a launch cost, so all vectors of a network (biases, scales of norms) are one group. Other parameters
 * are alone.
 */
export function momentGroups(specs: readonly ParameterSpec[]): MomentGroup[] {
  const [vectors, others] = [specs.filter((s) => s.shape.length === 1), specs.filter((s) => s.shape.length !== 1)];
  const length = vectors.reduce((total, { shape }) => total + sizeOf(shape), 0);
  const groups = others.map((spec) => ({ name: spec.name, specs: [spec], shape: spec.shape }));
  return vectors.length === 0 ? groups : [...groups, { name: "vectors", specs: vectors, shape: [length] }];
}

/**
 * A step as a program, for devices that keep the arrays. Inputs: each `<network>.<parameter>` and its `.grad`, the
 * moments `<network>.<group>.m` and `.v`, and the factors `size` and `inverse` (1 / correction). Outputs:
 * `<network>.<parameter>.updated`, `<network>.<group>.m.updated` and `.v.updated`. The formula is that of the loop.
 */
export function adamGraph(network: string, trainable: readonly ParameterSpec[], { beta1, beta2 }: Betas): Program {
  const graph = new Graph();
  const [size, inverse] = [graph.input("size", [1]), graph.input("inverse", [1])];
  for (const { name, specs, shape } of momentGroups(trainable)) {
    const at = `${network}.${name}`;
    const joined = (part: string) => {
      const inputs = specs.map((spec) => graph.input(`${network}.${spec.name}${part}`, spec.shape));
      return inputs.length === 1 ? inputs[0]! : concat(inputs, 0);
    };
    const [p, g, m, v] = [joined(""), joined(".grad"), graph.input(`${at}.m`, shape), graph.input(`${at}.v`, shape)];
    const newM = add(mul(m, beta1), mul(g, 1 - beta1));
    const newV = add(mul(v, beta2), mul(mul(g, g), 1 - beta2));
    const change = div(mul(newM, size), add(mul(sqrt(newV), inverse), epsilon));
    // Not p - change: on WebGPU a node must not write to its inputs, and this output is written to the memory of p.
    const updated = neg(sub(change, p));
    let start = 0;
    for (const spec of specs) {
      const end = start + sizeOf(spec.shape);
      const own = specs.length === 1 ? updated : slice(updated, [0], [start], [end]);
      graph.output(`${network}.${spec.name}.updated`, own);
      start = end;
    }
    graph.output(`${at}.m.updated`, newM);
    graph.output(`${at}.v.updated`, newV);
  }
  return graph.program();
}
