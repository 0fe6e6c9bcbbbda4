/**
 * Norms as ONNX's own ops. Our graphs write them with elementary ops that hold the number of pixels as a constant;
 * InstanceNormalization is valid for any size. Runtimes have fast kernels for it and for BatchNormalization.
 */
import { isNodeOf, type Node, op, type Program, type Tensor, unshaped } from "../../graph/graph.ts";
import { Add, Div, Mul, Sqrt, Sub } from "../../graph/ops/elementwise.ts";
import type { Moments } from "../../nn/parameters.ts";

type Epsilon = { epsilon: number };

/** (x - mean) / sqrt(variance + epsilon) * scale + shift, with the statistics of each map of each picture. */
const InstanceNormalization = op<Epsilon>("InstanceNormalization", { shape: ([x]) => x!, floats: ["epsilon"] });
/** The same with given statistics: inputs x, scale, shift, mean, variance. */
const BatchNormalization = op<Epsilon>("BatchNormalization", { shape: ([x]) => x!, floats: ["epsilon"] });

/**
 * The program of a generator, with ONNX's norms.
 * @param program built with statistics "given" or "running"
 * @param norms those whose statistics are inputs of the program (Parameters.norms); they become InstanceNormalization
 */
export function withOnnxNorms(program: Program, norms: readonly (Moments & { x: Tensor })[], epsilon: number): Program {
  const uses = usesOf(program);
  const replaced = new Map<Node, Node>();
  for (const norm of norms) {
    const [old, node] = instanceNorm(norm, uses, epsilon);
    replaced.set(old, node);
  }
  for (const node of program.nodes) {
    const fixed = batchNorm(node, epsilon);
    if (fixed) replaced.set(node, fixed);
  }
  return needed({ ...program, nodes: program.nodes.map((node) => replaced.get(node) ?? node) });
}

/** The norm that standardises by these statistics: its last node, and the node that takes its place. */
function instanceNorm({ x, mean }: Moments & { x: Tensor }, uses: Uses, epsilon: number): [old: Node, node: Node] {
  const after = (node: Node | undefined) => {
    const [next, ...more] = (node && uses.get(node.output)) ?? [];
    return more.length === 0 ? next : undefined;
  };
  const centred = uses.get(mean)?.[0];
  const standardised = after(centred);
  if (!isNodeOf(centred, Sub) || !isNodeOf(standardised, Div)) throw new Error(`${mean.name}: expected a norm.`);
  const scaled = after(standardised);
  const shifted = after(scaled);
  const [scale, shift] = [scaled, shifted].map((node) => node?.inputs[1] && unshaped(node.inputs[1]));
  if (isNodeOf(scaled, Mul) && isNodeOf(shifted, Add) && scale?.rank === 1 && shift?.rank === 1) {
    return [shifted, inPlaceOf(shifted, InstanceNormalization([x, scale, shift], { epsilon }))];
  }
  const channels = x.shape[1]!;
  const all = (value: number) => x.graph.constant(new Float32Array(channels).fill(value), [channels]);
  return [standardised, inPlaceOf(standardised, InstanceNormalization([x, all(1), all(0)], { epsilon }))];
}

/** x * (scale / sqrt(variance + epsilon)) + (shift - mean * (scale / sqrt(variance + epsilon))), as norms.ts writes it. */
function batchNorm(node: Node, epsilon: number): Node | undefined {
  if (!isNodeOf(node, Add)) return undefined;
  const [product, rest] = node.inputs.map((t) => t.producer);
  if (!isNodeOf(product, Mul) || !isNodeOf(rest, Sub)) return undefined;
  const [x, factor] = product.inputs;
  const [shift, moved] = rest.inputs;
  const [quotient, centre] = [factor?.producer, moved?.producer];
  if (!isNodeOf(quotient, Div) || !isNodeOf(centre, Mul) || centre.inputs[1] !== factor) return undefined;
  const root = quotient.inputs[1]?.producer;
  const sum = isNodeOf(root, Sqrt) ? root.inputs[0]?.producer : undefined;
  if (!isNodeOf(sum, Add)) return undefined;
  const vectors = [quotient.inputs[0]!, shift!, centre.inputs[0]!, sum.inputs[0]!].map(unshaped);
  return inPlaceOf(node, BatchNormalization([x!, ...vectors], { epsilon }));
}

/** The node of `y`, with the output and the scope of the node that it replaces. */
const inPlaceOf = ({ output, scope }: Node, { producer }: Tensor): Node => ({ ...producer!, output, scope });

type Uses = ReadonlyMap<Tensor, Node[]>;

function usesOf({ nodes }: Program): Uses {
  const uses = new Map<Tensor, Node[]>();
  for (const node of nodes) for (const input of node.inputs) uses.set(input, [...(uses.get(input) ?? []), node]);
  return uses;
}

/** The program without nodes, inputs and constants that its outputs do not need, with those constants that are new. */
function needed({ inputs, nodes, outputs }: Program): Program {
  const wanted = new Set(outputs.map(({ tensor }) => tensor));
  const kept = [...nodes].reverse().filter(({ output, inputs: sources }) => {
    if (!wanted.has(output)) return false;
    for (const source of sources) wanted.add(source);
    return true;
  });
  const { graph } = outputs[0]!.tensor;
  return {
    inputs: inputs.filter((t) => wanted.has(t)),
    constants: graph.constants.filter(({ tensor }) => wanted.has(tensor)),
    nodes: kept.reverse(),
    outputs,
  };
}
