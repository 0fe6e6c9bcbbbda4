import { describe, expect, it } from "vitest";
import type { Picture } from "../../src/platform.ts";
import { contactSheet, stack, strip } from "../../src/report/compose.ts";

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

describe("contactSheet", () => {
  const rows = [1, 2, 3].map((i) => [flat(140, 130, i, 0, 0), flat(140, 130, 0, i, 0)]);
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
    const sheet = contactSheet(rows, { across: 2 });
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
    const small = [[flat(32, 32, 9, 9, 9)]];
    expect(places(contactSheet(small), "9,9,9").count).toBe(128 * 128);
    expect(places(contactSheet(small, { zoom: 1 }), "9,9,9").count).toBe(32 * 32);
  });

  it("is white beside the pictures", () => {
    const sheet = contactSheet(rows, { across: 2 });
    expect(seen(sheet).split("#").length - 1).toBe(6 * 140 * 130);
  });
});
