/**
 * Symbolic tensors and graphs of ONNX nodes. All shapes are static; building a graph computes no values.
 *
 * A graph lists its nodes in execution order. Equal nodes (same op, inputs and attributes) are added once, so a gradient
 * rule can build a value again wherever it needs it. A scope ("netG/down3") names the layer of a node in messages and in
 * printed graphs.
 */
import { ShapeError } from "../errors.ts";

/** The sizes of a tensor's axes; [] is a scalar. */
export type Shape = readonly number[];
/** The type of a tensor's values. */
export type Dtype = "float32" | "int64" | "bool";
/** A value of an ONNX attribute: int or float, string, ints or floats. */
export type Attribute = number | string | readonly number[];
export type Attributes = Readonly<Record<string, Attribute | undefined>>;

/** The gradient of each input; null for an input without one. */
export type Gradients = (Tensor | null)[];

/** The arguments of a gradient rule. */
export interface RuleContext<A> {
  /** The inputs in ONNX order. */
  x: Tensor[];
  /** The output. */
  y: Tensor;
  /** The gradient of the loss with respect to the output. */
  dy: Tensor;
  attrs: A;
  /** Which inputs need a gradient. A rule may return null for the others. */
  needed: readonly boolean[];
}

/**
 * Method syntax lets rules with different attributes have one type. That is safe: a rule is only called for nodes of
 * its op.
 */
type GradientRule<A> = { rule(context: RuleContext<A>): Gradients }["rule"];

/** A gradient that is zero by definition (comparisons, sign). */
export const none = "none";

/**
 * The declaration of one ONNX op with attributes of type `A`. `A` is a type alias: an interface has no index signature, so it would
 * not be assignable to `Attributes`.
 */
export interface OpDeclaration<A extends Attributes = Attributes> {
  /** ONNX's op_type. */
  type: string;
  /** The operator set of the op, if it is not ONNX's default one. */
  domain?: string;
  /** The output's shape. @throws ShapeError for inputs that do not fit */
  shape(shapes: Shape[], attrs: A): Shape;
  /** The output's type; by default that of the first input. */
  dtype?: Dtype;
  /** A rule, or `none`. Without either, differentiating through the op fails. */
  gradient?: typeof none | GradientRule<A>;
  /** The op is not part of ONNX. A program has to be lowered (src/lowering) before it is encoded. */
  abstract?: boolean;
  /**
   * For an op that is not part of ONNX: its output, computed by other ops. Lowering uses it where a device has no form of
   * its own for the op, and the reverse walk differentiates it where the op has no gradient rule.
   */
  definition?(inputs: Tensor[], attrs: A): Tensor;
  /** The output has the input's values in the same order and only another shape (Reshape). */
  renames?: boolean;
  /** Attributes that ONNX takes as int64 inputs after the tensor inputs (axes, shapes, pads). */
  constants?(attrs: A): (readonly number[])[];
  /** Attributes under ONNX's names; by default all of them if there are no `constants`, else none. */
  attributes?(attrs: A): Attributes;
  /** Names of numeric attributes that ONNX declares as float; the others are int. */
  floats?: readonly string[];
}

/** An op applied to tensors. */
export interface Node {
  op: OpDeclaration;
  inputs: Tensor[];
  output: Tensor;
  attrs: Attributes;
  /** The layer that the node belongs to, such as "netG/down3". */
  scope: string;
}

/** A value in a graph: its name, static shape and type. Graphs create tensors. */
export class Tensor {
  readonly graph: Graph;
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: Dtype;
  /** The node that computes the value; inputs and constants have none. */
  producer: Node | undefined;

  constructor(graph: Graph, name: string, shape: Shape, dtype: Dtype) {
    this.graph = graph;
    this.name = name;
    this.shape = shape;
    this.dtype = dtype;
  }

  get rank(): number {
    return this.shape.length;
  }

  /** Number of values. */
  get size(): number {
    return sizeOf(this.shape);
  }

  toString(): string {
    return `${this.name}: ${this.dtype}[${this.shape.join(",")}]`;
  }
}

