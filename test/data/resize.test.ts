import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Filter, resize } from "../../src/data/resize.ts";
import { pairSize } from "../../src/data/sizes.ts";
import type { Picture } from "../../src/platform.ts";
import { fixture } from "../paths.ts";

/** Pillow's outputs; written by fixtures/make/resize.py. */
const cases = JSON.parse(readFileSync(fixture("resize.json"), "utf8")) as {
  input: "noise" | "smooth";
  channels: number;
  from: [number, number];
  to: [number, number];
  filter: Filter;
  bytes?: string;
  sha256: string;
  inputSha256: string;
}[];

function noise(width: number, height: number, channels: number): Picture {
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => {
    let h = Math.imul(i, 2654435761) >>> 0;
    h ^= h >>> 15;
    h = Math.imul(h, 2246822519) >>> 0;
    return (h ^ (h >>> 13)) & 255;
  });
  return { width, height, channels, data };
}

function smooth(width: number, height: number, channels: number): Picture {
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => {
    const c = i % channels;
    const x = Math.floor(i / channels) % width;
    const y = Math.floor(i / channels / width);
    let value = (x * 5 + y * 3 + c * 40 + Math.floor((x * y) / 16)) % 512;
    if (value > 255) value = 511 - value;
    return Math.floor(x / 9) % 3 === 0 && Math.floor(y / 7) % 2 === 0 ? 255 - Math.floor(value / 4) : value;
  });
  return { width, height, channels, data };
}

const sha256 = (data: Uint8Array) => createHash("sha256").update(data).digest("hex");

describe("resize equals Pillow's Image.resize", () => {
  for (const { input, channels, from, to, filter, bytes, ...expected } of cases) {
    test(`${filter} ${input} ${channels} x ${from.join("x")} -> ${to.join("x")}`, () => {
      const picture = (input === "noise" ? noise : smooth)(from[0], from[1], channels);
      expect(sha256(picture.data)).toBe(expected.inputSha256); // the same input as Pillow had
      const out = resize(picture, to[0], to[1], filter);
      expect([out.width, out.height, out.channels]).toEqual([...to, channels]);
      if (bytes) expect([...out.data]).toEqual([...Buffer.from(bytes, "base64")]);
      expect(sha256(out.data)).toBe(expected.sha256);
      expect(sha256(picture.data)).toBe(expected.inputSha256); // and left as it was
    });
  }
});

test("at the same size the picture comes back as it is", () => {
  const picture = noise(7, 5, 4);
  expect(resize(picture, 7, 5)).toBe(picture);
});

test("refuses sizes below one pixel and data that do not fit", () => {
  expect(() => resize(noise(4, 4, 3), 0, 4)).toThrow("got 0x4");
  expect(() => resize(noise(4, 4, 3), 2.5, 4)).toThrow("got 2.5x4");
  expect(() => resize({ ...noise(4, 4, 3), width: 5 }, 4, 4)).toThrow("5x4 with 3 channels does not fit 48 values");
  expect(() => resize(noise(0, 4, 3), 8, 8)).toThrow("0x4 with 3 channels does not fit 0 values");
});

test("refuses results of more pixels than a picture may have, by the file where there is one", () => {
  expect(() => resize(noise(2, 3, 1), 20_000, 30_000)).toThrow(
    "a picture of 2x3 would become 20000x30000, 600000000 pixels; at most 268402689 are taken",
  );
  const [a, b] = [{ file: "A/thin.png" }, { file: "B/thin.png" }];
  const options = {
    preprocess: "scale_width",
    loadSize: 286,
    loadHeight: 286,
    cropSize: 256,
    cropHeight: 256,
  } as const;
  const thin = { width: 1, height: 16_000 };
  expect(() => pairSize(thin, thin, [a, b], options)).toThrow(
    "A/thin.png: a picture of 1x16000 would become 286x4576000, 1308736000 pixels; at most 268402689 are taken.",
  );
});
