/** A program as an ONNX model. */
import type { Attribute, Node, Program, Tensor } from "../graph/graph.ts";
import { bytesOf, type Initializer, type Model, type ModelAttribute, type ModelNode, type ValueInfo } from "./model.ts";

/** The operator set of all op declarations. */
export const opset = 18;

export interface EncodeOptions {
  /** The graph's name in ONNX Runtime's messages and profiles; default "pix2pix". */
  name?: string;
  /** Adds a first output of this name whose type is a sequence, for platforms that need one (see Platform.runInto). */
  sequence?: string | undefined;
}

/** @throws Error for ops that are not part of ONNX: the program has to be lowered before */
export function modelOf(program: Program, { name = "pix2pix", sequence }: EncodeOptions = {}): Model {
  const { inputs, constants, outputs } = program;
  const { nodes, integers } = nodesOf(program);
  const extra = sequence ? sequenceOutput(sequence) : undefined;
  const floats = constants.map(
    ({ tensor, data }): Initializer => ({
      ...{ name: tensor.name, shape: tensor.shape, type: "float32", bytes: bytesOf(data) },
    }),
  );
  const infoOf = (as: string, { shape, dtype }: Tensor): ValueInfo => ({ name: as, shape, type: dtype });
  return {
    name,
    opset,
    nodes: [...(extra ? [extra.node] : []), ...nodes],
    initializers: [...(extra ? [extra.element] : []), ...floats, ...integers],
    inputs: inputs.map((t) => infoOf(t.name, t)),
    outputs: [...(extra ? [extra.output] : []), ...outputs.map((o) => infoOf(o.name, o.tensor))],
  };
}

function nodesOf({ nodes, outputs }: Program): { nodes: ModelNode[]; integers: Initializer[] } {
  const made = new Set(nodes.map((n) => n.output));
  const names = new Map(outputs.filter((o) => made.has(o.tensor)).map((o) => [o.tensor, o.name]));
  const nameOf = (t: Tensor) => names.get(t) ?? t.name;
  const integers = new Map<string, Initializer>();
  const all = nodes.map((node, i): ModelNode => {
    const { op, scope } = node;
    if (op.abstract)
      throw new Error(`${op.type} (${scope}) is not an ONNX op: lower the program first (forCpu or forGpu).`);
    const extra = (op.constants?.(node.attrs) ?? []).map((values) => integersIn(integers, values));
    return {
      ...{ type: op.type, domain: op.domain, name: `${scope}/${op.type}_${i}` },
      ...{
        inputs: [...node.inputs.map(nameOf), ...extra],
        output: nameOf(node.output),
        attributes: attributesOf(node),
      },
    };
  });
  // An input, a constant, or a value that is an output twice needs an Identity node for its output name.
  for (const { name: output, tensor } of outputs) {
    if (nameOf(tensor) === output) continue;
    all.push({ type: "Identity", name: "", inputs: [nameOf(tensor)], output, attributes: {} });
  }
  return { nodes: all, integers: [...integers.values()] };
}

/** The name of an int64 vector among the initializers `known`, to which it is added. */
export function integersIn(known: Map<string, Initializer>, values: readonly number[]): string {
  const name = `ints_${values.join("_")}`;
  const bytes = bytesOf(BigInt64Array.from(values, (v) => BigInt(v)));
  known.set(name, { name, shape: [values.length], type: "int64", bytes });
  return name;
}

function attributesOf({ op, attrs }: Node): Record<string, ModelAttribute> {
  const given = op.attributes?.(attrs) ?? (op.constants ? {} : attrs);
  return Object.fromEntries(
    Object.entries(given).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, attributeOf(value, op.floats?.includes(key) ?? false)]],
    ),
  );
}

/** @param float whether ONNX declares a number as float, although its value may be whole */
function attributeOf(value: Attribute, float: boolean): ModelAttribute {
  if (typeof value === "string") return { string: value };
  if (typeof value !== "number") return { ints: value };
  return float ? { float: value } : { int: value };
}

/** The smallest graph output that is not a tensor: a sequence of one constant. */
function sequenceOutput(name: string): { element: Initializer; node: ModelNode; output: ValueInfo } {
  const element = `${name}_element`;
  return {
    element: { name: element, shape: [1], type: "float32", bytes: new Uint8Array(4) },
    node: { type: "SequenceConstruct", name: "", inputs: [element], output: name, attributes: {} },
    output: { name, type: "float32", shape: [1], sequence: true },
  };
}
