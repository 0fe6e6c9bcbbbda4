/** A trained generator at test time: statistics as PyTorch has them, pictures of any size, samples. */
import { readFileSync } from "node:fs";
import * as web from "onnxruntime-web";
import { describe, expect, it } from "vitest";
import { type ConfigInput, parseConfig } from "../../src/config/schema.ts";
import { resize } from "../../src/data/resize.ts";
import { fromTensor, toTensor } from "../../src/data/transforms.ts";
import { NetworkState } from "../../src/engines/state.ts";
import { decode, type StoredTensor } from "../../src/formats/safetensors.ts";
import { type TestTime, Translator } from "../../src/inference/translator.ts";
import { forCpu } from "../../src/lowering/cpu.ts";
import type { WeightUse } from "../../src/lowering/cpu-options.ts";
import { splitOffWeights } from "../../src/lowering/precompute.ts";
import { generatorGraph } from "../../src/model/pix2pix.ts";
import { inits } from "../../src/nn/init.ts";
import { nodePlatform } from "../../src/node/index.ts";
import type { Ort, Picture, Platform } from "../../src/platform.ts";
import { Random } from "../../src/random.ts";
import { loadWeights } from "../../src/run/run.ts";
import { runInto } from "../../src/web/ort.ts";
import { fixture } from "../paths.ts";

const platform = await nodePlatform({ threads: 1 });
web.env.wasm.numThreads = 1;
/** The runtime of browsers, in Node. */
const wasm = { ...platform, ort: web as unknown as Ort, runInto, base: "wasm" as const };

function generator(options: Partial<ConfigInput>, tensors?: Record<string, StoredTensor>) {
  const config = parseConfig({ dataroot: "none", cropSize: 64, loadSize: 64, threads: 1, ...options });
  const state = new NetworkState(generatorGraph(config, { n: 1, height: 64, width: 64 }).netG);
  if (tensors) loadWeights(state, tensors, "fixture");
  else state.initialise(inits.normal, 0.2, 1);
  return (settings: TestTime = {}, weights?: WeightUse, on: Platform = platform) =>
    new Translator({ config, state, platform: on, settings, weights });
}

const worst = (a: Float32Array, b: ArrayLike<number>) =>
  a.reduce((most, v, i) => Math.max(most, Math.abs(v - b[i]!)), 0);

describe("statistics, on two pictures of 40x24 that are padded to 64x32: as PyTorch", () => {
  const { tensors } = decode(readFileSync(fixture("translate.safetensors")));
  const weights = Object.entries(tensors).filter(([name]) => name.startsWith("net."));
  const net = Object.fromEntries(weights.map(([name, tensor]) => [name.slice("net.".length), tensor]));
  const open = generator({ netG: "unet_32", ngf: 2 }, net);
  const [n, , height, width] = tensors.A!.shape as [number, number, number, number];
  const values = (name: string) => tensors[name]!.data as Float32Array;

  it.each(["batch", "running", "image"] as const)("%s", async (statistics) => {
    const translator = open({ statistics });
    expect(worst(await translator.run(values("A"), n, height, width), values(statistics))).toBeLessThan(2e-5);
    await translator.close();
  });

  it("of a single picture: batch is image", async () => {
    const translator = open();
    const picture = values("A").subarray(0, 3 * height * width);
    expect(worst(await translator.run(picture, 1, height, width), values("image"))).toBeLessThan(2e-5);
    await translator.close();
  });
});

