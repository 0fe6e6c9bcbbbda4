/**
 * Shapes on 8-bit RGB pictures, without mixed colours at their edges: every colour of a label map is a class. Points are in pixels
 * from the top left corner; the centre of the first pixel is (0.5, 0.5).
 */
import type { Picture } from "../../platform.ts";

export type Rgb = readonly [number, number, number];
export interface Point {
  x: number;
  y: number;
}

/** A sheet of one colour. */
export function blank(width: number, height: number, rgb: Rgb): Picture {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i += 3) data.set(rgb, i);
  return { width, height, channels: 3, data };
}

export const copyOf = (picture: Picture): Picture => ({ ...picture, data: picture.data.slice() });

/** The picture with three channels: grey is repeated, alpha is dropped. */
export function asRgb({ width, height, channels, data }: Picture): Picture {
  if (channels === 3) return { width, height, channels, data };
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) rgb[i * 3 + c] = data[i * channels + (channels < 3 ? 0 : c)]!;
  }
  return { width, height, channels: 3, data: rgb };
}

/** The colour of the pixel at a point; undefined outside. */
export function colourAt({ width, height, data }: Picture, { x, y }: Point): Rgb | undefined {
  const [column, row] = [Math.floor(x), Math.floor(y)];
  if (column < 0 || row < 0 || column >= width || row >= height) return undefined;
  const at = (row * width + column) * 3;
  return [data[at]!, data[at + 1]!, data[at + 2]!];
}

/** A line with round ends: the pixels whose centres are at most `thick` / 2 from it, and the pixels at its two ends. */
export function drawLine(picture: Picture, from: Point, to: Point, thick: number, rgb: Rgb): void {
  const { width, height, data } = picture;
  const radius = Math.max(0.5, thick / 2);
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = dx * dx + dy * dy;
  const first = (a: number, b: number) => Math.max(0, Math.floor(Math.min(a, b) - radius));
  const end = (a: number, b: number, side: number) => Math.min(side, Math.ceil(Math.max(a, b) + radius));
  for (let row = first(from.y, to.y); row < end(from.y, to.y, height); row++) {
    for (let column = first(from.x, to.x); column < end(from.x, to.x, width); column++) {
      const [px, py] = [column + 0.5 - from.x, row + 0.5 - from.y];
      const along = length === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / length));
      if ((px - along * dx) ** 2 + (py - along * dy) ** 2 <= radius * radius) data.set(rgb, (row * width + column) * 3);
    }
  }
  for (const point of [from, to]) {
    if (colourAt(picture, point)) data.set(rgb, (Math.floor(point.y) * width + Math.floor(point.x)) * 3);
  }
}

/** A filled rectangle, the pixels of both corners included. */
export function fillRectangle({ width, height, data }: Picture, a: Point, b: Point, rgb: Rgb): void {
  const inside = (value: number, side: number) => Math.min(side - 1, Math.max(0, Math.floor(value)));
  const [left, right] = [inside(Math.min(a.x, b.x), width), inside(Math.max(a.x, b.x), width)];
  for (let row = inside(Math.min(a.y, b.y), height); row <= inside(Math.max(a.y, b.y), height); row++) {
    for (let column = left; column <= right; column++) data.set(rgb, (row * width + column) * 3);
  }
}

/** The four sides of a rectangle as lines. */
export function drawRectangle(picture: Picture, a: Point, b: Point, thick: number, rgb: Rgb): void {
  const corners: Point[] = [a, { x: b.x, y: a.y }, b, { x: a.x, y: b.y }];
  for (const [i, corner] of corners.entries()) drawLine(picture, corner, corners[(i + 1) % 4]!, thick, rgb);
}

/**
 * Fills the connected region around a point whose pixels have the colour of the point.
 * @param tolerance largest difference from that colour in each channel
 */
export function floodFill(picture: Picture, point: Point, rgb: Rgb, tolerance = 0): void {
  const start = colourAt(picture, point);
  if (!start) return;
  const { width, height, data } = picture;
  const seen = new Uint8Array(width * height);
  const fits = (at: number) =>
    seen[at] === 0 && start.every((value, c) => Math.abs(data[at * 3 + c]! - value) <= tolerance);
  const open = [Math.floor(point.y) * width + Math.floor(point.x)];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (!fits(at)) continue;
    const row = at - (at % width);
    let [left, right] = [at, at];
    while (left > row && fits(left - 1)) left -= 1;
    while (right < row + width - 1 && fits(right + 1)) right += 1;
    for (let each = left; each <= right; each++) {
      seen[each] = 1;
      if (each >= width) open.push(each - width);
      if (each < width * (height - 1)) open.push(each + width);
    }
    for (let each = left; each <= right; each++) data.set(rgb, each * 3);
  }
}
