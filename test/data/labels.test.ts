/** Label maps as inputs: one channel for each class, from the file to the network. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { classNumbers, labelColours, writeOneHot } from "../../src/data/labels.ts";
import { Loader } from "../../src/data/loader.ts";
import { findPairs } from "../../src/data/pairs.ts";
import { inputPicture, inputTensor } from "../../src/data/sides.ts";
import { files } from "../../src/node/files.ts";
import { images } from "../../src/node/images.ts";
import type { Picture } from "../../src/platform.ts";
import { loaderOptions } from "../options.ts";
import { workFolder } from "../work-folder.ts";

const root = workFolder("labels");

/** Class numbers of a picture of 6 x 4 pixels; 255 has no class. */
const numbers = [...[0, 0, 1, 1, 2, 2], ...[0, 3, 3, 1, 2, 255], ...[4, 4, 4, 1, 1, 0], ...[4, 0, 2, 2, 3, 3]];
const map: Picture = { width: 6, height: 4, channels: 1, data: Uint8Array.from(numbers) };
const options = { inputLabels: 5, inputNc: 5 };

/** The definition: channel k is 1 where the number is k. */
const oneHot = (rows: readonly number[]) => [0, 1, 2, 3, 4].flatMap((k) => rows.map((n) => (n === k ? 1 : 0)));
const flipped = numbers.map((_, i) => numbers[i - (i % 6) + 5 - (i % 6)]!);

describe("a label map", () => {
  it("becomes a channel of zeros and ones for each class, in 8 bits, in 16 bits and as grey RGB", () => {
    const wide = { ...map, data: Uint16Array.from(numbers, (n) => (n === 255 ? 65535 : n)) };
    const grey = { ...map, channels: 3, data: Uint8Array.from(numbers.flatMap((n) => [n, n, n])) };
    for (const picture of [map, wide, grey]) {
      expect([...inputTensor(picture, loaderOptions(options))]).toEqual(oneHot(numbers));
    }
  });

  it("is shown with a colour for each class, black where there is none", () => {
    const values = inputTensor(map, loaderOptions(options));
    const { data, channels } = inputPicture(values, loaderOptions(options), 4, 6);
    expect(channels).toBe(3);
    const colours = numbers.map((_, i) => [...data.slice(3 * i, 3 * i + 3)].join(" "));
    const byNumber = new Map(numbers.map((n, i) => [n, colours[i]]));
    expect(new Set(byNumber.values()).size).toBe(6);
    expect(byNumber.get(255)).toBe("0 0 0");
    numbers.forEach((n, i) => {
      expect(colours[i]).toBe(byNumber.get(n));
    });
  });

  it("gives 182 classes distinct colours", () => {
    const values = new Float32Array(182 * 182);
    writeOneHot(
      values,
      0,
      Array.from({ length: 182 }, (_, k) => k),
      182,
    );
    const shown = labelColours(values, 182, 182);
    const all = Array.from({ length: 182 }, (_, i) => [0, 1, 2].map((c) => shown[c * 182 + i]!.toFixed(2)).join());
    expect(new Set(all).size).toBe(182);
  });

  it("is refused with its file where it has colours, fractions or numbers that are no class", () => {
    const red = { ...map, channels: 3, data: Uint8Array.from(numbers.flatMap((n) => [n, 0, 0])) };
    expect(() => classNumbers(red, 5, "a.png")).toThrow(/^a\.png has colours, but --input-labels 5 .* 0 to 4/);
    const many = { ...map, data: Uint8Array.from(numbers, (n) => (n === 4 ? 9 : n)) };
    expect(() => classNumbers(many, 5, "a.png")).toThrow(/^a\.png has the value 9, .* from 0 to 4, or 255/);
    const halves = { ...map, data: Float32Array.from(numbers, (n) => n / 2) };
    expect(() => classNumbers(halves, 5, "a.png")).toThrow(/value 0\.5/);
  });

  it("moves with its photo, and is resized without numbers between two classes", async () => {
    mkdirSync(join(root, "trainA"), { recursive: true });
    mkdirSync(join(root, "trainB"), { recursive: true });
    writeFileSync(join(root, "trainA/x.png"), await images.encodePng(map));
    const photo = { ...map, channels: 3, data: Uint8Array.from(numbers.flatMap((n) => [n, 10, 20])) };
    writeFileSync(join(root, "trainB/x.png"), await images.encodePng(photo));
    const { pairs } = await findPairs(files, root, { phase: "train" });
    const at = (more: object) =>
      new Loader(pairs, loaderOptions({ ...options, preprocess: "none", ...more }), { files, images });
    const seen = new Set<string>();
    for (let epoch = 1; epoch <= 20; epoch++) {
      const { A, B } = await at({ noFlip: false }).batch(epoch, 0);
      const rows = [...B.subarray(0, 24)].map((red) => Math.round((red + 1) * 127.5));
      expect([...A]).toEqual(oneHot(rows));
      seen.add(String(rows));
    }
    expect(seen).toEqual(new Set([String(numbers), String(flipped)]));
    const large = await at({ preprocess: "resize_and_crop", loadSize: 24, cropSize: 24, noFlip: true }).batch(1, 0);
    expect(new Set(large.A)).toEqual(new Set([0, 1]));
  });
});