describe("pictures that are given at the same time", () => {
  const open = generator({ netG: "unet_32", ngf: 2, dropout: "off" });
  /** Of more sizes than stay compiled. */
  const pictures = Array.from({ length: 7 }, (_, i) => {
    const [width, height] = [32 + 32 * i, 64];
    return { width, height, channels: 3, data: Uint8Array.from({ length: width * height * 3 }, (_, k) => k * 7 + i) };
  });
  const fit = { preprocess: "none" } as const;

  it("have the outputs that they have one after the other", async () => {
    const translator = open();
    const expected: Picture[] = [];
    for (const picture of pictures) expected.push(await translator.translate(picture, {}, fit));
    const all = [...pictures, ...pictures].map((picture) => translator.translate(picture, {}, fit));
    expect(await Promise.all(all)).toEqual([...expected, ...expected]);
    await translator.close();
  });

  it("are computed before the translator closes; later ones are refused", async () => {
    const translator = open();
    const outputs = Promise.all(pictures.map((picture) => translator.translate(picture, {}, fit)));
    await Promise.all([translator.close(), translator.close()]);
    expect(await outputs).toHaveLength(pictures.length);
    const late = translator.translate(pictures[0]!, {}, fit);
    await expect(late).rejects.toThrow("this translator is closed; open another one");
  });

  it("do not take the error of one for that of another", async () => {
    const translator = open();
    const [bad, good] = [new Float32Array(5), new Float32Array(3 * 64 * 32)];
    const [refused, output] = await Promise.allSettled([
      translator.run(bad, 1, 64, 32),
      translator.run(good, 1, 64, 32),
    ]);
    expect([refused.status, output.status]).toEqual(["rejected", "fulfilled"]);
    await translator.close();
  });
});

it.each([-1, 0, 1.5, Number.NaN])("%s threads are refused", async (threads) => {
  const message = `threads: got ${threads}, expected a whole number, at least 1`;
  await expect(nodePlatform({ threads })).rejects.toThrow(message);
});

describe("weights that do not change", () => {
  const options = { netG: "unet_64", ngf: 16, dropout: "off" } as const;

  it("are turned once for several pictures, with the same results", async () => {
    const [changing, fixed] = (["changing", "fixed"] as const).map((weights) => generator(options)({}, weights));
    for (let i = 0; i < 6; i++) {
      const picture = new Float32Array(3 * 64 * 64);
      new Random(i, "picture", 0).fillNormal(picture, 0, 0.4);
      const expected = await changing!.run(picture, 1, 64, 64);
      expect(worst(await fixed!.run(picture, 1, 64, 64), expected)).toBeLessThan(2e-5);
    }
    await Promise.all([changing!.close(), fixed!.close()]);
  });

  it.each([
    ["Node", platform, options],
    ["WASM", wasm, options],
    // Wide enough for Winograd's form at stride 2.
    ["WASM, wider", wasm, { ...options, ngf: 64 }],
  ])("give a picture the same values to the last bit, whatever its place in a list: %s", async (_, on, options) => {
    const translator = generator(options)({}, "fixed", on);
    const picture = new Float32Array(3 * 64 * 64);
    new Random(1, "picture", 0).fillNormal(picture, 0, 0.4);
    const outputs: Float32Array[] = [];
    for (let i = 0; i < 6; i++) outputs.push(await translator.run(picture, 1, 64, 64));
    expect(outputs.map((output) => worst(output, outputs[0]!))).toEqual(outputs.map(() => 0));
    const plain = generator(options)({}, "changing");
    expect(worst(outputs[0]!, await plain.run(picture, 1, 64, 64))).toBeLessThan(1e-4);
    await Promise.all([translator.close(), plain.close()]);
  });

  it("splits off a program of what depends only on weights; the rest reads its outputs", () => {
    const { program } = generatorGraph(parseConfig({ dataroot: "none", ...options }), { n: 1, height: 64, width: 64 });
    const isWeight = ({ name }: { name: string }) => name.startsWith("netG.");
    const { fromWeights, perPicture } = splitOffWeights(forCpu(program, 16, "fixed"), isWeight);
    expect(fromWeights.inputs.length).toBeGreaterThan(5);
    expect(fromWeights.inputs.every(isWeight)).toBe(true);
    const taken = perPicture.inputs.map(({ name }) => name);
    expect(fromWeights.outputs.filter(({ name }) => !taken.includes(name))).toEqual([]);
    // No weight of a Conv in blocks is reordered for every picture.
    const turned = perPicture.nodes.filter(({ op, inputs }) => op.type === "ReorderInput" && inputs.every(isWeight));
    expect(turned).toEqual([]);
    // A plain program has nothing to precompute.
    expect(splitOffWeights(program, isWeight).fromWeights.outputs).toEqual([]);
  });
});

