/** LPIPS as a loss: its value and its gradient against lpips (fixtures/make/features.py), and its place in a step. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { perceptualLoss } from "../../src/features/loss.ts";
import type { FeatureNetwork } from "../../src/features/network.ts";
import { alexnet, squeezenet } from "../../src/features/torchvision.ts";
import { encode } from "../../src/formats/safetensors.ts";
import { gradient } from "../../src/graph/gradient.ts";
import { Graph } from "../../src/graph/graph.ts";
import { encodeOnnx } from "../../src/lowering/cpu.ts";
import { inits } from "../../src/nn/init.ts";
import { files } from "../../src/node/files.ts";
import { nodePlatform } from "../../src/node/index.ts";
import type { Picture } from "../../src/platform.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { modelOptions } from "../options.ts";
import { workFolder } from "../work-folder.ts";
import { difference, expected, linear, picture, uniform, weights } from "./drawn.ts";

const folder = workFolder("lpips");
const platform = await nodePlatform({ threads: 2 });

async function lossOf(network: FeatureNetwork, bgr = false) {
  const paths = { features: join(folder, "net.safetensors"), lpips: join(folder, "linear.safetensors") };
  writeFileSync(paths.features, Buffer.concat(encode(weights(network))));
  writeFileSync(paths.lpips, Buffer.concat(encode(linear(network.channels))));
  return perceptualLoss(files, { ...paths, bgr });
}

/** [C, H, W] in [-1, 1], the channels in this order. */
function planes({ data, width, height }: Picture, order = [0, 1, 2]): Float32Array {
  const plane = width * height;
  const out = new Float32Array(3 * plane);
  for (let c = 0; c < 3; c++) for (let i = 0; i < plane; i++) out[c * plane + i] = data[3 * i + order[c]!]! / 127.5 - 1;
  return out;
}

/** The loss of two pictures and its gradient by the first. */
async function evaluated(loss: Awaited<ReturnType<typeof lossOf>>, order?: number[]) {
  const graph = new Graph();
  const [a, b] = [graph.input("a", [1, 3, 64, 64]), graph.input("b", [1, 3, 64, 64])];
  const value = loss(a, b);
  graph.output("value", value);
  graph.output("slope", gradient(value, [a])[0]!);
  const session = await platform.ort.InferenceSession.create(encodeOnnx(graph.program()));
  const tensor = (seed: number) =>
    new platform.ort.Tensor("float32", planes(picture(seed, 64, 64), order), [1, 3, 64, 64]);
  const result = await session.run({ a: tensor(0), b: tensor(1) });
  await session.release();
  return { value: (result.value!.data as Float32Array)[0]!, slope: result.slope!.data as Float32Array };
}

describe("LPIPS as a loss", () => {
  it.each([
    ["squeezenet", squeezenet],
    ["alexnet", alexnet],
  ] as const)("of %s has lpips's value and gradient", async (name, network) => {
    const wanted = expected.lpips[name];
    const { value, slope } = await evaluated(await lossOf(network));
    expect(difference([value], [wanted["64x64"].distance])).toBeLessThan(1e-5);
    const length = Math.sqrt(slope.reduce((sum, v) => sum + v * v, 0));
    const along = [0, 1].map((k) => {
      const direction = uniform(`direction ${k}`, slope.length);
      return slope.reduce((sum, v, i) => sum + v * (2 * direction[i]! - 1), 0);
    });
    for (const [i, got] of [length, ...along].entries()) {
      expect(Math.abs(got - wanted.gradient[i]) / wanted.gradient[0]).toBeLessThan(1e-4);
    }
  });

  it("is the same for pictures whose colours are in the order of the paper's code", async () => {
    const { value } = await evaluated(await lossOf(squeezenet, true), [2, 1, 0]);
    expect(difference([value], [expected.lpips.squeezenet["64x64"].distance])).toBeLessThan(1e-5);
  });

  it("is reported with its weight, and changes G alone", async () => {
    const perceptual = await lossOf(squeezenet);
    const shape = { n: 1, height: 64, width: 64 };
    const step = async (lambdaLpips: number) => {
      const model = modelOptions({ netG: "unet_32", ngf: 2, ndf: 2, netD: "pixel", lambdaLpips });
      const trainer = new Trainer(platform, { model, seed: 1, threads: 2, perceptual }, shape);
      for (const net of [trainer.netG, trainer.netD]) net.initialise(inits.normal, 0.2, 1);
      const batch = { A: planes(picture(0, 64, 64)), B: planes(picture(1, 64, 64)), ...shape };
      await trainer.step(batch, { step: 1, lr: 2e-4 });
      const [losses] = await trainer.losses();
      const of = (net: typeof trainer.netG) => net.specs.flatMap((spec) => [...net.get(spec)]);
      const result = { losses: losses!, G: of(trainer.netG), D: of(trainer.netD) };
      await trainer.close();
      return result;
    };
    const [without, one, five] = [await step(0), await step(1), await step(5)];
    expect(without.losses.G_LPIPS).toBeUndefined();
    expect(five.losses.G_LPIPS! / one.losses.G_LPIPS!).toBeCloseTo(5, 5);
    expect(five.D).toEqual(without.D);
    expect(five.G).not.toEqual(without.G);
  });
});
