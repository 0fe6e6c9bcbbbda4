/**
 * Adam (Kingma and Ba 2015, algorithm 1) as PyTorch arranges it: p -= size * m / (sqrt(v) / correction + 1e-8).
 *
 * As ONNX nodes a step would read and write memory a dozen times, and memory bounds its speed. On the host it is one
 * loop, in WebAssembly for its arithmetic on four values at once. ONNX Runtime uses the arrays in WebAssembly memory in
 * place.
 */
import { Graph, type Program, type Shape, sizeOf, type Tensor } from "../graph/graph.ts";
import { add, div, mul, sqrt, sub } from "../graph/ops/elementwise.ts";
import { flat, parted } from "../graph/ops/movement.ts";
import { adamKernel } from "../kernels/assembled.ts";
import { instance } from "../kernels/instance.ts";
import { blendInPlace } from "./average.ts";
import type { ParameterSpec } from "./parameters.ts";

/** The decays of the first and the second moment, in [0, 1). */
export interface Betas {
  beta1: number;
  beta2: number;
}

/** The two numbers that depend on the number t of a step (from 1) and the learning rate. */
export interface Factors {
  /** lr / (1 - beta1^t) */
  size: number;
  /** sqrt(1 - beta2^t) */
  correction: number;
}

const epsilon = 1e-8;

/** The factors of step t, a whole number from 1: at 0 they are infinite and 0. */
export function adamFactors(t: number, lr: number, { beta1, beta2 }: Betas): Factors {
  return { size: lr / (1 - beta1 ** t), correction: Math.sqrt(1 - beta2 ** t) };
}

/** The numbers that a kernel of Adam takes for a step, in their order. */
export const adamNumbers = ({ size, correction }: Factors, { beta1, beta2 }: Betas): number[] => [
  size,
  1 / correction,
  epsilon,
  beta1,
  1 - beta1,
  beta2,
  1 - beta2,
];

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

/** Arrays of a network in one memory, and the loops over them. */
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
  const kernels = instance(adamKernel, { env: { memory } });
  const { adam, average } = kernels as Record<"adam" | "average", (...numbers: number[]) => void>;
  const array = (i: number) => new Float32Array(memory.buffer, i * bytes, length);
  return {
    values: array(0),
    gradients: array(1),
    m: array(2),
    v: array(3),
    ...(averaged && { average: array(4) }),
    step: (factors, betas) => adam(0, bytes, 2 * bytes, 3 * bytes, bytes, ...adamNumbers(factors, betas)),
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

/** A tensor that is trained. */
type Trained = Pick<ParameterSpec, "name" | "shape">;

/** Tensors that a device updates together: their moments are one flat tensor of this name. */
export interface MomentGroup<T extends Trained> {
  name: string;
  specs: readonly T[];
  /** [values of all of them] */
  shape: Shape;
}

/**
 * The tensors in groups, in their order. Each kernel has a launch cost, so a group is as large as a tensor may be; the
 * working memory of a step is three times a group.
 * @param most values of a group at most; a tensor of more is alone
 */
export function momentGroups<T extends Trained>(specs: readonly T[], most: number): MomentGroup<T>[] {
  const groups: { specs: T[]; length: number }[] = [];
  for (const spec of specs) {
    const length = sizeOf(spec.shape);
    const last = groups.at(-1);
    if (last && last.length + length <= most) {
      last.specs.push(spec);
      last.length += length;
    } else groups.push({ specs: [spec], length });
  }
  return groups.map(({ specs, length }, i) => ({ name: `moments${i}`, specs, shape: [length] }));
}

/** The inputs of `adamGraph` that change with each step: p -= m / (sqrt(v) * slope + offset). */
export interface GraphFactors {
  slope: number;
  offset: number;
}

/**
 * The factors of a step in the form of the graph: it divides once by (sqrt(v) / correction + 1e-8) / size. A size of 0
 * counts as one so small that it changes nothing.
 */
export function graphFactors({ size, correction }: Factors): GraphFactors {
  const divisor = Math.max(size, 1e-30);
  return { slope: 1 / correction / divisor, offset: epsilon / divisor };
}

/**
 * A step as a program, for devices that keep the arrays, in 11 kernels a group (12 unless beta1 is 0.5) beside those
 * that join and part its tensors. All tensors are flat. Inputs: each `<network>.<parameter>` and its `.grad`, the moments
 * `<network>.<group>.m` and `.v`, and `slope` and `offset`. Outputs: `<network>.<parameter>.updated`,
 * `<network>.<group>.m.updated` and `.v.updated`. The formula is that of the loop.
 */
export function adamGraph(network: string, groups: readonly MomentGroup<Trained>[], betas: Betas): Program {
  const graph = new Graph();
  const factors = { slope: graph.input("slope", [1]), offset: graph.input("offset", [1]) };
  for (const { name, specs, shape } of groups) {
    const at = `${network}.${name}`;
    const joined = (part: string) =>
      flat(specs.map((spec) => graph.input(`${network}.${spec.name}${part}`, [sizeOf(spec.shape)])));
    const [m, v] = [graph.input(`${at}.m`, shape), graph.input(`${at}.v`, shape)];
    const [newM, newV] = newMoments({ g: joined(".grad"), m, v }, betas);
    const change = div(newM, add(mul(sqrt(newV), factors.slope), factors.offset));
    const updated = parted(
      sub(joined(""), change),
      specs.map((spec) => [sizeOf(spec.shape)]),
    );
    for (const [i, spec] of specs.entries()) graph.output(`${network}.${spec.name}.updated`, updated[i]!);
    graph.output(`${at}.m.updated`, newM);
    graph.output(`${at}.v.updated`, newV);
  }
  return graph.program();
}

/** beta1 m + (1 - beta1) g and beta2 v + (1 - beta2) g^2; equal factors are taken out of the first sum. */
function newMoments({ g, m, v }: Record<"g" | "m" | "v", Tensor>, { beta1, beta2 }: Betas): [m: Tensor, v: Tensor] {
  const newM = beta1 === 1 - beta1 ? mul(add(m, g), beta1) : add(mul(m, beta1), mul(g, 1 - beta1));
  return [newM, add(mul(v, beta2), mul(mul(g, g), 1 - beta2))];
}
