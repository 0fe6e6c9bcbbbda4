/** ONNX files of every kind of run, in plain onnxruntime-node: what `translate` gives for the same picture. */
import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { type ConfigInput, parseConfig } from "../../src/config/schema.ts";
import type { Config } from "../../src/config/types.ts";
import { layoutNames } from "../../src/data/pairs.ts";
import { type ExportOptions, exportOnnx } from "../../src/exchange/onnx/export.ts";
import { networkModel } from "../../src/exchange/onnx/generator.ts";
import { sizeOf } from "../../src/graph/graph.ts";
import { openTranslator } from "../../src/inference/open.ts";
import { generatorGraph } from "../../src/model/pix2pix.ts";
import { generators } from "../../src/networks/generators.ts";
import { norms, statisticsSources } from "../../src/nn/norms.ts";
import { nodePlatform } from "../../src/node/index.ts";
import type { Picture } from "../../src/platform.ts";
import { workFolder } from "../work-folder.ts";
import { expectEqual, joined, picture, planes } from "./pictures.ts";
import { storedRun } from "./stored-run.ts";

const checkpointsDir = workFolder("onnx");
const platform = await nodePlatform({ threads: 1 });

let runs = 0;
async function run(
  options: Partial<ConfigInput>,
): Promise<{ config: Config; place: { name: string; checkpointsDir: string } }> {
  const name = `run${++runs}`;
  return { config: await storedRun(checkpointsDir, name, options), place: { name, checkpointsDir } };
}

