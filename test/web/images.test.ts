/** Pictures in a browser: the values that Pillow reads, as in Node, and PNGs that come back as they were. */
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import sharp from "sharp";
import { expect, it } from "vitest";
import { images as nodeImages } from "../../src/node/images.ts";
import { fixture } from "../paths.ts";
import { inChromium, sharePage } from "./browser/chromium.ts";
import type { Harness } from "./browser/harness.ts";

declare const pix2pix: Harness;

const folder = fixture("images/");
const bytesOf = (name: string) => readFileSync(new URL(name, folder));
const pixels = JSON.parse(bytesOf("pixels.json").toString()) as Record<
  string,
  { mode: string; rgb: string; rgba?: string }
>;

/** Of a browser's own decoders: what they cannot read, and what they are not exact for. */
const refused: Record<string, RegExp> = { "cmyk.jpg": /CMYK/, "rgb.tif": /no picture of a form that browsers read/ };

interface Found {
  width: number;
  height: number;
  channels: number;
  /** base64 */
  data: string;
}

inChromium("pictures", () => {
  let page: Page;
  sharePage({
    entry: "test/web/browser/harness.ts",
    use: (opened) => {
      page = opened;
    },
  });

  const decode = (bytes: Uint8Array, alpha = false, upright = false): Promise<Found> =>
    page.evaluate(
      async ({ text, ...how }) => {
        const { images, toBytes, toText } = pix2pix;
        const { data, ...size } = await images.decode(toBytes(text), how);
        return { ...size, data: toText(data) };
      },
      { text: Buffer.from(bytes).toString("base64"), alpha, upright },
    );
  const encode = async (picture: Found) =>
    Buffer.from(
      await page.evaluate(async ({ data, ...size }) => {
        const { images, toBytes, toText } = pix2pix;
        return toText(await images.encodePng({ ...size, data: toBytes(data) }));
      }, picture),
      "base64",
    );

  it("BMP, GIF and Netpbm have Pillow's values, as in Node", async () => {
    const expected = JSON.parse(readFileSync(fixture("decode/expected.json"), "utf8")) as typeof pixels;
    const names = Object.keys(expected).filter((name) => !name.endsWith(".tif"));
    for (const name of names) {
      const { channels, data } = await decode(readFileSync(fixture(`decode/${name}`)));
      const values = [...Buffer.from(data, "base64")];
      const rgb = channels === 1 ? values.flatMap((v) => [v, v, v]) : values;
      expect(rgb, name).toEqual([...Buffer.from(expected[name]!.rgb, "base64")]);
    }
    expect(names.length).toBeGreaterThan(25);
  });

  it("pictures are turned upright by EXIF when asked for, to the values of Pillow's exif_transpose", async () => {
    const expected = JSON.parse(readFileSync(fixture("upright/expected.json"), "utf8")) as Record<
      string,
      { width: number; height: number; rgb: string }
    >;
    for (const [name, { rgb, ...size }] of Object.entries(expected)) {
      const bytes = readFileSync(fixture(`upright/${name}`));
      expect(await decode(bytes, false, true), name).toEqual({ ...size, channels: 3, data: rgb });
      const { width, height } = await decode(bytes);
      expect([width, height], name).toEqual([11, 6]);
    }
  });

  for (const [name, { mode, rgb, rgba }] of Object.entries(pixels)) {
    it(`${name} (mode ${mode})`, async () => {
      if (refused[name]) {
        await expect(decode(bytesOf(name))).rejects.toThrow(refused[name]);
        return;
      }
      const { channels, data, ...size } = await decode(bytesOf(name));
      expect(size).toEqual({ width: 21, height: 13 });
      expect(channels).toBe((await nodeImages.decode(bytesOf(name))).channels);
      const values = [...Buffer.from(data, "base64")];
      expect(channels === 1 ? values.flatMap((v) => [v, v, v]) : values).toEqual([...Buffer.from(rgb, "base64")]);
      if (!rgba || !name.endsWith(".png")) return;
      expect(await decode(bytesOf(name), true)).toMatchObject({ channels: 4, data: rgba });
    });
  }

  it("PNGs of every kind: bits, palettes, interlaced, 16 bits, transparent by colour", async () => {
    const noise = Buffer.from(Array.from({ length: 33 * 19 * 4 }, (_, i) => (i * 7919 + (i >> 3) * 131) & 255));
    const raw = (channels: 1 | 2 | 3 | 4) =>
      sharp(noise.subarray(0, 33 * 19 * channels), { raw: { width: 33, height: 19, channels } });
    const kinds: Record<string, Promise<Buffer>> = {
      rgb: raw(3).png().toBuffer(),
      "rgb interlaced": raw(3).png({ progressive: true }).toBuffer(),
      "rgba interlaced": raw(4).png({ progressive: true, adaptiveFiltering: true }).toBuffer(),
      "palette of 2 bits": raw(3).png({ palette: true, colours: 4 }).toBuffer(),
      "palette of 4 bits, interlaced": raw(3).png({ palette: true, colours: 16, progressive: true }).toBuffer(),
      "grey, every filter": raw(1).toColourspace("b-w").png({ adaptiveFiltering: true }).toBuffer(),
      "rgb of 16 bits, interlaced": raw(3).toColourspace("rgb16").png({ progressive: true }).toBuffer(),
    };
    for (const [kind, made] of Object.entries(kinds)) {
      const png = await made;
      for (const alpha of [false, true]) {
        const { data, ...size } = await nodeImages.decode(png, { alpha });
        const expected = { ...size, data: Buffer.from(data).toString("base64") };
        expect(await decode(png, alpha), `${kind}, alpha ${alpha}`).toEqual(expected);
      }
    }
  });

  it.each([1, 2, 3, 4])("encodePng: %d channels come back as they were, in Node too", async (channels) => {
    const data = Buffer.from(Array.from({ length: 9 * 5 * channels }, (_, i) => (i * 101) & 255));
    const picture = { width: 9, height: 5, channels, data: data.toString("base64") };
    const png = await encode(picture);
    // Grey with alpha is read as RGBA.
    const alpha = channels % 2 === 0;
    const wide = channels === 2 ? Buffer.from([...data].flatMap((v, i) => (i % 2 === 0 ? [v, v, v] : [v]))) : data;
    const expected = { width: 9, height: 5, channels: channels === 2 ? 4 : channels };
    const inNode = await nodeImages.decode(png, { alpha });
    expect(inNode).toMatchObject(expected);
    expect([...inNode.data]).toEqual([...wide]);
    expect(await decode(png, alpha)).toEqual({ ...expected, data: wide.toString("base64") });
  });

  it("damaged files are refused", async () => {
    const png = bytesOf("rgb.png");
    const changed = Uint8Array.from(png, (value, i) => (i === png.length >> 1 ? value ^ 0x55 : value));
    const bad: [string, Uint8Array, RegExp][] = [
      ["empty", new Uint8Array(0), /not a readable picture \(0 bytes\)/],
      ["text", Buffer.from("not a picture"), /no picture of a form/],
      ["half a PNG", png.subarray(0, png.length >> 1), /truncated/],
      ["a PNG with one byte changed", changed, /damaged/],
      ["half a JPEG", bytesOf("444.jpg").subarray(0, 200), /truncated/],
      ["half a progressive JPEG", bytesOf("progressive.jpg").subarray(0, -20), /truncated/],
      ["half a WebP", bytesOf("rgb.webp").subarray(0, 60), /./],
    ];
    for (const [what, bytes, message] of bad) await expect(decode(bytes), what).rejects.toThrow(message);
  });
});
