/** Means and variances of a map of the whole picture, from the parts of it that the tiles have. */
import type { Planes, Rectangle } from "./geometry.ts";

/** Count, mean and sum of squared deviations of parts that are merged (Chan, Golub and LeVeque 1983), for each plane. */
export class Moments {
  readonly #mean: Float64Array;
  readonly #squares: Float64Array;
  #count = 0;

  constructor(planes: number) {
    this.#mean = new Float64Array(planes);
    this.#squares = new Float64Array(planes);
  }

  /** Each position of the whole map is added once. */
  add(tile: Planes, part: Rectangle): void {
    const count = part.height * part.width;
    const total = this.#count + count;
    for (let plane = 0; plane < tile.planes; plane++) {
      const mean = sumOver(tile, plane, part, 0, 1) / count;
      const squares = sumOver(tile, plane, part, mean, 2);
      const difference = mean - this.#mean[plane]!;
      this.#mean[plane]! += (difference * count) / total;
      this.#squares[plane]! += squares + (difference * difference * this.#count * count) / total;
    }
    this.#count = total;
  }

  get mean(): Float32Array {
    return Float32Array.from(this.#mean);
  }

  get variance(): Float32Array {
    return Float32Array.from(this.#squares, (squares) => squares / this.#count);
  }
}

/** The sum of (value - from) ** power over a part of a plane. */
function sumOver(tile: Planes, plane: number, part: Rectangle, from: number, power: 1 | 2): number {
  const { data } = tile;
  let sum = 0;
  for (let row = 0; row < part.height; row++) {
    const start = (plane * tile.height + part.y + row) * tile.width + part.x;
    for (let i = start; i < start + part.width; i++) {
      const value = data[i]! - from;
      sum += power === 1 ? value : value * value;
    }
  }
  return sum;
}
