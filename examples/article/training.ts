/**
 * The seed article's training, correct or with its two mistakes. `pix2pix train --profile article` trains correctly. The program has no
 * options for the mistakes, so this loop calls the parts of the library itself.
 */
import * as z from "zod";
import { option } from "../../src/config/options.ts";
import { type Config, configSchema, parseConfig } from "../../src/config/schema.ts";
import { type Batch, Loader } from "../../src/data/loader.ts";
import { findPairs, type Pair } from "../../src/data/pairs.ts";
import { ConfigError } from "../../src/errors.ts";
import { type Losses, totalLosses } from "../../src/model/losses.ts";
import { inits } from "../../src/nn/init.ts";
import { files } from "../../src/node/files.ts";
import type { Platform } from "../../src/platform.ts";
import { Random } from "../../src/random.ts";
import { Run } from "../../src/run/run.ts";
import { mean } from "../../src/statistics.ts";
import { drawSamples } from "../../src/training/samples.ts";
import { Trainer } from "../../src/training/trainer.ts";

const { dataroot, phase, maxDatasetSize, seed, threads, ngf, ndf, netG, netD } = configSchema.shape;

export const articleOptions = z.object({
  dataroot,
  phase,
  maxDatasetSize,
  independent: option(z.boolean().default(false), {
    group: "mistakes",
    help: "crop and mirror the label and the photo of a pair independently, as the article first did",
  }),
  targetCondition: option(z.boolean().default(false), {
    group: "mistakes",
    help: "in G's step show D the target photo instead of the label, as the article does",
  }),
  epochs: option(z.int().min(1).default(50), { group: "training", help: "epochs; 200 in the article" }),
  // The load size is 286/256 of this size; the library allows at most 32768 px.
  size: option(z.int().min(32).max(29330).default(256), {
    group: "training",
    unit: "px",
    help: "width and height of the crop",
  }),
  ngf,
  ndf,
  netG: option(netG.removeDefault().default("article"), {
    group: "training",
    flag: "--netG",
    help: "generator; a smaller one for a trial",
  }),
  netD: option(netD.removeDefault().default("article"), {
    group: "training",
    flag: "--netD",
    help: "discriminator; a smaller one for a trial",
  }),
  seed,
  threads,
  out: option(z.string().min(1).default("runs"), { group: "training", value: "FOLDER", help: "folder for the runs" }),
});

export type ArticleOptions = z.output<typeof articleOptions>;

/** One entry of history.json, with the figures that the article gives for an epoch. The first also has the losses of its first step. */
export interface Epoch {
  epoch: number;
  seconds: number;
  loss_D: number;
  loss_G: number;
  first?: Losses;
}

/** "article", "article-independent", ... */
export const runName = ({ independent, targetCondition }: ArticleOptions): string =>
  ["article", ...(independent ? ["independent"] : []), ...(targetCondition ? ["target"] : [])].join("-");

/** A message of the library, in which `--size` replaces the options for the size that this script does not have. */
export const withOwnFlags = (message: string): string =>
  message.replaceAll("--crop-size or --batch-size", "--size").replaceAll("--crop-size", "--size");

const historyFile = "history.json";

/**
 * Trains a run to `options.epochs`. A run that exists continues after its last whole epoch.
 * @param epochDone called after each epoch, when its checkpoint, its sample and its line of history.json are written
 * @returns the history of all epochs
 */
export async function trainArticle(
  options: ArticleOptions,
  platform: Platform,
  epochDone: (epoch: Epoch) => void,
): Promise<readonly Epoch[]> {
  const config = configOf(options);
  const { pairs } = await findPairs(platform.files, config.dataroot, config);
  const run = new Run(platform.files, config);
  const release = await run.lock();
  const shape = { n: 1, height: config.cropHeight, width: config.cropSize };
  const model = { ...config, targetAsCondition: options.targetCondition };
  const trainer = new Trainer(platform, { model, seed: config.seed, threads: config.threads ?? platform.cores }, shape);
  try {
    const history = await begin(run, trainer, config);
    for (let epoch = history.length + 1; epoch <= options.epochs; epoch++) {
      const done = await trainEpoch(epoch, { config, options, pairs, platform, trainer });
      history.push(done);
      await run.writeSample(epoch, (await drawSamples(config, platform, trainer)).png);
      await platform.files.write(run.path(historyFile), `${JSON.stringify(history, null, 1)}\n`);
      await run.saveLatest(trainer, { step: epoch * pairs.length, epoch, pairs: pairs.length });
      epochDone(done);
    }
    return history;
  } finally {
    await trainer.close();
    await release();
  }
}

function configOf(options: ArticleOptions): Config {
  const { size, independent: _, targetCondition: __, epochs, out, ...rest } = options;
  return parseConfig({
    ...rest,
    profile: "article",
    name: runName(options),
    checkpointsDir: out,
    nEpochs: epochs,
    device: "cpu",
    cropSize: size,
    loadSize: Math.round((size * 286) / 256),
  });
}

/** First weights, or those of the last checkpoint. @returns the history so far */
async function begin(run: Run, trainer: Trainer, config: Config): Promise<Epoch[]> {
  if (!(await run.hasCheckpoint())) {
    for (const net of [trainer.netG, trainer.netD]) {
      net.initialise(inits[config.initType], config.initGain, config.seed, config.initBias);
    }
    await run.saveConfig(config);
    return [];
  }
  const stored = await run.config();
  const other = (["cropSize", "ngf", "ndf", "netG", "netD", "seed", "maxDatasetSize"] as const).filter(
    (key) => stored[key] !== config[key],
  );
  if (other.length > 0) {
    throw new ConfigError(
      `${run.dir} was trained with other options (${other.join(", ")}); give the same ones, or another --out`,
    );
  }
  const { epoch } = await run.restore(trainer);
  const text = new TextDecoder().decode(await files.read(run.path(historyFile)));
  return (JSON.parse(text) as Epoch[]).slice(0, epoch);
}

interface Work {
  config: Config;
  options: ArticleOptions;
  pairs: readonly Pair[];
  platform: Platform;
  trainer: Trainer;
}

async function trainEpoch(epoch: number, { config, options, pairs, platform, trainer }: Work): Promise<Epoch> {
  const began = performance.now();
  const order = new Random(config.seed, "order", epoch).permutation(pairs.length);
  const shuffled = Array.from(order, (i) => pairs[i]!);
  const loaderWith = (seed: number) => new Loader(shuffled, { ...config, serialBatches: true, seed }, platform);
  const inputs = loaderWith(config.seed);
  // The second loader draws other crops and flips for the same pairs.
  const targets = options.independent ? loaderWith(config.seed + 1) : undefined;
  for (const index of pairs.keys()) {
    const input = await inputs.batch(epoch, index);
    const batch: Batch = { ...input, ...(targets && { B: (await targets.batch(epoch, index)).B }) };
    await trainer.step(batch, { step: (epoch - 1) * pairs.length + index + 1, lr: config.lr });
  }
  const losses = await trainer.losses();
  await trainer.toHost();
  const totals = losses.map((one) => totalLosses(one, config));
  return {
    epoch,
    seconds: (performance.now() - began) / 1000,
    loss_D: mean(totals.map(({ lossD }) => lossD!)),
    loss_G: mean(totals.map(({ lossG }) => lossG)),
    ...(epoch === 1 && { first: losses[0]! }),
  };
}
