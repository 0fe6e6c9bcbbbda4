/** Pictures of which parts are read: the values of decodeDeep, which are Pillow's (decode.test.ts). */
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { crop } from "../../src/data/transforms.ts";
import { images } from "../../src/node/images.ts";
import { openLarge, statedSize } from "../../src/node/large.ts";
import { fixture } from "../paths.ts";
import { workFolder } from "../work-folder.ts";

const folder = workFolder("large");
const at = (name: string) => join(folder, name);

const noise = (length: number) => Uint8Array.from({ length }, (_, i) => (i * i * 31 + i * 7) >> 3);
const raw = (channels: 1 | 2 | 3 | 4, deep = false) => {
  const values = noise(37 * 23 * channels * (deep ? 2 : 1));
  const data = deep ? new Uint16Array(values.buffer) : values;
  return sharp(data, { raw: { width: 37, height: 23, channels } });
};

const made: Record<string, () => Promise<unknown>> = {
  "rgb.png": () => raw(3).png().toFile(at("rgb.png")),
  "rgba.png": () => raw(4).png().toFile(at("rgba.png")),
  "grey.png": () => raw(1).toColourspace("b-w").png().toFile(at("grey.png")),
  "grey alpha.png": () => raw(2).toColourspace("b-w").png().toFile(at("grey alpha.png")),
  "rgb16.png": () => raw(3, true).toColourspace("rgb16").png().toFile(at("rgb16.png")),
  "grey16.png": () => raw(1, true).toColourspace("grey16").png().toFile(at("grey16.png")),
  "palette.png": () => raw(3).png({ palette: true, colours: 16 }).toFile(at("palette.png")),
  "rgb.jpg": () => raw(3).jpeg().toFile(at("rgb.jpg")),
  "grey.jpg": () => raw(1).toColourspace("b-w").jpeg().toFile(at("grey.jpg")),
  "cmyk.jpg": () => raw(3).toColourspace("cmyk").jpeg().toFile(at("cmyk.jpg")),
  "rgb16.tif": () => raw(3, true).toColourspace("rgb16").tiff().toFile(at("rgb16.tif")),
  "tiles.tif": () => raw(3).tiff({ tile: true, tileWidth: 16, tileHeight: 16 }).toFile(at("tiles.tif")),
  "name[page=1] %2.png": () =>
    raw(3)
      .png()
      .toFile(at("rgb.png"))
      .then(() => copyFileSync(at("rgb.png"), at("name[page=1] %2.png"))),
};

describe("parts of a picture equal decodeDeep", () => {
  it.each(Object.keys(made))("%s", async (name) => {
    await made[name]!();
    for (const alpha of [false, true]) {
      const whole = await images.decodeDeep(readFileSync(at(name)), { alpha });
      expect(await statedSize(at(name))).toEqual({ width: 37, height: 23 });
      const large = await openLarge(at(name), at("scratch.v"), { alpha });
      expect(await large!.read({ y: 5, x: 11, height: 13, width: 20 })).toEqual(crop(whole, 11, 5, 20, 13));
      expect(await large!.read({ y: 0, x: 0, height: 23, width: 37 })).toEqual(whole);
      await large!.close();
    }
    expect(readdirSync(folder)).not.toContain("scratch.v");
  });

  it.each(readdirSync(fixture("decode")).filter((name) => /tif$|png$|jpg$/.test(name)))("%s", async (name) => {
    const path = fileURLToPath(fixture(`decode/${name}`));
    const whole = await images.decodeDeep(readFileSync(path));
    const large = await openLarge(path, at("scratch.v"), { alpha: false });
    // A turned TIFF is decoded in one piece.
    if (!large) return expect(name).toMatch(/tif/);
    const { width, height } = large;
    expect(await large.read({ y: 0, x: 0, height, width })).toEqual(whole);
    await large.close();
  });
});

it("leaves what cannot be decoded row by row to the decoder of whole pictures", async () => {
  await raw(3).png({ progressive: true }).toFile(at("woven.png"));
  await raw(3).jpeg({ progressive: true }).toFile(at("woven.jpg"));
  await raw(3).webp().toFile(at("x.webp"));
  for (const name of ["woven.png", "woven.jpg", "x.webp"]) {
    expect(await openLarge(at(name), at("scratch.v"), { alpha: false })).toBeUndefined();
  }
  writeFileSync(at("text.png"), "no picture");
  expect(await statedSize(at("text.png"))).toBeUndefined();
  expect(await statedSize(folder)).toBeUndefined();
  expect(await statedSize("/dev/zero")).toBeUndefined();
});

it("says that a file is damaged, and leaves nothing", async () => {
  await raw(3).png().toFile(at("rgb.png"));
  const bytes = readFileSync(at("rgb.png"));
  writeFileSync(at("cut.png"), bytes.subarray(0, bytes.length - 300));
  await expect(openLarge(at("cut.png"), at("scratch.v"), { alpha: false })).rejects.toThrow(
    /^not a readable picture: /,
  );
  expect(readdirSync(folder)).not.toContain("scratch.v");
});
