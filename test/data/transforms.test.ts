import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { drawJitter } from "../../src/data/augment.ts";
import { resize } from "../../src/data/resize.ts";
import { crop, fromTensor, halves, reduceChannels, toTensor, writeCrop } from "../../src/data/transforms.ts";
import { DatasetError } from "../../src/errors.ts";
import { images } from "../../src/node/images.ts";
import type { Picture } from "../../src/platform.ts";
import { Random } from "../../src/random.ts";
import { loaderOptions } from "../options.ts";
import { fixture } from "../paths.ts";

const folder = fixture("transforms/");
const read = (name: string) => images.decode(readFileSync(new URL(name, folder)), { alpha: true });
/** Outputs of Pillow and PyTorch, written by fixtures/make/transforms.py. */
const expected = JSON.parse(readFileSync(new URL("expected.json", folder), "utf8"));
const digest = (values: Float32Array | Uint8Array) =>
  createHash("sha256")
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest("hex")
    .slice(0, 16);

function picture(width: number, height: number, channels: number): Picture {
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 37) % 256);
  return { width, height, channels, data };
}

describe("toTensor equals Pillow's convert and torchvision's ToTensor, Normalize", () => {
  test("all 256 values, to the last bit", () => {
    const data = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(digest(toTensor({ width: 256, height: 1, channels: 1, data }, 1))).toBe(expected.values);
  });

  test.each([
    [1, "grey"],
    [2, "greyAlpha"],
    [3, "rgb"],
    [4, "rgba"],
  ])("RGBA picture, %d channels", async (channels, key) => {
    expect(digest(toTensor(await read("rgba.png"), channels))).toBe(expected[key]);
  });

  test("colour is left out before resizing", async () => {
    expect(digest(resize(reduceChannels(await read("rgba.png"), 1), 23, 9).data)).toBe(expected.greyResized);
  });

  test("grey fills all colours; alpha is opaque where there is none", () => {
    const grey = picture(3, 2, 1);
    const values = [...toTensor(grey, 1)];
    expect([...toTensor(grey, 3)]).toEqual([...values, ...values, ...values]);
    expect([...toTensor(grey, 2)]).toEqual([...values, 1, 1, 1, 1, 1, 1]);
    expect([...toTensor(grey, 4)]).toEqual([...values, ...values, ...values, 1, 1, 1, 1, 1, 1]);
    const rgb = picture(2, 1, 3);
    expect([...toTensor(rgb, 4)]).toEqual([...toTensor(rgb, 3), 1, 1]);
  });

  test("data that are not needed are not copied", () => {
    for (const channels of [1, 3]) {
      const same = picture(2, 2, channels);
      expect(reduceChannels(same, channels)).toBe(same);
      expect(reduceChannels(same, 4)).toBe(same);
    }
  });
});

describe("fromTensor", () => {
  test.each([1, 2, 3, 4])("undoes toTensor for every value, %d channels", (channels) => {
    const whole = { width: 32, height: 8, channels, data: new Uint8Array(256 * channels).map((_, i) => i * 7) };
    expect(fromTensor(toTensor(whole, channels), channels, 8, 32)).toEqual(whole);
  });

  test("rounds, cuts off, and gives 0 for NaN", () => {
    const at = (grey: number) => grey / 127.5 - 1;
    const values = [-1, 1, -1.5, 3, at(99.4), at(99.6), at(254.6), at(0.4), Number.NaN, Infinity, -Infinity];
    const out = fromTensor(Float32Array.from(values), 1, 1, values.length);
    expect([...out.data]).toEqual([0, 255, 0, 255, 99, 100, 255, 0, 0, 255, 0]);
  });

  test("reads from an offset, channels apart", () => {
    const values = Float32Array.from([9, 9, -1, 1, 1, -1, -1, -1]);
    expect([...fromTensor(values, 3, 1, 2, 2).data]).toEqual([0, 255, 0, 255, 0, 0]);
    expect(() => fromTensor(values, 3, 1, 2, 3)).toThrow("[3, 1, 2] from 3 on needs 9 values, got 8");
  });
});

describe("halves and crop", () => {
  test("left and right", () => {
    const { left, right } = halves(
      { width: 4, height: 2, channels: 1, data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) },
      "x",
    );
    expect([...left.data]).toEqual([1, 2, 5, 6]);
    expect([...right.data]).toEqual([3, 4, 7, 8]);
    expect([left.width, left.height, right.width, right.height]).toEqual([2, 2, 2, 2]);
  });

  test("an odd width is refused with the file's name", () => {
    const odd = () => halves(picture(513, 2, 3), "data/train/7.png");
    expect(odd).toThrow(DatasetError);
    expect(odd).toThrow("data/train/7.png: the width is odd (513x2)");
  });

  test("a crop outside the picture is refused", () => {
    expect(() => crop(picture(4, 4, 3), 1, 0, 4, 4)).toThrow("4x4 at (1, 0) is not inside a picture of 4x4");
  });
});

describe("drawJitter", () => {
  const options = loaderOptions();
  const draws = Array.from({ length: 31_000 }, (_, i) => drawJitter(new Random(0, "augment", i), 286, 286, options));

  test("offsets are uniform over 0..30, both ends included, and independent for each axis", () => {
    for (const axis of ["x", "y"] as const) {
      const counts = new Array<number>(31).fill(0);
      for (const draw of draws) counts[draw[axis]]!++;
      const chi2 = counts.reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
      expect(counts.reduce((a, b) => a + b)).toBe(31_000); // none beyond
      expect(chi2).toBeLessThan(59.7); // the 99.9 % point with 30 degrees of freedom
    }
    const same = draws.filter(({ x, y }) => x === y).length;
    expect(Math.abs(same - 1000)).toBeLessThan(130);
  });

  test("half of the pairs are flipped, whatever the offset; noFlip changes nothing else", () => {
    expect(Math.abs(draws.filter(({ flip }) => flip).length / 31_000 - 0.5)).toBeLessThan(0.012);
    const left = draws.filter(({ x }) => x < 15);
    expect(Math.abs(left.filter(({ flip }) => flip).length / left.length - 0.5)).toBeLessThan(0.017);
    for (let i = 0; i < 50; i++) {
      const draw = drawJitter(new Random(0, "augment", i), 286, 286, { ...options, noFlip: true });
      expect(draw).toEqual({ ...draws[i], flip: false });
    }
  });

  test("nothing to choose: crop of the whole picture, and preprocess none", () => {
    expect(drawJitter(new Random(0, "augment", 1), 256, 256, options)).toMatchObject({ x: 0, y: 0 });
    expect(drawJitter(new Random(0, "augment", 1), 99, 17, { ...options, preprocess: "none" })).toMatchObject({
      x: 0,
      y: 0,
    });
  });
});

test("writeCrop writes only its own part of the batch", () => {
  const out = new Float32Array(20).fill(7);
  writeCrop(out, 4, reduceChannels(picture(5, 4, 3), 3), 3, 2, 2, { x: 1, y: 1, flip: true });
  expect([...out].map((v) => v === 7)).toEqual([...out].map((_, i) => i < 4 || i >= 16));
});
