/**
 * Winograd's form of a convolution and of its gradients (Lavin and Gray 2016, arXiv 1509.09308): tiles of 7 x 7 values give
 * m x m results (m = 8 - kernel) by 49 products instead of (m * kernel)^2, so 4x4 kernels take 0.19 and 3x3 kernels 0.22 of the
 * multiplications of the plain form. A kernel of stride 2 is the sum of four of stride 1, one for each phase (even or odd rows,
 * even or odd columns): tiles of 5 x 5 give 4 x 4 results, and 4x4 kernels take 0.39; those of 3 x 3 give 2 x 2, and take 0.56.
 *
 * With the linear transforms B of a tile x, G of a kernel w and A of the products, y = A (G w * B x), where * is a product over
 * channels at each point. The gradients are what follows from that: dx = B' (G w * A' dy) and dw = G' (A' dy * B x), B' being the
 * transpose of B. So all three are products of two of the same three operands. They lie in memory as a grouped Conv in blocks
 * takes them, a point a group; what is an input of one product is the filters of another:
 *
 *          filters [out / b, in, b]       input [in / b, positions, b]
 *     y    G w   [O / b, C, b]            B x   [C / b, places, b]
 *     dx   A' dy [places / b, O, b]       G w   [O / b, C, b]
 *     dw   B x   [C / b, places, b]       A' dy [places / b, O, b]
 */
import { type Shape, sizeOf, type Tensor } from "../../graph/graph.ts";
import {
  Conv,
  type ConvAttributes,
  ConvTranspose,
  type ConvTransposeAttributes,
  type ConvWeightGradientAttributes,
} from "../../graph/ops/conv.ts";
import { add } from "../../graph/ops/elementwise.ts";
import { gemm, MatMul } from "../../graph/ops/linear.ts";
import { concat, reshape, slice, transpose } from "../../graph/ops/movement.ts";
import { blocked, type CpuForm, exchanged, GroupedConv, plain, pointwise, zeros } from "../channel-blocks/ops.ts";
import { pairsOf } from "../cpu-weight-gradients.ts";
import { type Geometry, geometryOf, type Phase } from "./geometry.ts";

/** y = Conv(x, w) (+ b). */
export const winograd: CpuForm = ([x, w, b], attrs, use) => {
  const map = Conv.declaration.shape([x!.shape, w!.shape], attrs as unknown as ConvAttributes);
  const g = geometryOf(x!.shape, w!.shape, map, attrs as unknown as ConvAttributes, use);
  if (!g) return undefined;
  const { n, cin, cout, places } = g;
  let product: Tensor | undefined;
  for (const phase of g.phases) {
    product = multiplied(g, kernelsOf(g, w!, phase), inputOf(g, x!, phase), [cout, cin, n * places], product);
  }
  const y = reshape(g.block === 1 ? mapsOf(g, product!) : mapsInBlocks(g, product!, map), map);
  return b ? add(y, reshape(b, [1, cout, 1, 1])) : y;
};

/** The gradient by x: a ConvTranspose of dy. */
export const winogradInputGradient: CpuForm = ([dy, w, b], attrs, use) => {
  const shape = ConvTranspose.declaration.shape([dy!.shape, w!.shape], attrs as unknown as ConvTransposeAttributes);
  const g = geometryOf(shape, w!.shape, dy!.shape, attrs as unknown as ConvAttributes, use);
  if (!g) return undefined;
  const { n, cin, cout, tiles, places, count } = g;
  let dx: Tensor | undefined;
  for (const phase of g.phases) {
    const product = multiplied(g, gradientOf(g, dy!), kernelsOf(g, w!, phase), [n * places, cout, cin]);
    const samples = transpose(reshape(product, [count, n, places * cin]), [1, 0, 2]);
    const planes = exchanged(samples, n, (count * places) / g.block, cin, g.block);
    const part = ConvTranspose([reshape(planes, [n * cin, count, ...tiles]), tilesOf(g, dy!)], g.tilesIn(phase));
    dx = dx ? add(dx, part) : part;
  }
  const result = reshape(dx!, shape);
  return b ? add(result, reshape(b, [1, cin, 1, 1])) : result;
};

/** The gradient by w: a ConvWeightGradient's inputs and attributes. */
export const winogradWeightGradient: CpuForm = (inputs, attrs, use) => {
  const { kernel } = attrs as unknown as ConvWeightGradientAttributes;
  const pairs = pairsOf(inputs);
  const each = pairs.flatMap(([x, dy]) => {
    const w = [dy.shape[1]!, x.shape[1]!, ...kernel];
    return geometryOf(x.shape, w, dy.shape, attrs as unknown as ConvAttributes, use) ?? [];
  });
  const [g] = each;
  // One product for all: of maps of different sizes only where they are cut alike.
  if (!g || pairs.some((_, i) => each[i]?.tile !== g.tile || each[i]?.block !== g.block)) return undefined;
  const { cin, cout, count } = g;
  const gradients = sideBySide(
    pairs.map(([, dy], i) => gradientOf(each[i]!, dy)),
    count,
  );
  const places = each.reduce((total, { n, places }) => total + n * places, 0);
  let dw: Tensor | undefined;
  for (const phase of g.phases) {
    const seen = sideBySide(
      pairs.map(([x], i) => inputOf(each[i]!, x, phase)),
      (count * cin) / g.block,
    );
    const product = multiplied(g, seen, gradients, [cin, places, cout]);
    dw = gemm(reshape(product, [count, cin * cout]), weightsOf(g, seen, phase), 1, 0, dw);
  }
  const turned = transpose(reshape(dw!, [cin / g.block, cout, g.block * sizeOf(kernel)]), [1, 0, 2]);
  return reshape(turned, [cout, cin, ...kernel]);
};

