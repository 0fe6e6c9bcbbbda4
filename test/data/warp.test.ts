/** Deformed pairs: PyTorch's interpolate and grid_sample (test/fixtures/make/warp.py), and draws that a continued run repeats. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { drawJitter } from "../../src/data/augment.ts";
import { Loader, type LoaderOptions } from "../../src/data/loader.ts";
import { findPairs } from "../../src/data/pairs.ts";
import { values8 } from "../../src/data/transforms.ts";
import { drawWarp, linearAt, nearestAt, placesOf } from "../../src/data/warp.ts";
import { decode } from "../../src/formats/safetensors.ts";
import { files } from "../../src/node/files.ts";
import { images } from "../../src/node/images.ts";
import type { Picture } from "../../src/platform.ts";
import { Random } from "../../src/random.ts";
import { loaderOptions } from "../options.ts";
import { fixture } from "../paths.ts";

const { tensors } = decode(readFileSync(fixture("warp.safetensors")));
const most = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  expect(a.length).toBe(b.length);
  return Math.max(...Array.from(a, (v, i) => Math.abs(v - b[i]!)));
};

describe("PyTorch's interpolate and grid_sample", () => {
  it.each(["small", "beyond", "line"])("%s", (name) => {
    const of = (key: string) => tensors[`${name}/${key}`]!;
    const values = (key: string) => of(key).data as Float32Array;
    const [height, width, channels] = of("picture").shape as [number, number, number];
    const [h, w] = of("places").shape.slice(1) as [number, number];
    const [left, top] = values("corner") as unknown as [number, number];
    const places = placesOf(Float64Array.from(values("grid")), left, top, { width: w, height: h });
    expect(most([...places.x, ...places.y], values("places"))).toBeLessThan(1e-5);
    const picture: Picture = { width, height, channels, data: of("picture").data as Uint8Array };
    expect(most(linearAt(picture, places).data, values("linear"))).toBeLessThan(2e-5);
    expect(most(nearestAt(picture, places).data, of("nearest").data as Uint8Array)).toBe(0);
    const wide = { ...picture, data: Uint16Array.from(picture.data, (v) => v * 257) };
    const floats = { ...picture, data: Float32Array.from(picture.data, (v) => values8[v]!) };
    for (const same of [wide, floats]) expect(most(linearAt(same, places).data, values("linear"))).toBeLessThan(2e-5);
  });
});

describe("draws", () => {
  const draw = (more: Partial<LoaderOptions>, step = 5) =>
    drawJitter(new Random(1, "augment", step), 286, 286, loaderOptions(more));

  it("come last, so that other draws stay as they are", () => {
    const { warp, ...others } = draw({ warp: 10, rotate90: true, colorJitter: 0.2 });
    expect(others).toEqual(draw({ rotate90: true, colorJitter: 0.2 }));
    expect(warp).toHaveLength(18);
    expect(draw({ warp: 0 })).not.toHaveProperty("warp");
  });

  it("have the deviation that is asked for", () => {
    const all = Array.from({ length: 400 }, (_, step) => [...drawWarp(new Random(1, "w", step), 10)]).flat();
    const mean = all.reduce((a, b) => a + b) / all.length;
    const deviation = Math.sqrt(all.reduce((sum, v) => sum + (v - mean) ** 2, 0) / all.length);
    expect(Math.abs(mean)).toBeLessThan(0.4);
    expect(Math.abs(deviation - 10)).toBeLessThan(0.4);
  });
});

describe("a pair", () => {
  const root = mkdtempSync(join(tmpdir(), "pix2pix-warp-"));
  afterAll(() => rmSync(root, { recursive: true }));
  const side = 48;
  beforeAll(async () => {
    // Rings of classes 0 to 3; the photo has 60 levels for each class.
    const numbers = Uint8Array.from({ length: side * side }, (_, i) =>
      Math.min(3, Math.floor(Math.hypot((i % side) - 20, Math.floor(i / side) - 26) / 8)),
    );
    const map: Picture = { width: side, height: side, channels: 1, data: numbers };
    for (const [folder, data] of [
      ["trainA", numbers],
      ["trainB", numbers.map((n) => 60 * n)],
    ] as const) {
      mkdirSync(join(root, folder));
      await files.write(join(root, folder, "x.png"), await images.encodePng({ ...map, data }));
    }
  });
  const loader = async (more: Partial<LoaderOptions>) => {
    const { pairs } = await findPairs(files, root);
    const labels = { inputLabels: 4, inputNc: 4, outputNc: 1 };
    const sizes = { loadSize: side, cropSize: 32 };
    return new Loader(pairs, loaderOptions({ ...labels, ...sizes, ...more }), { files, images });
  };

  it("stays a pair: the photo shows each pixel's class, but for mixtures at the edges of classes", async () => {
    const warped = await loader({ warp: 6, flipVertical: true, rotate90: true });
    const plain = await loader({ flipVertical: true, rotate90: true });
    let moved = 0;
    for (let epoch = 0; epoch < 8; epoch++) {
      const { A, B, height, width } = await warped.batch(epoch, 0);
      const plane = height * width;
      expect([height, width]).toEqual([32, 32]);
      expect(new Set(A)).toEqual(new Set([0, 1]));
      const near = Array.from({ length: plane }, (_, i) => {
        const k = [0, 1, 2, 3].find((n) => A[n * plane + i] === 1)!;
        return Math.abs((B[i]! + 1) * 127.5 - 60 * k);
      });
      // Of the four pixels of a mixture the nearest one has at least a quarter of the weight.
      expect(Math.max(...near)).toBeLessThanOrEqual(0.75 * 60 + 1e-3);
      expect(near.filter((d) => d < 1e-3).length).toBeGreaterThan(0.7 * plane);
      const other = (await plain.batch(epoch, 0)).A;
      moved += A.filter((v, i) => v !== other[i]).length > 0.02 * plane ? 1 : 0;
    }
    expect(moved).toBe(8);
  });

  it("is the same again, from any step on, and unchanged without the option", async () => {
    const batch = async (more: Partial<LoaderOptions>) => (await loader(more)).batch(3, 0);
    const first = await batch({ warp: 6 });
    const one = await loader({ warp: 6 });
    for (let epoch = 0; epoch < 3; epoch++) await one.batch(epoch, 0);
    expect(await one.batch(3, 0)).toEqual(first);
    expect((await batch({ warp: 1e-9 })).A).toEqual((await batch({})).A);
  });
});