describe("a picture", () => {
  const noise = (width: number, height: number): Picture => {
    const values = new Float32Array(3 * width * height);
    new Random(2, "picture", 0).fillNormal(values, 0, 0.4);
    return fromTensor(values, 3, height, width);
  };
  const size = ({ width, height, channels }: Picture) => [width, height, channels];
  const picture = noise(90, 70);

  it("is resized to the crop size, or taken at its own size, as the run was trained or as is asked for", async () => {
    const resized = generator({ netG: "unet_32", ngf: 2 })();
    const whole = generator({ netG: "unet_32", ngf: 2, preprocess: "none" })();
    expect(size(await resized.translate(picture))).toEqual([64, 64, 3]);
    expect(size(await whole.translate(picture))).toEqual([90, 70, 3]);
    const own = await resized.translate(picture, {}, { preprocess: "none" });
    expect(own).toEqual(await whole.translate(picture));
    expect(await resized.translate(picture)).toEqual(await whole.translate(resize(picture, 64, 64)));
    expect(size(await whole.translate(noise(1, 3)))).toEqual([1, 3, 3]);
    await Promise.all([resized.close(), whole.close()]);
  });

  it("of any number of channels has its values channel by channel in each pixel", async () => {
    const translator = generator({ netG: "unet_32", ngf: 2, outputNc: 5, noDropout: true, preprocess: "none" })();
    const { data, ...shape } = await translator.translateValues(picture);
    expect(shape).toEqual({ width: 90, height: 70, channels: 5 });
    const planes = await translator.run(toTensor(picture, 3), 1, 70, 90);
    const at = (x: number, y: number, c: number) => [data[(y * 90 + x) * 5 + c], planes[(c * 70 + y) * 90 + x]];
    for (const [got, want] of [at(0, 0, 0), at(89, 0, 1), at(3, 69, 4), at(41, 17, 2)]) expect(got).toBe(want);
    await translator.close();
  });

  it("comes back at its own size, or at an aspect ratio", async () => {
    const translator = generator({ netG: "unet_32", ngf: 2 })();
    const plain = await translator.translate(picture);
    expect(await translator.translate(picture, {}, { keepSize: true })).toEqual(resize(plain, 90, 70));
    const at = async (aspectRatio: number) => size(await translator.translate(picture, {}, { aspectRatio }));
    expect([await at(2), await at(1), await at(0.5)]).toEqual([
      [128, 64, 3],
      [64, 64, 3],
      [64, 128, 3],
    ]);
    await translator.close();
  });

  it("has as many outputs as there are seeds, pictures and samples; without dropout one", async () => {
    const open = generator({ netG: "unet_64", ngf: 2, norm: "none" });
    const translator = open();
    const first = await translator.translate(picture, { index: 4, sample: 1 });
    expect(await open({ seed: 0 }).translate(picture, { index: 4, sample: 1 })).toEqual(first);
    for (const draw of [{ index: 4 }, { index: 5, sample: 1 }, { index: 4, sample: 2 }]) {
      expect((await translator.translate(picture, draw)).data).not.toEqual(first.data);
    }
    expect((await open({ seed: 1 }).translate(picture, { index: 4, sample: 1 })).data).not.toEqual(first.data);
    const still = open({ dropout: "off" });
    expect(still.dropout).toBe("off");
    expect(await still.translate(picture, { index: 1, sample: 2 })).toEqual(await still.translate(picture));
    await Promise.all([translator.close(), still.close()]);
  });
});
