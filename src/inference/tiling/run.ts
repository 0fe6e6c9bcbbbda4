/**
 * A generator on a picture that is cut into overlapping tiles, without seams.
 *
 * A norm that took its statistics from each tile would give neighbouring tiles different brightness and contrast. Here
 * every norm takes the mean and variance of the whole picture (statistics.ts). Where the overlap covers the receptive
 * field of the output, statistics and output equal those of the picture in one piece. A generator with n norms runs its
 * tiles n times, up to the 1st, 2nd, ..., n-th norm, which is about n / 2 times the work of the output; the memory is
 * that of one tile. To collect all statistics in one run, with each tile normalised by its own, would be n / 2 times
 * cheaper but wrong from the second norm on. A generator without norms, or with running statistics, needs one run.
 *
 * Dropout masks are cut from masks of the whole picture, so overlapping tiles drop the same values.
 */
import type { Program } from "../../graph/graph.ts";
import type { MaskSpec, Parameters } from "../../nn/parameters.ts";
import type { RunProgram } from "../compiler.ts";
import { addTile, type Grid, gridOf, type Planes, type Tile, type TileSize, window } from "./geometry.ts";
import { measureNorm, type NormProgram } from "./statistics.ts";

export interface TiledGenerator {
  /**
   * The generator of one tile, with output `fake_B`. Norms take `given` statistics unless those are the same in all
   * tiles.
   */
  program: Program;
  netG: Parameters;
  /** Compiles a program; the same program is compiled once. */
  compile(program: Program): Promise<RunProgram>;
  /** One for each norm with given statistics, in the order of the graph. */
  norms: readonly NormProgram[];
  /** The values of a dropout mask of the whole picture. */
  drawMask(spec: MaskSpec, size: number): Float32Array;
}

/** @returns the output on the whole picture, [outputNc, height, width] */
export async function runTiled(generator: TiledGenerator, input: Planes, size: TileSize): Promise<Float32Array> {
  const { program, compile, norms } = generator;
  const grid = gridOf(input, size);
  const masks = generator.netG.masks.map((spec) => wholeMask(spec, generator, input, grid));
  const statistics: Record<string, Float32Array> = {};
  const feeds = (tile: Tile) => ({
    real_A: window(input, tile.y.start, tile.x.start, grid.height, grid.width),
    ...statistics,
    ...Object.fromEntries(masks.map((mask) => [mask.spec.name, cutMask(mask, tile, grid)])),
  });
  for (const norm of norms) {
    Object.assign(statistics, await measureNorm(await compile(norm.program), norm, grid.tiles, feeds));
  }

  const planes = program.outputs[0]!.tensor.shape[1]!;
  const whole: Planes = { ...input, planes, data: new Float32Array(planes * input.height * input.width) };
  const run = await compile(program);
  for (const tile of grid.tiles) addTile(whole, (await run(feeds(tile))).fake_B!, tile.y, tile.x);
  return whole.data;
}

/** A dropout mask of the whole picture, at the scale of the map that it belongs to. */
interface WholeMask {
  spec: MaskSpec;
  mask: Planes;
}

function wholeMask(spec: MaskSpec, { drawMask }: TiledGenerator, input: Planes, grid: Grid): WholeMask {
  const [, planes, h, w] = spec.shape as [number, number, number, number];
  const size = { planes, height: (h * input.height) / grid.height, width: (w * input.width) / grid.width };
  return { spec, mask: { ...size, data: drawMask(spec, planes * size.height * size.width) } };
}

/**
 * The part of a mask that belongs to a tile. A tile that does not start at a cell of the map takes the nearest cell.
 */
function cutMask({ spec, mask }: WholeMask, { y, x }: Tile, grid: Grid): Float32Array {
  const [h, w] = [spec.shape[2]!, spec.shape[3]!];
  const row = Math.min(Math.round((y.start * h) / grid.height), mask.height - h);
  const column = Math.min(Math.round((x.start * w) / grid.width), mask.width - w);
  return window(mask, row, column, h, w);
}
