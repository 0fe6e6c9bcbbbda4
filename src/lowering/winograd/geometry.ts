/**
 * The tiles into which Winograd's form (./winograd.ts) cuts a convolution, and the shapes for which it is the faster
 * form.
 */
import { type Shape, sizeOf } from "../../graph/graph.ts";
import type { ConvAttributes, ConvTransposeAttributes } from "../../graph/ops/conv.ts";
import type { CpuOptions } from "../cpu-options.ts";
import { type TransformMatrices, transformMatrices } from "./matrices.ts";

/**
 * A polyphase component of a convolution of stride s: the rows row, row + s, row + 2s, ... and likewise the columns, of the
 * kernel and of its input. The convolution is the sum of s * s convolutions of stride 1, one for each component.
 */
export type Polyphase = readonly [row: number, column: number];

type Pair = readonly [number, number];

/** A convolution y = Conv(x, w), cut into tiles. */
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
  /** Channels, or tiles, that lie side by side in memory; 1: no blocks. */
  block: number;
  /**
   * How tiles lie in the input: attributes of the Conv that cuts them out and of the ConvTranspose that adds them up.
   */
  tilesIn(polyphase: Polyphase): ConvTransposeAttributes;
  /** Rows and columns of results by which the last tiles exceed the map. */
  beyond: Pair;
  matrices: TransformMatrices;
}

/** Candidates for the side of a tile, for stride 1 and 2. The second may be faster where only its number of tiles fills blocks. */
const sides = [
  [7, 6],
  [5, 3],
];
/** Channels from which the transforms cost less than they save, for stride 1 and 2. */
const fewChannels = [32, 64];
/** Time of a multiplication without blocks, relative to one with blocks. */
const withoutBlocks = 1.4;
/** Measured cost of transforming the kernel of one pair of channels to 49 points, in multiplications: mostly memory traffic. */
const weightTransform = 1000;
/** Measured cost of reading one point of a kernel that was transformed before, in WASM, in multiplications. */
const weightRead = 10;

/**
 * The tiles for y = Conv(x, w). Undefined if Winograd's form is not the faster one: for dilations, few channels, and
 * maps so small that the transform of the weights costs more than it saves; at stride 2 also where
 * `CpuOptions.stridedWinograd` excludes it.
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

/**
 * The tiles whose multiplications take the least time. `products` is the number of multiplications for each tile and pair of an input
 * and an output channel.
 */
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
