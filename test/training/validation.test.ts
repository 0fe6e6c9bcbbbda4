/** Scores of validation: those that `pix2pix test` gives. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { parseConfig } from "../../src/config/schema.ts";
import { evaluate, openTestSet } from "../../src/inference/evaluate.ts";
import { Translator } from "../../src/inference/translator.ts";
import { inits } from "../../src/nn/init.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { Random } from "../../src/random.ts";
import { Run } from "../../src/run/run.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { Validation } from "../../src/training/validation.ts";
import { workFolder } from "../work-folder.ts";

const work = workFolder("validation");
const platform = await nodePlatform({ threads: 1 });
const side = 32;

it("PSNR is the mean over pairs whose output does not equal the target", async () => {
  const random = new Random(1, "validation", 0);
  for (const [name, draw] of [
    ["noise", () => random.int(256)],
    ["white", () => 255],
  ] as const) {
    const data = Uint8Array.from({ length: 3 * side * side }, draw);
    const png = await platform.images.encodePng({ width: side, height: side, channels: 3, data });
    for (const folder of ["valA", "valB", "trainA", "trainB"]) {
      await platform.files.write(join(work, "data", folder, `${name}.png`), png);
    }
  }
  const sizes = { netG: "unet_32", ngf: 2, ndf: 2, cropSize: side, loadSize: side, threads: 1 } as const;
  const place = { checkpointsDir: join(work, "runs"), name: "white", dataroot: join(work, "data") };
  const config = parseConfig({ ...place, ...sizes, valFreq: 1, noDropout: true });
  const trainer = new Trainer(platform, { model: config, seed: 0, threads: 1 }, { n: 1, height: side, width: side });
  for (const net of [trainer.netG, trainer.netD]) net.initialise(inits.normal, 0.02, 0);
  // A generator of white pictures.
  const last = trainer.netG.specs.findLast(({ role }) => role === "bias")!;
  trainer.netG.get(last).fill(20);

  const validation = (await Validation.open(config, new Run(platform.files, config), platform, trainer, 0))!;
  await validation.score(1, 1);
  const [score] = validation.scores;
  await validation.close();

  const translator = new Translator({ config, state: trainer.netG, platform });
  const { loader } = await openTestSet(config, { phase: "val" }, platform);
  const { mean, pairs } = await evaluate(translator, loader);
  await translator.close();
  await trainer.close();
  expect(pairs.map(({ metrics }) => Number.isFinite(metrics.psnr))).toEqual([true, false]);
  expect(score).toEqual({ epoch: 1, step: 1, L1: mean.l1, PSNR: mean.psnr, SSIM: mean.ssim });
});
