/** Where a discriminator believes: its map against one computed by hand, on the page's colours, and by the command line. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { parseConfig } from "../../src/config/schema.ts";
import { writeDemo } from "../../src/demo/write.ts";
import { decode } from "../../src/formats/safetensors.ts";
import { judgeSamples } from "../../src/inference/judge.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { beliefColour, patchPicture } from "../../src/report/patch-map.ts";
import { train } from "../../src/training/train.ts";
import { runIn } from "../cli/run.ts";
import { workFolder } from "../work-folder.ts";

const platform = await nodePlatform({ threads: 1 });
const work = workFolder("judge");
const size = 32;
const place = { checkpointsDir: join(work, "runs"), name: "pixels" };

beforeAll(async () => {
  const dataroot = join(work, "data");
  await writeDemo(platform, dataroot, { train: 4, test: 2, size, seed: 1 });
  const common = { ...place, dataroot, netG: "unet_32", ngf: 4, cropSize: size, loadSize: size, threads: 1 } as const;
  const objective = { netD: "pixel", ndf: 3, norm: "none", ganMode: "lsgan", lr: 0.01, lambdaL1: 1 } as const;
  await train(parseConfig({ ...common, ...objective, maxSteps: 4 }), platform);
});

/** The PixelGAN by hand: at each pixel three layers of weights, with LeakyReLU between them. */
function believedBy(
  weights: Record<string, { shape: readonly number[]; data: ArrayLike<number> }>,
  pixel: number[],
): number {
  const layer = (name: string, x: readonly number[]): number[] => {
    const { shape, data } = weights[`${name}.weight`]!;
    const bias = weights[`${name}.bias`]?.data;
    return Array.from({ length: shape[0]! }, (_, o) =>
      x.reduce((sum, value, i) => sum + value * data[o * shape[1]! + i]!, bias?.[o] ?? 0),
    );
  };
  const leaky = (x: number[]) => x.map((value) => (value > 0 ? value : 0.2 * value));
  const names = Object.keys(weights).flatMap((name) => /^(.*)\.weight$/.exec(name)?.[1] ?? []);
  const [first, second, third] = names.sort((a, b) => Number(a.split(".").at(-1)) - Number(b.split(".").at(-1)));
  const [logit] = layer(third!, leaky(layer(second!, leaky(layer(first!, pixel)))));
  return 1 / (1 + Math.exp(0.5 - logit!));
}

it("is the sigmoid of the logits of the discriminator, at each patch", async () => {
  const folder = join(place.checkpointsDir, place.name);
  const strip = await platform.images.decode(readFileSync(join(folder, "samples/epoch_001.png")));
  const { tensors } = decode(readFileSync(join(folder, "latest_net_D.safetensors")));
  const weights = tensors as Record<string, { shape: readonly number[]; data: Float32Array }>;
  const judged = await judgeSamples(place, strip, platform);
  expect(judged).toMatchObject({ patch: 1, step: 4 });
  expect(judged.pairs).toHaveLength(2);
  const colours = (x: number, y: number) =>
    Array.from(strip.data.subarray((y * strip.width + x) * 3).slice(0, 3), (value) => value / 127.5 - 1);
  for (const [x, y] of [
    [0, 0],
    [13, 20],
    [31, 31],
  ] as const) {
    for (const [row, pair] of judged.pairs.entries()) {
      const top = row * (size + 4) + y;
      const input = colours(x, top);
      const by = (column: number) => believedBy(weights, [...input, ...colours(column * (size + 4) + x, top)]);
      expect(pair.output.belief[y * size + x]).toBeCloseTo(by(1), 5);
      expect(pair.target.belief[y * size + x]).toBeCloseTo(by(2), 5);
    }
  }
});

it("judges samples of pictures that keep their shape, at the size that training gave them", async () => {
  const shape = { preprocess: "scale_width", loadSize: 48, cropSize: 32, netG: "unet_32", ngf: 2, ndf: 2 } as const;
  const config = parseConfig({
    ...place,
    ...shape,
    name: "wide",
    dataroot: join(work, "data"),
    maxSteps: 1,
    threads: 1,
  });
  await train(config, platform);
  const sheet = readFileSync(join(place.checkpointsDir, "wide/samples/epoch_001.png"));
  const { pairs } = await judgeSamples({ ...place, name: "wide" }, await platform.images.decode(sheet), platform);
  expect(pairs).toHaveLength(2);
});

it("a sheet of samples is transparent between its pictures, and white there without alpha", async () => {
  const bytes = readFileSync(join(place.checkpointsDir, place.name, "samples/epoch_001.png"));
  const { width, height, channels, data } = await platform.images.decode(bytes, { alpha: true });
  expect([width, height, channels]).toEqual([3 * size + 2 * 4, 2 * size + 4, 4]);
  const between = (at: number) => at % (size + 4) >= size;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const pixel = [...data.subarray((y * width + x) * 4, (y * width + x + 1) * 4)];
      if (between(x) || between(y)) expect(pixel).toEqual([255, 255, 255, 0]);
      else expect(pixel[3]).toBe(255);
    }
  }
});

it("is drawn over the picture: blue where fake, orange where real, linear between", () => {
  expect([0, 0.5, 1].map(beliefColour)).toEqual([
    [33, 102, 172],
    [247, 247, 247],
    [200, 80, 10],
  ]);
  const grey = { width: 4, height: 1, channels: 1 as const, data: new Uint8Array(4).fill(100) };
  const { data } = patchPicture(grey, { width: 2, height: 1, belief: [0, 1] });
  // The middles of the pixels are at 1/4, 3/4, 5/4, 7/4 of a cell, those of the cells at 1/2 and 3/2.
  const red = [33, 33 + 0.5 * (247 - 33), 247 + 0.5 * (200 - 247), 200];
  expect([0, 1, 2, 3].map((x) => data[3 * x])).toEqual(
    red.map((value) => Math.round(0.4 * 100 + 0.6 * Math.round(value))),
  );
});

it("test --patch-map writes it beside the pictures; a run without a discriminator has none", async () => {
  const cli = (...args: string[]) => runIn(work, args);
  const done = await cli("test", "--name", "pixels", "--patch-map", "--threads", "1");
  expect(done).toMatchObject({
    code: 0,
    out: expect.stringMatching(/D rates the outputs 0\.\d\d on average/),
  });
  const file = join(work, "results/pixels/test_latest/images/facade_0001_patches.png");
  expect(await platform.images.decode(readFileSync(file))).toMatchObject({ width: 4 * size + 3 * 4, height: size });
  const config = parseConfig({
    ...place,
    name: "alone",
    dataroot: join(work, "data"),
    netG: "unet_32",
    ngf: 2,
    lambdaGan: 0,
    cropSize: size,
    loadSize: size,
    maxSteps: 1,
    threads: 1,
  });
  await train(config, platform);
  const strip = await platform.images.decode(readFileSync(join(place.checkpointsDir, "alone/samples/epoch_001.png")));
  await expect(judgeSamples({ ...place, name: "alone" }, strip, platform)).rejects.toThrow("has no discriminator");
});