/** The file's output for pictures of one size, as bytes with interleaved channels. */
async function outputs(file: Uint8Array, pictures: readonly Picture[], bytes: boolean): Promise<Uint8Array[]> {
  const session = await InferenceSession.create(file, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const { width, height, channels } = pictures[0]!;
  const n = pictures.length;
  const real_A = bytes
    ? new Tensor(
        "uint8",
        joined(
          pictures.map(({ data }) => data),
          Uint8Array,
        ),
        [n, height, width, channels],
      )
    : new Tensor("float32", joined(pictures.map(planes), Float32Array), [n, channels, height, width]);
  const { fake_B } = await session.run({ real_A });
  await session.release();
  const all = fake_B!.data as Uint8Array | Float32Array;
  const size = all.length / n;
  return pictures.map((_, k) => {
    const one = all.subarray(k * size, (k + 1) * size);
    if (bytes) return one as Uint8Array;
    const plane = width * height;
    const out = size / plane;
    return Uint8Array.from({ length: size }, (_, i) => {
      const value = one[(i % out) * plane + Math.floor(i / out)]!;
      return Math.max(0, Math.min(255, Math.round((value + 1) * 127.5)));
    });
  });
}

async function translated(
  place: { name: string; checkpointsDir: string },
  of: Picture,
  statistics?: Config["statistics"],
) {
  const translator = await openTranslator({ ...place, dropout: "off", statistics }, platform);
  const channels = translator.config.outputNc;
  const { data } =
    channels > 4
      ? levels(await translator.translateValues(of, {}, { preprocess: "none" }))
      : await translator.translate(of, {}, { preprocess: "none" });
  await translator.close();
  return data;
}
const levels = ({ data }: Picture<Float32Array>) => ({
  data: Uint8Array.from(data, (value) => Math.max(0, Math.min(255, Math.round((value + 1) * 127.5)))),
});

interface Case {
  title: string;
  options: Partial<ConfigInput>;
  /** Channels of the picture. */
  channels?: number;
  statistics?: Config["statistics"];
}

const small = (options: Partial<ConfigInput>): Partial<ConfigInput> => ({ netG: "unet_32", ...options });
const cases: Case[] = [
  ...(["junyanz", "paper", "hesse", "tutorial"] as const).flatMap((profile) =>
    statisticsSources.map((statistics) => ({
      title: `profile ${profile}, statistics ${statistics}`,
      options: small({ profile }),
      statistics,
    })),
  ),
  ...(["batch", "running"] as const).map((statistics) => ({
    title: `profile article, statistics ${statistics}`,
    options: { profile: "article", netG: "article", netD: "pixel", ngf: 1, loadSize: 256, cropSize: 256 } as const,
    statistics,
  })),
  ...(Object.keys(norms) as (keyof typeof norms)[]).map((norm) => ({
    title: `unet_32, norm ${norm}, reflected, resized`,
    options: small({ norm, padding: "reflect", upsample: "resize", channelOrder: "BGR" }),
  })),
  ...(["batch", "instance"] as const).map((norm) => ({
    title: `resnet_6blocks, norm ${norm}`,
    options: { netG: "resnet_6blocks", norm } as const,
  })),
  { title: "global_9blocks", options: { netG: "global_9blocks", ngf: 2, norm: "instance" } },
  {
    title: "enhancer",
    options: { netG: "enhancer", ngf: 1, norm: "instance", loadSize: 64, cropSize: 64 },
  },
  { title: "encoder_decoder_64", options: { netG: "encoder_decoder_64", ngf: 2, loadSize: 64, cropSize: 64 } },
  ...[1, 2, 3, 4, 6].flatMap((inputNc) =>
    (["RGB", "BGR"] as const).map((channelOrder) => ({
      title: `${inputNc} channels to ${5 - Math.min(4, inputNc)}, ${channelOrder}`,
      options: small({ inputNc, outputNc: 5 - Math.min(4, inputNc), channelOrder }),
      channels: inputNc,
    })),
  ),
  { title: "separable convolutions", options: small({ separableConv: true, bias: "always" }) },
  { title: "smoothed before each halving", options: small({ blurPool: "both", norm: "instance" }) },
  { title: "3 channels to 7", options: small({ outputNc: 7 }) },
  { title: "colorization, L to ab", options: small({ datasetMode: "colorization" }) },
  { title: "colorization, ab to L", options: small({ datasetMode: "colorization", direction: "BtoA" }) },
  ...layoutNames
    .filter((name) => name.startsWith("inpaint"))
    .map((datasetMode) => ({ title: `${datasetMode}, BGR`, options: small({ datasetMode, channelOrder: "BGR" }) })),
];

it("takes class numbers as bytes, and a channel for each class as values (--input-labels)", async () => {
  const labels = 7;
  const { place } = await run({ netG: "unet_32", inputLabels: labels });
  const source = picture(32, 32, 1);
  const map = { ...source, data: Uint8Array.from(source.data, (v, i) => (i < 40 ? 255 : v % labels)) };
  const expected = await translated(place, map);
  const [fromBytes] = await outputs(await exportOnnx({ ...place, uint8: true }, platform.files), [map], true);
  expectEqual(fromBytes!, expected);
  const session = await InferenceSession.create(await exportOnnx(place, platform.files), { logSeverityLevel: 3 });
  const plane = 32 * 32;
  const hot = Float32Array.from({ length: labels * plane }, (_, i) =>
    map.data[i % plane] === Math.floor(i / plane) ? 1 : 0,
  );
  const { fake_B } = await session.run({ real_A: new Tensor("float32", hot, [1, labels, 32, 32]) });
  const values = fake_B!.data as Float32Array;
  const bytes = Uint8Array.from({ length: 3 * plane }, (_, i) =>
    Math.max(0, Math.min(255, Math.round((values[(i % 3) * plane + Math.floor(i / 3)]! + 1) * 127.5))),
  );
  expectEqual(bytes, expected);
  await session.release();
});

describe("equals translate on the same picture", () => {
  it.each(cases)("$title", async ({ options, channels = 3, statistics }) => {
    const { config, place } = await run(options);
    // A resnet's smallest map would have one row.
    const { multiple } = generators[config.netG];
    const least = /unet|encoder|article/.test(config.netG) ? multiple : 2 * multiple;
    const sizes = [
      { width: least, height: least },
      { width: least + 21, height: least + 8 },
    ];
    for (const { width, height } of sizes) {
      const source = picture(width, height, channels);
      const expected = await translated(place, source, statistics);
      const forms: Partial<ExportOptions>[] = [
        { width, height },
        { width, height, uint8: true },
        { dynamic: true },
        { dynamic: true, uint8: true },
      ];
      for (const form of forms) {
        const file = await exportOnnx({ ...place, ...form, ...(statistics && { statistics }) }, platform.files);
        const [got] = await outputs(file, [source], form.uint8 ?? false);
        expectEqual(got!, expected);
      }
    }
  });
});

it.each(Object.keys(generators) as (keyof typeof generators)[])("%s has no sizes in its nodes", (netG) => {
  const side = 2 * generators[netG].multiple;
  const config = parseConfig({ dataroot: "none", netG, ngf: 1, netD: "pixel", loadSize: side, cropSize: side });
  const { specs } = generatorGraph(config, { n: 1, height: side, width: side }).netG;
  const weights = specs.map(({ name, shape }) => [
    name,
    { dtype: "F32", shape, data: new Float32Array(sizeOf(shape)) },
  ]);
  const model = { name: netG, config, tensors: Object.fromEntries(weights), path: "weights" };
  const { nodes } = networkModel(model, { dropout: "on", statistics: "batch" }, undefined);
  expect(nodes.map(({ type }) => type).filter((type) => /^(Reshape|Expand|Reduce)/.test(type))).toEqual([]);
});

it("exportOnnx refuses options that make no file, or another file than was asked for", async () => {
  const { place } = await run({ netG: "unet_32", noDropout: true });
  const refusal = (options: Partial<ExportOptions>) =>
    exportOnnx({ ...place, ...options }, platform.files).then(
      () => "none",
      (error: Error) => `${error.name}: ${error.message}`,
    );
  const cases: [Partial<ExportOptions>, RegExp][] = [
    [{ opset: 99 }, /ConfigError: --opset: got 99, expected a whole number from 13 to 23/],
    [{ opset: 17.5 }, /ConfigError: --opset: got 17.5/],
    [{ width: 64 }, /ConfigError: width and height: got 64 and undefined, expected both/],
    [{ width: 0, height: 0 }, /ConfigError: --size: got 0x0, expected at least 1 pixel/],
    [{ width: 1.5, height: 64 }, /ConfigError: --size: got "1.5x64"/],
    [{ width: 64, height: 64, dynamic: true }, /ConfigError: --size 64x64 and --dynamic/],
    [{ dropout: "on" }, /ConfigError: --dropout on: .* without dropout/],
    [{ statistics: "mean" as never }, /ConfigError: --statistics: got "mean", expected batch, running or image/],
  ];
  for (const [options, expected] of cases) expect(await refusal(options)).toMatch(expected);
});
