/**
 * Reverse-mode differentiation: adds nodes that compute gradients to the graph of the loss.
 *
 * The reverse walk adds up the gradients of a value that is used several times, and sums the gradient of a broadcast
 * input back to the input's shape, so the rules of ops do neither. Rules are written with ops, so gradients can be
 * differentiated again.
 */
import { type Graph, type Node, none, type Shape, type Tensor } from "./graph.ts";
import { add } from "./ops/elementwise.ts";
import { reshape } from "./ops/movement.ts";
import { Expand, sum } from "./ops/reduce.ts";

/**
 * The gradients of a scalar `loss` with respect to each tensor of `wrt`, in the order and with the shapes of `wrt`. Only nodes on a
 * path from `wrt` to the loss are visited, so all other values count as constants. A tensor that the loss does not
 * depend on gets a constant of zeros.
 * @param renewed replacements for tensors of the forward pass, which gradient rules read instead: weights that have been
 *   updated since the forward pass
 * @throws Error for a loss of more than one value, and for an op on a path that has no gradient rule
 *
 * @example
 * ```ts
 * import { encodeOnnx, Graph, gradient, ops } from "pix2pix";
 * import { nodePlatform } from "pix2pix/node";
 *
 * const graph = new Graph();
 * const x = graph.input("x", [3]);
 * const [dx] = gradient(ops.sum(ops.square(x)), [x]);
 * graph.output("dx", dx!);
 *
 * const { ort } = await nodePlatform();
 * const session = await ort.InferenceSession.create(encodeOnnx(graph.program()));
 * const result = await session.run({ x: new ort.Tensor("float32", Float32Array.of(1, 2, 3), [3]) });
 * console.log(result.dx?.data); // [2, 4, 6]
 * ```
 */
export function gradient(
  loss: Tensor,
  wrt: readonly Tensor[],
  renewed: ReadonlyMap<Tensor, Tensor> = new Map(),
): Tensor[] {
  if (loss.size !== 1) throw new Error(`gradient: the loss has to be a scalar, got [${loss.shape}].`);
  const one = loss.graph.constant(new Float32Array([1]), loss.shape);
  return vectorJacobianProduct(loss, one, wrt, renewed).map((dt, i) => {
    const t = wrt[i]!;
    return dt ? expandTo(dt, t.shape) : loss.graph.constant(new Float32Array(t.size), t.shape);
  });
}

/**
 * The product of `dy` with the Jacobian of `y` with respect to each tensor of `wrt`: if dy is the gradient of a loss with respect to
 * y, the results are the gradients with respect to `wrt`. Undefined for a tensor that y does not depend on. Axes along which a
 * gradient is constant may have size 1.
 * @param independent whether the tensors of `wrt` count as independent variables, as the inputs of an op do, even where the graph
 *   computes one of them from another
 */
function vectorJacobianProduct(
  y: Tensor,
  dy: Tensor,
  wrt: readonly Tensor[],
  renewed: ReadonlyMap<Tensor, Tensor> = new Map(),
  independent = false,
): (Tensor | undefined)[] {
  const { graph } = y;
  const { path, reached } = between(graph, wrt, y, independent);
  const renew = renewal(graph, renewed);
  const gradients = new Map<Tensor, Tensor>([[y, dy]]);
  for (const node of path.reverse()) {
    const byOutput = gradients.get(node.output);
    if (!byOutput) continue;
    graph.scope(`grad(${node.scope})`, () => {
      const inputs = node.inputs.map(renew);
      const needed = node.inputs.map((t) => reached.has(t));
      const parts = partsOf(node, inputs, expandTo(byOutput, node.output.shape), needed);
      node.inputs.forEach((input, i) => {
        const part = parts[i];
        if (!part) return;
        const fitted = sumTo(part, input.shape);
        const before = gradients.get(input);
        gradients.set(input, before ? add(before, fitted) : fitted);
      });
    });
  }
  return wrt.map((t) => gradients.get(t));
}