/** A tensor, or a number that broadcasts to the other operand. */
export type Operand = Tensor | number;

/** A tensor that a program returns under a name. */
export interface Output {
  name: string;
  tensor: Tensor;
}

/** A tensor whose values are part of the program. */
export interface Constant {
  tensor: Tensor;
  data: Float32Array;
}

/**
 * A runnable part of a graph: `nodes` in execution order compute `outputs` from `inputs` and `constants`. A program may
 * contain ops that ONNX or a device does not have, until it is lowered (src/lowering).
 */
export interface Program {
  inputs: readonly Tensor[];
  constants: readonly Constant[];
  nodes: readonly Node[];
  outputs: readonly Output[];
}

/**
 * A computation as ONNX nodes.
 *
 * @example
 * ```ts
 * import { Graph, ops } from "pix2pix";
 *
 * const graph = new Graph();
 * const x = graph.input("x", [1, 3, 64, 64]);
 * const y = graph.scope("net", () => ops.tanh(ops.mul(x, 2)));
 * graph.output("y", y);
 * console.log(`${graph}`); // each input, node and output on a line
 * ```
 */
export class Graph {
  readonly inputs: Tensor[] = [];
  readonly outputs: Output[] = [];
  readonly constants: Constant[] = [];
  readonly nodes: Node[] = [];
  /** The output of each node by the node's op, inputs and attributes. */
  #outputs = new Map<string, Tensor>();
  /** Constants by a hash of their values and shape. */
  #hashed = new Map<string, Constant[]>();
  #scopes: string[] = [];
  /** The last number that was used in a name for each stem, such as 2 for "Conv" after "Conv_2". */
  #counts = new Map<string, number>();
  /** The names of all tensors. They must be unique: nodes are compared by the names of their inputs. */
  readonly #names = new Set<string>();
  readonly #reserved: ReadonlySet<string>;

  /** @param reserved names that the graph must not give to a computed tensor */
  constructor(reserved: Iterable<string> = []) {
    this.#reserved = new Set(reserved);
  }

  /** The open scopes, joined by "/". */
  get scopeName(): string {
    return this.#scopes.join("/");
  }

  /** Runs `build` with `name` appended to the scope of the nodes that it adds, and returns its result. */
  scope<T>(name: string, build: () => T): T {
    this.#scopes.push(name);
    try {
      return build();
    } finally {
      this.#scopes.pop();
    }
  }

