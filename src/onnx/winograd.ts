/**
 * Winograd's form of a convolution of stride 1 and of its gradients (Lavin and Gray 2016, arXiv 1509.09308): tiles of 7 x 7
 * values give m x m results (m = 8 - kernel) by 49 products instead of (m * kernel)^2, so 4x4 kernels take 0.19 and 3x3 kernels
 * 0.22 of the multiplications of the plain form.
 *
 * With the linear transforms B of a tile x, G of a kernel w and A of the products, y = A (G w * B x), where * is a product over
 * channels at each of the 49 points. The gradients are what follows from that: dx = B' (G w * A' dy) and dw = G' (A' dy * B x),
 * B' being the transpose of B. So all three are products of two of the same three operands. They lie in memory as a grouped Conv
 * in blocks takes them, a point a group; what is an input of one product is the filters of another:
 *
 *          filters [out / b, in, b]       input [in / b, positions, b]
 *     y    G w   [O / b, C, b]            B x   [C / b, places, b]
 *     dx   A' dy [places / b, O, b]       G w   [O / b, C, b]
 *     dw   B x   [C / b, places, b]       A' dy [places / b, O, b]
 */
import { type Shape, sizeOf, type Tensor } from "../graph.ts";
import {
  Conv,
  type ConvAttributes,
  ConvTranspose,
  type ConvTransposeAttributes,
  type ConvWeightGradientAttributes,
} from "../ops/conv.ts";
import { add } from "../ops/elementwise.ts";
import { gemm, MatMul } from "../ops/linear.ts";
import { concat, reshape, slice, transpose } from "../ops/movement.ts";
import { blocked, type CpuForm, exchanged, GroupedConv, plain, pointwise } from "./blocks.ts";
import { pairsOf } from "./weight-gradients.ts";

/**
 * Where the polynomials are evaluated, infinity aside: small numbers, which keep the rounding error at 4e-6 of a result. With one
 * point less it is 2e-6 and a step takes 1.04 of the time; with one more neither gets better.
 */
const points = [0, 1, -1, 0.5, -2, 2];
const tile = points.length + 1;
/** Of a tile along both axes. */
const count = tile * tile;

/** y = Conv(x, w) (+ b). */
export const winograd: CpuForm = ([x, w, b], attrs, { block }) => {
  const map = Conv.declaration.shape([x!.shape, w!.shape], attrs as unknown as ConvAttributes);
  const g = geometryOf(x!.shape, w!.shape, map, attrs as unknown as ConvAttributes, block);
  if (!g) return undefined;
  const { n, cout, m, tiles, places } = g;
  const product = multiplied(g, kernelsOf(g, w!), inputOf(g, x!), [cout, g.cin, n * places]);
  const results = gemm(constant(x!, g.output, [count, m * m]), reshape(product, [count, cout * n * places]), 1, 0);
  // From [row in tile, column in tile, channels, n, tile row, tile column, channel in block] to maps, cut to their size.
  const placed = transpose(reshape(results, [m, m, cout / g.block, n, ...tiles, g.block]), [3, 2, 4, 0, 5, 1, 6]);
  const maps = reshape(placed, [(n * cout) / g.block, m * tiles[0], m * tiles[1], g.block]);
  const cut = reshape(slice(maps, [1, 2], [0, 0], map.slice(2)), map);
  const y = g.block === 1 ? cut : plain(cut);
  return b ? add(y, reshape(b, [1, cout, 1, 1])) : y;
};

/** The gradient by x: a ConvTranspose of dy. */
export const winogradInputGradient: CpuForm = ([dy, w, b], attrs, { block }) => {
  const shape = ConvTranspose.declaration.shape([dy!.shape, w!.shape], attrs as unknown as ConvTransposeAttributes);
  const g = geometryOf(shape, w!.shape, dy!.shape, attrs as unknown as ConvAttributes, block);
  if (!g) return undefined;
  const { n, cin, cout, m, tiles, places } = g;
  const product = multiplied(g, gradientOf(g, dy!), kernelsOf(g, w!), [n * places, cout, cin]);
  const samples = transpose(reshape(product, [count, n, places * cin]), [1, 0, 2]);
  const planes = exchanged(samples, n, (count * places) / g.block, cin, g.block);
  const back = { strides: [m, m], dilations: [1, 1], pads: g.pads, output_padding: [0, 0] } as const;
  const kernels = constant(dy!, g.input, [count, 1, tile, tile]);
  const dx = reshape(ConvTranspose([reshape(planes, [n * cin, count, ...tiles]), kernels], back), shape);
  return b ? add(dx, reshape(b, [1, cin, 1, 1])) : dx;
};

