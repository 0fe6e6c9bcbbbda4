/**
 * Winograd's form of a convolution and of its gradients (Lavin and Gray 2016, arXiv 1509.09308). A tile of 7 x 7 values
 * gives m x m results (m = 8 - kernel) by 49 products instead of (m * kernel)^2: 4x4 kernels take 0.19 and 3x3 kernels
 * 0.22 of the multiplications of the plain form. A kernel of stride 2 is the sum of four of stride 1, one for each
 * polyphase component (even or odd rows, even or odd columns): tiles of 5 x 5 give 4 x 4 results, and 4x4 kernels take
 * 0.39; tiles of 3 x 3 give 2 x 2 results, and take 0.56.
 *
 * With linear transforms B of a tile x, G of a kernel w and A of the products, y = A (G w * B x), where * is a product
 * over channels at each point. It follows that dx = B' (G w * A' dy) and dw = G' (A' dy * B x), where B' is the
 * transpose of B. So all three are products of two of the same three operands. These lie in memory as a grouped Conv on
 * channel blocks takes them, one group for each point. The input of one product is the filters of another:
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
import { unpadded } from "../../graph/ops/windows.ts";
import { exchanged, fromBlocks, GroupedConv, toBlocks, zeros } from "../channel-blocks/ops.ts";
import type { CpuOptions } from "../cpu-options.ts";
import type { BuildForm } from "../rewrite.ts";
import { pairsOf } from "../weight-gradients.ts";
import { type Geometry, geometryOf, type Polyphase } from "./geometry.ts";

/** y = Conv(x, w) (+ b). */
export const winograd: BuildForm<ConvAttributes, CpuOptions> = ([x, w, b], attrs, options) => {
  const map = Conv.declaration.shape([x!.shape, w!.shape], attrs);
  const g = geometryOf(x!.shape, w!.shape, map, attrs, options);
  if (!g) return undefined;
  const { n, cin, cout, places } = g;
  let product: Tensor | undefined;
  for (const polyphase of g.polyphases) {
    const operands = [kernelsOf(g, w!, polyphase), inputOf(g, x!, polyphase)] as const;
    product = multiplied(g, ...operands, [cout, cin, n * places], product);
  }
  const y = reshape(g.block === 1 ? mapsOf(g, product!) : mapsInBlocks(g, product!, map), map);
  return b ? add(y, reshape(b, [1, cout, 1, 1])) : y;
};

/** The gradient with respect to x: a ConvTranspose of dy. */
export const winogradInputGradient: BuildForm<ConvTransposeAttributes, CpuOptions> = ([dy, w, b], attrs, options) => {
  const shape = ConvTranspose.declaration.shape([dy!.shape, w!.shape], attrs);
  const g = geometryOf(shape, w!.shape, dy!.shape, attrs, options);
  if (!g) return undefined;
  const { n, cin, cout, tiles, places, count } = g;
  let dx: Tensor | undefined;
  for (const polyphase of g.polyphases) {
    const product = multiplied(g, gradientOf(g, dy!), kernelsOf(g, w!, polyphase), [n * places, cout, cin]);
    const samples = transpose(reshape(product, [count, n, places * cin]), [1, 0, 2]);
    const planes = exchanged(samples, n, (count * places) / g.block, cin, g.block);
    const tensors = [reshape(planes, [n * cin, count, ...tiles]), inputMatrix(g, dy!)];
    const part = ConvTranspose(tensors, g.tilesIn(polyphase));
    dx = dx ? add(dx, part) : part;
  }
  const result = reshape(dx!, shape);
  return b ? add(result, reshape(b, [1, cin, 1, 1])) : result;
};

/** The gradient with respect to w: a ConvWeightGradient. */
export const winogradWeightGradient: BuildForm<ConvWeightGradientAttributes, CpuOptions> = (inputs, attrs, options) => {
  const { kernel } = attrs;
  const pairs = pairsOf(inputs);
  const each = pairs.flatMap(([x, dy]) => {
    const w = [dy.shape[1]!, x.shape[1]!, ...kernel];
    return geometryOf(x.shape, w, dy.shape, attrs, options) ?? [];
  });
  const [g] = each;
  // One product serves all pairs, so maps of different sizes must be cut into the same kind of tiles.
  if (!g || pairs.some((_, i) => each[i]?.tile !== g.tile || each[i]?.block !== g.block)) return undefined;
  const { cin, cout, count } = g;
  const gradients = sideBySide(
    pairs.map(([, dy], i) => gradientOf(each[i]!, dy)),
    count,
  );
  const places = each.reduce((total, { n, places }) => total + n * places, 0);
  let dw: Tensor | undefined;
  for (const polyphase of g.polyphases) {
    const seen = sideBySide(
      pairs.map(([x], i) => inputOf(each[i]!, x, polyphase)),
      (count * cin) / g.block,
    );
    const product = multiplied(g, seen, gradients, [cin, places, cout]);
    dw = gemm(reshape(product, [count, cin * cout]), weightMatrix(g, seen, polyphase), 1, 0, dw);
  }
  const turned = transpose(reshape(dw!, [cin / g.block, cout, g.block * sizeOf(kernel)]), [1, 0, 2]);
  return reshape(turned, [cout, cin, ...kernel]);
};

