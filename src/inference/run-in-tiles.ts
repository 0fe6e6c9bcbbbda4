/**
 * A generator on a picture that is cut into overlapping tiles, without seams.
 *
 * A norm that took its statistics from each tile would give neighbours another brightness and contrast. Here every norm
 * gets the mean and variance of the whole picture: the tiles' own parts (each position counts once) are summed up norm
 * by norm, each with the norms before it already fixed, so they are exact and not estimates: where the overlap covers
 * what a value depends on, they and the output equal those of the whole picture in one piece. For n norms that runs the
 * tiles n times as far as to the n-th norm, about n / 2 times the work of the output itself, and needs the memory of one
 * tile. Statistics that are all collected in a single run, each tile normalised by its own, would be n / 2 times
 * cheaper, but wrong from the second norm on. A generator without norms, or with running statistics, needs one run.
 *
 * Dropout masks are cut out of masks of the whole picture, so that neighbours agree on them too.
 */
import type { Output, Program, Shape, Tensor } from "../graph/graph.ts";
import { div, mul, sub } from "../graph/ops/elementwise.ts";
import { sum } from "../graph/ops/reduce.ts";
import type { MaskSpec, Parameters } from "../nn/parameters.ts";
import { addTile, coverage, type Planes, type Stretch, stretches, window } from "./tiles.ts";

export interface TileSize {
  /** Height and width of a tile in pixels; multiples of the generator's. */
  tile: number;
  /** Pixels that neighbours share, below `tile`. */
  overlap: number;
}

/** Runs a program on inputs by name (parameters are known to it already); gives its outputs by name. */
export type Run = (inputs: Readonly<Record<string, Float32Array>>) => Promise<Record<string, Float32Array>>;

export interface TiledGenerator {
  /** One tile's generator, built with `given` statistics where those of tiles would differ; output `fake_B`. */
  program: Program;
  netG: Parameters;
  /** Makes a program runnable; the same program is compiled once. */
  compile(program: Program): Promise<Run>;
  /** Of every norm with given statistics, in the order of the graph. */
  norms: readonly NormProgram[];
  /** The values of a dropout mask of the whole picture. */
  drawMask(spec: MaskSpec, size: number): Float32Array;
}

/**
 * Measures what comes to a norm: outputs `mean` and `squares` (of deviations), [1, C, 1, 1], over a tile's own part, which
 * the inputs `own_rows_<height>` and `own_columns_<width>` tell: the share of each row and column of the map, 0 to 1.
 */
export interface NormProgram {
  program: Program;
  /** Of the map that comes to the norm. */
  height: number;
  width: number;
  /** The inputs of the generator that take the result. */
  mean: string;
  variance: string;
}

/** The programs that measure for the norms of a generator with given statistics. */
export function normPrograms({ graph, norms }: Parameters): NormProgram[] {
  const share = (name: string, shape: Shape): Tensor =>
    graph.inputs.find((t) => t.name === name) ?? graph.input(name, shape);
  return norms.map(({ x, mean, variance }) => {
    const [, , height, width] = x.shape as [number, number, number, number];
    const own = mul(share(`own_rows_${height}`, [1, 1, height, 1]), share(`own_columns_${width}`, [1, 1, 1, width]));
    const average = div(sum(mul(x, own), [2, 3]), sum(own));
    const centred = sub(x, average);
    const outputs: Output[] = [
      { name: "mean", tensor: average },
      { name: "squares", tensor: sum(mul(mul(centred, centred), own), [2, 3]) },
    ];
    return { program: graph.program(outputs), height, width, mean: mean.name, variance: variance.name };
  });
}

/** @returns the output on the whole picture, [outputNc, height, width] */
export async function runTiled(
  { program, netG, compile, norms, drawMask }: TiledGenerator,
  input: Planes,
  { tile, overlap }: TileSize,
): Promise<Float32Array> {
  const rows = stretches(input.height, tile, overlap);
  const columns = stretches(input.width, tile, overlap);
  const tiles = rows.flatMap((y) => columns.map((x) => ({ y, x })));
  const [height, width] = [rows[0]!.length, columns[0]!.length];
  const masks = netG.masks.map((spec) => wholeMask(spec, drawMask));
  const fixed: Record<string, Float32Array> = {};

  for (const norm of norms) {
    const run = await compile(norm.program);
    const total = new Moments();
    for (const { y, x } of tiles) {
      const [ownRows, ownColumns] = [coverage(y, norm.height), coverage(x, norm.width)];
      const shares = { [`own_rows_${norm.height}`]: ownRows, [`own_columns_${norm.width}`]: ownColumns };
      const { mean, squares } = await run({ ...feeds(y, x), ...shares });
      total.add(sumOf(ownRows) * sumOf(ownColumns), mean!, squares!);
    }
    fixed[norm.mean] = Float32Array.from(total.mean);
    fixed[norm.variance] = Float32Array.from(total.squares, (squares) => squares / total.count);
  }

  const planes = program.outputs[0]!.tensor.shape[1]!;
  const whole: Planes = { ...input, planes, data: new Float32Array(planes * input.height * input.width) };
  const run = await compile(program);
  for (const { y, x } of tiles) addTile(whole, (await run(feeds(y, x))).fake_B!, y, x);
  return whole.data;

  function feeds(y: Stretch, x: Stretch): Record<string, Float32Array> {
    const cut = masks.map(({ spec, mask }) => {
      const [h, w] = [spec.shape[2]!, spec.shape[3]!];
      // A tile that does not start at a cell of this map takes the nearest.
      const row = Math.min(Math.round((y.start * h) / height), mask.height - h);
      const column = Math.min(Math.round((x.start * w) / width), mask.width - w);
      return [spec.name, window(mask, row, column, h, w)] as const;
    });
    return { real_A: window(input, y.start, x.start, height, width), ...fixed, ...Object.fromEntries(cut) };
  }

  function wholeMask(spec: MaskSpec, draw: TiledGenerator["drawMask"]): { spec: MaskSpec; mask: Planes } {
    const [, channels, h, w] = spec.shape as [number, number, number, number];
    const size = { planes: channels, height: (h * input.height) / height, width: (w * input.width) / width };
    return { spec, mask: { ...size, data: draw(spec, channels * size.height * size.width) } };
  }
}

/** Mean and sum of squared deviations of parts that are put together (Chan, Golub and LeVeque 1983). */
class Moments {
  count = 0;
  mean = new Float64Array();
  squares = new Float64Array();

  add(count: number, mean: Float32Array, squares: Float32Array): void {
    if (this.count === 0) {
      this.mean = new Float64Array(mean.length);
      this.squares = new Float64Array(mean.length);
    }
    const total = this.count + count;
    for (let c = 0; c < mean.length; c++) {
      const apart = mean[c]! - this.mean[c]!;
      this.mean[c]! += (apart * count) / total;
      this.squares[c]! += squares[c]! + (apart * apart * this.count * count) / total;
    }
    this.count = total;
  }
}

const sumOf = (values: Float32Array): number => values.reduce((a, b) => a + b, 0);
