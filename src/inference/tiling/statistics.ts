/**
 * Means and variances of a whole picture from its tiles.
 *
 * Each position of a map belongs to exactly one tile (`coverage`), so the sums over tiles are sums over the picture. A
 * norm is measured only after the norms before it have their final statistics, so its input is the one of the whole
 * picture.
 */
import type { Output, Program, Shape, Tensor } from "../../graph/graph.ts";
import { div, mul, sub } from "../../graph/ops/elementwise.ts";
import { sum } from "../../graph/ops/reduce.ts";
import type { Parameters } from "../../nn/parameters.ts";
import type { RunProgram } from "../compiler.ts";
import { coverage, type Tile } from "./geometry.ts";

/**
 * Measures the input of one norm on a tile. Outputs: `mean` and `squares` (the sum of squared deviations from it), both
 * [1, C, 1, 1], over the tile's own part. That part is given by the inputs `own_rows_<height>` and
 * `own_columns_<width>`: for each row and column of the map the share that belongs to the tile, 0 to 1.
 */
export interface NormProgram {
  program: Program;
  /** Of the map that the norm takes. */
  height: number;
  width: number;
  /** The inputs of the generator's program that take the statistics. */
  mean: string;
  variance: string;
}

/** One program for each norm of a generator that takes its statistics as inputs, in the order of the graph. */
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

/**
 * The statistics of one norm over the whole picture.
 * @param feeds the inputs of the generator for a tile, with the statistics of the norms before
 */
export async function measureNorm(
  run: RunProgram,
  norm: NormProgram,
  tiles: readonly Tile[],
  feeds: (tile: Tile) => Record<string, Float32Array>,
): Promise<Record<string, Float32Array>> {
  const total = new Moments();
  for (const tile of tiles) {
    const [rows, columns] = [coverage(tile.y, norm.height), coverage(tile.x, norm.width)];
    const shares = { [`own_rows_${norm.height}`]: rows, [`own_columns_${norm.width}`]: columns };
    const { mean, squares } = await run({ ...feeds(tile), ...shares });
    total.add(sumOf(rows) * sumOf(columns), mean!, squares!);
  }
  return {
    [norm.mean]: Float32Array.from(total.mean),
    [norm.variance]: Float32Array.from(total.squares, (squares) => squares / total.count),
  };
}

/** Count, mean and sum of squared deviations of parts that are merged (Chan, Golub and LeVeque 1983). */
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
      const difference = mean[c]! - this.mean[c]!;
      this.mean[c]! += (difference * count) / total;
      this.squares[c]! += squares[c]! + (difference * difference * this.count * count) / total;
    }
    this.count = total;
  }
}

const sumOf = (values: Float32Array): number => values.reduce((a, b) => a + b, 0);
