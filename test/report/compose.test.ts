import { describe, expect, it } from "vitest";
import type { Picture } from "../../src/platform.ts";
import { contactSheet, stack, strip } from "../../src/report/compose.ts";
import { drawText, shortened, textWidth } from "../../src/report/font.ts";

function flat(width: number, height: number, ...color: number[]): Picture {
  const data = Uint8Array.from({ length: width * height * color.length }, (_, i) => color[i % color.length]!);
  return { width, height, channels: color.length, data };
}

const pixel = ({ data, width }: Picture, x: number, y: number) => [
  ...data.subarray((y * width + x) * 3).subarray(0, 3),
];

/** The picture as text, `#` where it is not white. */
const seen = (picture: Picture) =>
  Array.from({ length: picture.height }, (_, y) =>
    Array.from({ length: picture.width }, (_, x) => (pixel(picture, x, y).join() === "255,255,255" ? "." : "#")).join(
      "",
    ),
  ).join("\n");

describe("strip", () => {
  it("puts pictures side by side: grey as RGB, alpha left out, white between and below", () => {
    const out = strip([flat(2, 3, 10, 20, 30), flat(1, 2, 77), flat(2, 3, 1, 2, 3, 128)], { gap: 2 });
    expect([out.width, out.height, out.channels]).toEqual([9, 3, 3]);
    expect(pixel(out, 1, 2)).toEqual([10, 20, 30]);
    expect(pixel(out, 2, 0)).toEqual([255, 255, 255]);
    expect(pixel(out, 4, 1)).toEqual([77, 77, 77]);
    expect(pixel(out, 4, 2)).toEqual([255, 255, 255]);
    expect(pixel(out, 8, 2)).toEqual([1, 2, 3]);
  });
});

describe("stack", () => {
  it("puts pictures under each other, white between and beside", () => {
    const out = stack([flat(2, 1, 1, 2, 3), flat(3, 2, 7)], { gap: 1 });
    expect([out.width, out.height, out.channels]).toEqual([3, 4, 3]);
    expect(seen(out)).toBe("##.\n...\n###\n###");
    expect(pixel(out, 2, 3)).toEqual([7, 7, 7]);
  });
});

describe("text", () => {
  it("draws the shapes of letters", () => {
    const out = flat(17, 8, 255, 255, 255);
    drawText(out, "L2p", 0, 0);
    expect(`\n${seen(out)}`).toBe(`
#......###.......
#.....#...#......
#.........#.####.
#........#..#...#
#.......#...#...#
#......#....####.
#####.#####.#....
............#....`);
  });

  it("draws printable ASCII each in its own shape, within 5 x 8", () => {
    const shapes = Array.from({ length: 94 }, (_, i) => {
      const out = flat(8, 10, 255, 255, 255);
      drawText(out, String.fromCharCode(33 + i), 0, 0);
      const text = seen(out);
      expect(text.split("\n").every((row) => row.endsWith("..."))).toBe(true);
      expect(text.endsWith("........\n........")).toBe(true);
      return text;
    });
    expect(new Set(shapes).size).toBe(94);
  });

  it("leaves out what does not fit and scales", () => {
    const out = flat(4, 4, 255, 255, 255);
    drawText(out, "\u00e9HH", -3, -3, { scale: 2, color: [1, 2, 3] });
    expect(seen(out)).toContain("#");
    expect(textWidth("ab", 2)).toBe(22);
  });

  it("shortens in the middle to the width", () => {
    expect(shortened("facades/12", 59)).toBe("facades/12");
    expect(shortened("facades/12", 58)).toBe("faca../12");
    expect(textWidth(shortened("a/very/long/name.png", 100))).toBeLessThanOrEqual(100);
  });
});

describe("contactSheet", () => {
  const rows = [1, 2, 3].map((i) => ({
    pictures: [flat(140, 130, i, 0, 0), flat(140, 130, 0, i, 0)],
    caption: `pair ${i}`,
  }));
  const places = (sheet: Picture, color: string) => {
    let [left, top, count] = [sheet.width, sheet.height, 0];
    for (let y = 0; y < sheet.height; y++) {
      for (let x = 0; x < sheet.width; x++) {
        if (pixel(sheet, x, y).join() !== color) continue;
        [left, top, count] = [Math.min(left, x), Math.min(top, y), count + 1];
      }
    }
    return { left, top, count };
  };

  it("shows every picture whole, in its row and column, nothing over it", () => {
    const sheet = contactSheet(rows, { columns: ["input", "target"], across: 2 });
    const [first, right, second, third] = ["1,0,0", "0,1,0", "2,0,0", "3,0,0"].map((color) => places(sheet, color));
    for (const { count } of [first!, right!, second!, third!]) expect(count).toBe(140 * 130);
    expect(right!.top).toBe(first!.top);
    expect(right!.left).toBeGreaterThanOrEqual(first!.left + 140);
    expect(second!.top).toBe(first!.top);
    expect(second!.left).toBeGreaterThan(right!.left);
    expect(third!.left).toBe(first!.left);
    expect(third!.top).toBeGreaterThanOrEqual(first!.top + 130);
  });

  it("enlarges small pictures by whole pixels", () => {
    const small = [{ pictures: [flat(32, 32, 9, 9, 9)], caption: "" }];
    expect(places(contactSheet(small, { columns: [""] }), "9,9,9").count).toBe(128 * 128);
    expect(places(contactSheet(small, { columns: [""], zoom: 1 }), "9,9,9").count).toBe(32 * 32);
  });

  it("writes headings above and captions", () => {
    const bare = contactSheet(rows, { columns: ["", ""], across: 2 });
    const named = contactSheet(rows, { columns: ["input", "target"], across: 2 });
    const ink = (sheet: Picture, from: number, to: number) =>
      seen(sheet).split("\n").slice(from, to).join("").split("#").length - 1;
    const top = places(named, "1,0,0").top;
    expect(ink(named, 0, top)).toBeGreaterThan(ink(bare, 0, top));
    expect(ink(bare, 0, top)).toBeGreaterThan(0);
  });
});
