/**
 * The geometry of pictures that are padded, or cut into tiles. Values are planes of rows, as in a tensor
 * [planes, height, width].
 */
import { mirrored } from "../../data/mirror.ts";

/** A part of an axis: `length` positions from `start` on, of which [from, to) of the axis are its own. */
export interface Stretch {
  start: number;
  length: number;
  /** Each position of the axis belongs to one stretch. */
  from: number;
  to: number;
}

/** A tile: its rows and its columns. */
export interface Tile {
  y: Stretch;
  x: Stretch;
}

/**
 * Cuts an axis into stretches of `length`. The own positions of a stretch are at least `margin` away from its ends,
 * unless these are the ends of the axis. The last stretch is moved back to end with the axis. An axis of at most
 * `length` is one stretch.
 * @param length more than twice `margin`
 */
export function stretches(axis: number, length: number, margin: number): Stretch[] {
  if (axis <= length) return [{ start: 0, length: axis, from: 0, to: axis }];
  const found: Stretch[] = [];
  for (let from = 0; from < axis; ) {
    const start = Math.min(Math.max(0, from - margin), axis - length);
    const to = start + length === axis ? axis : start + length - margin;
    found.push({ start, length, from, to });
    from = to;
  }
  return found;
}

/** Planes of `height` rows of `width` values. */
export interface Planes {
  data: Float32Array;
  planes: number;
  height: number;
  width: number;
}

/** A rectangle: its upper left corner and its size. */
export interface Rectangle {
  y: number;
  x: number;
  height: number;
  width: number;
}

/** The rectangle at (x, y) of every plane; beyond the right and the lower edge the planes are continued by reflection. */
export function window(source: Planes, { y, x, height, width }: Rectangle): Float32Array {
  const { planes } = source;
  const out = new Float32Array(planes * height * width);
  const columns = Int32Array.from({ length: width }, (_, i) => mirrored(x + i, source.width));
  const inside = x + width <= source.width;
  for (let plane = 0, to = 0; plane < planes; plane++) {
    for (let row = 0; row < height; row++, to += width) {
      const from = (plane * source.height + mirrored(y + row, source.height)) * source.width;
      if (inside) out.set(source.data.subarray(from + x, from + x + width), to);
      else for (let i = 0; i < width; i++) out[to + i] = source.data[from + columns[i]!]!;
    }
  }
  return out;
}

/** Copies the rectangle `part` of one array of planes to (y, x) of another. */
export function copyPart(
  from: Planes,
  part: Rectangle,
  to: Pick<Planes, "height" | "width"> & { data: Float32Array },
  at: { y: number; x: number },
): void {
  for (let plane = 0; plane < from.planes; plane++) {
    for (let row = 0; row < part.height; row++) {
      const source = (plane * from.height + part.y + row) * from.width + part.x;
      const target = (plane * to.height + at.y + row) * to.width + at.x;
      to.data.set(from.data.subarray(source, source + part.width), target);
    }
  }
}
