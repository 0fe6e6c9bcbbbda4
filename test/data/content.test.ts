/** Pictures that teach nothing: blank ones, narrow ranges, class numbers. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { contentFault, contentNotes, offCommonest } from "../../src/data/content.ts";
import { findPairs } from "../../src/data/pairs.ts";
import { drawFacade } from "../../src/demo/facades.ts";
import { files } from "../../src/node/files.ts";
import { images } from "../../src/node/images.ts";
import type { DeepPicture, Samples } from "../../src/platform.ts";
import { Random } from "../../src/random.ts";
import { cases } from "../paths.ts";

const size = 64;
const random = new Random(2, "content", 0);

function picture(data: Samples, channels = data.length / size ** 2): DeepPicture {
  return { width: size, height: size, channels, data };
}

const grey = (value: (x: number, y: number) => number) =>
  Uint8Array.from({ length: size ** 2 }, (_, i) => value(i % size, Math.floor(i / size)));
const deep = (value: (x: number, y: number) => number) =>
  Uint16Array.from(
    grey(() => 0),
    (_, i) => value(i % size, Math.floor(i / size)),
  );
/** A map of `count` classes in blocks of 8 x 8. */
const blocks = (count: number) => grey((x, y) => (5 * Math.floor(x / 8) + 3 * Math.floor(y / 8)) % count);

describe("contentFault", () => {
  it("names one flat colour, and how much of the picture is something else", () => {
    expect(contentFault(picture(grey(() => 0)))).toEqual({ kind: "flat", text: "one flat colour" });
    expect(contentFault(picture(new Uint8Array(3 * size ** 2).fill(200)))?.kind).toBe("flat");
    // 8 of 4096 pixels are less than 0.2 %, 9 are more.
    const dots = (count: number) => picture(grey((x, y) => (y === 0 && x < count ? 100 : 10)));
    expect(contentFault(dots(8))?.text).toBe("one flat colour but for 0.20 % of it");
    expect(contentFault(dots(9))).toBeUndefined();
    // Up to 4 levels are the same colour: grain, and what JPEG leaves.
    const grain = picture(grey(() => 98 + random.int(5)));
    expect(offCommonest(grain)).toBe(0);
    expect(contentFault(grain)?.kind).toBe("flat");
  });

  it("does not call a label map of class numbers flat, and says what it is", () => {
    expect(contentFault(picture(blocks(12)))).toEqual({
      kind: "classes",
      text: "a map of the numbers 0 to 11 (of 255), which look like class numbers and not like colours",
      largest: 11,
    });
    const five = blocks(5);
    const rgb = Uint8Array.from({ length: 3 * size ** 2 }, (_, i) => five[Math.floor(i / 3)]!);
    expect(contentFault(picture(rgb))?.largest).toBe(4);
    const ignored = blocks(19).map((value, i) => (i < 500 ? 255 : value));
    expect(contentFault(picture(ignored))?.largest).toBe(18);
    expect(contentFault(picture(Uint16Array.from(blocks(29))))?.text).toMatch(/numbers 0 to 28 \(of 65535\)/);
    expect(contentFault(picture(blocks(2)))?.largest).toBe(1);
  });

  it("does not take a dark picture with smooth slopes for a label map", () => {
    expect(contentFault(picture(grey((x, y) => Math.floor((x + y) / 8))))?.kind).toBe("narrow");
    expect(contentFault(picture(grey((x, y) => Math.floor((x + 2 * y) / 5))))).toBeUndefined();
  });

  it("takes a mask of black and white for what it is", () => {
    expect(contentFault(picture(blocks(2).map((value) => 255 * value)))).toBeUndefined();
  });

  it("names values that use a small part of their range", () => {
    const sensor = picture(deep((x, y) => (14 * x + y) % 901));
    expect(contentFault(sensor)?.text).toMatch(/^one flat colour, with the values \d+ to (89\d|900) of 65535$/);
    const twelveBits = picture(deep((x, y) => (64 * x + y) % 4096));
    expect(contentFault(twelveBits)?.text).toMatch(/^nearly blank: it uses only the values \d+ to 40\d\d of 65535$/);
    const dim = picture(grey((x, y) => 100 + ((x * 7 + y * 5) % 15)));
    expect(contentFault(dim)?.kind).toBe("narrow");
    expect(contentFault(picture(deep((x, y) => 1000 * ((x + y) % 60))))).toBeUndefined();
  });

  it("has no complaint about pictures, labels in colours, and values of other kinds", () => {
    const { label, photo } = drawFacade(new Random(1, "content", 0), size);
    expect(contentFault(label)).toBeUndefined();
    expect(contentFault(photo)).toBeUndefined();
    const values = Float32Array.from({ length: size ** 2 }, () => random.normal() / 4);
    expect(contentFault(picture(values))).toBeUndefined();
    expect(contentFault({ ...picture(blocks(5)), bands: true })).not.toMatchObject({ kind: "classes" });
  });
});

describe("contentNotes", () => {
  const png = (data: Uint8Array) =>
    sharp(data, { raw: { width: size, height: size, channels: 1 } })
      .png()
      .toBuffer();

  it("says for each side what is wrong, and leaves out what cannot be read", async () => {
    const content = new Map<string, Uint8Array>();
    for (let i = 0; i < 40; i++) {
      content.set(`A/${i}.png`, await png(i < 20 ? grey(() => 0) : grey((x, y) => (x * y) % 256)));
      content.set(`B/${i}.png`, await png(blocks(12)));
    }
    content.set("A/39.png", Uint8Array.of(1, 2, 3));
    const read = { ...files, read: async (path: string) => content.get(path)! };
    const pairs = Array.from({ length: 40 }, (_, i) => {
      return { name: `${i}`, A: { file: `A/${i}.png` }, B: { file: `B/${i}.png` } };
    });
    expect(
      await contentNotes(
        pairs.filter((_, i) => i % 2 === 0),
        { files: read, images },
      ),
    ).toEqual([
      "side A is one flat colour in 10 of 20 sampled pairs (A/0.png, A/2.png, ...): the network learns nothing from it",
      "side B is a map of the numbers 0 to 11 (of 255), which look like class numbers and not like colours in 20 of 20 " +
        "sampled pairs (B/0.png, B/2.png, ...): as an input give it a channel for each class by --input-labels; or give " +
        "each class a colour far from the others, and resize with --resize-filter nearest",
    ]);
    expect(await contentNotes(pairs.slice(39), { files: read, images })).toHaveLength(1);
    expect(await contentNotes([], { files: read, images })).toEqual([]);
  });

  const real = join(cases, "audit-flat-labels", "set");
  it.skipIf(!existsSync(real))(`knows class numbers of a real case (skipped where ${real} is absent)`, async () => {
    const { pairs } = await findPairs(files, real);
    const [note, ...others] = await contentNotes(pairs, { files, images });
    expect(note).toMatch(/^side A is a map of the numbers 0 to 11 \(of 255\).* in 6 of 6 sampled pairs/);
    expect(others).toEqual([]);
  });
});
