import { readFileSync } from "node:fs";
import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { PictureSizeError } from "../../src/errors.ts";
import { exifOrientation } from "../../src/formats/exif.ts";
import { images } from "../../src/node/images.ts";
import type { Picture } from "../../src/platform.ts";
import { fixture } from "../paths.ts";

const folder = fixture("images/");
const bytesOf = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)));
/** What Pillow reads from each file; written by fixtures/make/images.py. */
const pixels = JSON.parse(readFileSync(new URL("pixels.json", folder), "utf8")) as Record<
  string,
  { mode: string; rgb: string; rgba?: string }
>;
/** What Pillow's ImageOps.exif_transpose gives for each file; written by fixtures/make/upright.py. */
const uprightPixels = JSON.parse(readFileSync(fixture("upright/expected.json"), "utf8")) as Record<
  string,
  { width: number; height: number; rgb: string }
>;
const base64 = (text: string) => [...Buffer.from(text, "base64")];

/** Every picture as RGB values, grey repeated. */
function rgb(picture: Picture): number[] {
  return picture.channels === 1 ? [...picture.data].flatMap((v) => [v, v, v]) : [...picture.data];
}

test("encodePng says how many pixels a PNG may have", async () => {
  const large = { width: 16384, height: 16384, channels: 1, data: new Uint8Array(16384 ** 2) };
  await expect(images.encodePng(large)).rejects.toThrow(
    "it would be 16384x16384; a PNG that is written has at most 268402689 pixels",
  );
});

/** A TIFF of zeros with any number of channels, compressed: fields of https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf */
function flatTiff(side: number, channels: number): Uint8Array {
  const strip = deflateSync(new Uint8Array(side * side * channels));
  const [short, long] = [3, 4];
  const extra = 8 + strip.length;
  const bits = extra + 2 * (channels - 1);
  const fields = [
    [256, short, 1, side],
    [257, short, 1, side],
    [258, short, channels, bits],
    [259, short, 1, 8],
    [262, short, 1, 1],
    [273, long, 1, 8],
    [277, short, 1, channels],
    [278, short, 1, side],
    [279, long, 1, strip.length],
    [284, short, 1, 1],
    [338, short, channels - 1, extra],
  ] as const;
  const directory = bits + 2 * channels;
  const file = Buffer.alloc(directory + 2 + 12 * fields.length + 4);
  file.write("II*\0", "latin1");
  file.writeUInt32LE(directory, 4);
  file.set(strip, 8);
  for (let i = 0; i < channels; i++) file.writeUInt16LE(8, bits + 2 * i);
  file.writeUInt16LE(fields.length, directory);
  for (const [i, [tag, type, count, value]] of fields.entries()) {
    const at = directory + 2 + 12 * i;
    file.writeUInt16LE(tag, at);
    file.writeUInt16LE(type, at + 2);
    file.writeUInt32LE(count, at + 4);
    file.writeUInt32LE(value, at + 8);
  }
  return new Uint8Array(file);
}

test("a limit of pixels holds for the values of many channels, too", async () => {
  const tiff = flatTiff(64, 200);
  expect(tiff.length).toBeLessThan(10_000);
  expect(await images.decodeDeep(tiff)).toMatchObject({ width: 64, height: 64, channels: 200 });
  const mostPixels = 64 * 64;
  const refused = images.decodeDeep(tiff, { mostPixels });
  await expect(refused).rejects.toThrow("the picture is 64x64 with 200 channels; at most 4096 pixels of 4 channels");
  await expect(refused).rejects.toBeInstanceOf(PictureSizeError);
  expect(await images.decodeDeep(tiff, { mostPixels: 50 * mostPixels })).toMatchObject({ channels: 200 });
});

describe("decode equals Pillow's convert('RGB')", () => {
  for (const [name, { mode, ...expected }] of Object.entries(pixels)) {
    test(`${name} (mode ${mode})`, async () => {
      const picture = await images.decode(bytesOf(name));
      expect([picture.width, picture.height]).toEqual([21, 13]);
      expect(picture.channels).toBe(["1", "L", "LA", "I"].includes(mode) ? 1 : 3);
      expect(rgb(picture)).toEqual(base64(expected.rgb));
    });
  }

  test("alpha is kept when asked for, and only then", async () => {
    for (const name of ["rgba.png", "grey-alpha.png"]) {
      const picture = await images.decode(bytesOf(name), { alpha: true });
      expect(picture.channels).toBe(4);
      expect([...picture.data]).toEqual(base64(pixels[name]!.rgba!));
    }
    expect((await images.decode(bytesOf("rgb.png"), { alpha: true })).channels).toBe(3);
    expect((await images.decode(bytesOf("grey.png"), { alpha: true })).channels).toBe(1);
  });
});