/** The gradient by w: a ConvWeightGradient's inputs and attributes. */
export const winogradWeightGradient: CpuForm = (inputs, attrs, { block }) => {
  const { kernel } = attrs as unknown as ConvWeightGradientAttributes;
  const pairs = pairsOf(inputs);
  const geometries = (block: number) =>
    pairs.flatMap(([x, dy]) => {
      const w = [dy.shape[1]!, x.shape[1]!, ...kernel];
      return geometryOf(x.shape, w, dy.shape, attrs as unknown as ConvAttributes, block) ?? [];
    });
  let each = geometries(block);
  if (each.length < pairs.length) return undefined;
  if (each.some((g) => g.block !== each[0]!.block)) each = geometries(1);
  const g = each[0]!;
  const { cin, cout } = g;
  const seen = sideBySide(
    pairs.map(([x], i) => inputOf(each[i]!, x)),
    (count * cin) / g.block,
  );
  const gradients = sideBySide(
    pairs.map(([, dy], i) => gradientOf(each[i]!, dy)),
    count,
  );
  const places = each.reduce((total, { n, places }) => total + n * places, 0);
  const product = multiplied(g, seen, gradients, [cin, places, cout]);
  const taps = kernel[0] * kernel[1];
  const dw = gemm(reshape(product, [count, cin * cout]), constant(seen, g.weight, [count, taps]), 1, 0);
  return reshape(transpose(reshape(dw, [cin / g.block, cout, g.block * taps]), [1, 0, 2]), [cout, cin, ...kernel]);
};

/** Tensors of so many rows as one. */
function sideBySide(parts: Tensor[], rows: number): Tensor {
  const flat = parts.map((t) => reshape(t, [rows, t.size / rows]));
  return flat.length === 1 ? flat[0]! : concat(flat, 1);
}

interface Geometry {
  n: number;
  cin: number;
  cout: number;
  /** Results of a tile along each axis. */
  m: number;
  tiles: readonly [number, number];
  /** Tiles of a sample. */
  places: number;
  /** Of the input, up to the end of the last tiles. */
  pads: readonly [number, number, number, number];
  /** Rows and columns of results that the last tiles have beyond the map. */
  beyond: readonly [number, number];
  /** Channels, and places, that lie side by side. */
  block: number;
  /** The transforms B, G and A, for each point a row. */
  input: Float32Array;
  weight: Float32Array;
  output: Float32Array;
}

/** Products that turning one weight costs, as measured: most of it is memory. */
const turning = 1000;
const fewChannels = 32;

/**
 * Of y = Conv(x, w); undefined where this form is not the faster one: for strides and dilations, few channels, and maps so small
 * that turning the weights costs more than it saves.
 */
function geometryOf(x: Shape, w: Shape, y: Shape, attrs: ConvAttributes, block: number): Geometry | undefined {
  const [n, cin, ...size] = x as [number, number, number, number];
  const [cout, , kernel, kernel2] = w as [number, number, number, number];
  const map = y.slice(2) as [number, number];
  const { strides, pads, dilations } = attrs;
  if (kernel !== kernel2 || (kernel !== 3 && kernel !== 4)) return undefined;
  if ([...strides, ...dilations].some((step) => step !== 1) || Math.min(cin, cout) < fewChannels) return undefined;
  const m = tile + 1 - kernel;
  const tiles = map.map((length) => Math.ceil(length / m)) as [number, number];
  const places = tiles[0] * tiles[1];
  if (kernel * kernel * n * sizeOf(map) <= 1.5 * (count * n * places + turning)) return undefined;
  const reach = (axis: 0 | 1) => (tiles[axis] - 1) * m + tile - size[axis]! - pads[axis];
  const { input, weight, output } = matrices(kernel);
  return {
    ...{ n, cin, cout, m, tiles, places },
    pads: [pads[0], pads[1], reach(0), reach(1)],
    beyond: [tiles[0] * m - map[0], tiles[1] * m - map[1]],
    block: [cin, cout, places].every((length) => length % block === 0) ? block : 1,
    ...{ input: kronecker(input), weight: kronecker(weight), output: kronecker(output) },
  };
}

