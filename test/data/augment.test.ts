/** The random draws of a pair, and their effect on it. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { drawJitter, jitterColors } from "../../src/data/augment.ts";
import type { LoaderOptions } from "../../src/data/loader.ts";
import { augmentProblems } from "../../src/data/rules.ts";
import { type Placement, toTensor, writeCrop } from "../../src/data/transforms.ts";
import { Random } from "../../src/random.ts";
import { loaderOptions } from "../options.ts";
import { fixture } from "../paths.ts";

/** Outputs of NumPy, Pillow and PyTorch, written by fixtures/make/data.py. */
const expected = JSON.parse(readFileSync(fixture("deep/expected.json"), "utf8")) as {
  turns: { placement: Placement; width: number; height: number; out: number[] }[];
  jitterSource: string;
  jitters: { factors: [number, number, number]; exact: string; pillow: string }[];
};
const bytes = (text: string) => new Uint8Array(Buffer.from(text, "base64"));
const floats = (text: string) => new Float32Array(bytes(text).buffer);

const options = loaderOptions();
const all = { ...options, flipVertical: true, rotate90: true, colorJitter: 0.3 };
const draw = (step: number, how = options, seed = 0) => drawJitter(new Random(seed, "augment", step), 286, 286, how);

describe("draws", () => {
  test("equal those of the first release, because stored runs continue with them", () => {
    // Written down before there was anything but crop and flip: seed, step, x, y, flip.
    const stored = [
      [0, 0, 21, 4, true],
      [0, 1, 27, 0, true],
      [0, 2, 1, 20, true],
      [7, 400, 6, 3, false],
      [7, 401, 25, 10, false],
      [4294967295, 123456, 3, 16, true],
    ] as const;
    for (const [seed, step, x, y, flip] of stored) {
      expect(draw(step, options, seed)).toEqual({ x, y, flip, flipVertical: false, turns: 0 });
      expect(draw(step, all, seed)).toMatchObject({ x, y, flip });
    }
    const whole = (seed: number, step: number) =>
      drawJitter(new Random(seed, "augment", step), 600, 337, { ...options, preprocess: "none" });
    expect([whole(0, 0), whole(3, 9)]).toMatchObject([
      { x: 0, y: 0, flip: true },
      { x: 0, y: 0, flip: false },
    ]);
  });

  test("an option changes only what it names", () => {
    for (let step = 0; step < 30; step++) {
      const full = draw(step, all);
      expect(draw(step, { ...all, flipVertical: false })).toEqual({ ...full, flipVertical: false });
      expect(draw(step, { ...all, rotate90: false })).toEqual({ ...full, turns: 0 });
      const { color, ...placement } = full;
      expect(color).toBeDefined();
      expect(draw(step, { ...all, colorJitter: 0 })).toEqual(placement);
    }
  });

  test("are uniform", () => {
    const draws = Array.from({ length: 8000 }, (_, i) => draw(i, all));
    const share = (test: (one: (typeof draws)[number]) => boolean) => draws.filter(test).length / draws.length;
    expect(share(({ flipVertical }) => flipVertical)).toBeCloseTo(0.5, 1);
    expect(share(({ flip, flipVertical }) => flip && flipVertical)).toBeCloseTo(0.25, 1);
    for (const turns of [0, 1, 2, 3]) expect(Math.abs(share((one) => one.turns === turns) - 0.25)).toBeLessThan(0.02);
    for (const name of ["brightness", "contrast", "saturation"] as const) {
      const factors = draws.map(({ color }) => color![name]).sort((a, b) => a - b);
      expect([factors[0], factors[2000], factors[4000], factors.at(-1)].map((v) => v!.toFixed(1))).toEqual([
        "0.7",
        expect.stringMatching(/0\.8|0\.9/),
        "1.0",
        "1.3",
      ]);
    }
  });

  test("a crop may be a rectangle", () => {
    const seen = Array.from({ length: 300 }, (_, i) =>
      drawJitter(new Random(0, "augment", i), 20, 12, { ...options, cropSize: 16, cropHeight: 10 }),
    );
    expect(Math.max(...seen.map(({ x }) => x))).toBe(4);
    expect(Math.max(...seen.map(({ y }) => y))).toBe(2);
  });

  test("options that cannot work are refused", () => {
    const problems = (how: Partial<LoaderOptions>) => augmentProblems(loaderOptions(how));
    expect(problems({ rotate90: true, cropHeight: 128 })).toEqual([
      expect.stringContaining("needs square crops, got 256x128; leave it out"),
    ]);
    expect(problems({ rotate90: true, preprocess: "scale_width" })).toEqual([
      expect.stringContaining("--preprocess scale_width does not crop"),
    ]);
    expect(problems({ colorJitter: 1.5 })).toEqual(["--color-jitter: got 1.5, expected a number from 0 to 1"]);
    expect(problems({ rotate90: true, cropHeight: 256, colorJitter: 1 })).toEqual([]);
  });
});

test.each(expected.turns)("a crop turned as NumPy turns it: $placement", ({ placement, width, height, out }) => {
  const picture = { width: 7, height: 6, channels: 1, data: Uint8Array.from({ length: 42 }, (_, i) => i) };
  const values = new Float32Array(width * height);
  writeCrop(values, 0, picture, 1, width, height, placement);
  expect([...values].map((v) => Math.round((v + 1) * 127.5))).toEqual(out);
});

describe("colour jitter", () => {
  const source = { width: 8, height: 6, channels: 3, data: bytes(expected.jitterSource) };
  for (const { factors, exact, pillow } of expected.jitters) {
    test(`brightness, contrast, saturation ${factors.join(", ")}`, () => {
      const [brightness, contrast, saturation] = factors;
      const values = toTensor(source, 3);
      jitterColors(values, 0, 3, 48, { brightness, contrast, saturation });
      const wanted = floats(exact);
      expect(Math.max(...values.map((v, i) => Math.abs(v - wanted[i]!)))).toBeLessThan(2e-6);
      // Pillow rounds to 8 bits after each of the three, and the mean grey of contrast.
      const enhanced = bytes(pillow);
      const difference = Array.from(enhanced, (v, i) =>
        Math.abs((values[(i % 3) * 48 + Math.floor(i / 3)]! + 1) * 127.5 - v),
      );
      expect(Math.max(...difference)).toBeLessThan(3.5);
    });
  }

  test("leaves alpha and what lies around it alone; grey has no saturation", () => {
    const factors = { brightness: 0.5, contrast: 0.5, saturation: 0 };
    const values = new Float32Array(6).fill(1);
    jitterColors(values, 1, 2, 2, factors);
    expect([...values]).toEqual([1, 0, 0, 1, 1, 1]);
    const grey = Float32Array.of(1, 0);
    jitterColors(grey, 0, 1, 2, { brightness: 1, contrast: 0.5, saturation: 0 });
    expect([...grey]).toEqual([0.75, 0.25]);
  });
});
