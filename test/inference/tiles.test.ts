/** Tiles: their geometry, and a generator whose output does not depend on them. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/config/schema.ts";
import { NetworkState } from "../../src/engines/state.ts";
import { copyPart, stretches, window } from "../../src/inference/tiling/geometry.ts";
import { Translator } from "../../src/inference/translator.ts";
import { generatorGraph } from "../../src/model/pix2pix.ts";
import { inits } from "../../src/nn/init.ts";
import { files } from "../../src/node/files.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { Random } from "../../src/random.ts";
import { workFolder } from "../work-folder.ts";

describe("stretches", () => {
  const axes = fc
    .record({ axis: fc.integer({ min: 1, max: 400 }), length: fc.integer({ min: 3, max: 120 }), share: fc.nat(99) })
    .map(({ axis, length, share }) => ({ axis, length, margin: Math.floor(((length - 1) * share) / 200) }));

  it("cover the axis: each position is in one stretch's own part, away from the ends of the stretch", () => {
    fc.assert(
      fc.property(axes, ({ axis, length, margin }) => {
        const found = stretches(axis, length, margin);
        expect(found.map(({ from }) => from)).toEqual([0, ...found.slice(0, -1).map(({ to }) => to)]);
        expect(found.at(-1)!.to).toBe(axis);
        for (const stretch of found) {
          const [start, end] = [stretch.start, stretch.start + stretch.length];
          expect([start >= 0, end <= axis, stretch.length]).toEqual([true, true, Math.min(axis, length)]);
          expect(start === 0 || stretch.from - start >= margin).toBe(true);
          expect(end === axis || end - stretch.to >= margin).toBe(true);
        }
      }),
    );
  });
});

it("window goes on mirrored beyond the right and the lower edge", () => {
  const source = { data: Float32Array.of(1, 2, 3, 4, 5, 6), planes: 1, height: 2, width: 3 };
  // numpy.pad(..., mode="reflect")
  expect([...window(source, { y: 0, x: 0, height: 4, width: 8 })]).toEqual(
    [
      [1, 2, 3, 2, 1, 2, 3, 2],
      [4, 5, 6, 5, 4, 5, 6, 5],
    ]
      .flatMap((row, i, rows) => [...row, ...rows[1 - i]!].slice(0, 8))
      .concat([1, 2, 3, 2, 1, 2, 3, 2, 4, 5, 6, 5, 4, 5, 6, 5]),
  );
  expect([...window(source, { y: 1, x: 1, height: 1, width: 2 })]).toEqual([5, 6]);
  expect([
    ...window({ data: Float32Array.of(7), planes: 1, height: 1, width: 1 }, { y: 0, x: 0, height: 2, width: 2 }),
  ]).toEqual([7, 7, 7, 7]);
});

const platform = await nodePlatform({ threads: 1 });
const folder = workFolder("tiles");

/** A generator with large random weights. */
function generator(changes: object = {}) {
  const config = parseConfig({
    dataroot: "none",
    netG: "unet_32",
    ngf: 4,
    inputNc: 1,
    outputNc: 1,
    threads: 1,
    noDropout: true,
    cropSize: 256,
    loadSize: 256,
    ...changes,
  });
  const state = new NetworkState(generatorGraph(config, { n: 1, height: 64, width: 64 }).netG);
  state.initialise(inits.normal, 0.2, 1);
  return (settings = {}) => new Translator({ config, state, platform, settings });
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

describe("a generator in tiles gives the output of the picture in one piece", () => {
  // No side is a multiple of 32: both ways continue the picture by reflection.
  const [height, width] = [214, 330];
  const A = scene(height, width);

  // ONNX Runtime sums in another order; with norms that reaches every value.
  it.each<[string, object, object, number]>([
    ["no norm", { norm: "none" }, {}, 5e-5],
    ["instance norm", { norm: "instance" }, {}, 2e-4],
    ["batch norm", { norm: "batch" }, {}, 2e-4],
    ["running statistics", { norm: "batch" }, { statistics: "running" }, 2e-4],
    ["statistics of each image", { norm: "batch" }, { statistics: "image" }, 2e-4],
    ["no skips", { netG: "encoder_decoder_64", ngf: 2 }, {}, 2e-4],
    ["leaky skips", { skip: "leaky", bottleneckNorm: true }, {}, 2e-4],
    ["reflecting convolutions after nearest neighbours", { padding: "reflect", upsample: "resize" }, {}, 2e-4],
    ["a ResNet", { netG: "resnet_6blocks", ngf: 2, norm: "instance" }, {}, 2e-4],
    ["the generator of half size inside another", { netG: "enhancer", ngf: 2, norm: "instance" }, {}, 2e-4],
    ["separable convolutions", { separableConv: true, norm: "instance" }, {}, 2e-4],
    ["maps that are smoothed before they are halved", { blurPool: "both", norm: "instance" }, {}, 2e-4],
    ["the article's network", { netG: "article", ngf: 2 }, {}, 2e-4],
  ])("%s", async (_, network, settings, most) => {
    const open = generator(network);
    const [inTiles, whole] = [open({ ...settings, tile: open().multiple }), open({ ...settings, tile: 0 })];
    const expected = await whole.run(A, 1, height, width);
    expect(worst(expected, new Float32Array(expected.length))).toBeGreaterThan(0.3);
    expect(worst(await inTiles.run(A, 1, height, width), expected)).toBeLessThan(most);
    await Promise.all([inTiles.close(), whole.close()]);
  });

  it("whether maps are kept in files, in part or not at all", async () => {
    const open = generator({ norm: "instance", ngf: 16 });
    const [inTiles, whole] = [open({ tile: 64 }), open({ tile: 0 })];
    const [height, width] = [300, 310];
    const A = scene(height, width);
    const expected = await whole.run(A, 1, height, width);
    const source = { data: A, planes: 1, height, width };
    const opened: number[] = [];
    // The largest map has 4 values per pixel: 1.6 MB.
    for (const bytes of [1e9, 3e6, 0]) {
      const data = new Float32Array(height * width);
      let files_ = 0;
      const open = () => files.scratch!(join(folder, `${bytes}-${files_++}`));
      await inTiles.runTiles(
        { height, width, read: async (part) => window(source, part) },
        {},
        {
          output: async (tile, part, at) => copyPart(tile, part, { data, height, width }, at),
          scratch: { open, bytes, memory: 1e6 },
        },
      );
      opened.push(files_);
      expect(worst(data, expected)).toBeLessThan(2e-4);
    }
    expect(opened[0]).toBeGreaterThan(0);
    expect(opened[2]).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
    await Promise.all([inTiles.close(), whole.close()]);
  });

  it("with the same values dropped out", async () => {
    // Only U-Nets of six levels and more have dropout.
    const open = generator({ norm: "none", netG: "unet_64", ngf: 2, noDropout: false });
    const [height, width] = [64, 1024];
    const A = scene(height, width);
    const [inTiles, whole] = [open({ tile: 64 }), open({ tile: 0 })];
    expect(whole.dropout).toBe("on");
    const sample = (of: Translator, sample: number) => of.run(A, 1, height, width, { index: 3, sample });
    const expected = await sample(whole, 1);
    expect(worst(await sample(inTiles, 1), expected)).toBeLessThan(5e-5);
    expect(worst(await sample(inTiles, 2), expected)).toBeGreaterThan(0.01);
    await Promise.all([inTiles.close(), whole.close()]);
  });
});

it("are usual where the picture that the network sees has more than 2048 x 2048 pixels", () => {
  const usual = generator({ netG: "unet_256", ngf: 1, cropSize: 256, loadSize: 256 })();
  expect(usual.inTiles(2048, 2048)).toBe(false);
  expect(usual.inTiles(2048, 2049)).toBe(true);
  // It is padded to 60160x256.
  expect(usual.inTiles(60_000, 1)).toBe(true);
});

it("refuses tiles that cannot be", () => {
  expect(() => generator()({ tile: 100 })).toThrow(
    "--tile: got 100, expected a multiple of 32 for unet_32, such as 96",
  );
});
