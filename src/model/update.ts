/** Programs on gradients and parameters that run between the backward pass and the optimiser. */
import { Graph, type Output, type Program } from "../graph/graph.ts";
import { add, Clip, div, mul, sqrt } from "../graph/ops/elementwise.ts";
import { reshape } from "../graph/ops/movement.ts";
import { sumSquare } from "../graph/ops/reduce.ts";
import type { ParameterSpec, Parameters } from "../nn/parameters.ts";
import type { ModelOptions } from "./losses.ts";

/** Scalar inputs of `accumulated`: 0 for the first batch of a step, else 1; and the batch's share of the samples of the step. */
export const keepInput = "accumulate.keep";
export const shareInput = "accumulate.share";

/**
 * With --accumulate the sum of the gradients over the batches of a step, weighted by their samples: "<name>" is replaced by
 * "<name>.new" = keep * "<name>" + share * gradient. Without it the gradients as they are.
 */
export function accumulated(
  graph: Graph,
  gradients: readonly Output[],
  { accumulate }: Pick<ModelOptions, "accumulate">,
): Output[] {
  if (accumulate === 1) return [...gradients];
  const keep = graph.input(keepInput, []);
  const share = graph.input(shareInput, []);
  return gradients.map(({ name, tensor }) => {
    const before = graph.input(name, tensor.shape);
    return { name: `${name}.new`, tensor: add(mul(before, keep), mul(tensor, share)) };
  });
}

/** Scales a network's gradients so that the norm of all of them together is at most `limit` (torch's clip_grad_norm_). */
export function clipping({ network, trainable }: Parameters, limit: number): Program {
  const graph = new Graph();
  const gradients = trainable.map(({ name, shape }) => graph.input(`${network}.${name}.grad`, shape));
  const norm = sqrt(gradients.map((g) => reshape(sumSquare(g), [])).reduce(add));
  const factor = Clip([div(limit, add(norm, 1e-6)), 0, 1]);
  return graph.program(gradients.map((g) => ({ name: `${g.name}.new`, tensor: mul(g, factor) })));
}

/** Sets the biases of a network's convolutions to 0; no program where it has none. Biases of norms stay. */
export function zeroing({ network, specs }: Parameters): Program[] {
  const graph = new Graph();
  const names = new Set(specs.map(({ name }) => name));
  const ofConvolution = ({ name, role }: ParameterSpec) =>
    role === "bias" && !names.has(name.replace(/bias$/, "running_mean"));
  const biases = specs.filter(ofConvolution).map(({ name, shape }) => graph.input(`${network}.${name}`, shape));
  if (biases.length === 0) return [];
  return [graph.program(biases.map((bias) => ({ name: `${bias.name}.new`, tensor: mul(bias, 0) })))];
}