  /** Adds an input. @throws ShapeError for a name that another tensor of the graph has */
  input(name: string, shape: Shape, dtype: Dtype = "float32"): Tensor {
    if (this.#names.has(name)) throw new ShapeError(`The graph already has a tensor "${name}".`);
    this.#names.add(name);
    const tensor = new Tensor(this, name, shape, dtype);
    this.inputs.push(tensor);
    return tensor;
  }

  /**
   * Values that are part of the graph; a plain number is a scalar of shape []. Equal values of one shape are one
   * constant.
   */
  constant(values: number | Float32Array, shape: Shape = []): Tensor {
    const data = typeof values === "number" ? Float32Array.of(values) : values;
    if (data.length !== sizeOf(shape)) {
      throw new ShapeError(`A constant of shape [${shape}] needs ${sizeOf(shape)} values, got ${data.length}.`);
    }
    const key = `${hashOf(data)}:${shape}`;
    const alike = this.#hashed.get(key) ?? [];
    const known = alike.find((constant) => sameBits(constant.data, data));
    if (known) return known.tensor;
    const tensor = new Tensor(this, this.#fresh("constant"), shape, "float32");
    const constant = { tensor, data };
    this.constants.push(constant);
    this.#hashed.set(key, [...alike, constant]);
    return tensor;
  }

  /** The values of a constant; undefined for other tensors. */
  valuesOf(tensor: Tensor): Float32Array | undefined {
    return tensor.producer ? undefined : this.constants.find((constant) => constant.tensor === tensor)?.data;
  }

  /** Names a tensor as an output of the graph. @throws ShapeError for a name that another output has */
  output(name: string, tensor: Tensor): void {
    if (this.outputs.some((o) => o.name === name)) throw new ShapeError(`The graph already has an output "${name}".`);
    this.outputs.push({ name, tensor });
  }

  /**
   * The output of a node, which is added unless the graph has an equal one. The callables of ops (`op`) call this.
   * @throws ShapeError for inputs that do not fit: names the op, the shapes and the scope
   */
  node(op: OpDeclaration, inputs: Tensor[], attrs: Attributes): Tensor {
    // Identity and Clip have two declarations each: one passes the gradient, the other stops it.
    const rule = op.gradient === none ? " none" : "";
    const key = `${op.domain ?? ""}${op.type}${rule}(${inputs.map((t) => t.name)})${JSON.stringify(attrs)}`;
    // Before the look-up: tensors of two graphs may have one name.
    for (const input of inputs) {
      if (input.graph !== this) throw new ShapeError(`${op.type}: input ${input} belongs to another graph.`);
    }
    const existing = this.#outputs.get(key);
    if (existing) return existing;
    let shape: Shape;
    try {
      shape = op.shape(
        inputs.map((t) => t.shape),
        attrs,
      );
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      const place = this.scopeName ? ` (${this.scopeName})` : "";
      throw new ShapeError(`${op.type}: ${error.message}${place}`);
    }
    const output = this.make(op, inputs, attrs, shape);
    this.#outputs.set(key, output);
    return output;
  }

  /** Adds a node that the graph does not have yet. A rewriting pass overrides it (src/lowering/rewrite.ts). */
  protected make(op: OpDeclaration, inputs: Tensor[], attrs: Attributes, shape: Shape): Tensor {
    const output = new Tensor(this, this.#fresh(op.type), shape, op.dtype ?? inputs[0]?.dtype ?? "float32");
    const node: Node = { op, inputs, output, attrs, scope: this.scopeName };
    output.producer = node;
    this.nodes.push(node);
    return output;
  }

  /**
   * The nodes that `outputs` (by default those of the graph) depend on, with the inputs and constants that they read.
   * @param known tensors that the program reads as inputs instead of computing them
   */
  program(outputs: readonly Output[] = this.outputs, known: ReadonlySet<Tensor> = new Set()): Program {
    const wanted = new Set(outputs.map((o) => o.tensor));
    const nodes: Node[] = [];
    for (let i = this.nodes.length - 1; i >= 0; i--) {
      const node = this.nodes[i]!;
      if (!wanted.has(node.output) || known.has(node.output)) continue;
      nodes.push(node);
      for (const input of node.inputs) wanted.add(input);
    }
    nodes.reverse();
    const used = new Set([...nodes.flatMap((n) => n.inputs), ...outputs.map((o) => o.tensor)]);
    const inputs = [...this.inputs, ...known].filter((t) => used.has(t));
    const constants = this.constants.filter(({ tensor }) => used.has(tensor));
    return { inputs, constants, nodes, outputs };
  }

  /**
   * Two programs that run one after the other. Values that both need are computed by the first program: they are its additional outputs,
   * `carried`, and the second program reads them as inputs under the names of the tensors. Reshapes are repeated instead. An input of the
   * graph that both read may get another value for the second program.
   * @param first the outputs of the first program
   * @param second the outputs of the second program
   * @param recomputed further tensors that are not carried: the second program computes them again
   */
  split(
    first: readonly Output[],
    second: readonly Output[],
    recomputed: (t: Tensor) => boolean = () => false,
  ): { first: Program; second: Program; carried: Tensor[] } {
    const firstNodes = this.program(first).nodes;
    const reusable = new Set(
      firstNodes.flatMap(({ op, output }) => (op.renames || recomputed(output) ? [] : [output])),
    );
    const rest = this.program(second, reusable);
    const carried = rest.inputs.filter((t) => reusable.has(t));
    const outputs = [...first, ...carried.map((tensor) => ({ name: tensor.name, tensor }))];
    return { first: this.program(outputs), second: rest, carried };
  }

  /**
   * The program of the graph's outputs, one node a line: `y = Conv(x, w) {strides=[2,2]} : float32[1,64,128,128]  #
   * netG/down1`.
   */
  toString(): string {
    const { inputs: given, nodes } = this.program();
    const lines = given.map((t) => `input ${t}`);
    for (const { op, inputs, output, attrs, scope } of nodes) {
      const set = Object.entries(attrs).filter(([, value]) => value !== undefined);
      const suffix = set.length ? ` {${set.map(([k, v]) => `${k}=${JSON.stringify(v)}`).join(", ")}}` : "";
      const names = inputs.map((t) => this.#valueOf(t) ?? t.name);
      const place = scope ? `  # ${scope}` : "";
      lines.push(
        `${output.name} = ${op.type}(${names.join(", ")})${suffix} : ${output.dtype}[${output.shape.join(",")}]${place}`,
      );
    }
    for (const { name, tensor } of this.outputs) lines.push(`output ${name} = ${tensor.name}`);
    return lines.join("\n");
  }

  #valueOf(tensor: Tensor): string | undefined {
    const values = tensor.size === 1 ? this.valuesOf(tensor) : undefined;
    return values && String(values[0]);
  }

  /** A name that no other tensor has and that is not reserved: "Conv_1", "Conv_2", ... */
  #fresh(stem: string): string {
    const count = (this.#counts.get(stem) ?? 0) + 1;
    this.#counts.set(stem, count);
    const name = `${stem}_${count}`;
    if (this.#reserved.has(name) || this.#names.has(name)) return this.#fresh(stem);
    this.#names.add(name);
    return name;
  }
}

/** The tensor before its last reshapes. As an output it saves the copy that ONNX Runtime makes for a Reshape at the end. */
export const unshaped = (t: Tensor): Tensor => (t.producer?.op.renames ? unshaped(t.producer.inputs[0]!) : t);

/** The number of values of a shape. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** Whether two shapes (or other lists of numbers) are equal. */
export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((n, i) => n === b[i]);

const bitsOf = ({ buffer, byteOffset, length }: Float32Array): Uint32Array =>
  new Uint32Array(buffer, byteOffset, length);

/** FNV-1a on words of 32 bits. */
function hashOf(data: Float32Array): number {
  let hash = 0x811c9dc5;
  for (const word of bitsOf(data)) hash = Math.imul(hash ^ word, 0x01000193);
  return hash;
}

/** Equality of bits: 0 differs from -0, and a NaN equals itself. */
function sameBits(a: Float32Array, b: Float32Array): boolean {
  const [one, other] = [bitsOf(a), bitsOf(b)];
  return one.length === other.length && one.every((word, i) => word === other[i]);
}

/** The callable of an op: inputs in ONNX order (numbers become constants), then attributes. */
export type Op<A extends Attributes = Attributes> = ((inputs: Operand[], ...attrs: Given<A>) => Tensor) & {
  declaration: OpDeclaration<A>;
};

/** Attributes may be left out only if the op has none. */
type Given<A extends Attributes> = Attributes extends A ? [attrs?: A] : [attrs: A];

/** Declares an op. `type` is the ONNX op_type and the name under which ops/ exports it. */
export function op<A extends Attributes = Attributes>(type: string, rest: Omit<OpDeclaration<A>, "type">): Op<A> {
  const declaration: OpDeclaration<A> = { type, ...rest };
  const call = (inputs: Operand[], ...[attrs]: Given<A>): Tensor => {
    const graph = inputs.find((t) => t instanceof Tensor)?.graph;
    if (!graph) throw new ShapeError(`${type}: at least one input has to be a tensor.`);
    const tensors = inputs.map((t) => (t instanceof Tensor ? t : graph.constant(t)));
    return graph.node(declaration, tensors, attrs ?? {});
  };
  return Object.assign(call, { declaration });
}

/** A node of one op, with the op's attributes. */
export type NodeOf<A extends Attributes> = Node & { attrs: A };

/** Whether a node exists and is of this op. */
export const isNodeOf = <A extends Attributes>(node: Node | undefined, { declaration }: Op<A>): node is NodeOf<A> =>
  node?.op === declaration;