/** B x, [points, C / b, places, b]: of each channel what every tile is at the points, by a Conv of that channel alone. */
function inputOf({ n, cin, m, places, pads, block, input }: Geometry, x: Tensor): Tensor {
  const planes = reshape(x, [n * cin, 1, ...x.shape.slice(2)]);
  const at = Conv([planes, constant(x, input, [count, 1, tile, tile])], { strides: [m, m], pads, dilations: [1, 1] });
  const channels = reshape(at, [n, cin, count * places, 1]);
  const lined = block === 1 ? channels : blocked(channels);
  return transpose(reshape(lined, [n, cin / block, count, places * block]), [2, 1, 0, 3]);
}

/** G w, [points, O / b, C, b]. */
function kernelsOf({ cin, cout, block, weight }: Geometry, w: Tensor): Tensor {
  const taps = w.shape[2]! * w.shape[3]!;
  const turned =
    taps === block
      ? exchanged(w, cout / block, block, cin, block)
      : transpose(reshape(w, [cout / block, block, cin, taps]), [0, 2, 1, 3]);
  return gemm(constant(w, weight, [count, taps]), reshape(turned, [cout * cin, taps]), 0, 1);
}

/** A' dy, [points, places / b, O, b]. */
function gradientOf({ n, cout, m, places, beyond, block, output }: Geometry, dy: Tensor): Tensor {
  const planes = reshape(dy, [n * cout, 1, ...dy.shape.slice(2)]);
  const pads = [0, 0, ...beyond] as const;
  const at = Conv([planes, constant(dy, output, [count, 1, m, m])], { strides: [m, m], pads, dilations: [1, 1] });
  const samples = exchanged(at, n, cout, (count * places) / block, block);
  return transpose(reshape(samples, [n, count, places * cout]), [1, 0, 2]);
}

/** At each point so many filters over the values of each position: [points, filters / b, positions, b]. */
function multiplied(
  { block }: Geometry,
  filters: Tensor,
  input: Tensor,
  [out, values, positions]: [filters: number, values: number, positions: number],
): Tensor {
  if (block === 1) return MatMul([reshape(filters, [count, out, values]), reshape(input, [count, values, positions])]);
  const groups = [reshape(input, [1, count * values, positions, 1]), reshape(filters, [count * out, values, 1, 1])];
  return GroupedConv(groups, { ...pointwise, group: count });
}

const constant = ({ graph }: Tensor, values: Float32Array, shape: Shape) => graph.constant(values, shape);

/**
 * The three transforms along one axis by Toom and Cook, each as rows of 7 values: a tile of the input at the points, a kernel at
 * the points, and the results from the products.
 */
function matrices(kernel: number): { input: number[][]; weight: number[][]; output: number[][] } {
  const others = (j: number) => points.filter((_, l) => l !== j);
  const scale = (j: number) => others(j).reduce((product, b) => product * (points[j]! - b), 1);
  const powers = (a: number, upTo: number) => Array.from({ length: upTo }, (_, k) => a ** k);
  const last = (length: number) => Array.from({ length }, (_, k) => (k === length - 1 ? 1 : 0));
  return {
    input: [...points.map((_, j) => [...withRoots(others(j)), 0]), withRoots(points)],
    weight: [...points.map((a, j) => powers(a, kernel).map((p) => p / scale(j))), last(kernel)],
    output: [...points.map((a) => powers(a, tile + 1 - kernel)), last(tile + 1 - kernel)],
  };
}

/** The coefficients of the polynomial with these roots, lowest power first. */
function withRoots(roots: readonly number[]): number[] {
  let polynomial = [1];
  for (const root of roots) {
    const factor = polynomial;
    polynomial = [0, ...factor].map((above, k) => above - root * (factor[k] ?? 0));
  }
  return polynomial;
}

/** A transform along rows and columns: for each pair of rows of a matrix all products of their values. */
function kronecker(matrix: readonly number[][]): Float32Array {
  return Float32Array.from(matrix.flatMap((a) => matrix.flatMap((b) => a.flatMap((x) => b.map((y) => x * y)))));
}
