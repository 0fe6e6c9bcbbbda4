/** One or more samples of every op: shapes, attributes, and the op's definition in the ONNX documentation. */
import type { Attributes, Op, Shape } from "../../src/graph/graph.ts";
import * as ops from "../../src/graph/ops/index.ts";

/** The value of an input at an index. Axes of size 1 repeat (broadcasting); outside the tensor it is 0. */
export type At = (...index: number[]) => number;

export interface Sample {
  shapes: Shape[];
  attrs?: Attributes;
  /** The value of the output at `i`. */
  y(i: number[], ...x: At[]): number;
  /**
   * The range of the random inputs: normal by default, above 1, at least 0.25 away from 0 and from +-1, or different whole
   * numbers.
   */
  draw?: "positive" | "away" | "apart";
  /** Inputs beyond the tensors of `shapes`, as numbers. */
  numbers?: number[];
  /** Inputs that are bools, true where the drawn value is above 0. */
  bools?: number[];
  /** The gradient is differentiated too. */
  second?: boolean;
  /** The gradient is `none`. */
  none?: boolean;
}

const vector: Shape = [3, 5];
const both = { second: true };
const unary = (f: (x: number) => number, more: Partial<Sample> = {}): Sample[] => [
  { shapes: [vector], y: (i, x) => f(x(...i)), ...more },
];
const binary = (f: (a: number, b: number) => number, more: Partial<Sample> = {}): Sample[] =>
  [
    [vector, vector],
    [
      [2, 3, 4, 5],
      [3, 1, 1],
    ],
    [
      [4, 1],
      [2, 1, 5],
    ],
    [[], [2, 2]],
  ].map((shapes) => ({ shapes, y: (i, a, b) => f(a!(...i), b!(...i)), ...more }));

const sumOf = (from: number[], f: (j: number) => number) => from.reduce((total, j) => total + f(j), 0);
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

/** Reduction over axes 1 and 3 of [2, 3, 4, 5], and over all. */
const reduced = (f: (x: number) => number, count: number): Sample[] => [
  {
    shapes: [[2, 3, 4, 5]],
    attrs: { axes: [1, 3] },
    y: ([n, , h], x) => sumOf(upTo(3), (c) => sumOf(upTo(5), (w) => f(x!(n!, c, h!, w)))) / (count === 1 ? 1 : 15),
    ...both,
  },
  {
    shapes: [[2, 3]],
    attrs: { axes: [0, 1] },
    y: (_, x) => sumOf(upTo(2), (n) => sumOf(upTo(3), (c) => f(x!(n, c)))) / (count === 1 ? 1 : 6),
  },
];

const gemm = (transA: 0 | 1, transB: 0 | 1, bias: boolean): Sample => ({
  shapes: [transA ? [4, 2] : [2, 4], transB ? [3, 4] : [4, 3], ...(bias ? [[2, 3]] : [])],
  attrs: { transA, transB },
  y: ([m, n], a, b, c) =>
    sumOf(upTo(4), (k) => (transA ? a!(k, m!) : a!(m!, k)) * (transB ? b!(n!, k) : b!(k, n!))) + (c?.(m!, n!) ?? 0),
  ...both,
});

/** Stride 2, padding 1 on top and left only, dilation 2 along the width. */
const geometry = { strides: [2, 2], pads: [1, 1, 0, 0], dilations: [1, 2] };

