/** The shapes of the studio, against their definitions pixel by pixel. */
import { describe, expect, it } from "vitest";
import {
  blank,
  colourAt,
  drawLine,
  drawRectangle,
  fillRectangle,
  floodFill,
  type Point,
  type Rgb,
} from "../../src/app/studio/raster.ts";
import { Sheet } from "../../src/app/studio/sheet.ts";
import type { Picture } from "../../src/platform.ts";

const [paper, ink, red]: Rgb[] = [
  [255, 255, 255],
  [0, 0, 0],
  [220, 20, 60],
];
const sheet = (width = 16, height = 12) => blank(width, height, paper!);

/** The picture as lines of text: . paper, # ink, r red. */
function text(picture: Picture): string[] {
  const letter = (x: number, y: number) => {
    const rgb = String(colourAt(picture, { x, y }));
    return rgb === String(paper) ? "." : rgb === String(ink) ? "#" : "r";
  };
  return Array.from({ length: picture.height }, (_, y) =>
    Array.from({ length: picture.width }, (_, x) => letter(x, y)).join(""),
  );
}

/** The distance of a point from a segment, by trying 2000 points of it. */
function distance(point: Point, from: Point, to: Point): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i <= 2000; i++) {
    const t = i / 2000;
    best = Math.min(best, Math.hypot(from.x + t * (to.x - from.x) - point.x, from.y + t * (to.y - from.y) - point.y));
  }
  return best;
}

describe("lines", () => {
  it.each([
    [{ x: 2.3, y: 3.1 }, { x: 12.7, y: 8.4 }, 3],
    [{ x: 13, y: 1 }, { x: 4, y: 10.5 }, 5],
    [{ x: 8, y: 6 }, { x: 8, y: 6 }, 4],
    [{ x: -3, y: 5 }, { x: 20, y: 5 }, 2],
  ])("cover the pixels within half their width (%o to %o, %d px)", (from, to, thick) => {
    const picture = sheet();
    drawLine(picture, from, to, thick, ink!);
    for (let y = 0; y < 12; y++) {
      for (let x = 0; x < 16; x++) {
        const far = distance({ x: x + 0.5, y: y + 0.5 }, from, to);
        if (Math.abs(far - thick / 2) < 0.01) continue;
        const end = [from, to].some((point) => Math.floor(point.x) === x && Math.floor(point.y) === y);
        expect(String(colourAt(picture, { x, y })), `${x},${y}`).toBe(String(far < thick / 2 || end ? ink : paper));
      }
    }
  });

  it("of one pixel have no gaps, and mix no colours", () => {
    const picture = sheet();
    drawLine(picture, { x: 0.5, y: 0.5 }, { x: 15.5, y: 9.2 }, 1, ink!);
    const rows = text(picture);
    for (let x = 0; x < 16; x++)
      expect(
        rows.some((row) => row[x] === "#"),
        `column ${x}`,
      ).toBe(true);
    expect(new Set(picture.data)).toEqual(new Set([0, 255]));
  });
});

describe("rectangles", () => {
  it("hold both corners, in any order, and end at the edge", () => {
    const picture = sheet(6, 4);
    fillRectangle(picture, { x: 9, y: 2.9 }, { x: 3.2, y: 1.1 }, ink!);
    expect(text(picture)).toEqual(["......", "...###", "...###", "......"]);
  });

  it("of line art are outlines", () => {
    const picture = sheet(6, 5);
    drawRectangle(picture, { x: 0.5, y: 0.5 }, { x: 4.5, y: 3.5 }, 1, ink!);
    expect(text(picture)).toEqual(["#####.", "#...#.", "#...#.", "#####.", "......"]);
  });
});

it("fill takes the connected pixels of one colour, around corners, and no others", () => {
  const picture = sheet(7, 5);
  drawRectangle(picture, { x: 1.5, y: 0.5 }, { x: 5.5, y: 4.5 }, 1, ink!);
  floodFill(picture, { x: 3, y: 2 }, red!);
  expect(text(picture)).toEqual([".#####.", ".#rrr#.", ".#rrr#.", ".#rrr#.", ".#####."]);
  floodFill(picture, { x: 0, y: 0 }, red!);
  expect(text(picture)).toEqual(["r#####.", "r#rrr#.", "r#rrr#.", "r#rrr#.", "r#####."]);
  floodFill(picture, { x: 20, y: 0 }, red!);
  floodFill(picture, { x: 2, y: 2 }, red!);
  expect(text(picture)[0]).toBe("r#####.");
});

it("a sheet goes back and forth, and forgets the way forth after a new change", () => {
  const first = sheet(4, 1);
  const one = new Sheet({ picture: first, name: "pair", target: first });
  fillRectangle(one.begin(), { x: 0, y: 0 }, { x: 0, y: 0 }, ink!);
  expect([one.canUndo, one.canRedo, one.now.target]).toEqual([true, false, undefined]);
  fillRectangle(one.begin(), { x: 1, y: 0 }, { x: 1, y: 0 }, red!);
  one.undo();
  expect(text(one.now.picture)).toEqual(["#..."]);
  one.undo();
  expect(text(one.now.picture)).toEqual(["...."]);
  expect(one.now.target).toBe(first);
  one.redo();
  one.redo();
  expect(text(one.now.picture)).toEqual(["#r.."]);
  one.undo();
  fillRectangle(one.begin(), { x: 3, y: 0 }, { x: 3, y: 0 }, ink!);
  expect([text(one.now.picture), one.canRedo]).toEqual([["#..#"], false]);
  one.cancel();
  expect(text(one.now.picture)).toEqual(["#..."]);
});

it("a stroke or a shape that is cancelled leaves a sheet as it was, with all that can be undone and redone", () => {
  const one = new Sheet({ picture: sheet(4, 1), name: "drawing" });
  const dot = (x: number) => fillRectangle(one.begin(), { x, y: 0 }, { x, y: 0 }, ink!);
  for (const x of [0, 1, 2]) {
    dot(x);
    one.end();
  }
  one.undo();
  one.undo();
  // A shape is drawn anew at each movement.
  for (const x of [1, 2, 3]) {
    if (x > 1) one.cancel();
    dot(x);
    expect(one.canRedo).toBe(false);
  }
  one.cancel();
  expect([text(one.now.picture), one.canUndo, one.canRedo]).toEqual([["#..."], true, true]);
  one.redo();
  one.redo();
  expect([text(one.now.picture), one.canRedo]).toEqual([["###."], false]);
  dot(3);
  one.end();
  one.cancel();
  expect(text(one.now.picture)).toEqual(["####"]);
  one.undo();
  dot(3);
  one.undo();
  one.cancel();
  expect(text(one.now.picture)).toEqual(["###."]);
});
