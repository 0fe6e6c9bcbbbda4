/**
 * The tiles into which Winograd's form (./winograd.ts) cuts a convolution, and the shapes for which it is the faster
 * form.
 */
import { type Shape, sizeOf } from "../../graph/graph.ts";
import type { ConvAttributes, ConvTransposeAttributes } from "../../graph/ops/conv.ts";
import type { CpuOptions } from "../cpu-options.ts";
import { type TransformMatrices, transformMatrices } from "./matrices.ts";

/**
 * A polyphase component of a convolution of stride s: the rows row, row + s, row + 2s, ... and the columns likewise, of
 * the kernel and of what it sees. The convolution is the sum of those of stride 1 on each of its s * s components.
 */
export type Polyphase = readonly [row: number, column: number];

type Pair = readonly [number, number];

export interface Geometry {
  /** Samples, and channels of x and y. */
  n: number;
  cin: number;
  cout: number;
  /** Side of the square kernel. */
  kernel: number;
  stride: number;
  polyphases: readonly Polyphase[];
  /** Side of a tile of the input, in values of a polyphase component. */
  tile: number;
  /** Points at which a tile is evaluated: tile * tile. */
  count: number;
  /** Side of a tile of results. */
  m: number;
  /** Tiles along each axis. */
  tiles: Pair;
  /** Tiles of a sample. */
  places: number;
  /** Channels, and tiles, that lie side by side. */
  block: number;
  /**
   * How tiles lie in the input: attributes of the Conv that cuts them out and of the ConvTranspose that adds them up.
   */
  tilesIn(polyphase: Polyphase): ConvTransposeAttributes;
  /** Rows and columns of results by which the last tiles exceed the map. */
  beyond: Pair;
  matrices: TransformMatrices;
}

/**
 * Sides of tiles, by the stride. Others take longer; the second is for maps that the first does not cut into blocks.
 */
const sides = [
  [7, 6],
  [5, 3],
];
/** Channels from which the transforms cost less than they save, by the stride. */
const fewChannels = [32, 64];
/** Time of a product without blocks, in times of one with blocks. */
const withoutBlocks = 1.4;
/**
 * Measured cost of transforming one weight at every run, in products, for 49 points. It is mostly memory traffic.
 */
const weightTransform = 1000;
/** Cost of reading a weight that was transformed once in WASM, in products, for each product of a place. */
const weightRead = 10;

/**
 * The tiles for y = Conv(x, w). Undefined if Winograd's form is not the faster one: for dilations, few channels, and
 * maps so small that the transform of the weights costs more than it saves; at stride 2 also without blocks of
 * channels, except in WASM, and in training on processors of Intel.
 */
export function geometryOf(
  x: Shape,
  w: Shape,
  y: Shape,
  attrs: ConvAttributes,
  options: CpuOptions,
): Geometry | undefined {
  const [n, cin] = x as [number, number];
  const [cout, , kernel, kernel2] = w as [number, number, number, number];
  const { pads, dilations } = attrs;
  const [stride, stride2] = attrs.strides;
  if (kernel !== kernel2 || stride !== stride2 || dilations.some((step) => step !== 1)) return undefined;
  if (!(kernel === 4 && stride <= 2) && !(kernel === 3 && stride === 1)) return undefined;
  if (Math.min(cin, cout) < fewChannels[stride - 1]! || Math.min(pads[0], pads[1]) < stride - 1) return undefined;
  const map = planeOf(y);
  const cut = fastestCut({ n, cin, cout, map, kernel, stride }, options);
  if (!cut) return undefined;
  const { tile, m, tiles, products, ...rest } = cut;
  const once = options.stridedWinograd === "always" ? weightRead * products : 0;
  const perRun = options.weights === "fixed" ? once : (weightTransform * products) / 49;
  if (kernel * kernel * n * sizeOf(map) <= 1.5 * (products * n * cut.places + perRun)) return undefined;
  return {
    n,
    cin,
    cout,
    kernel,
    stride,
    tile,
    m,
    tiles,
    ...rest,
    polyphases: Array.from({ length: stride * stride }, (_, i) => [Math.floor(i / stride), i % stride] as const),
    tilesIn: (polyphase) => tilesIn(polyphase, { size: planeOf(x), tiles, tile, m, stride }, pads),
    beyond: [tiles[0] * m - map[0], tiles[1] * m - map[1]],
    matrices: transformMatrices(kernel, stride, tile),
  };
}

const planeOf = (shape: Shape): Pair => [shape[2]!, shape[3]!];

/** The side of tiles that takes the least time for the products; `products` is their number for each place. */
function fastestCut(
  { n, cin, cout, map, kernel, stride }: Pick<Geometry, "n" | "cin" | "cout" | "kernel" | "stride"> & { map: Pair },
  { block, stridedWinograd }: CpuOptions,
) {
  const taps = Math.ceil(kernel / stride);
  const cuts = sides[stride - 1]!.flatMap((tile) => {
    const m = tile + 1 - taps;
    const tiles: Pair = [Math.ceil(map[0] / m), Math.ceil(map[1] / m)];
    const places = tiles[0] * tiles[1];
    const inBlocks = block > 1 && [cin, cout, places].every((length) => length % block === 0);
    const strided = stridedWinograd === "always" || (stridedWinograd === "in blocks" && inBlocks);
    if (stride > 1 && !strided) return [];
    const count = tile * tile;
    const products = stride * stride * count;
    const time = products * n * places * (inBlocks ? 1 : withoutBlocks);
    return { time, cut: { tile, m, tiles, places, count, products, block: inBlocks ? block : 1 } };
  });
  return cuts.sort((a, b) => a.time - b.time)[0]?.cut;
}

function tilesIn(
  [row, column]: Polyphase,
  { size, tiles, tile, m, stride }: Pick<Geometry, "tiles" | "tile" | "m" | "stride"> & { size: Pair },
  pads: ConvAttributes["pads"],
): ConvTransposeAttributes {
  const padding = (axis: 0 | 1, start: number) => {
    const before = pads[axis] - start;
    const after = ((tiles[axis] - 1) * m + tile - 1) * stride + 1 - size[axis] - before;
    return { before, after: Math.max(0, after), unseen: Math.max(0, -after) };
  };
  const [rows, columns] = [padding(0, row), padding(1, column)];
  return {
    strides: [stride * m, stride * m],
    dilations: [stride, stride],
    pads: [rows.before, columns.before, rows.after, columns.after],
    output_padding: [rows.unseen, columns.unseen],
  };
}
