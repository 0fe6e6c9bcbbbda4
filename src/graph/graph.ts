/**
 * Symbolic tensors and the graph that they form. Every shape is known while the graph is built; nothing is computed here.
 *
 * A graph is a list of ONNX nodes in execution order. Equal nodes (same op, inputs and attributes) are made once, so rules
 * may state a value wherever they need it. Scopes ("netG/down3") name the place that a node belongs to in messages and prints.
 */
import { ShapeError } from "../errors.ts";

export type Shape = readonly number[];
export type Dtype = "float32" | "int64" | "bool";
export type Attribute = number | string | readonly number[];
export type Attributes = Readonly<Record<string, Attribute | undefined>>;

/** The kind of runtime that a graph is built for; lowerings choose the form of an op by it. */
export type Target = "cpu" | "gpu";

/** One entry per input: its gradient, or null where there is none. */
export type Gradients = (Tensor | null)[];

/**
 * What a gradient rule sees: inputs `x` in ONNX order, output `y`, its gradient `dy`, and the attributes; and which inputs'
 * gradients are `needed`, for a rule that would build much for nothing.
 */
export interface RuleContext<A> {
  x: Tensor[];
  y: Tensor;
  dy: Tensor;
  attrs: A;
  needed: readonly boolean[];
}

/** A gradient that is zero by definition (comparisons, sign). */
export const none = "none";

/** The declaration of one ONNX op. Three states of `gradient`: a rule, `none`, or absent (then differentiating fails). */
export interface OpDeclaration<A = Attributes> {
  type: string;
  /** The operator set of the op, where it is not ONNX's own. */
  domain?: string;
  shape(shapes: Shape[], attrs: A): Shape;
  dtype?: Dtype;
  gradient?: typeof none | ((context: RuleContext<A>) => Gradients);
  /** The form that the op takes in a graph for this target, built of other nodes; undefined: as it is. */
  lower?(inputs: Tensor[], attrs: A, target: Target): Tensor | undefined;
  /** The sum of the outputs of two nodes of this op, in a form of less work than adding them; undefined where it is not. */
  plus?(a: Node, b: Node): Tensor | undefined;
  /** No op of ONNX: a program needs a form of it before it can be written down. */
  abstract?: boolean;
  /** The output holds the input's values in the same order (Reshape). */
  renames?: boolean;
  /** Attributes that ONNX wants as int64 inputs after the tensor inputs (axes, shapes, pads). */
  constants?(attrs: A): (readonly number[])[];
  /** Attributes as ONNX spells them; by default all of them when there are no `constants`, else none. */
  attributes?(attrs: A): Attributes;
}

export interface Node {
  op: OpDeclaration;
  inputs: Tensor[];
  output: Tensor;
  attrs: Attributes;
  scope: string;
}

/** A value in a graph. `producer` is the node that makes it; inputs and constants have none. */
export class Tensor {
  readonly graph: Graph;
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: Dtype;
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

export interface Output {
  name: string;
  tensor: Tensor;
}

export interface Constant {
  tensor: Tensor;
  data: Float32Array;
}

/** A part of a graph that can run by itself: `nodes` in order, from `inputs` and `constants` to `outputs`. */
export interface Program {
  inputs: readonly Tensor[];
  constants: readonly Constant[];
  nodes: readonly Node[];
  outputs: readonly Output[];
}

/** Constants of up to so many values are made once, as equal nodes are: whole transforms, but no weights. */
const mostCompared = 4096;

/** What an op becomes in a graph: a tensor built of other nodes, or undefined where it stays as it is. */
export type Form = (op: OpDeclaration, inputs: Tensor[], attrs: Attributes) => Tensor | undefined;

export class Graph {
  readonly target: Target;
  readonly inputs: Tensor[] = [];
  readonly outputs: Output[] = [];
  readonly constants = new Map<string, Constant>();
  readonly nodes: Node[] = [];
  #known = new Map<string, Tensor>();
  #arrays = new Map<Float32Array, string>();
  #scopes: string[] = [];
  #names = new Map<string, number>();
  readonly #taken: ReadonlySet<string>;
  readonly #form: Form;

  /**
   * @param taken names that no tensor of the graph may get by itself
   * @param form what ops become, by default what their declarations say
   */
  constructor(target: Target = "cpu", taken: Iterable<string> = [], form?: Form) {
    this.target = target;
    this.#taken = new Set(taken);
    this.#form = form ?? ((op, inputs, attrs) => op.lower?.(inputs, attrs, target));
  }

  get scopeName(): string {
    return this.#scopes.join("/");
  }

  /** Runs `build` with `name` added to the scope of the nodes that it makes. */
  scope<T>(name: string, build: () => T): T {
    this.#scopes.push(name);
    try {
      return build();
    } finally {
      this.#scopes.pop();
    }
  }

  input(name: string, shape: Shape, dtype: Dtype = "float32"): Tensor {
    if (this.inputs.some((t) => t.name === name)) throw new ShapeError(`The graph already has an input "${name}".`);
    const tensor = new Tensor(this, name, shape, dtype);
    this.inputs.push(tensor);
    return tensor;
  }