/** Tensors of `rows` rows, concatenated along their columns. */
function sideBySide(parts: Tensor[], rows: number): Tensor {
  const flat = parts.map((t) => reshape(t, [rows, t.size / rows]));
  return flat.length === 1 ? flat[0]! : concat(flat, 1);
}

/** B x of a polyphase component, [points, C / b, places, b], by a Conv of each channel with B as its kernels. */
function inputOf(g: Geometry, x: Tensor, polyphase: Polyphase): Tensor {
  const { n, cin, count, places, block } = g;
  const planes = reshape(x, [n * cin, 1, ...x.shape.slice(2)]);
  const { output_padding: _, ...attrs } = g.tilesIn(polyphase);
  const channels = reshape(Conv([planes, inputMatrix(g, x)], attrs), [n, cin, count * places, 1]);
  const lined = block === 1 ? channels : toBlocks(channels);
  return transpose(reshape(lined, [n, cin / block, count, places * block]), [2, 1, 0, 3]);
}

/** G w of a polyphase component, [points, O / b, C, b]. */
function kernelsOf(g: Geometry, w: Tensor, polyphase: Polyphase): Tensor {
  const { cin, cout, kernel, block } = g;
  const taps = kernel * kernel;
  const turned =
    taps === block
      ? exchanged(w, cout / block, block, cin, block)
      : transpose(reshape(w, [cout / block, block, cin, taps]), [0, 2, 1, 3]);
  return gemm(weightMatrix(g, w, polyphase), reshape(turned, [cout * cin, taps]), 0, 1);
}

/** A' dy, [points, places / b, O, b]. */
function gradientOf(g: Geometry, dy: Tensor): Tensor {
  const { n, cout, m, count, places, block } = g;
  const planes = reshape(dy, [n * cout, 1, ...dy.shape.slice(2)]);
  const at = Conv([planes, outputMatrix(g, dy, [count, 1, m, m])], tiled(g));
  const samples = exchanged(at, n, cout, (count * places) / block, block);
  return transpose(reshape(samples, [n, count, places * cout]), [1, 0, 2]);
}

/** A of products [points, O, places], by a ConvTranspose of each channel with A as its kernels. */
function mapsOf(g: Geometry, product: Tensor): Tensor {
  const { n, cout, m, tiles, places, count } = g;
  const planes = transpose(reshape(product, [count, cout, n, places]), [2, 1, 0, 3]);
  return ConvTranspose([reshape(planes, [n * cout, count, ...tiles]), outputMatrix(g, product, [count, 1, m, m])], {
    ...tiled(g),
    output_padding: [0, 0],
  });
}

/** A of products [points, O / b, places, b], as maps of the shape `map`. */
function mapsInBlocks(g: Geometry, product: Tensor, map: Shape): Tensor {
  const { n, cout, m, tiles, places, count, block } = g;
  const results = gemm(outputMatrix(g, product, [count, m * m]), reshape(product, [count, cout * n * places]), 1, 0);
  // From [row in tile, column in tile, O / b, n, tile row, tile column, b] to maps, cut to their size.
  const placed = transpose(reshape(results, [m, m, cout / block, n, ...tiles, block]), [3, 2, 4, 0, 5, 1, 6]);
  const maps = reshape(placed, [(n * cout) / block, m * tiles[0], m * tiles[1], block]);
  return fromBlocks(reshape(slice(maps, [1, 2], [0, 0], map.slice(2)), map));
}

/** How tiles of results lie in a map: attributes of a Conv or ConvTranspose. */
const tiled = ({ m, beyond }: Geometry) =>
  ({ strides: [m, m], pads: [0, 0, ...beyond], dilations: [1, 1] }) satisfies ConvAttributes;

/**
 * The product at each point of `out` filters with the values of each position, [points, out / b, positions, b], plus
 * `before`.
 */
function multiplied(
  { count, block }: Geometry,
  filters: Tensor,
  input: Tensor,
  [out, values, positions]: [out: number, values: number, positions: number],
  before?: Tensor,
): Tensor {
  if (block === 1) {
    const product = MatMul([reshape(filters, [count, out, values]), reshape(input, [count, values, positions])]);
    return before ? add(before, product) : product;
  }
  const groups = [reshape(input, [1, count * values, positions, 1]), reshape(filters, [count * out, values, 1, 1])];
  const added = before ? [zeros(input.graph, count * out), before] : [];
  return GroupedConv([...groups, ...added], { ...unpadded, group: count });
}

/** B, as kernels of a Conv. */
const inputMatrix = ({ tile, count, matrices }: Geometry, { graph }: Tensor) =>
  graph.constant(matrices.input, [count, 1, tile, tile]);

/** G of a polyphase component. */
const weightMatrix = ({ kernel, count, matrices }: Geometry, { graph }: Tensor, [row, column]: Polyphase) =>
  graph.constant(matrices.weight(row, column), [count, kernel * kernel]);

/** A, as a matrix or as kernels of a Conv. */
const outputMatrix = ({ matrices }: Geometry, { graph }: Tensor, shape: Shape) =>
  graph.constant(matrices.output, shape);
