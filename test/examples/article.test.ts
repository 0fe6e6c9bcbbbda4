/** The slip of the seed article, which examples/article.ts repeats, beside PyTorch (fixtures/make/article_slip.py). */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { parseCommandLine } from "../../src/config/schema.ts";
import { Loader } from "../../src/data/loader.ts";
import { findPairs } from "../../src/data/pairs.ts";
import { initialiseFrom } from "../../src/exchange/load.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { fixture, root } from "../paths.ts";
import { type Losses, optionsOf, readCase } from "../training/step-cases.ts";

const platform = await nodePlatform({ threads: 1 });

it("errors about the size name the option of the script", () => {
  const words = "--import tsx examples/article.ts --dataroot none --size 100".split(" ");
  const ended = spawnSync(process.execPath, words, { cwd: root, encoding: "utf8" });
  expect(ended.status).toBe(1);
  expect(ended.stderr).toMatch(/--size 100: .*expected a multiple of \d+/);
  expect(ended.stderr).not.toMatch(/--(crop|load|batch)-size/);
});

it("with the target as D's condition in G's step, G has the losses of PyTorch", async () => {
  const { losses } = JSON.parse(readFileSync(fixture("article-slip.json"), "utf8")) as { losses: Losses[] };
  const folder = fileURLToPath(fixture("steps/article-batch2"));
  const config = parseCommandLine({ ...optionsOf(readCase(folder), folder), drawTwice: false });
  const { pairs } = await findPairs(platform.files, config.dataroot, config);
  const loader = new Loader(pairs, config, platform);
  const shape = { n: config.batchSize, height: 256, width: 256 };
  const model = { ...config, targetAsCondition: true };
  const trainer = new Trainer(platform, { model, seed: 0, threads: 1 }, shape);
  await initialiseFrom(trainer.netG, platform.files, config.initG!);
  await initialiseFrom(trainer.netD, platform.files, config.initD!);
  for (const [i] of losses.entries()) {
    const batches = loader.batchesPerEpoch;
    await trainer.step(await loader.batch(Math.floor(i / batches), i % batches), { step: i + 1, lr: config.lr });
  }
  for (const [i, got] of (await trainer.losses()).entries()) {
    for (const key of ["G_GAN", "G_L1", "D_real", "D_fake"] as const) {
      expect(Math.abs(got[key]! / losses[i]![key] - 1), `step ${i + 1} ${key}`).toBeLessThan(1e-5);
    }
  }
  await trainer.close();
});
