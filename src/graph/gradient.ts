/**
 * Reverse-mode differentiation: adds the nodes that compute d loss / d parameter to the loss's graph.
 *
 * The walk accumulates where a value is used more than once and sums a broadcast gradient back to its input's shape, so
 * that rules need to do neither. It knows no op by name. Rules are written with ops: gradients can be differentiated again.
 */
import { type Graph, type Node, none, type Shape, type Tensor } from "./graph.ts";
import { add } from "./ops/elementwise.ts";
import { reshape } from "./ops/movement.ts";
import { Expand, sum } from "./ops/reduce.ts";

/**
 * The gradients of a scalar `loss` by each tensor of `wrt`, in order. What does not lead from `wrt` to the loss is not
 * visited (a value that no parameter of `wrt` reaches is thereby detached). A parameter that the loss does not depend on
 * gets a zero constant.
 * @param renewed what the rules see in the place of a tensor of the forward pass: a derivative through weights that have
 *   changed since
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
  const { graph } = loss;
  if (loss.size !== 1) throw new Error(`gradient: the loss has to be a scalar, got [${loss.shape}].`);
  const { path, reached } = between(graph, wrt, loss);
  const see = renewal(graph, renewed);
  const gradients = new Map<Tensor, Tensor>([[loss, graph.constant(new Float32Array([1]), loss.shape)]]);
  for (const node of path.reverse()) {
    const dy = gradients.get(node.output);
    if (!dy) continue;
    graph.scope(`grad(${node.scope})`, () => {
      const seen = node.inputs.map(see);
      const needed = node.inputs.map((t) => reached.has(t));
      const parts = ruleOf(node, seen, expandTo(dy, node.output.shape), needed);
      node.inputs.forEach((input, i) => {
        const part = parts[i];
        if (!part) return;
        const fitted = sumTo(part, input.shape);
        const before = gradients.get(input);
        gradients.set(input, before ? add(before, fitted) : fitted);
      });
    });
  }
  return wrt.map((t) => {
    const dt = gradients.get(t);
    return dt ? expandTo(dt, t.shape) : graph.constant(new Float32Array(t.size), t.shape);
  });
}

/**
 * What rules see in the place of a tensor: what stands for it, the same values computed of those where it is computed of such
 * tensors and constants alone (a weight in another shape, padded or transformed), else itself.
 */
function renewal(graph: Graph, renewed: ReadonlyMap<Tensor, Tensor>): (t: Tensor) => Tensor {
  if (renewed.size === 0) return (t) => t;
  const known = new Map(renewed);
  const constant = (t: Tensor) => !t.producer && !graph.inputs.includes(t);
  const see = (t: Tensor): Tensor => {
    const before = known.get(t);
    if (before) return before;
    const inputs = t.producer?.inputs ?? [];
    const now = inputs.map(see);
    const ofWeights = now.some((input, i) => input !== inputs[i]);
    const alone = now.every((input, i) => input !== inputs[i] || constant(inputs[i]!));
    const seen = ofWeights && alone ? graph.node(t.producer!.op, now, t.producer!.attrs) : t;
    known.set(t, seen);
    return seen;
  };
  return see;
}

function ruleOf(
  { op, output, attrs, scope }: Node,
  inputs: Tensor[],
  dy: Tensor,
  needed: boolean[],
): (Tensor | null)[] {
  if (op.gradient === none) return inputs.map(() => null);
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

/** The nodes that lie on a path from one of `from` to `to`, in order, and all tensors that depend on `from`. */
function between(graph: Graph, from: readonly Tensor[], to: Tensor): { path: Node[]; reached: ReadonlySet<Tensor> } {
  const reached = new Set<Tensor>(from);
  const forward: Node[] = [];
  for (const node of graph.nodes) {
    if (!node.inputs.some((t) => reached.has(t))) continue;
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

/** A rule may leave axes at size 1 along which a gradient is constant; here it takes its full shape. */
function expandTo(dy: Tensor, shape: Shape): Tensor {
  return dy.shape.every((n, i) => n === shape[i]) ? dy : Expand([dy], { shape });
}

/** Sums a gradient over the axes along which its input was broadcast. */
function sumTo(dy: Tensor, shape: Shape): Tensor {
  if (dy.rank === shape.length && dy.shape.every((n, i) => n === shape[i] || n === 1)) return dy;
  const lead = dy.rank - shape.length;
  const axes = dy.shape.flatMap((n, i) => (i < lead || (shape[i - lead] === 1 && n !== 1) ? [i] : []));
  const total = sum(dy, axes);
  return lead === 0 ? total : reshape(total, total.shape.slice(lead));
}
