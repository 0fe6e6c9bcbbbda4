import { describe, expect, it } from "vitest";
import type { Picture } from "../../src/platform.ts";
import { contactSheet, cut, stack, strip } from "../../src/report/compose.ts";

function flat(width: number, height: number, ...color: number[]): Picture {
  const data = Uint8Array.from({ length: width * height * color.length }, (_, i) => color[i % color.length]!);
  return { width, height, channels: color.length, data };
}

const pixel = ({ data, width, channels }: Picture, x: number, y: number) => [
  ...data.subarray((y * width + x) * channels).subarray(0, channels),
];

/** The picture as text, `#` where it is neither white nor transparent. */
const seen = (picture: Picture) =>
  Array.from({ length: picture.height }, (_, y) =>
    Array.from({ length: picture.width }, (_, x) => (empty.includes(pixel(picture, x, y).join()) ? "." : "#")).join(""),
  ).join("\n");
const empty = ["255,255,255", "255,255,255,0"];

describe("strip", () => {
  it("puts pictures side by side: grey as RGB, their alpha left out, transparent white between and below", () => {
    const out = strip([flat(2, 3, 10, 20, 30), flat(1, 2, 77), flat(2, 3, 1, 2, 3, 128)], { gap: 2 });
    expect([out.width, out.height, out.channels]).toEqual([9, 3, 4]);
    expect(pixel(out, 1, 2)).toEqual([10, 20, 30, 255]);
    expect(pixel(out, 2, 0)).toEqual([255, 255, 255, 0]);
    expect(pixel(out, 4, 1)).toEqual([77, 77, 77, 255]);
    expect(pixel(out, 4, 2)).toEqual([255, 255, 255, 0]);
    expect(pixel(out, 8, 2)).toEqual([1, 2, 3, 255]);
  });
});

describe("stack", () => {
  it("puts pictures under each other, transparent between and beside", () => {
    const out = stack([flat(2, 1, 1, 2, 3), flat(3, 2, 7)], { gap: 1 });
    expect([out.width, out.height, out.channels]).toEqual([3, 4, 4]);
    expect(seen(out)).toBe("##.\n...\n###\n###");
    expect(pixel(out, 2, 3)).toEqual([7, 7, 7, 255]);
  });

  it("keeps what is transparent in strips; a part is RGB, with white there", () => {
    const rows = [strip([flat(1, 1, 9), flat(1, 1, 8)], { gap: 1 }), strip([flat(1, 1, 7), flat(1, 1, 6)], { gap: 1 })];
    const out = stack(rows, { gap: 1 });
    expect([0, 1, 2].map((x) => pixel(out, x, 2)[3])).toEqual([255, 0, 255]);
    expect([0, 1, 2].map((x) => pixel(out, x, 1)[3])).toEqual([0, 0, 0]);
    const part = cut(out, { x: 1, y: 1, width: 2, height: 2 });
    expect([part.channels, ...part.data]).toEqual([3, ...Array(9).fill(255), 6, 6, 6]);
    const rgb = flat(2, 2, 1, 2, 3);
    expect(cut(rgb, { x: 1, y: 0, width: 1, height: 2 }).data).toEqual(flat(1, 2, 1, 2, 3).data);
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
