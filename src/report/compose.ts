/** Pictures side by side and under headings, as 8-bit RGB. */
import type { Picture } from "../platform.ts";
import { drawText, lineHeight, shortened } from "./font.ts";

const paper = 255;
const ink = [30, 34, 40] as const;
const faint = [110, 116, 124] as const;

/**
 * The pictures from left to right, tops aligned, `gap` pixels of white between them. Grey becomes RGB, alpha is left
 * out.
 */
export function strip(pictures: readonly Picture[], { gap = 4 }: { gap?: number } = {}): Picture {
  const width = pictures.reduce((sum, { width }) => sum + width + gap, -gap);
  const out = blank(Math.max(0, width), Math.max(0, ...pictures.map(({ height }) => height)));
  let left = 0;
  for (const picture of pictures) {
    paste(out, picture, left, 0);
    left += picture.width + gap;
  }
  return out;
}

/** The pictures from top to bottom, left edges aligned, `gap` pixels of white between them. */
export function stack(pictures: readonly Picture[], { gap = 4 }: { gap?: number } = {}): Picture {
  const height = pictures.reduce((sum, { height }) => sum + height + gap, -gap);
  const out = blank(Math.max(0, ...pictures.map(({ width }) => width)), Math.max(0, height));
  let top = 0;
  for (const picture of pictures) {
    paste(out, picture, 0, top);
    top += picture.height + gap;
  }
  return out;
}

export interface SheetRow {
  pictures: readonly Picture[];
  /** Written above the pictures, such as the file's name; shortened in the middle where it is too long. */
  caption: string;
}

export interface SheetOptions {
  /** Headings of the pictures of every row, such as ["input (label)", "target (photo)"]. */
  columns: readonly string[];
  /** Rows side by side; by default as many as make the sheet about 3 wide to 2 high. */
  across?: number;
  /** Each pixel becomes zoom x zoom; by default small pictures are enlarged to at least 128 pixels' width. */
  zoom?: number;
}

/** One sheet of captioned rows under headings: what `inspect` shows. Every row has one picture per column. */
export function contactSheet(rows: readonly SheetRow[], options: SheetOptions): Picture {
  const [cellWidth, cellHeight] = largest(rows);
  const zoom = options.zoom ?? Math.max(1, Math.ceil(128 / Math.max(1, cellWidth)));
  const [width, height] = [cellWidth * zoom, cellHeight * zoom];
  const scale = width >= 200 ? 2 : 1;
  const gap = 4 * scale;
  const margin = 4 * gap;
  const line = lineHeight * scale;
  const blockWidth = options.columns.length * (width + gap) - gap;
  const rowHeight = line + gap + height + margin;
  const across = Math.min(rows.length, options.across ?? balanced(rows.length, blockWidth + margin, rowHeight));
  const down = Math.ceil(rows.length / Math.max(1, across));
  const top = margin + line + gap;
  const sheet = blank(margin + across * (blockWidth + margin), top + down * rowHeight);

  for (let block = 0; block < across; block++) {
    options.columns.forEach((heading, column) => {
      const left = margin + block * (blockWidth + margin) + column * (width + gap);
      drawText(sheet, shortened(heading, width, scale), left, margin, { scale, color: ink });
    });
  }
  rows.forEach(({ pictures, caption }, index) => {
    const left = margin + (index % across) * (blockWidth + margin);
    const y = top + Math.floor(index / across) * rowHeight;
    drawText(sheet, shortened(caption, blockWidth, scale), left, y, { scale, color: faint });
    pictures.forEach((picture, column) => {
      paste(sheet, picture, left + column * (width + gap), y + line + gap / 2, zoom);
    });
  });
  return sheet;
}

function blank(width: number, height: number): Picture {
  return { width, height, channels: 3, data: new Uint8Array(width * height * 3).fill(paper) };
}

/** Copies `from`, each pixel zoom x zoom, with its top left corner at (x, y). */
function paste(into: Picture, from: Picture, x: number, y: number, zoom = 1): void {
  const grey = from.channels < 3;
  for (let row = 0; row < from.height * zoom; row++) {
    const source = Math.floor(row / zoom) * from.width;
    for (let column = 0; column < from.width * zoom; column++) {
      const at = (source + Math.floor(column / zoom)) * from.channels;
      const to = ((y + row) * into.width + x + column) * 3;
      for (let c = 0; c < 3; c++) into.data[to + c] = from.data[grey ? at : at + c]!;
    }
  }
}

function largest(rows: readonly SheetRow[]): [number, number] {
  const all = rows.flatMap(({ pictures }) => pictures);
  return [Math.max(0, ...all.map(({ width }) => width)), Math.max(0, ...all.map(({ height }) => height))];
}

function balanced(count: number, width: number, height: number): number {
  return Math.max(1, Math.round(Math.sqrt((1.5 * count * height) / width)));
}
