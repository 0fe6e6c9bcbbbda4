/** Average pools as ONNX's own op. Our graphs write them as a convolution with ones and constants of the map's size. */
import { isNodeOf, type Node, op, type Program, type Tensor } from "../../graph/graph.ts";
import { Conv } from "../../graph/ops/conv.ts";
import { Mul } from "../../graph/ops/elementwise.ts";
import { Reshape } from "../../graph/ops/movement.ts";

type PoolAttributes = {
  kernel_shape: readonly number[];
  strides: readonly number[];
  pads: readonly number[];
  count_include_pad: 0 | 1;
};

/** The mean of each window. */
const AveragePool = op<PoolAttributes>("AveragePool", { shape: ([x]) => x! });

/** The program with AveragePool in place of what `averagePool` of graph/ops/pooling.ts builds. */
export const withOnnxPools = (program: Program): Program => ({
  ...program,
  nodes: program.nodes.map((node) => poolOf(node, program) ?? node),
});

/** Reshape(Mul(Mul(Conv(Reshape(x), ones), shares of rows), shares of columns)) */
function poolOf(node: Node, { constants }: Program): Node | undefined {
  if (!isNodeOf(node, Reshape)) return undefined;
  const columns = node.inputs[0]!.producer;
  const rows = isNodeOf(columns, Mul) ? columns.inputs[0]!.producer : undefined;
  const sums = isNodeOf(rows, Mul) ? rows.inputs[0]!.producer : undefined;
  const planes = isNodeOf(sums, Conv) ? sums.inputs[0]!.producer : undefined;
  if (!isNodeOf(sums, Conv) || !isNodeOf(planes, Reshape)) return undefined;
  const valuesOf = (t: Tensor | undefined) => constants.find(({ tensor }) => tensor === t)?.data;
  const ones = valuesOf(sums.inputs[1]);
  const shares = valuesOf(rows?.inputs[1]);
  if (!ones?.every((value) => value === 1) || !shares) return undefined;
  const [, , kernel, width] = sums.inputs[1]!.shape as [number, number, number, number];
  const { strides, pads } = sums.attrs;
  // The first window of a padded axis has fewer values inside than the kernel.
  const count_include_pad = pads.some((by) => by > 0) && shares[0] === Math.fround(1 / kernel) ? 1 : 0;
  const attributes = { kernel_shape: [kernel, width], strides, pads, count_include_pad } as const;
  return { ...AveragePool([planes.inputs[0]!], attributes).producer!, output: node.output, scope: node.scope };
}
