/**
 * Small values side by side in few kernels: where all are computed by the same elementwise op, its operands are put side by
 * side instead, and the op runs once on all. The blends of 26 running statistics, 3 or 5 ops each, become 5 kernels and
 * those that join the new means and variances.
 */
import { type OpDeclaration, type Tensor, unshaped } from "../../graph/graph.ts";
import { Add, Div, Mul, Neg, Sub } from "../../graph/ops/elementwise.ts";
import { flat, reshape, Slice, slice } from "../../graph/ops/movement.ts";

const elementwise: ReadonlySet<OpDeclaration> = new Set(
  [Add, Sub, Mul, Div, Neg].map(({ declaration }) => declaration),
);

/** Values from which one op on all of them saves kernels: to join operands is a kernel as well. */
const fewest = 3;

/** The `flat` of values of one graph. */
export function gathered(values: readonly Tensor[]): Tensor {
  const runs: Tensor[][] = [];
  for (const value of values.map(unshaped)) {
    const run = runs.at(-1);
    if (run && run[0]!.producer?.op === value.producer?.op) run.push(value);
    else runs.push([value]);
  }
  return flat(runs.flatMap((run) => partOf(run) ?? atOnce(run) ?? run));
}

/** Values of one op, computed at once and side by side; undefined if that is not possible or saves nothing. */
function atOnce(run: readonly Tensor[]): Tensor | undefined {
  const { graph, producer } = run[0]!;
  if (!producer || !elementwise.has(producer.op) || run.length < fewest) return undefined;
  const operands = producer.inputs.map((_, i) => operandOf(run, i));
  return operands.every((t) => t !== undefined) ? graph.node(producer.op, operands, producer.attrs) : undefined;
}

/** The operand of index i for values at once: those of all values side by side, or a number that all share. */
function operandOf(run: readonly Tensor[], i: number): Tensor | undefined {
  const operands = run.map(({ producer }) => producer!.inputs[i]!);
  const [first] = operands as [Tensor];
  const { graph } = first;
  if (operands.every((t) => t === first) && first.size === 1) return reshape(first, []);
  const numbers = operands.map((t) => (t.size === 1 ? graph.valuesOf(t)?.[0] : undefined));
  if (numbers.every((n) => n !== undefined)) {
    const sizes = run.map(({ size }) => size);
    return graph.constant(Float32Array.from(numbers.flatMap((n, k) => Array<number>(sizes[k]!).fill(n))), [
      sizes.reduce((total, size) => total + size, 0),
    ]);
  }
  return operands.every((t, k) => t.size === run[k]!.size) ? gathered(operands) : undefined;
}

/** Slices that lie side by side in one tensor, as that part of it. */
function partOf(run: readonly Tensor[]): Tensor | undefined {
  const places = run.map(placeOf);
  const [first] = places;
  if (!first) return undefined;
  let end = first.start;
  for (const [i, place] of places.entries()) {
    if (place?.whole !== first.whole || place.start !== end) return undefined;
    end += run[i]!.size;
  }
  return slice(first.whole, [0], [first.start], [end]);
}

/** Where the values of a slice of a vector, or of a slice of a slice, lie. */
function placeOf(t: Tensor): { whole: Tensor; start: number } | undefined {
  const { producer } = unshaped(t);
  if (producer?.op !== Slice.declaration || producer.output.rank !== 1) return undefined;
  const [source] = producer.inputs as [Tensor];
  const [start] = producer.attrs.starts as readonly [number];
  const outer = placeOf(source);
  return outer ? { whole: outer.whole, start: outer.start + start } : { whole: source, start };
}