/** Tensors of so many rows as one. */
function sideBySide(parts: Tensor[], rows: number): Tensor {
  const flat = parts.map((t) => reshape(t, [rows, t.size / rows]));
  return flat.length === 1 ? flat[0]! : concat(flat, 1);
}

/** B x of a phase, [points, C / b, places, b]: of each channel what every tile is at the points, by a Conv of that channel alone. */
function inputOf(g: Geometry, x: Tensor, phase: Phase): Tensor {
  const { n, cin, count, places, block } = g;
  const planes = reshape(x, [n * cin, 1, ...x.shape.slice(2)]);
  const { output_padding: _, ...attrs } = g.tilesIn(phase);
  const channels = reshape(Conv([planes, tilesOf(g, x)], attrs), [n, cin, count * places, 1]);
  const lined = block === 1 ? channels : blocked(channels);
  return transpose(reshape(lined, [n, cin / block, count, places * block]), [2, 1, 0, 3]);
}

/** G w of a phase, [points, O / b, C, b]. */
function kernelsOf(g: Geometry, w: Tensor, phase: Phase): Tensor {
  const { cin, cout, kernel, block } = g;
  const taps = kernel * kernel;
  const turned =
    taps === block
      ? exchanged(w, cout / block, block, cin, block)
      : transpose(reshape(w, [cout / block, block, cin, taps]), [0, 2, 1, 3]);
  return gemm(weightsOf(g, w, phase), reshape(turned, [cout * cin, taps]), 0, 1);
}

/** A' dy, [points, places / b, O, b]. */
function gradientOf(g: Geometry, dy: Tensor): Tensor {
  const { n, cout, m, count, places, block } = g;
  const planes = reshape(dy, [n * cout, 1, ...dy.shape.slice(2)]);
  const at = Conv([planes, outputOf(g, dy, [count, 1, m, m])], tiled(g));
  const samples = exchanged(at, n, cout, (count * places) / block, block);
  return transpose(reshape(samples, [n, count, places * cout]), [1, 0, 2]);
}

/** A of products [points, O, places], by a ConvTranspose of each channel alone. */
function mapsOf(g: Geometry, product: Tensor): Tensor {
  const { n, cout, m, tiles, places, count } = g;
  const planes = transpose(reshape(product, [count, cout, n, places]), [2, 1, 0, 3]);
  return ConvTranspose([reshape(planes, [n * cout, count, ...tiles]), outputOf(g, product, [count, 1, m, m])], {
    ...tiled(g),
    output_padding: [0, 0],
  });
}

/** A of products [points, O / b, places, b], for maps of this shape. */
function mapsInBlocks(g: Geometry, product: Tensor, map: Shape): Tensor {
  const { n, cout, m, tiles, places, count, block } = g;
  const results = gemm(outputOf(g, product, [count, m * m]), reshape(product, [count, cout * n * places]), 1, 0);
  // From [row in tile, column in tile, O / b, n, tile row, tile column, b] to maps, cut to their size.
  const placed = transpose(reshape(results, [m, m, cout / block, n, ...tiles, block]), [3, 2, 4, 0, 5, 1, 6]);
  const maps = reshape(placed, [(n * cout) / block, m * tiles[0], m * tiles[1], block]);
  return plain(reshape(slice(maps, [1, 2], [0, 0], map.slice(2)), map));
}

/** How the tiles of results lie in a map. */
const tiled = ({ m, beyond }: Geometry) =>
  ({ strides: [m, m], pads: [0, 0, ...beyond], dilations: [1, 1] }) satisfies ConvAttributes;

/** At each point so many filters over the values of each position, [points, filters / b, positions, b], and what was `before`. */
function multiplied(
  { count, block }: Geometry,
  filters: Tensor,
  input: Tensor,
  [out, values, positions]: [filters: number, values: number, positions: number],
  before?: Tensor,
): Tensor {
  if (block === 1) return MatMul([reshape(filters, [count, out, values]), reshape(input, [count, values, positions])]);
  const groups = [reshape(input, [1, count * values, positions, 1]), reshape(filters, [count * out, values, 1, 1])];
  const added = before ? [zeros(input.graph, count * out), before] : [];
  return GroupedConv([...groups, ...added], { ...pointwise, group: count });
}

/** B, as kernels of a Conv. */
const tilesOf = ({ tile, count, transforms }: Geometry, { graph }: Tensor) =>
  graph.constant(transforms.input, [count, 1, tile, tile]);

/** G of a phase. */
const weightsOf = ({ kernel, count, transforms }: Geometry, { graph }: Tensor, [row, column]: Phase) =>
  graph.constant(transforms.weight(row, column), [count, kernel * kernel]);

/** A, as a matrix or as kernels of a Conv. */
const outputOf = ({ transforms }: Geometry, { graph }: Tensor, shape: Shape) =>
  graph.constant(transforms.output, shape);
