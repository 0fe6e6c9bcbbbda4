/** Tiles: their geometry, and a generator that leaves no seams. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/config/schema.ts";
import { NetworkState } from "../../src/engines/state.ts";
import { addTile, coverage, stretches, window } from "../../src/inference/tiling/geometry.ts";
import { Translator } from "../../src/inference/translator.ts";
import { generatorGraph } from "../../src/model/pix2pix.ts";
import { inits } from "../../src/nn/init.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { Random } from "../../src/random.ts";

describe("stretches", () => {
  const axes = fc
    .record({ axis: fc.integer({ min: 1, max: 400 }), tile: fc.integer({ min: 2, max: 120 }), share: fc.nat(99) })
    .map(({ axis, tile, share }) => ({ axis, tile, overlap: Math.floor((tile * share) / 100) }));

  it("cover the axis, weights sum to 1, and each position is in one stretch's own part", () => {
    fc.assert(
      fc.property(axes, ({ axis, tile, overlap }) => {
        const found = stretches(axis, tile, overlap);
        const sum = new Float64Array(axis);
        for (const { start, weights, length } of found) {
          expect(start + length).toBeLessThanOrEqual(axis);
          for (let x = 0; x < length; x++) sum[start + x]! += weights[x]!;
        }
        expect(sum.every((total) => Math.abs(total - 1) < 1e-12)).toBe(true);
        const ends = found.map(({ start, from, to }) => [start + from, start + to] as const);
        expect([ends[0]![0], ends.at(-1)![1]]).toEqual([0, axis]);
        expect(ends.slice(1).map(([from]) => from)).toEqual(ends.slice(0, -1).map(([, to]) => to));
      }),
    );
  });

  it("leave out the outer quarter of an overlap and blend by a raised cosine across its middle half", () => {
    const [first, second] = stretches(40, 24, 8);
    expect([first!.start, second!.start]).toEqual([0, 16]);
    const ramp = [0, 0, ...[0.5, 1.5, 2.5, 3.5].map((x) => (1 - Math.cos((Math.PI * x) / 4)) / 2), 1, 1];
    for (const [x, weight] of ramp.entries()) {
      expect(second!.weights[x]).toBeCloseTo(weight, 12);
      expect(first!.weights[23 - x]).toBeCloseTo(weight, 12);
    }
    expect([first!.to, second!.from]).toEqual([20, 4]);
    expect([...coverage(second!, 3)]).toEqual([0.5, 1, 1]);
  });
});

it("window goes on mirrored beyond the right and the lower edge", () => {
  const source = { data: Float32Array.of(1, 2, 3, 4, 5, 6), planes: 1, height: 2, width: 3 };
  // numpy.pad(..., mode="reflect")
  expect([...window(source, 0, 0, 4, 8)]).toEqual(
    [
      [1, 2, 3, 2, 1, 2, 3, 2],
      [4, 5, 6, 5, 4, 5, 6, 5],
    ]
      .flatMap((row, i, rows) => [...row, ...rows[1 - i]!].slice(0, 8))
      .concat([1, 2, 3, 2, 1, 2, 3, 2, 4, 5, 6, 5, 4, 5, 6, 5]),
  );
  expect([...window(source, 1, 1, 1, 2)]).toEqual([5, 6]);
  expect([...window({ data: Float32Array.of(7), planes: 1, height: 1, width: 1 }, 0, 0, 2, 2)]).toEqual([7, 7, 7, 7]);
});

const platform = await nodePlatform({ threads: 1 });
type Norm = "none" | "batch" | "instance";

/** A U-Net of five levels with large random weights: 62 px around it decide a value of its output. */
function generator(norm: Norm, changes: object = {}) {
  const config = parseConfig({
    ...{ dataroot: "none", netG: "unet_32", ngf: 4, inputNc: 1, outputNc: 1, cropSize: 32, loadSize: 32, threads: 1 },
    ...{ norm, ...changes },
  });
  const state = new NetworkState(generatorGraph(config, { n: 1, height: 64, width: 64 }).netG);
  state.initialise(inits.normal, 0.2, 1);
  return (settings = {}) => Translator.of(config, state, platform, settings);
}

/** Noise, with a chessboard of full contrast in the first 64 columns. */
function scene(height: number, width: number): Float32Array {
  const values = new Float32Array(height * width);
  new Random(1, "scene", 0).fillNormal(values, 0, 0.2);
  for (let i = 0; i < values.length; i++) {
    const [y, x] = [Math.floor(i / width), i % width];
    if (x < 64) values[i] = ((x >> 3) + (y >> 3)) % 2 === 0 ? 1 : -1;
  }
  return values;
}

