/**
 * A program whose small inputs and outputs are parts of one tensor. ONNX Runtime takes whole buffers, so a norm's scale, its
 * gradient and its running statistics would each be a tensor with kernels of its own. Parts of a flat input are one Split;
 * a flat output is computed in few kernels (./gathered.ts).
 */
import { Graph, type Output, type Program, type Shape, sizeOf, type Tensor, unshaped } from "../../graph/graph.ts";
import { parted, reshape } from "../../graph/ops/movement.ts";
import { gathered } from "./gathered.ts";

/** A tensor and its parts, by their names in programs. `.grad`, `.updated` and `.new` behind a name are alike for all. */
export interface FlatTensor {
  name: string;
  parts: readonly { name: string; shape: Shape }[];
}

/** The flat tensor to which a name belongs, and what stands behind the part's name. */
interface Place {
  tensor: FlatTensor;
  rest: string;
}

/**
 * A copy of the program that reads and writes flat tensors. An input that is a part of one becomes a slice of the flat input;
 * outputs that are parts become one flat output. All other inputs and outputs keep their names.
 */
export function withFlatMemory(program: Program, tensors: readonly FlatTensor[]): Program {
  const places = new Map(tensors.flatMap((tensor) => tensor.parts.map(({ name }) => [name, tensor] as const)));
  const placeOf = (name: string): Place | undefined => {
    const [, part, rest] = /^(.*?)((?:\.(?:grad|updated|new|average))*)$/.exec(name)!;
    const tensor = places.get(part!);
    return tensor && { tensor, rest: rest! };
  };
  const names = [...program.inputs, ...program.outputs].map(({ name }) => name);
  const graph = new Graph(names);
  const inputs = new FlatInputs(graph);
  const copies = new Map<Tensor, Tensor>();
  for (const t of program.inputs) {
    const place = placeOf(t.name);
    // A program may read the values in another shape than the parameter's.
    copies.set(t, place ? reshape(inputs.part(place, t.name), t.shape) : graph.input(t.name, t.shape, t.dtype));
  }
  for (const { tensor, data } of program.constants) copies.set(tensor, graph.constant(data, tensor.shape));
  for (const { op, inputs, output, attrs, scope } of program.nodes) {
    const given = inputs.map((t) => copies.get(t)!);
    copies.set(
      output,
      graph.scope(scope, () => graph.node(op, given, attrs)),
    );
  }
  const outputs: Output[] = [];
  const flatOutputs = new Map<string, Place & { values: Map<string, Tensor> }>();
  for (const { name, tensor } of program.outputs) {
    const copy = copies.get(tensor)!;
    const place = placeOf(name);
    if (!place) {
      outputs.push({ name, tensor: copy });
      continue;
    }
    const whole = `${place.tensor.name}${place.rest}`;
    const { values } = flatOutputs.get(whole) ?? flatOutputs.set(whole, { ...place, values: new Map() }).get(whole)!;
    values.set(name, copy);
  }
  for (const [name, { tensor, rest, values }] of flatOutputs) {
    // A part that the program does not compute stays as it is in memory.
    const before = rest.replace(/\.(updated|new)$/, "");
    const parts = tensor.parts.map((part) => {
      const value = values.get(`${part.name}${rest}`);
      return unshaped(value ?? inputs.part({ tensor, rest: before }, `${part.name}${before}`));
    });
    outputs.push({ name, tensor: graph.scope(name, () => gathered(parts)) });
  }
  return graph.program(outputs);
}

/** Flat inputs of a graph, made when a part of one is first needed, and their parts. */
class FlatInputs {
  readonly #graph: Graph;
  readonly #parts = new Map<string, Map<string, Tensor>>();

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  part({ tensor, rest }: Place, name: string): Tensor {
    const whole = `${tensor.name}${rest}`;
    const known = this.#parts.get(whole) ?? this.#split(tensor, rest);
    this.#parts.set(whole, known);
    return known.get(name)!;
  }

  #split({ name, parts }: FlatTensor, rest: string): Map<string, Tensor> {
    const size = parts.reduce((total, { shape }) => total + sizeOf(shape), 0);
    const whole = this.#graph.input(`${name}${rest}`, [size]);
    const values = parted(
      whole,
      parts.map(({ shape }) => shape),
    );
    return new Map(parts.map((part, i) => [`${part.name}${rest}`, values[i]!]));
  }
}
