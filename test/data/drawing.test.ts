/** The drawing tool and the palette for each kind of input: label maps, line art, photographs. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type DrawingTool, drawingKit, drawingPictures, parseDrawingKit } from "../../src/data/drawing.ts";
import { resize } from "../../src/data/resize.ts";
import { crop } from "../../src/data/transforms.ts";
import { demoSet } from "../../src/demo/facades.ts";
import { palette } from "../../src/demo/parts.ts";
import { images } from "../../src/node/images.ts";
import type { Picture } from "../../src/platform.ts";
import { realData } from "../paths.ts";

const drawn = demoSet(8, 64, 5);

it("label maps: the colours of the palette, the most frequent as the sheet", () => {
  const swap = ({ data, ...rest }: Picture) => ({
    ...rest,
    data: data.map((value, i) => (i % 3 === 2 ? 255 - value : value)),
  });
  const kit = drawingKit(drawn.map(({ label }) => swap(label)));
  expect(kit.tool).toBe("regions");
  expect(kit.background).toEqual([0, 0, 145]);
  const known = new Set(Object.values(palette).map(([r, g, b]) => `${[r, g, 255 - b]}`));
  expect(kit.colours.filter(({ rgb }) => !known.has(String(rgb)))).toEqual([]);
  expect(kit.colours.length).toBeGreaterThan(8);
  expect(kit.colours[0]!.name).toMatch(/^#[0-9a-f]{6}$/);
});

it("the built-in facades: all of their classes by name, a person draws windows and not #0080ff", () => {
  const kit = drawingKit(drawn.map(({ label }) => label));
  expect(kit).toMatchObject({ tool: "regions", background: palette.sky });
  expect(Object.fromEntries(kit.colours.map(({ name, rgb }) => [name, rgb]))).toEqual(palette);
});

it("photographs have no palette", () => {
  expect(drawingKit(drawn.map(({ photo }) => photo))).toMatchObject({ tool: "photographs", colours: [] });
  expect(drawingKit([]).tool).toBe("photographs");
});

it("line art: ink on paper, whichever of both is dark", () => {
  const lines = (paper: number): Picture => {
    const data = new Uint8Array(64 * 64).fill(paper);
    for (let i = 0; i < 64; i++) data[i * 64 + ((i * 7) % 64)] = 255 - paper;
    return { width: 64, height: 64, channels: 1, data };
  };
  expect(drawingKit([lines(255)])).toMatchObject({ tool: "lines", background: [255, 255, 255] });
  expect(drawingKit([lines(255)]).colours[0]).toEqual({ name: "ink", rgb: [0, 0, 0] });
  expect(drawingKit([lines(0)]).colours[0]).toEqual({ name: "ink", rgb: [255, 255, 255] });
});

it("a stored kit is read back; a damaged file is none", () => {
  const kit = drawingKit(drawn.map(({ label }) => label));
  expect(parseDrawingKit(JSON.stringify(kit))).toEqual(kit);
  for (const text of ["", "{", '{"tool":"brush"}']) expect(parseDrawingKit(text)).toBeUndefined();
});

/** Halves of real pairs: A is left, B right. With `size` two of them, resized to it: blends are a third of their colours. */
const real: readonly { folder: string; side: "left" | "right"; size?: number; tool: DrawingTool; names: string[] }[] = [
  { folder: "facades", side: "right", tool: "regions", names: ["background", "facade", "window", "door"] },
  { folder: "facades", side: "right", size: 64, tool: "regions", names: ["background", "facade", "window", "door"] },
  { folder: "facades", side: "left", tool: "photographs", names: [] },
  { folder: "cityscapes", side: "right", tool: "regions", names: ["road", "sidewalk", "building", "wall"] },
  { folder: "cityscapes", side: "left", tool: "photographs", names: [] },
  { folder: "edges2shoes", side: "left", tool: "lines", names: ["ink", "paper"] },
  { folder: "edges2shoes", side: "right", tool: "photographs", names: [] },
  { folder: "maps", side: "left", tool: "photographs", names: [] },
];

describe.each(real)("$folder, $side half, size $size", ({ folder, side, size, tool, names }) => {
  const path = join(realData, folder, "train");
  it.skipIf(!existsSync(path))(`is ${tool} (needs ${path})`, async () => {
    const inputs: Picture[] = [];
    for (const name of readdirSync(path)
      .sort()
      .slice(0, size ? 2 : drawingPictures)) {
      const whole = await images.decode(readFileSync(join(path, name)));
      const width = whole.width / 2;
      const half = crop(whole, side === "left" ? 0 : width, 0, width, whole.height);
      inputs.push(size ? resize(half, size, size, "bicubic") : half);
    }
    const kit = drawingKit(inputs);
    expect(kit.tool).toBe(tool);
    expect(kit.colours.slice(0, 4).map(({ name }) => name)).toEqual(names);
  });
});
