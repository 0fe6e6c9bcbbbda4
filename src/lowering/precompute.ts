/** What weights alone decide in a program is computed once, not for every picture. */
import type { Program, Tensor } from "../graph/graph.ts";

/** Of the memory of weights, what may be made of them: Winograd's form of a 3x3 kernel takes 5.4 times as much. */
const most = 6;

/**
 * A program of a graph's inputs in two: `once` gives what depends on constants and `fixed` inputs alone, as far as it takes at
 * most so many times their memory; `every` takes that as inputs by the same names, and gives what the program gave.
 */
export function prepared(program: Program, fixed: (input: Tensor) => boolean): { once: Program; every: Program } {
  const { graph } = program.outputs[0]!.tensor;
  const known = new Set([...program.inputs.filter(fixed), ...program.constants.map(({ tensor }) => tensor)]);
  const made = new Set<Tensor>();
  for (const { op, inputs, output } of program.nodes) {
    const size = inputs.reduce((total, t) => total + t.size, 0);
    if (output.size > most * size || !inputs.every((t) => known.has(t))) continue;
    known.add(output);
    // To rename values costs nothing.
    if (!op.renames) made.add(output);
  }
  const every = graph.program(program.outputs, made);
  const carried = every.inputs.filter((t) => made.has(t));
  return { once: graph.program(carried.map((tensor) => ({ name: tensor.name, tensor }))), every };
}
