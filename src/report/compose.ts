/** Composes 8-bit pictures from others: side by side, or one below the other. */
import type { Picture } from "../platform.ts";

const white = 255;

/** The columns of a sample. */
export const sampleColumns = ["input", "output", "target"] as const;

/** Pixels between the pictures of a strip or a stack. They are transparent, for pages in light and dark, and white for readers of RGB. */
export const stripGap = 4;

/**
 * The pictures from left to right with their tops aligned, as RGBA. All is transparent but the pictures, whose own alpha
 * is dropped.
 * @param cell pixels that each picture takes, so that those of several strips are in columns; default: its own width
 */
export function strip(
  pictures: readonly Picture[],
  { gap = stripGap, cell }: { gap?: number; cell?: number } = {},
): Picture {
  const width = pictures.reduce((sum, { width }) => sum + (cell ?? width) + gap, -gap);
  const out = clear(Math.max(0, width), Math.max(0, ...pictures.map(({ height }) => height)));
  let left = 0;
  for (const picture of pictures) {
    paste(out, picture, left, 0);
    left += (cell ?? picture.width) + gap;
  }
  return out;
}

/** The part of an RGB or RGBA picture whose top left corner is (x, y), as RGB. */
export function cut(
  { width: whole, channels, data }: Picture,
  { x, y, width, height }: { x: number; y: number; width: number; height: number },
): Picture {
  const out = blank(width, height);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const from = ((y + row) * whole + x + column) * channels;
      out.data.set(data.subarray(from, from + 3), (row * width + column) * 3);
    }
  }
  return out;
}

/** The pictures from top to bottom with their left edges aligned, as RGBA. All is transparent but the pictures; RGBA keeps its alpha. */
export function stack(pictures: readonly Picture[], { gap = stripGap }: { gap?: number } = {}): Picture {
  const height = pictures.reduce((sum, { height }) => sum + height + gap, -gap);
  const out = clear(Math.max(0, ...pictures.map(({ width }) => width)), Math.max(0, height));
  let top = 0;
  for (const picture of pictures) {
    paste(out, picture, 0, top, { alpha: picture.channels === 4 });
    top += picture.height + gap;
  }
  return out;
}

export interface SheetOptions {
  /** Number of rows side by side. Default: such that the sheet is about 3 wide to 2 high. */
  across?: number;
  /** Whole factor of enlargement. Default: such that a picture is at least 128 pixels wide. */
  zoom?: number;
}

/** Rows of pictures on one white sheet, as RGB, without text. Every row has as many pictures as the first. */
export function contactSheet(rows: readonly (readonly Picture[])[], options: SheetOptions = {}): Picture {
  const [cellWidth, cellHeight] = largest(rows.flat());
  const zoom = options.zoom ?? Math.max(1, Math.ceil(128 / Math.max(1, cellWidth)));
  const [width, height] = [cellWidth * zoom, cellHeight * zoom];
  const gap = width >= 200 ? 8 : 4;
  const margin = 4 * gap;
  const rowWidth = (rows[0]?.length ?? 0) * (width + gap) - gap + margin;
  const rowHeight = height + gap;
  const across = Math.min(rows.length, options.across ?? balanced(rows.length, rowWidth, rowHeight));
  const down = Math.ceil(rows.length / Math.max(1, across));
  const sheet = blank(margin + across * rowWidth, 2 * margin - gap + down * rowHeight);
  rows.forEach((pictures, index) => {
    const left = margin + (index % across) * rowWidth;
    const top = margin + Math.floor(index / across) * rowHeight;
    pictures.forEach((picture, column) => {
      paste(sheet, picture, left + column * (width + gap), top, { zoom });
    });
  });
  return sheet;
}

function blank(width: number, height: number): Picture {
  return { width, height, channels: 3, data: new Uint8Array(width * height * 3).fill(white) };
}

/** A transparent picture, white where alpha is dropped. */
function clear(width: number, height: number): Picture {
  const data = new Uint8Array(width * height * 4).fill(white);
  for (let at = 3; at < data.length; at += 4) data[at] = 0;
  return { width, height, channels: 4, data };
}

/**
 * Copies `from`, enlarged by `zoom`, to (x, y), its top left corner.
 * @param alpha whether RGBA keeps its alpha; else the copy is opaque
 */
function paste(into: Picture, from: Picture, x: number, y: number, { zoom = 1, alpha = false } = {}): void {
  const grey = from.channels < 3;
  for (let row = 0; row < from.height * zoom; row++) {
    const source = Math.floor(row / zoom) * from.width;
    for (let column = 0; column < from.width * zoom; column++) {
      const at = (source + Math.floor(column / zoom)) * from.channels;
      const to = ((y + row) * into.width + x + column) * into.channels;
      for (let c = 0; c < 3; c++) into.data[to + c] = from.data[grey ? at : at + c]!;
      if (into.channels === 4) into.data[to + 3] = alpha ? from.data[at + 3]! : 255;
    }
  }
}

function largest(all: readonly Picture[]): [width: number, height: number] {
  return [Math.max(0, ...all.map(({ width }) => width)), Math.max(0, ...all.map(({ height }) => height))];
}

/** How many of `count` rows to put side by side. */
function balanced(count: number, width: number, height: number): number {
  return Math.max(1, Math.round(Math.sqrt((1.5 * count * height) / width)));
}