  /** Values that are part of the graph; a plain number is a scalar of shape []. */
  constant(values: number | Float32Array, shape: Shape = []): Tensor {
    const data = typeof values === "number" ? Float32Array.of(values) : values;
    if (data.length !== sizeOf(shape)) {
      throw new ShapeError(`A constant of shape [${shape}] needs ${sizeOf(shape)} values, got ${data.length}.`);
    }
    const key = `${this.#valuesOf(data)}:${shape}`;
    let known = this.constants.get(key);
    if (!known) {
      const tensor = new Tensor(this, this.#fresh("constant"), shape, "float32");
      known = { tensor, data };
      this.constants.set(key, known);
    }
    return known.tensor;
  }

  /** The same for the same array, and for equal small ones. */
  #valuesOf(data: Float32Array): string {
    let key = this.#arrays.get(data);
    if (key === undefined) {
      key = data.length <= mostCompared ? String(data) : this.#fresh("values");
      this.#arrays.set(data, key);
    }
    return key;
  }

  output(name: string, tensor: Tensor): void {
    if (this.outputs.some((o) => o.name === name)) throw new ShapeError(`The graph already has an output "${name}".`);
    this.outputs.push({ name, tensor });
  }

  node(op: OpDeclaration, inputs: Tensor[], attrs: Attributes): Tensor {
    const key = `${op.domain ?? ""}${op.type}(${inputs.map((t) => t.name)})${JSON.stringify(attrs)}`;
    const known = this.#known.get(key);
    if (known) return known;
    for (const input of inputs) {
      if (input.graph !== this) throw new ShapeError(`${op.type}: input ${input} belongs to another graph.`);
    }
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
    const lowered = this.#form(op, inputs, attrs);
    if (lowered) {
      this.#known.set(key, lowered);
      return lowered;
    }
    const output = new Tensor(this, this.#fresh(op.type), shape, op.dtype ?? inputs[0]?.dtype ?? "float32");
    const node: Node = { op, inputs, output, attrs, scope: this.scopeName };
    output.producer = node;
    this.nodes.push(node);
    this.#known.set(key, output);
    return output;
  }

  /** What computes the outputs, and no more. */
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
    const constants = [...this.constants.values()].filter(({ tensor }) => used.has(tensor));
    return { inputs, constants, nodes, outputs };
  }

  /**
   * Two programs that run one after the other, with something in between that changes inputs of the second. What the
   * first has computed is not computed again but carried over, except for ops that only rename values, and what is to be
   * made `again`.
   */
  split(
    first: readonly Output[],
    second: readonly Output[],
    again: (t: Tensor) => boolean = () => false,
  ): { first: Program; second: Program; carried: Tensor[] } {
    const made = this.program(first).nodes;
    const done = new Set(made.flatMap(({ op, output }) => (op.renames || again(output) ? [] : [output])));
    const rest = this.program(second, done);
    const carried = rest.inputs.filter((t) => done.has(t));
    const outputs = [...first, ...carried.map((tensor) => ({ name: tensor.name, tensor }))];
    return { first: this.program(outputs), second: rest, carried };
  }

  /** The program, one node a line: `y = Conv(x, w) {strides=[2,2]} : float32[1,64,128,128]  # netG/down1`. */
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
    if (tensor.producer || tensor.size !== 1) return undefined;
    for (const known of this.constants.values()) if (known.tensor === tensor) return String(known.data[0]);
    return undefined;
  }

  #fresh(stem: string): string {
    const count = (this.#names.get(stem) ?? 0) + 1;
    this.#names.set(stem, count);
    const name = `${stem}_${count}`;
    return this.#taken.has(name) ? this.#fresh(stem) : name;
  }
}

/** The same values before they were given another shape: a Reshape in front of an output would copy them. */
export const unshaped = (t: Tensor): Tensor => (t.producer?.op.renames ? unshaped(t.producer.inputs[0]!) : t);

export function sizeOf(shape: Shape): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** The callable of an op: inputs in ONNX order (numbers become constants), then attributes. */
export type Op<A> = ((inputs: Operand[], attrs?: A) => Tensor) & { declaration: OpDeclaration<A> };

/** Declares an op. `type` is the ONNX op_type and the name under which ops/ exports it. */
export function op<A extends object = Attributes>(type: string, rest: Omit<OpDeclaration<A>, "type">): Op<A> {
  const declaration: OpDeclaration<A> = { type, ...rest };
  const call = (inputs: Operand[], attrs?: A): Tensor => {
    const graph = inputs.find((t) => t instanceof Tensor)?.graph;
    if (!graph) throw new ShapeError(`${type}: at least one input has to be a tensor.`);
    const tensors = inputs.map((t) => (t instanceof Tensor ? t : graph.constant(t)));
    return graph.node(declaration as unknown as OpDeclaration, tensors, (attrs ?? {}) as Attributes);
  };
  return Object.assign(call, { declaration });
}
