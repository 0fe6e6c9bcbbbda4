/**
 * The rewriting pass that lowers finished programs for a device.
 *
 * A graph states what is computed, in few and plain ops, and gradients are built from those. A table of forms (./cpu.ts,
 * ./gpu.ts) then replaces an op by other ops that a device computes faster. The pass copies a program into a new graph and
 * applies the table to every node, and also to the nodes that a form adds.
 */
import {
  type Attributes,
  Graph,
  type Op,
  type OpDeclaration,
  type Output,
  type Program,
  type Shape,
  type Tensor,
  unshaped,
} from "../graph/graph.ts";

/**
 * Computes the output of an op from `inputs` by other ops, which it adds to the inputs' graph. Returns undefined if the
 * form does not apply or is slower. Besides shapes and attributes the choice depends on `options`.
 */
export type BuildForm<A extends Attributes, Options = undefined> = (
  inputs: Tensor[],
  attrs: A,
  options: Options,
) => Tensor | undefined;

/** An entry of a table of forms. */
export interface Form<Options = undefined> {
  op: OpDeclaration;
  build: BuildForm<Attributes, Options>;
}

/** A form of `op`. */
export function form<A extends Attributes, Options = undefined>(
  op: Op<A>,
  build: BuildForm<A, Options>,
): Form<Options> {
  // The pass looks a form up by its op, so the attributes are those of the op.
  return { op: op.declaration, build: (inputs, attrs, options) => build(inputs, attrs as A, options) };
}

/** A graph that replaces each new node by the first form of the table that applies, else by its definition, if it has one. */
class LoweredGraph<Options> extends Graph {
  readonly #forms = new Map<OpDeclaration, Form<Options>[]>();
  readonly #options: Options;

  constructor(reserved: Iterable<string>, forms: readonly Form<Options>[], options: Options) {
    super(reserved);
    this.#options = options;
    for (const each of forms) this.#forms.set(each.op, [...(this.#forms.get(each.op) ?? []), each]);
  }

  protected override make(op: OpDeclaration, inputs: Tensor[], attrs: Attributes, shape: Shape): Tensor {
    for (const { build } of this.#forms.get(op) ?? []) {
      const lowered = build(inputs, attrs, this.#options);
      if (lowered) return lowered;
    }
    if (op.definition) return op.definition(inputs, attrs);
    return super.make(op, inputs, attrs, shape);
  }
}

/** One program, lowered. Inputs and outputs keep their names and shapes. */
export function lowerProgram<Options>(program: Program, forms: readonly Form<Options>[], options: Options): Program {
  const { graph, outputs } = copied([program], forms, options);
  return graph.program(outputs[0]);
}

export interface StepChoices {
  /**
   * The values that the second program of a graph computes again instead of reading them from the first; by default
   * none.
   */
  recomputed?: ((graph: Graph) => (t: Tensor) => boolean) | undefined;
  /**
   * Which outputs, by name, may have another shape of the same values; by default none. A Reshape at their end, which would
   * copy them, is left out.
   */
  anyShape?: ((name: string) => boolean) | undefined;
}

/**
 * The programs of a training step, lowered, in their order. Two programs of one graph are lowered together and split
 * again, so that the second reads from the first every value that both need, including intermediate values of forms.
 */
export function lowerStep<Options>(
  programs: readonly Program[],
  forms: readonly Form<Options>[],
  options: Options,
  { recomputed = () => () => false, anyShape = () => false }: StepChoices,
): Program[] {
  const result = ({ name, tensor }: Output): Output => ({ name, tensor: anyShape(name) ? unshaped(tensor) : tensor });
  const all: Program[] = [];
  for (const [i, first] of programs.entries()) {
    const k = programs.findIndex((other, k) => k > i && graphOf(other) === graphOf(first));
    const second = programs[k];
    if (all[i]) continue;
    if (!second) {
      const { graph, outputs } = copied([first], forms, options);
      all[i] = graph.program(outputs[0]!.map(result));
      continue;
    }
    // The values that the first program leaves to the second are not copied as outputs: `split` determines them again.
    const carried = new Set(second.inputs);
    const own = first.outputs.filter(({ name, tensor }) => name !== tensor.name || !carried.has(tensor));
    const { graph, outputs } = copied([{ ...first, outputs: own }, second], forms, options);
    const split = graph.split(outputs[0]!.map(result), outputs[1]!.map(result), recomputed(graph));
    [all[i], all[k]] = [split.first, split.second];
  }
  return all;
}

const graphOf = (program: Program): Graph => program.outputs[0]!.tensor.graph;

/** Programs of one graph, copied into one lowered graph, and the outputs of each. */
function copied<Options>(
  programs: readonly Program[],
  forms: readonly Form<Options>[],
  options: Options,
): { graph: Graph; outputs: Output[][] } {
  const names = programs.flatMap(({ inputs, outputs }) => [...inputs, ...outputs].map(({ name }) => name));
  const graph = new LoweredGraph(names, forms, options);
  const copies = new Map<Tensor, Tensor>();
  const copy = (t: Tensor, make: () => Tensor) => copies.get(t) ?? copies.set(t, make()).get(t)!;
  const outputs = programs.map((program) => {
    for (const t of program.inputs) copy(t, () => graph.input(t.name, t.shape, t.dtype));
    for (const { tensor, data } of program.constants) copy(tensor, () => graph.constant(data, tensor.shape));
    for (const { op, inputs, output, attrs, scope } of program.nodes) {
      const given = inputs.map((t) => copies.get(t)!);
      graph.scope(scope, () => copy(output, () => graph.node(op, given, attrs)));
    }
    return program.outputs.map(({ name, tensor }) => ({ name, tensor: copies.get(tensor)! }));
  });
  return { graph, outputs };
}