/**
 * A function that replaces a tensor by its entry in `renewed`. A tensor that depends only on renewed tensors and
 * constants (a reshaped weight) is computed again from the replacements. Any other tensor stays.
 */
function renewal(graph: Graph, renewed: ReadonlyMap<Tensor, Tensor>): (t: Tensor) => Tensor {
  if (renewed.size === 0) return (t) => t;
  const known = new Map(renewed);
  const constant = (t: Tensor) => !t.producer && !graph.inputs.includes(t);
  const renew = (t: Tensor): Tensor => {
    const before = known.get(t);
    if (before) return before;
    const inputs = t.producer?.inputs ?? [];
    const now = inputs.map(renew);
    const changed = now.some((input, i) => input !== inputs[i]);
    const only = now.every((input, i) => input !== inputs[i] || constant(inputs[i]!));
    const result = changed && only ? graph.node(t.producer!.op, now, t.producer!.attrs) : t;
    known.set(t, result);
    return result;
  };
  return renew;
}

/** The gradients of a node's inputs by its op's rule. */
function partsOf(
  { op, output, attrs, scope }: Node,
  inputs: Tensor[],
  dy: Tensor,
  needed: boolean[],
): (Tensor | null)[] {
  if (op.gradient === none) return inputs.map(() => null);
  if (!op.gradient && op.definition) {
    const parts = vectorJacobianProduct(op.definition(inputs, attrs), dy, inputs, undefined, true);
    return inputs.map((t, i) => (needed[i] && inputs.indexOf(t) === i ? (parts[i] ?? null) : null));
  }
  if (!op.gradient) {
    throw new Error(
      `No gradient rule for ${op.type} (${scope || "top level"}). Add \`gradient\` to its declaration in src/graph/ops/.`,
    );
  }
  const parts = op.gradient({ x: inputs, y: output, dy, attrs, needed });
  if (parts.length !== inputs.length) {
    throw new Error(`The gradient rule of ${op.type} returned ${parts.length} gradients for ${inputs.length} inputs.`);
  }
  return parts;
}

/**
 * The nodes on a path from one of `from` to `to`, in execution order, and all tensors that depend on `from`.
 * @param independent whether paths to another tensor of `from` end there
 */
function between(
  graph: Graph,
  from: readonly Tensor[],
  to: Tensor,
  independent: boolean,
): { path: Node[]; reached: ReadonlySet<Tensor> } {
  const reached = new Set<Tensor>(from);
  const ends = new Set(independent ? from : []);
  const forward: Node[] = [];
  for (const node of graph.nodes) {
    if (ends.has(node.output) || !node.inputs.some((t) => reached.has(t))) continue;
    reached.add(node.output);
    forward.push(node);
  }
  const wanted = new Set<Tensor>([to]);
  const kept: Node[] = [];
  for (const node of forward.reverse()) {
    if (!wanted.has(node.output)) continue;
    for (const t of node.inputs) if (reached.has(t)) wanted.add(t);
    kept.push(node);
  }
  return { path: kept.reverse(), reached };
}

/** Broadcasts a gradient to its full shape: rules may leave axes along which it is constant at size 1. */
function expandTo(dy: Tensor, shape: Shape): Tensor {
  return dy.shape.every((n, i) => n === shape[i]) ? dy : Expand([dy], { shape });
}

/** Sums a gradient over the axes along which its input was broadcast. Axes of size 1 along which it is constant stay. */
function sumTo(dy: Tensor, shape: Shape): Tensor {
  if (dy.rank === shape.length && dy.shape.every((n, i) => n === shape[i] || n === 1)) return dy;
  const lead = dy.rank - shape.length;
  const axes = dy.shape.flatMap((n, i) => (i < lead || (shape[i - lead] === 1 && n !== 1) ? [i] : []));
  const total = sum(dy, axes);
  return lead === 0 ? total : reshape(total, total.shape.slice(lead));
}
