/** Label maps: palettes, class scores; distributions of colours. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { collectPalette, nearestColours, type Palette, paint, palettes, parsePalette } from "../../src/data/palette.ts";
import { decode } from "../../src/formats/safetensors.ts";
import { spread } from "../../src/metrics/pictures.ts";
import { Confusion, LabHistograms } from "../../src/metrics/scores.ts";
import type { Picture } from "../../src/platform.ts";
import { fixture } from "../paths.ts";

const { tensors } = decode(readFileSync(fixture("classes.safetensors")));
const values = (name: string) => tensors[name]!.data as Float64Array;

function pictures(name: string): Picture[] {
  const { shape, data } = tensors[name]!;
  const [n, height, width, channels] = shape as [number, number, number, number];
  const size = height * width * channels;
  return Array.from({ length: n }, (_, i) => ({
    height,
    width,
    channels,
    data: (data as Uint8Array).subarray(i * size, (i + 1) * size),
  }));
}

const colours = tensors.palette!.data as Uint8Array;
const palette: Palette = Array.from({ length: 5 }, (_, i) => ({
  name: `class ${i}`,
  rgb: [colours[3 * i]!, colours[3 * i + 1]!, colours[3 * i + 2]!],
  ignored: i === 4,
}));

it("class scores equal numpy's: nearest colours, all classes, without target pixels that are not a class", () => {
  const [outputs, targets] = [pictures("output"), pictures("target")];
  const confusion = new Confusion(4);
  for (const [i, output] of outputs.entries()) {
    confusion.add(nearestColours(output, palette), nearestColours(targets[i]!, palette));
  }
  const { pixel, class: accuracy, iou } = confusion.scores();
  for (const [i, score] of [pixel, accuracy, iou].entries()) expect(score).toBeCloseTo(values("scores")[i]!, 12);
  const each = confusion.perClass();
  for (let c = 0; c < 4; c++) {
    expect(each[c]!.class).toBeCloseTo(values("each")[c]!, 12);
    expect(each[c]!.iou).toBeCloseTo(values("each")[4 + c]!, 12);
  }
  expect(each[3]).toEqual({ class: 0, iou: 0 });
});

it("distributions of L, a and b intersect as scikit-image's colours do", () => {
  const [lively, targets] = [pictures("lively"), pictures("target")];
  const histograms = new LabHistograms();
  for (const [i, picture] of lively.entries()) histograms.add(picture, targets[i]!);
  const { L, a, b } = histograms.intersection();
  // A value next to the border of two bins may fall into the other one.
  for (const [i, share] of [L, a, b].entries()) expect(Math.abs(share - values("intersection")[i]!)).toBeLessThan(2e-3);
  const same = new LabHistograms();
  for (const picture of lively) same.add(picture, picture);
  expect(same.intersection()).toEqual({ L: expect.closeTo(1), a: expect.closeTo(1), b: expect.closeTo(1) });
});

describe("palettes", () => {
  it("are read from text", () => {
    expect(parsePalette("128 64 128 road // grey-violet\n\n#0000ff\n1,2,3, Void\n", "x.txt")).toEqual([
      { name: "road", rgb: [128, 64, 128], ignored: false },
      { name: "0 0 255", rgb: [0, 0, 255], ignored: false },
      { name: "Void", rgb: [1, 2, 3], ignored: true },
    ]);
    const binary = `\x1b[2J${"x".repeat(5000)}`;
    expect(() => parsePalette(binary, "x.jpg")).toThrow(/^x\.jpg, line 1: got "\\x1b\[2Jx{56}", expected a colour/);
    expect(() => parsePalette("1 2 3 a\nblue\n", "x.txt")).toThrow('x.txt, line 2: got "blue", expected a colour');
    expect(() => parsePalette("1 2 300 a\n", "x.txt")).toThrow("x.txt, line 1");
    expect(() => parsePalette("1 2 3 a\n0 0 0 void\n", "x.txt")).toThrow("at least two classes, got 1");
    const many = Array.from({ length: 257 }, (_, i) => `0 ${i >> 8} ${i & 255}`).join("\n");
    expect(() => parsePalette(many, "x.txt")).toThrow("x.txt: expected at most 256 colours, got 257");
  });

  it("of Cityscapes has the 19 classes and void, that of the facades 12", () => {
    const scored = Object.entries(palettes).map(([name, all]) => [name, all.filter(({ ignored }) => !ignored).length]);
    expect(scored).toEqual([
      ["cityscapes", 19],
      ["facades", 12],
    ]);
  });

  it("are collected from blurred label maps: every colour once, though none is exact", () => {
    const found = collectPalette(pictures("target"));
    expect(found).toHaveLength(4);
    const nearest = nearestColours(
      { width: 4, height: 1, channels: 3, data: Uint8Array.from(found.flatMap(({ rgb }) => rgb)) },
      palette,
    );
    expect([...nearest].sort()).toEqual([0, 1, 2, 4]);
  });

  it("paint what the nearest colours of a picture are", () => {
    const [target] = pictures("target");
    const painted = paint(nearestColours(target!, palette), palette, target!);
    expect(nearestColours(painted, palette)).toEqual(nearestColours(target!, palette));
    expect(collectPalette([painted], 0)).toHaveLength(4);
  });
});

it("spread is the standard deviation of each pixel over samples", () => {
  const sample = (...data: number[]): Picture => ({ width: 2, height: 1, channels: 2, data: Uint8Array.from(data) });
  const { mean, picture } = spread([sample(10, 0, 7, 7), sample(30, 8, 7, 7)]);
  expect(mean).toBe((10 + 4) / 2 / 2);
  expect(picture).toEqual({ width: 2, height: 1, channels: 1, data: Uint8Array.of(28, 0) });
});
