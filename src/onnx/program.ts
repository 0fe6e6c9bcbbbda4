/** A program as an ONNX model. */
import type { Attribute, Node, Program, Tensor } from "../graph/graph.ts";
import { bytesOf, type Initializer, type Model, type ModelAttribute, type ModelNode, type ValueInfo } from "./model.ts";

/** The operator set of all op declarations. */
const opset = 18;

export interface EncodeOptions {
  /** The graph's name in ONNX Runtime's messages and profiles; default "pix2pix". */
  name?: string;
  /**
   * Most outputs of a Split. Up to so many Slices that together cover a tensor are encoded as one Split, because on a GPU
   * each Slice is a kernel. Default 0: no Splits.
   */
  split?: number;
  /** Adds a first output of this name whose type is a sequence, for platforms that need one (see Platform.runInto). */
  sequence?: string | undefined;
}

/** A program as a model. @throws Error for ops that are not part of ONNX: lower the program first */
export function modelOf(program: Program, { name = "pix2pix", sequence, split = 0 }: EncodeOptions = {}): Model {
  const { inputs, constants, outputs } = program;
  const { nodes, integers } = nodesOf(program, split);
  const extra = sequence ? sequenceOutput(sequence) : undefined;
  const floats = constants.map(
    ({ tensor, data }): Initializer => ({
      name: tensor.name,
      shape: tensor.shape,
      type: "float32",
      bytes: bytesOf(data),
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

function nodesOf({ nodes, outputs }: Program, mostParts: number): { nodes: ModelNode[]; integers: Initializer[] } {
  const made = new Set(nodes.map((n) => n.output));
  const names = new Map(outputs.filter((o) => made.has(o.tensor)).map((o) => [o.tensor, o.name]));
  const nameOf = (t: Tensor) => names.get(t) ?? t.name;
  const integers = new Map<string, Initializer>();
  const splits = splitsOf(nodes, mostParts);
  const all = nodes.flatMap((node, i): ModelNode[] => {
    const { op, scope } = node;
    const parts = splits.get(node);
    if (parts) return parts[0] === node ? [splitNode(parts, nameOf, integers)] : [];
    if (op.abstract)
      throw new Error(`${op.type} (${scope}) is not an ONNX op: lower the program first (forCpu or forGpu).`);
    const extra = (op.constants?.(node.attrs) ?? []).map((values) => integersIn(integers, values));
    const name = `${scope}/${op.type}_${i}`;
    const inputs = [...node.inputs.map(nameOf), ...extra];
    const attributes = attributesOf(node);
    return [{ type: op.type, domain: op.domain, name, inputs, output: nameOf(node.output), attributes }];
  });
  // An input, a constant, or a value that is an output twice needs an Identity node for its output name.
  for (const { name: output, tensor } of outputs) {
    if (nameOf(tensor) === output) continue;
    all.push({ type: "Identity", name: "", inputs: [nameOf(tensor)], output, attributes: {} });
  }
  return { nodes: all, integers: [...integers.values()] };
}

/** The Slices that become Splits: for each of them, all Slices of its Split in the order of the nodes. */
function splitsOf(nodes: readonly Node[], most: number): Map<Node, Node[]> {
  const bySource = new Map<string, Node[]>();
  for (const node of nodes) {
    const { axes, steps } = node.attrs as Partial<Record<string, readonly number[]>>;
    if (node.op.type !== "Slice" || axes!.length !== 1 || steps![0] !== 1) continue;
    const source = `${node.inputs[0]!.name} ${axes![0]}`;
    bySource.set(source, [...(bySource.get(source) ?? []), node]);
  }
  const splits = new Map<Node, Node[]>();
  for (const parts of bySource.values()) {
    if (parts.length > most || parts.length < 2 || !coverSource(parts)) continue;
    for (const part of parts) splits.set(part, parts);
  }
  return splits;
}

const startOf = ({ attrs }: Node): number => (attrs.starts as readonly number[])[0]!;
const axisOf = ({ attrs }: Node): number => (attrs.axes as readonly number[])[0]!;
const lengthOf = (node: Node): number => node.output.shape[axisOf(node)]!;
const inOrder = (parts: readonly Node[]): Node[] => [...parts].sort((a, b) => startOf(a) - startOf(b));

/** Whether slices of one tensor along one axis cover the tensor without overlaps. */
function coverSource(parts: readonly Node[]): boolean {
  let end = 0;
  for (const part of inOrder(parts)) {
    if (startOf(part) !== end) return false;
    end += lengthOf(part);
  }
  return end === parts[0]!.inputs[0]!.shape[axisOf(parts[0]!)];
}

function splitNode(
  parts: readonly Node[],
  nameOf: (t: Tensor) => string,
  integers: Map<string, Initializer>,
): ModelNode {
  const [first] = parts as [Node];
  const ordered = inOrder(parts);
  const [output, ...more] = ordered.map((part) => nameOf(part.output)) as [string, ...string[]];
  const inputs = [nameOf(first.inputs[0]!), integersIn(integers, ordered.map(lengthOf))];
  const name = `${first.scope}/Split of ${first.inputs[0]!.name}`;
  return { type: "Split", name, inputs, output, more, attributes: { axis: { int: axisOf(first) } } };
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

/** @param float whether ONNX declares the numbers as float, although their values may be whole */
function attributeOf(value: Attribute, float: boolean): ModelAttribute {
  if (typeof value === "string") return { string: value };
  if (typeof value !== "number") return float ? { floats: value } : { ints: value };
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
