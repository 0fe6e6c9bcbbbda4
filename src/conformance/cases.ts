/** Cases of conformance: the nodes of our graphs, one for each combination of op, shapes and attributes. */
import {
  type Attributes,
  type Dtype,
  Graph,
  type OpDeclaration,
  type Program,
  type Shape,
  sizeOf,
} from "../graph/graph.ts";
import { Random } from "../random.ts";

/** An input of a case: random values, or the constant that graphs have there (such as the ends of a Clip). */
export interface CaseInput {
  shape: Shape;
  dtype: Dtype;
  constant?: readonly number[] | undefined;
}

/** A node as it occurs in a graph. Equal nodes of all graphs are one case. */
export interface Case {
  key: string;
  op: OpDeclaration;
  attrs: Attributes;
  inputs: readonly CaseInput[];
  output: { shape: Shape; dtype: Dtype };
  /** The variant and scope where it occurs first. */
  scope: string;
}

/** Constants up to this size are part of a case; larger ones get random values like inputs. */
const smallConstant = 16;

/** The cases of lowered programs, in order of first occurrence. @param into known cases, to which new ones are added */
export function collect(
  programs: readonly Program[],
  from: string,
  into: Map<string, Case> = new Map(),
): Map<string, Case> {
  for (const { nodes, constants } of programs) {
    const known = new Map(constants.map(({ tensor, data }) => [tensor, data]));
    for (const { op, inputs, output, attrs, scope } of nodes) {
      const described = inputs.map((t): CaseInput => {
        const data = known.get(t);
        return {
          shape: t.shape,
          dtype: t.dtype,
          constant: data && data.length <= smallConstant ? [...data] : undefined,
        };
      });
      const key = describeCase(op.type, described, attrs);
      if (into.has(key)) continue;
      const { shape, dtype } = output;
      into.set(key, {
        key,
        op,
        attrs,
        inputs: described,
        output: { shape, dtype },
        scope: `${from}: ${scope}`,
      });
    }
  }
  return into;
}

/** Conv([1,3,64,64], [4,3,4,4]) {strides=[2,2]} */
function describeCase(type: string, inputs: readonly CaseInput[], attrs: Attributes): string {
  const set = Object.entries(attrs).filter(([, value]) => value !== undefined);
  const suffix = set.length > 0 ? ` {${set.map(([k, v]) => `${k}=${JSON.stringify(v)}`).join(", ")}}` : "";
  const shown = inputs.map(({ shape, dtype, constant }) => {
    if (constant) return constant.length === 1 ? String(constant[0]) : `[${constant}]`;
    return `${dtype === "float32" ? "" : dtype}[${shape}]`;
  });
  return `${type}(${shown.join(", ")})${suffix}`;
}

/** The case as a graph of one node, with inputs `x0`, `x1`, ... (without constants) and output `y`. */
export function graphOf({ op, attrs, inputs }: Case): Graph {
  const graph = new Graph();
  const tensors = inputs.map(({ shape, dtype, constant }, i) =>
    constant ? graph.constant(Float32Array.from(constant), shape) : graph.input(`x${i}`, shape, dtype),
  );
  graph.output("y", graph.node(op, tensors, attrs));
  return graph;
}

/** Ops whose inputs have to be above 0. */
const positive = new Set(["Sqrt", "Log", "Reciprocal"]);

/**
 * Random values of the inputs, the same at every call: normal numbers in steps of 1/64, above 0 if the op needs that, 0
 * or 1 for bool. The steps make some values equal, and some 0, as in maps after a ReLU.
 */
export function valuesFor({ key, op, inputs }: Case): Map<string, Float32Array> {
  const values = new Map<string, Float32Array>();
  for (const [i, { shape, dtype, constant }] of inputs.entries()) {
    if (constant) continue;
    const random = new Random(0, key, i);
    const above0 = positive.has(op.type) || (op.type === "Div" && i === 1);
    const draw = () => {
      if (dtype === "bool") return random.float() < 0.5 ? 0 : 1;
      const x = Math.round(random.normal() * 64) / 64;
      return above0 ? Math.abs(x) + 0.25 : x;
    };
    values.set(`x${i}`, Float32Array.from({ length: sizeOf(shape) }, draw));
  }
  return values;
}

/**
 * The sample of a short check: one case for each kernel that a runtime may choose. Sizes that do not affect the choice are
 * not distinguished.
 */
export function sampleOf(cases: Iterable<Case>): Case[] {
  const forms = new Map<string, Case>();
  for (const each of cases) {
    const form = formOf(each);
    if (!forms.has(form)) forms.set(form, each);
  }
  return [...forms.values()];
}

function formOf({ op: { type }, attrs, inputs }: Case): string {
  const kept = Object.entries(attrs).filter(([key]) => !["shape", "starts", "ends", "pads"].includes(key));
  const set = kept.map(([key, value]) => `${key}=${value}`).join(" ");
  // Whether channels are multiples of 3 or 4 selects the kernel of a convolution.
  const channels = (n: number) => `${n % 3 === 0 ? 3 : ""}${n % 4 === 0 ? 4 : ""}${n === 1 ? 1 : "n"}`;
  if (/^Conv/.test(type)) {
    const [cout, cin, ...kernel] = inputs[1]!.shape;
    const tall = kernel.map((k) => Math.min(k, 8));
    return `${type} ${channels(cout!)} ${channels(cin!)} ${tall} ${inputs.length} ${set}`;
  }
  const sides = inputs.map(({ shape, constant }) => (constant ? "constant" : shape.map((n) => (n === 1 ? 1 : "n"))));
  return `${type} ${sides.join(" ")} ${set}`;
}
