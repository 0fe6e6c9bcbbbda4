/**
 * The geometry of pictures that are padded, or cut into overlapping tiles and merged again. Values are planes of rows,
 * as in a tensor [planes, height, width].
 */

export interface TileSize {
  /** Height and width of a tile in pixels: a multiple of the generator's. */
  tile: number;
  /** Pixels that neighbouring tiles share; less than `tile`. */
  overlap: number;
}

/** A part of an axis that is cut into parts of equal length. */
export interface Stretch {
  start: number;
  length: number;
  /** The weight of each value in the whole; at every position of the axis the weights of all stretches sum to 1. */
  weights: Float64Array;
  /**
   * The positions [from, to), counted from `start`, that belong to this stretch: each position of the axis belongs to
   * one.
   */
  from: number;
  to: number;
}

/** A tile: its rows and its columns. */
export interface Tile {
  y: Stretch;
  x: Stretch;
}

export interface Grid {
  /** Row by row. */
  tiles: readonly Tile[];
  /** Of every tile. */
  height: number;
  width: number;
}

/** The tiles of a picture. A picture that is lower or narrower than a tile has tiles of its own height or width. */
export function gridOf(picture: { height: number; width: number }, { tile, overlap }: TileSize): Grid {
  const rows = stretches(picture.height, tile, overlap);
  const columns = stretches(picture.width, tile, overlap);
  const tiles = rows.flatMap((y) => columns.map((x) => ({ y, x })));
  return { tiles, height: rows[0]!.length, width: columns[0]!.length };
}

/**
 * Cuts an axis into stretches of `tile` that overlap by `overlap`; the last one is moved back to end with the axis. An
 * axis of at most `tile` is one stretch.
 *
 * At an inner end the outer quarter of the overlap has weight 0: there the network saw the padding of the tile instead
 * of the picture. Across the middle half the weight is a raised cosine, (1 - cos(pi t)) / 2. The merged picture is
 * exact where a value depends on positions at most overlap / 4 away.
 */
export function stretches(axis: number, tile: number, overlap: number): Stretch[] {
  const length = Math.min(axis, tile);
  const starts = [0];
  while (starts.at(-1)! + length < axis) starts.push(Math.min(starts.at(-1)! + length - overlap, axis - length));
  const sum = new Float64Array(axis);
  const found = starts.map((start, i): Stretch => {
    const [before, after] = [starts[i - 1], starts[i + 1]];
    const weights = Float64Array.from(
      { length },
      (_, x) =>
        (before === undefined ? 1 : ramp(x, overlap)) * (after === undefined ? 1 : ramp(length - 1 - x, overlap)),
    );
    for (let x = 0; x < length; x++) sum[start + x]! += weights[x]!;
    // The border between two stretches is in the middle of their overlap.
    const from = before === undefined ? 0 : (before + length - start) / 2;
    const to = after === undefined ? length : (after + length - start) / 2;
    return { start, length, weights, from, to };
  });
  for (const { start, weights } of found) for (let x = 0; x < length; x++) weights[x]! /= sum[start + x]!;
  return found;
}

/** The weight at distance `x` from the end of a tile: 0, then a raised cosine, then 1. */
function ramp(x: number, overlap: number): number {
  const t = overlap === 0 ? 1 : (x + 0.5 - overlap / 4) / (overlap / 2);
  return (1 - Math.cos(Math.PI * Math.min(1, Math.max(0, t)))) / 2;
}

/** For each of `cells` equal cells of a stretch the share that belongs to the stretch, 0 to 1. */
export function coverage({ length, from, to }: Stretch, cells: number): Float32Array {
  const cell = length / cells;
  const shared = (i: number) => Math.min(to, (i + 1) * cell) - Math.max(from, i * cell);
  return Float32Array.from({ length: cells }, (_, i) => Math.max(0, shared(i)) / cell);
}

/** Planes of `height` rows of `width` values. */
export interface Planes {
  data: Float32Array;
  planes: number;
  height: number;
  width: number;
}

/**
 * The rectangle at (x, y) of every plane; beyond the right and the lower edge the planes are continued by reflection.
 */
export function window(source: Planes, y: number, x: number, height: number, width: number): Float32Array {
  const { planes } = source;
  const out = new Float32Array(planes * height * width);
  const columns = Int32Array.from({ length: width }, (_, i) => reflected(x + i, source.width));
  const inside = x + width <= source.width;
  for (let plane = 0, to = 0; plane < planes; plane++) {
    for (let row = 0; row < height; row++, to += width) {
      const from = (plane * source.height + reflected(y + row, source.height)) * source.width;
      if (inside) out.set(source.data.subarray(from + x, from + x + width), to);
      else for (let i = 0; i < width; i++) out[to + i] = source.data[from + columns[i]!]!;
    }
  }
  return out;
}

/** The position 0..length-1 of `i` in a row that is reflected at its ends, without a repeated end: 0 1 2 1 0 1 ... */
function reflected(i: number, length: number): number {
  if (i < length) return i;
  const period = Math.max(1, 2 * (length - 1));
  const place = i % period;
  return Math.min(place, period - place);
}

/** Adds a tile's values, multiplied by its weights, to the whole picture. */
export function addTile(whole: Planes, values: Float32Array, rows: Stretch, columns: Stretch): void {
  for (let plane = 0, from = 0; plane < whole.planes; plane++) {
    for (let row = 0; row < rows.length; row++, from += columns.length) {
      const weight = rows.weights[row]!;
      if (weight === 0) continue;
      const to = (plane * whole.height + rows.start + row) * whole.width + columns.start;
      for (let i = 0; i < columns.length; i++) whole.data[to + i]! += weight * columns.weights[i]! * values[from + i]!;
    }
  }
}