export const table: Record<string, Sample[]> = {
  Add: binary((a, b) => a + b),
  Sub: binary((a, b) => a - b),
  Mul: binary((a, b) => a * b, both),
  Div: binary((a, b) => a / b, { ...both, draw: "positive" }),
  Neg: unary((x) => -x),
  Sqrt: unary(Math.sqrt, { ...both, draw: "positive" }),
  Reciprocal: unary((x) => 1 / x, { ...both, draw: "positive" }),
  Exp: unary(Math.exp, both),
  Log: unary(Math.log, { ...both, draw: "positive" }),
  Tanh: unary(Math.tanh, both),
  Sigmoid: unary((x) => 1 / (1 + Math.exp(-x)), both),
  BatchNorm: [
    {
      shapes: [
        [2, 3, 4, 5],
        [1, 3, 1, 1],
        [1, 3, 1, 1],
      ],
      attrs: { epsilon: 0.01 },
      y: ([n, c, h, w], x, scale, shift) => {
        const all = upTo(2).flatMap((n) => upTo(4).flatMap((h) => upTo(5).map((w) => x!(n, c!, h, w))));
        const mean = all.reduce((sum, v) => sum + v) / all.length;
        const variance = all.reduce((sum, v) => sum + (v - mean) ** 2, 0) / all.length;
        return ((x!(n!, c!, h!, w!) - mean) / Math.sqrt(variance + 0.01)) * scale!(0, c!, 0, 0) + shift!(0, c!, 0, 0);
      },
      ...both,
    },
  ],
  Slope: unary((x) => (x > 0 ? 1 : 0.25), { attrs: { low: 0.25 }, none: true }),
  Softplus: unary((x) => Math.log(1 + Math.exp(x)), both),
  Abs: unary(Math.abs, { ...both, draw: "away" }),
  Relu: unary((x) => Math.max(x, 0), { ...both, draw: "away" }),
  LeakyRelu: unary((x) => (x > 0 ? x : 0.2 * x), { ...both, attrs: { alpha: 0.2 }, draw: "away" }),
  Clip: unary((x) => Math.min(Math.max(x, -1), 1), { ...both, numbers: [-1, 1], draw: "away" }),
  Greater: binary((a, b) => Number(a > b), { none: true }),
  Less: binary((a, b) => Number(a < b), { none: true }),
  Cast: unary((x) => Number(x > 0), { none: true, attrs: { to: 1 }, bools: [0] }),
  Where: [
    {
      shapes: [
        [3, 1],
        [3, 5],
        [1, 5],
      ],
      bools: [0],
      y: (i, condition, a, b) => (condition!(...i) > 0 ? a!(...i) : b!(...i)),
      ...both,
    },
  ],

  Conv: [
    {
      shapes: [[2, 3, 6, 7], [4, 3, 3, 2], [4]],
      attrs: geometry,
      y: ([n, o, p, q], x, w, b) =>
        b!(o!) +
        sumOf(upTo(3), (c) =>
          sumOf(upTo(3), (i) => sumOf(upTo(2), (j) => x!(n!, c, 2 * p! + i - 1, 2 * q! + 2 * j - 1) * w!(o!, c, i, j))),
        ),
      ...both,
    },
  ],
  DepthwiseConv: [
    {
      shapes: [
        [2, 3, 6, 7],
        [3, 1, 3, 2],
      ],
      attrs: { ...geometry, group: 3 },
      y: ([n, c, p, q], x, w) =>
        sumOf(upTo(3), (i) => sumOf(upTo(2), (j) => x!(n!, c!, 2 * p! + i - 1, 2 * q! + 2 * j - 1) * w!(c!, 0, i, j))),
      ...both,
    },
    {
      shapes: [
        [1, 8, 4, 5],
        [8, 1, 4, 4],
      ],
      attrs: { strides: [1, 1], pads: [1, 1, 2, 2], dilations: [1, 1], group: 8 },
      y: ([n, c, p, q], x, w) =>
        sumOf(upTo(4), (i) => sumOf(upTo(4), (j) => x!(n!, c!, p! + i - 1, q! + j - 1) * w!(c!, 0, i, j))),
      ...both,
    },
  ],
  ConvTranspose: [
    {
      shapes: [[2, 4, 3, 3], [4, 3, 3, 2], [3]],
      attrs: { ...geometry, output_padding: [1, 0] },
      y: ([n, o, p, q], x, w, b) =>
        b!(o!) +
        sumOf(upTo(4), (c) =>
          sumOf(upTo(3), (i) =>
            sumOf(upTo(2), (j) => {
              const [row, column] = [(p! + 1 - i) / 2, (q! + 1 - 2 * j) / 2];
              return Number.isInteger(row) && Number.isInteger(column) ? x!(n!, c, row, column) * w!(c, o!, i, j) : 0;
            }),
          ),
        ),
      ...both,
    },
  ],
  // Of two maps.
  ConvWeightGradient: [
    {
      shapes: [
        [2, 3, 6, 7],
        [2, 4, 3, 3],
        [1, 3, 6, 7],
        [1, 4, 3, 3],
      ],
      attrs: { ...geometry, kernel: [3, 2] },
      y: ([o, c, i, j], x, dy, x2, dy2) => {
        const seen = (n: number, x: At, dy: At) =>
          sumOf(upTo(3), (p) => sumOf(upTo(3), (q) => x(n, c!, 2 * p + i! - 1, 2 * q + 2 * j! - 1) * dy(n, o!, p, q)));
        return seen(0, x!, dy!) + seen(1, x!, dy!) + seen(0, x2!, dy2!);
      },
      ...both,
    },
  ],
  MatMul: [
    {
      shapes: [
        [2, 3, 4],
        [2, 4, 5],
      ],
      y: ([n, i, k], a, b) => sumOf(upTo(4), (j) => a!(n!, i!, j) * b!(n!, j, k!)),
      ...both,
    },
  ],
  MaxPool: [
    {
      shapes: [[2, 2, 7, 6]],
      attrs: { kernel_shape: [3, 2], strides: [2, 2], pads: [0, 0, 0, 0] },
      y: ([n, c, p, q], x) => largest(3, 2, (i, j) => x!(n!, c!, 2 * p! + i, 2 * q! + j)),
      draw: "apart",
      ...both,
    },
    {
      // Windows that overlap, and all values below 0: the edge must not count as 0.
      shapes: [[1, 2, 4, 5]],
      attrs: { kernel_shape: [3, 3], strides: [1, 2], pads: [1, 0, 1, 2] },
      y: ([n, c, p, q], x) =>
        largest(3, 3, (i, j) => {
          const [row, column] = [p! + i - 1, 2 * q! + j];
          return row < 0 || row > 3 || column > 4 ? Number.NEGATIVE_INFINITY : x!(n!, c!, row, column);
        }),
      draw: "apart",
      ...both,
    },
  ],
  Gemm: [gemm(0, 0, false), gemm(0, 1, true), gemm(1, 0, true), gemm(1, 1, false)],

  Identity: unary((x) => x),
  Reshape: [{ shapes: [[2, 6]], attrs: { shape: [3, 1, 4] }, y: ([a, , c], x) => x!(...divided(4 * a! + c!, 6)) }],
  Transpose: [
    { shapes: [[2, 3, 4, 5]], attrs: { perm: [2, 0, 3, 1] }, y: ([a, b, c, d], x) => x!(b!, d!, a!, c!) },
    { shapes: [[3, 2]], attrs: { perm: [1, 0] }, y: ([a, b], x) => x!(b!, a!) },
  ],
  Concat: [
    {
      shapes: [
        [2, 1, 3],
        [2, 4, 3],
        [2, 2, 3],
      ],
      attrs: { axis: 1 },
      y: ([a, b, c], x, y, z) => (b! < 1 ? x!(a!, b!, c!) : b! < 5 ? y!(a!, b! - 1, c!) : z!(a!, b! - 5, c!)),
    },
  ],
  Slice: [
    {
      shapes: [[4, 5, 3]],
      attrs: { axes: [1, 0], starts: [1, 2], ends: [4, 4], steps: [1, 1] },
      y: ([a, b, c], x) => x!(a! + 2, b! + 1, c!),
    },
    {
      shapes: [[4, 5]],
      attrs: { axes: [0, 1], starts: [3, 4], ends: [-(2 ** 31), -(2 ** 31)], steps: [-1, -1] },
      y: ([a, b], x) => x!(3 - a!, 4 - b!),
    },
    {
      shapes: [[7, 9, 2]],
      attrs: { axes: [0, 1], starts: [1, 7], ends: [6, -(2 ** 31)], steps: [2, -3] },
      y: ([a, b, c], x) => x!(1 + 2 * a!, 7 - 3 * b!, c!),
      ...both,
    },
  ],
  Pad: [
    { shapes: [[2, 3]], attrs: { pads: [1, 0, 2, 3] }, y: ([a, b], x) => x!(a! - 1, b!) },
    {
      shapes: [[2, 4, 3]],
      attrs: { pads: [0, 3, 1, 0, 1, 2], mode: "reflect" },
      y: ([a, b, c], x) => x!(a!, mirrored(b! - 3, 4), mirrored(c! - 1, 3)),
    },
  ],
  SpaceToDepth: [
    {
      shapes: [[2, 3, 4, 6]],
      attrs: { blocksize: 2 },
      // Channels of the output: (row in block, column in block, channel).
      y: ([n, c, h, w], x) => x!(n!, c! % 3, 2 * h! + Math.floor(c! / 6), 2 * w! + (Math.floor(c! / 3) % 2)),
    },
  ],
  DepthToSpace: [
    {
      shapes: [[2, 12, 2, 3]],
      attrs: { blocksize: 2, mode: "DCR" },
      y: ([n, c, h, w], x) => x!(n!, 6 * (h! % 2) + 3 * (w! % 2) + c!, Math.floor(h! / 2), Math.floor(w! / 2)),
    },
    {
      shapes: [[2, 12, 2, 3]],
      attrs: { blocksize: 2, mode: "CRD" },
      y: ([n, c, h, w], x) => x!(n!, 4 * c! + 2 * (h! % 2) + (w! % 2), Math.floor(h! / 2), Math.floor(w! / 2)),
    },
  ],

  ReduceSum: reduced((x) => x, 1),
  ReduceMean: reduced((x) => x, 15),
  ReduceSumSquare: reduced((x) => x * x, 1),
  Expand: [
    { shapes: [[3, 1]], attrs: { shape: [2, 3, 4] }, y: (i, x) => x!(...i), ...both },
    { shapes: [[]], attrs: { shape: [2] }, y: (i, x) => x!(...i) },
  ],
};

/** The largest value of a window. */
function largest(rows: number, columns: number, at: (i: number, j: number) => number): number {
  return Math.max(...upTo(rows).flatMap((i) => upTo(columns).map((j) => at(i, j))));
}

/** The index that position `i` has in an axis of `n` values that is mirrored about its first and last value. */
function mirrored(i: number, n: number): number {
  return n - 1 - Math.abs(n - 1 - Math.abs(i));
}

function divided(value: number, by: number): [number, number] {
  return [Math.floor(value / by), value % by];
}

/** The capitalised exports of src/graph/ops: the declared ops by export name. */
export const declared: Record<string, Op> = Object.fromEntries(
  Object.entries(ops).filter(([, value]) => typeof value === "function" && "declaration" in value),
) as Record<string, Op>;