const worst = (a: Float32Array, b: Float32Array) => a.reduce((most, v, i) => Math.max(most, Math.abs(v - b[i]!)), 0);

describe("a generator in tiles", () => {
  const [height, width] = [416, 608];
  const tiles = { tile: 384, overlap: 256 };

  // Without norms nothing but the neighbourhood counts; with them the statistics have to be those of the whole picture,
  // to the precision of ONNX Runtime's sums.
  it.each<[Norm, string, number]>([
    ["none", "unet_32", 1e-5],
    ["instance", "unet_32", 2e-4],
    ["instance", "resnet_6blocks", 2e-4],
    ["batch", "unet_32", 2e-4],
  ])(
    "norm %s, %s: is the picture in one piece where the overlap covers what a value depends on",
    async (norm, netG, most) => {
      const open = generator(norm, { netG, ...(netG !== "unet_32" && { ngf: 1 }) });
      const A = scene(height, width);
      const [inTiles, whole] = [open(tiles), open({ tile: 0 })];
      const expected = await whole.run(A, 1, height, width);
      const output = await inTiles.run(A, 1, height, width);
      expect(worst(output, expected)).toBeLessThan(most);
      expect(output.length).toBe(height * width);
      await Promise.all([inTiles.close(), whole.close()]);
    },
  );

  /**
   * A seam is a step of brightness: the difference between the means of the 32 columns right and left of a border, from
   * 16 px away on. Noise makes steps too, so the steps at borders are compared with the largest one that is not at one.
   */
  it.each<Norm>(["instance", "batch"])(
    "norm %s: no seams; with the statistics of each tile there are",
    async (norm) => {
      const [height, width] = [192, 512];
      const size = { tile: 192, overlap: 64 };
      const A = { data: scene(height, width), planes: 1, height, width };
      const translator = generator(norm)(size);
      const fixed = await translator.run(A.data, 1, height, width);
      const apart = { ...A, data: new Float32Array(height * width) };
      const [rows, columns] = [stretches(height, size.tile, size.overlap), stretches(width, size.tile, size.overlap)];
      for (const x of columns) {
        const tile = await translator.run(window(A, 0, x.start, height, x.length), 1, height, x.length);
        addTile(apart, tile, rows[0]!, x);
      }
      await translator.close();
      const borders = columns.slice(1).map(({ start, from }) => start + from);
      expect(borders).toEqual([160, 288, 384]);

      const seam = (values: Float32Array) => {
        const means = Array.from({ length: width }, (_, x) => {
          let sum = 0;
          for (let y = 0; y < height; y++) sum += values[y * width + x]!;
          return sum / height;
        });
        const mean = (from: number) => means.slice(from, from + 32).reduce((sum, v) => sum + v, 0) / 32;
        const step = (x: number) => Math.abs(mean(x + 16) - mean(x - 48));
        const others = means.map((_, x) => x).filter((x) => x >= 192 && x < 464);
        const free = others.filter((x) => borders.every((border) => Math.abs(border - x) >= 48));
        expect(free.length).toBeGreaterThan(50);
        return Math.max(...borders.map(step)) / Math.max(...free.map(step));
      };
      expect(seam(fixed)).toBeLessThan(1.5);
      expect(seam(apart.data)).toBeGreaterThan(2.5);
    },
  );

  it("drops the same values out as the picture in one piece", async () => {
    // Only U-Nets of six levels and more have dropout; of this one 126 px around decide a value.
    const open = generator("none", { netG: "unet_64", ngf: 2, cropSize: 64, loadSize: 64 });
    const [height, width] = [64, 1024];
    const A = scene(height, width);
    const [inTiles, whole] = [open({ tile: 640, overlap: 512 }), open({ tile: 0 })];
    expect(whole.dropout).toBe("on");
    const sample = (of: Translator, sample: number) => of.run(A, 1, height, width, { index: 3, sample });
    const expected = await sample(whole, 1);
    expect(worst(await sample(inTiles, 1), expected)).toBeLessThan(1e-5);
    expect(worst(await sample(inTiles, 2), expected)).toBeGreaterThan(0.01);
    await Promise.all([inTiles.close(), whole.close()]);
  });

  it("refuses tiles that cannot be", () => {
    expect(() => generator("none")({ tile: 100 })).toThrow(
      "--tile: got 100, expected a multiple of 32 for unet_32, such as 96",
    );
    expect(() => generator("none")({ tile: 64, overlap: 64 })).toThrow("--overlap: got 64, expected 0 to 63");
  });
});
