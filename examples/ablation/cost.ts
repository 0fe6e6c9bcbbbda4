/**
 * CPU time of a training step for each recipe of a sweep, also relative to the first recipe. The recipes train in turn, on noise, with
 * the allocator variables of `npx pix2pix train`.
 *
 * `node --import tsx examples/ablation/cost.ts examples/ablation/facades-small.yaml`
 */
import { ranWithAllocator } from "../../scripts/allocator.ts";
import { scriptOptions, usageError } from "../../scripts/options.ts";
import { test } from "../../src/cli/commands/test.ts";
import { readSweep } from "../../src/cli/sweep/plan.ts";
import { optionsOf } from "../../src/config/options.ts";
import { parseCommandLine } from "../../src/config/schema.ts";
import { inits } from "../../src/nn/init.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { median } from "../../src/statistics.ts";
import { noise } from "../../src/training/measure.ts";
import { Trainer } from "../../src/training/trainer.ts";

const [path] = scriptOptions(import.meta.url, { allowPositionals: true }).positionals;
if (!path) usageError("name the file of a sweep");
if (ranWithAllocator()) process.exit();
const rounds = 24;
const platform = await nodePlatform({ threads: 1 });
const { runs } = await readSweep(path, optionsOf(test.schema));
const recipes = runs.filter(({ values: { seed } }) => seed === "0" || seed === undefined);

const sides = recipes.map(({ name, options }) => {
  const model = parseCommandLine(options);
  const shape = { n: model.batchSize, height: model.cropSize, width: model.cropSize };
  const trainer = new Trainer(platform, { model, seed: 0, threads: 1 }, shape);
  for (const net of [trainer.netG, trainer.netD]) net.initialise(inits.normal, model.initGain, 0);
  return { name, trainer, data: noise(model, shape), lr: model.lr, seconds: [] as number[] };
});
for (let step = 1; step <= rounds; step++) {
  for (const { trainer, data, lr, seconds } of sides) {
    const before = process.cpuUsage();
    await trainer.step(data, { step, lr });
    await trainer.losses();
    const { user, system } = process.cpuUsage(before);
    seconds.push((user + system) / 1e6);
  }
}
const first = median(sides[0]!.seconds);
for (const { name, trainer, seconds } of sides) {
  const own = median(seconds);
  console.log(`${name.padEnd(40)} ${(1000 * own).toFixed(0)} ms  ${(own / first).toFixed(2)}`);
  await trainer.close();
}
