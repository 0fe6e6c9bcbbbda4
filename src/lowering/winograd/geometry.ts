/** Which tiles Winograd's form (./winograd.ts) cuts a convolution into, and where it is the faster form. */
import { type Shape, sizeOf } from "../../graph/graph.ts";
import type { ConvAttributes, ConvTransposeAttributes } from "../../graph/ops/conv.ts";
import type { CpuUse } from "../channel-blocks/ops.ts";
import { type Transforms, transforms } from "./matrices.ts";

/** The first row and column of x that a kernel of stride 1 sees, and from there every `stride`-th. */
export type Phase = readonly [row: number, column: number];

type Pair = readonly [number, number];

export interface Geometry {
  n: number;
  cin: number;
  cout: number;
  kernel: number;
  stride: number;
  phases: readonly Phase[];
  /** Values of a tile along each axis, and points of both: its square. */
  tile: number;
  count: number;
  /** Results of a tile along each axis. */
  m: number;
  tiles: Pair;
  /** Tiles of a sample. */
  places: number;
  /** Channels, and places, that lie side by side. */
  block: number;
  /** How the tiles of a phase lie in the input: for the Conv that takes them, and the ConvTranspose that puts them back. */
  tilesIn(phase: Phase): ConvTransposeAttributes;
  /** Rows and columns of results that the last tiles have beyond the map. */
  beyond: Pair;
  transforms: Transforms;
}

/** Sides of tiles, by the stride. Others take longer; the second is for maps of which tiles of the first make no blocks. */
const sides = [
  [7, 6],
  [5, 3],
];
/** Channels from which the transforms repay, by the stride. */
const fewChannels = [32, 64];
/** Time of a product without blocks. */
const withoutBlocks = 1.4;
/** Products that turning one weight costs for 49 points where that is not done once for all runs, as measured: it is memory, mostly. */
const turning = 1000;

/**
 * The tiles for y = Conv(x, w); undefined where Winograd's form is not the faster one: for dilations, few channels, and maps so
 * small that turning the weights costs more than it saves; at stride 2 also where there are no blocks.
 */
export function geometryOf(x: Shape, w: Shape, y: Shape, attrs: ConvAttributes, use: CpuUse): Geometry | undefined {
  const [n, cin] = x as [number, number];
  const [cout, , kernel, kernel2] = w as [number, number, number, number];
  const { pads, dilations } = attrs;
  const [stride, stride2] = attrs.strides;
  if (kernel !== kernel2 || stride !== stride2 || dilations.some((step) => step !== 1)) return undefined;
  if (!(kernel === 4 && stride <= 2) && !(kernel === 3 && stride === 1)) return undefined;
  if (Math.min(cin, cout) < fewChannels[stride - 1]!) return undefined;
  const [size, map] = [x.slice(2), y.slice(2)] as unknown as [Pair, Pair];
  const taps = Math.ceil(kernel / stride);
  const choices = sides[stride - 1]!.flatMap((tile) => {
    const m = tile + 1 - taps;
    const tiles = map.map((length) => Math.ceil(length / m)) as unknown as Pair;
    const places = tiles[0] * tiles[1];
    const inBlocks = use.block > 1 && [cin, cout, places].every((length) => length % use.block === 0);
    if (stride > 1 && !inBlocks) return [];
    const count = tile * tile;
    const products = stride * stride * count;
    const cost = products * n * places * (inBlocks ? 1 : withoutBlocks);
    return { tile, m, tiles, places, count, products, cost, block: inBlocks ? use.block : 1 };
  });
  const [best] = choices.sort((a, b) => a.cost - b.cost);
  if (!best || Math.min(pads[0], pads[1]) < stride - 1) return undefined;
  const { products, cost, ...chosen } = best;
  const once = use.weights === "fixed" ? 0 : (turning * products) / 49;
  if (kernel * kernel * n * sizeOf(map) <= 1.5 * (products * n * chosen.places + once)) return undefined;
  const { tile, m, tiles } = chosen;
  return {
    ...{ n, cin, cout, kernel, stride, ...chosen },
    phases: Array.from({ length: stride * stride }, (_, i) => [Math.floor(i / stride), i % stride] as const),
    tilesIn: (phase) => {
      const before = phase.map((start, axis) => pads[axis]! - start);
      const after = tiles.map((t, axis) => ((t - 1) * m + tile - 1) * stride + 1 - size[axis]! - before[axis]!);
      return {
        ...{ strides: [stride * m, stride * m], dilations: [stride, stride] },
        pads: [...before, ...after.map((p) => Math.max(0, p))] as unknown as ConvAttributes["pads"],
        output_padding: after.map((p) => Math.max(0, -p)) as unknown as Pair,
      };
    },
    beyond: [tiles[0] * m - map[0], tiles[1] * m - map[1]],
    transforms: transforms(kernel, stride, tile),
  };
}
