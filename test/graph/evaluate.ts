/** Runs symbolic graphs on onnxruntime-node, for tests. */
import * as ort from "onnxruntime-node";
import { cpuKernels } from "../../src/engines/cpu-kernels.ts";
import { onCpu } from "../../src/engines/device.ts";
import { gradient } from "../../src/graph/gradient.ts";
import { Graph, type Program, type Shape, sizeOf, type Tensor } from "../../src/graph/graph.ts";
import { add, mul } from "../../src/graph/ops/elementwise.ts";
import { sum } from "../../src/graph/ops/reduce.ts";
import { forCpu } from "../../src/lowering/cpu.ts";
import { encode } from "../../src/onnx/encode.ts";
import type { Ort } from "../../src/platform.ts";
import { Random } from "../../src/random.ts";

export type Values = Record<string, Float32Array>;

/**
 * Compiles a graph, lowered for this CPU as in training, to a function from values of its inputs by name to values of
 * its outputs. The function fails if ONNX Runtime's shape of an output is not the symbolic one. Bools are returned as 0
 * and 1.
 */
export async function compile(graph: Graph): Promise<(values: Values) => Promise<Values>> {
  const kernels = await cpuKernels({ ort: ort as unknown as Ort }, { name: "cpu", label: "cpu" });
  return compileProgram(forCpu(graph.program(), kernels));
}

/** The same for a program that is already lowered. */
export async function compileProgram(program: Program): Promise<(values: Values) => Promise<Values>> {
  const session = await ort.InferenceSession.create(encode(program), onCpu(1));
  return async (values) => {
    const feeds: Record<string, ort.Tensor> = {};
    for (const { name, shape, dtype } of program.inputs) {
      const data = values[name];
      if (!data) throw new Error(`no values for the input ${name}`);
      feeds[name] = dtype === "bool" ? new ort.Tensor("bool", Uint8Array.from(data), shape) : floats(data, shape);
    }
    const outputs = await session.run(feeds);
    return Object.fromEntries(
      program.outputs.map(({ name, tensor }) => {
        const { dims, data } = outputs[name]!;
        if (`${dims}` !== `${tensor.shape}`) throw new Error(`${name}: [${dims}], expected [${tensor.shape}]`);
        return [name, Float32Array.from(data as Float32Array)];
      }),
    );
  };
}

const floats = (data: Float32Array, shape: Shape) => new ort.Tensor("float32", data, shape);

export const run = async (graph: Graph, values: Values): Promise<Values> => (await compile(graph))(values);

/** Builds outputs from inputs in their graph. */
export type Build = (x: Tensor[]) => Tensor[];

export interface Computation {
  graph: Graph;
  /** Takes values of the inputs in order and returns those of the outputs. */
  call(x: Float32Array[]): Promise<Float32Array[]>;
}

/** The function that `build` describes, on inputs of these shapes. */
export async function functionOf(shapes: readonly Shape[], build: Build): Promise<Computation> {
  const graph = new Graph();
  const y = build(shapes.map((shape, i) => graph.input(`x${i}`, shape)));
  y.forEach((tensor, i) => {
    graph.output(`y${i}`, tensor);
  });
  const compiled = await compile(graph);
  return {
    graph,
    call: async (x) => {
      const outputs = await compiled(Object.fromEntries(x.map((values, i) => [`x${i}`, values])));
      return y.map((_, i) => outputs[`y${i}`]!);
    },
  };
}

/** The gradients of sum_i sum(y_i * r_i) by the inputs, as a function of the inputs. */
export function gradientOf(build: Build, r: readonly Float32Array[]): Build {
  return (x) => {
    const graph = x[0]!.graph;
    const projections = build(x).map((y, i) => sum(mul(y, graph.constant(r[i]!, y.shape))));
    return gradient(projections.reduce(add), x);
  };
}

/** `count` normal numbers rounded to multiples of 1 / `parts`, whose sums and differences are exact in float32. */
export function normals(random: Random, count: number, parts = 256): Float32Array {
  return Float32Array.from({ length: count }, () => Math.round(random.normal() * parts) / parts);
}

/**
 * The distance between the gradient of `build` at `x` and finite differences, divided by the gradient's length. For
 * each input a random projection of the outputs is differentiated in a random direction, with an error of order h^4.
 */
export async function gradientError(
  shapes: readonly Shape[],
  build: Build,
  x: readonly Float32Array[],
  { seed = 0, h = 2 ** -5 }: { seed?: number; h?: number } = {},
): Promise<number> {
  const random = new Random(seed, "gradient error", 0);
  const forward = await functionOf(shapes, build);
  const r = forward.graph.outputs.map(({ tensor }) => normals(random, tensor.size));
  const backward = await functionOf(shapes, gradientOf(build, r));
  const gradients = await backward.call([...x]);
  const errors: number[] = [];
  for (const [i, shape] of shapes.entries()) {
    const direction = normals(random, sizeOf(shape), 8);
    const projected = async (distance: number) => {
      const moved = x.map((values, j) => (j === i ? values.map((v, k) => v + distance * direction[k]!) : values));
      return (await forward.call(moved)).reduce((total, y, j) => total + dot(y, r[j]!), 0);
    };
    const near = (await projected(h)) - (await projected(-h));
    const far = (await projected(2 * h)) - (await projected(-2 * h));
    const terms = gradients[i]!.map((g, k) => g * direction[k]!);
    const size = Math.sqrt(dot(terms, terms)) || 1;
    errors.push(Math.abs((8 * near - far) / (12 * h) - dot(gradients[i]!, direction)) / size);
  }
  return Math.max(...errors);
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i]! * b[i]!;
  return total;
}

/** The largest difference of two lists, divided by the largest expected value. */
export function distance(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (got.length !== expected.length) return Number.POSITIVE_INFINITY;
  let [most, size] = [0, 0];
  for (let i = 0; i < got.length; i++) {
    most = Math.max(most, Math.abs(got[i]! - expected[i]!));
    size = Math.max(size, Math.abs(expected[i]!));
  }
  return most / (size || 1);
}
