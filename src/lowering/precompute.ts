/** Computes what depends only on the weights once, instead of for every picture. */
import type { Program, Tensor } from "../graph/graph.ts";

/**
 * Most memory that a precomputed value may take, relative to its inputs: Winograd's form of a 3x3 kernel takes 5.4 times
 * as much.
 */
const mostGrowth = 6;

/**
 * Splits a program in two. `fromWeights` computes the values that depend only on weights and constants and take at most
 * `mostGrowth` times their memory; `perPicture` reads them as inputs of the same names and has the program's outputs.
 * @param isWeight which inputs of the program stay as they are between runs
 */
export function splitOffWeights(
  program: Program,
  isWeight: (input: Tensor) => boolean,
): { fromWeights: Program; perPicture: Program } {
  const { graph } = program.outputs[0]!.tensor;
  const known = new Set([...program.inputs.filter(isWeight), ...program.constants.map(({ tensor }) => tensor)]);
  const computed = new Set<Tensor>();
  for (const { op, inputs, output } of program.nodes) {
    const size = inputs.reduce((total, t) => total + t.size, 0);
    if (output.size > mostGrowth * size || !inputs.every((t) => known.has(t))) continue;
    known.add(output);
    // A reshape costs nothing, so its result need not be kept.
    if (!op.renames) computed.add(output);
  }
  const perPicture = graph.program(program.outputs, computed);
  const carried = perPicture.inputs.filter((t) => computed.has(t));
  return { fromWeights: graph.program(carried.map((tensor) => ({ name: tensor.name, tensor }))), perPicture };
}