describe("upright equals Pillow's exif_transpose", () => {
  test.each(Object.entries(uprightPixels))("%s", async (name, { rgb, ...size }) => {
    const bytes = new Uint8Array(readFileSync(fixture(`upright/${name}`)));
    for (const decode of [images.decode, images.decodeDeep]) {
      const picture = await decode(bytes, { upright: true });
      expect(picture).toMatchObject(size);
      expect([...picture.data]).toEqual(base64(rgb));
      // Without it the pixels stay as stored.
      expect(await decode(bytes)).toMatchObject({ width: 11, height: 6 });
    }
    const orientation = /^[1-8]/.exec(name)?.[0];
    expect(exifOrientation(bytes)).toBe(orientation ? Number(orientation) : 1);
  });
});

describe("a damaged file throws", () => {
  const half = (name: string) => bytesOf(name).subarray(0, bytesOf(name).length >> 1);
  /** A JPEG's first byte of coded picture data. */
  const scan = (bytes: Uint8Array) => Buffer.from(bytes).indexOf(Buffer.from([0xff, 0xda])) + 14;
  const cases: Record<string, () => Uint8Array> = {
    "an empty file": () => new Uint8Array(0),
    "a text file": () => new TextEncoder().encode("not a picture, but long enough to look at"),
    "half a JPEG": () => half("444.jpg"),
    "half a progressive JPEG": () => half("progressive.jpg"),
    "half a PNG": () => half("rgb.png"),
    "half a WebP": () => half("rgb.webp"),
    "half a TIFF": () => half("rgb.tif"),
    "a JPEG with its last 20 bytes missing": () => bytesOf("444.jpg").slice(0, -20),
    "a JPEG that ends early and is closed again": () => {
      const bytes = bytesOf("444.jpg");
      return Buffer.concat([bytes.subarray(0, scan(bytes) + 60), Buffer.from([0xff, 0xd9])]);
    },
    "a PNG with one byte changed": () => {
      const bytes = bytesOf("rgb.png");
      bytes[bytes.length >> 1]! ^= 0x55;
      return bytes;
    },
  };
  for (const [name, make] of Object.entries(cases)) {
    test(name, async () => {
      const bytes = make();
      await expect(images.decode(bytes)).rejects.toThrow(`not a readable picture (${bytes.length} bytes): `);
    });
  }

  test.each([
    ["half a PNG", "this PNG is truncated"],
    ["a PNG with one byte changed", "this PNG is damaged"],
    ["half a JPEG", "this JPEG is truncated"],
    ["half a WebP", "this WebP is truncated"],
    ["half a TIFF", "this TIFF is truncated"],
  ])("%s: %s", async (name, message) => {
    await expect(images.decode(cases[name]!())).rejects.toThrow(new RegExp(`bytes\\): ${message}$`));
  });

  test("the first bytes of a PNG alone, and a file that is no picture", async () => {
    await expect(images.decode(bytesOf("rgb.png").slice(0, 11))).rejects.toThrow("(11 bytes): this PNG is truncated");
    await expect(images.decode(Buffer.from("no picture at all"))).rejects.toThrow(/unsupported image format$/);
  });

  test("but a JPEG with stray bytes between its segments is sound", async () => {
    const bytes = bytesOf("444.jpg");
    const at = scan(bytes) - 14;
    const stray = Buffer.concat([bytes.subarray(0, at), Buffer.alloc(3), bytes.subarray(at)]);
    expect((await images.decode(stray)).data).toEqual((await images.decode(bytes)).data);
  });
});

describe("encodePng", () => {
  test.each([1, 2, 3, 4])("%d channels come back as they were", async (channels) => {
    const data = Uint8Array.from({ length: 5 * 4 * channels }, (_, i) => (i * 37) % 256);
    const png = await images.encodePng({ width: 5, height: 4, channels, data });
    // PNG specification, section 11.2.2: byte 24 is the bit depth, byte 25 the colour type.
    expect([...png.subarray(24, 26)]).toEqual([8, [0, 4, 2, 6][channels - 1]]);
    const picture = await images.decode(png, { alpha: true });
    const back = channels === 2 ? [...picture.data].filter((_, i) => i % 4 === 0 || i % 4 === 3) : [...picture.data];
    expect(back).toEqual([...data]);
  });

  test("refuses data that do not fit", async () => {
    const picture = { width: 5, height: 4, channels: 3, data: new Uint8Array(59) };
    await expect(images.encodePng(picture)).rejects.toThrow("5x4 with 3 channels does not fit 59 values");
  });
});
