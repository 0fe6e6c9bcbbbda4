/** The values of layers that histograms show. */
import { expect, it } from "vitest";
import { parseConfig } from "../../src/config/schema.ts";
import { Translator } from "../../src/inference/translator.ts";
import { inits } from "../../src/nn/init.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { Random } from "../../src/random.ts";
import { activationsOf } from "../../src/training/activations.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { given } from "../options.ts";

const platform = await nodePlatform({ threads: 1 });
const small = given({ dataroot: "none", netG: "unet_32", ngf: 2, ndf: 2, cropSize: 32, loadSize: 32, threads: 1 });
const size = { height: 32, width: 32 };

async function layers(options: Partial<Parameters<typeof parseConfig>[0]>) {
  const config = parseConfig({ ...small, ...options });
  const trainer = new Trainer(platform, { model: config, seed: 0, threads: 1 }, { n: 1, ...size });
  for (const net of [trainer.netG, trainer.netD]) net.initialise(inits.normal, 0.2, 0);
  const picture = (stream: string) => {
    const random = new Random(0, stream, 0);
    return Float32Array.from({ length: 3 * 32 * 32 }, () => 2 * random.float() - 1);
  };
  const pair = { A: picture("A"), B: picture("B"), ...size };
  const values = await activationsOf(config, platform, pair, trainer);
  await trainer.close();
  return { config, trainer, pair, values };
}

it("are those of every layer: the last of G is its picture, the first a convolution", async () => {
  const { config, trainer, pair, values } = await layers({ spectralNorm: true, diffAugment: "color" });
  expect([...values.keys()]).toEqual([
    ...[1, 2, 3, 4, 5].map((n) => `netG/down${n}`),
    ...[5, 4, 3, 2, 1].map((n) => `netG/up${n}`),
    ...["fake", "real"].flatMap((of) => ["layer1", "layer2", "layer3", "layer4", "map"].map((n) => `netD(${of})/${n}`)),
  ]);
  const translator = new Translator({ config, state: trainer.netG, platform, settings: { dropout: "off" } });
  const picture = await translator.run(pair.A, 1, 32, 32);
  await translator.close();
  expect(Math.max(...values.get("netG/up1")!.map((v, i) => Math.abs(v - picture[i]!)))).toBeLessThan(1e-6);
  const weight = trainer.netG.get(trainer.netG.specs.find(({ name }) => name === "model.model.0.weight")!);
  // Output channel 1 at row 2, column 3: its kernel begins at row 3, column 5.
  let sum = 0;
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < 4; y++) {
      for (let x = 0; x < 4; x++) sum += weight[48 + 16 * c + 4 * y + x]! * pair.A[1024 * c + 32 * (3 + y) + 5 + x]!;
    }
  }
  expect(values.get("netG/down1")![256 + 2 * 16 + 3]).toBeCloseTo(sum, 5);
});

it("of several scales, of pixels, and without D", async () => {
  const scales = await layers({ numD: 2, netD: "pixel" });
  const names = [...scales.values.keys()].filter((name) => name.startsWith("netD(real)"));
  expect(names).toEqual([0, 1].flatMap((k) => ["layer1", "layer2", "map"].map((n) => `netD(real)/scale${k}/${n}`)));
  const { values } = await layers({ lambdaGan: 0 });
  expect([...values.keys()].every((name) => name.startsWith("netG/"))).toBe(true);
});
