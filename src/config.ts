/**
 * Every option of a training run, once: the type, the flags, the help, the tables in docs/options.md and the checks all
 * come from `configSchema`. Names and defaults are those of the PyTorch implementation by Jun-Yan Zhu and others.
 */
import * as z from "zod";
import { layoutNames } from "./data/pairs.ts";
import { CheckpointError, ConfigError } from "./errors.ts";
import { discriminators } from "./networks/discriminators.ts";
import { generators } from "./networks/generators.ts";
import { inits } from "./nn/init.ts";
import { ganLosses } from "./nn/losses.ts";
import { schedules } from "./nn/schedules.ts";
import { listed, namedValues, option, optionsOf, parseOptions, refuse } from "./options.ts";

const namesOf = <T extends object>(choices: T) => Object.keys(choices) as (keyof T)[];

export const configSchema = z.object({
  dataroot: option(z.string().min(1), {
    group: "data",
    value: "FOLDER",
    help: "folder of the pairs: pictures with A left and B right, folders A and B, or x.jpg with x.png",
    resume: true,
  }),
  phase: option(z.string().min(1).default("train"), {
    group: "data",
    value: "NAME",
    help: "subfolder of the dataroot: train, val, test, ...",
  }),
  datasetMode: option(z.enum(["auto", ...layoutNames]).default("auto"), {
    group: "data",
    help: "layout of the dataroot; auto recognises it",
  }),
  direction: option(z.enum(["AtoB", "BtoA"]).default("AtoB"), {
    group: "data",
    help: "which side is the input and which the target; facades labels to photos is BtoA",
  }),
  inputNc: option(z.int().min(1).max(4).default(3), {
    group: "data",
    unit: "channels",
    help: "channels of the input: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA",
  }),
  outputNc: option(z.int().min(1).max(4).default(3), {
    group: "data",
    unit: "channels",
    help: "channels of the output and target",
  }),
  preprocess: option(z.enum(["resize_and_crop", "crop", "none"]).default("resize_and_crop"), {
    group: "data",
    help: "resize to the load size and crop; only crop; or take pictures as they are",
  }),
  loadSize: option(z.int().min(1).default(286), {
    group: "data",
    unit: "px",
    help: "width and height that both sides are resized to before the crop",
  }),
  cropSize: option(z.int().min(1).default(256), {
    group: "data",
    unit: "px",
    help: "width and height that the networks see",
  }),
  noFlip: option(z.boolean().default(false), { group: "data", help: "never mirror pairs left to right" }),
  serialBatches: option(z.boolean().default(false), {
    group: "data",
    help: "take pairs in the order of their names, not shuffled each epoch",
  }),
  batchSize: option(z.int().min(1).default(1), { group: "data", unit: "pairs", help: "pairs per step" }),
  maxDatasetSize: option(z.int().min(1).optional(), {
    group: "data",
    unit: "pairs",
    absent: "all",
    help: "use only the first so many pairs",
  }),
  skipUnpaired: option(z.boolean().default(false), {
    group: "data",
    help: "leave out pictures without a partner instead of stopping",
    resume: true,
  }),
  skipBadImages: option(z.boolean().default(false), {
    group: "data",
    help: "leave out pictures that cannot be decoded instead of stopping",
    resume: true,
  }),

  netG: option(z.enum(Object.keys(generators)).default("unet_256"), {
    group: "networks",
    flag: "--netG",
    help: "generator; unet_N halves the picture log2(N) times and needs sizes that are multiples of N",
  }),
  ngf: option(z.int().min(1).default(64), {
    group: "networks",
    unit: "filters",
    help: "filters of the generator's first layer",
  }),
  netD: option(z.enum(Object.keys(discriminators)).default("basic"), {
    group: "networks",
    flag: "--netD",
    help: "discriminator; basic is the 70x70 PatchGAN, n_layers one of another depth, pixel judges single pixels",
  }),
  ndf: option(z.int().min(1).default(64), {
    group: "networks",
    unit: "filters",
    help: "filters of the discriminator's first layer",
  }),
  nLayersD: option(z.int().min(0).max(6).default(3), {
    group: "networks",
    unit: "layers",
    help: "strided layers of --netD n_layers; 1 judges 16x16 patches, 3 70x70, 5 286x286, 0 single pixels",
  }),
  norm: option(z.enum(["batch", "instance", "none"]).default("batch"), {
    group: "networks",
    help: "normalisation in both networks",
  }),
  noDropout: option(z.boolean().default(false), { group: "networks", help: "no dropout in the generator" }),
  initType: option(z.enum(namesOf(inits)).default("normal"), {
    group: "networks",
    help: "distribution of the initial weights",
  }),
  initGain: option(z.number().gt(0).default(0.02), {
    group: "networks",
    help: "standard deviation of the initial weights",
  }),
  initG: option(z.string().min(1).optional(), {
    group: "networks",
    value: "FILE",
    absent: "random",
    help: "safetensors file with the generator's first weights",
  }),
  initD: option(z.string().min(1).optional(), {
    group: "networks",
    value: "FILE",
    absent: "random",
    help: "safetensors file with the discriminator's first weights",
  }),

  ganMode: option(z.enum(namesOf(ganLosses)).default("vanilla"), {
    group: "objective",
    help: "adversarial loss: vanilla is cross-entropy, lsgan squared error",
  }),
  lambdaL1: option(z.number().min(0).default(100), {
    group: "objective",
    flag: "--lambda-l1",
    help: "weight of the L1 distance to the target beside the adversarial loss",
  }),

  nEpochs: option(z.int().min(0).default(100), {
    group: "schedule",
    unit: "epochs",
    help: "length of the part at the first learning rate",
    resume: true,
  }),
  nEpochsDecay: option(z.int().min(0).default(100), {
    group: "schedule",
    unit: "epochs",
    help: "length of the part after it, over which --lr-policy linear goes to zero",
    resume: true,
  }),
  maxSteps: option(z.int().min(1).optional(), {
    group: "schedule",
    unit: "steps",
    absent: "no limit",
    help: "stop at this step, counted from the run's first",
    resume: true,
  }),
  lr: option(z.number().gt(0).default(0.0002), { group: "schedule", help: "Adam's learning rate", resume: true }),
  lrPolicy: option(z.enum(namesOf(schedules)).default("linear"), {
    group: "schedule",
    help: "learning rate after the first part: down to zero in a line, or unchanged",
    resume: true,
  }),
  beta1: option(z.number().min(0).lt(1).default(0.5), { group: "schedule", help: "Adam's first-moment decay" }),
  beta2: option(z.number().min(0).lt(1).default(0.999), { group: "schedule", help: "Adam's second-moment decay" }),

  name: option(
    z.string().default("pix2pix").refine(isRunName, 'a folder name without .. and the characters \\ : * ? " < > |'),
    { group: "run", value: "NAME", help: "the run; its folder in the checkpoints folder has this name", resume: true },
  ),
  checkpointsDir: option(z.string().min(1).default("runs"), {
    group: "run",
    value: "FOLDER",
    help: "folder of all runs",
    resume: true,
  }),
  profile: option(z.enum(["junyanz", "article"]).default("junyanz"), {
    group: "run",
    help: "set of defaults: the PyTorch implementation's, or the seed article's network; other options override it",
  }),
  continueTrain: option(z.boolean().default(false), {
    group: "run",
    help: "go on with the run from its last checkpoint; its stored options apply",
    resume: true,
  }),
  seed: option(z.int().min(0).max(0xffffffff).default(0), {
    group: "run",
    help: "the same seed, options and data give the same weights",
  }),
  saveLatestFreq: option(z.int().min(1).default(500), {
    group: "run",
    unit: "steps",
    help: "save the checkpoint to continue from every so many steps",
    resume: true,
  }),
  saveEpochFreq: option(z.int().min(1).default(5), {
    group: "run",
    unit: "epochs",
    help: "keep the weights under their own name every so many epochs",
    resume: true,
  }),
  printFreq: option(z.int().min(1).default(100), {
    group: "run",
    unit: "steps",
    help: "print the losses every so many steps where there is no terminal",
    resume: true,
  }),

  device: option(z.enum(["auto", "cpu"]).default("auto"), {
    group: "device",
    help: "where to compute; auto takes the fastest that is there",
    resume: true,
  }),
  threads: option(z.int().min(1).max(1024).optional(), {
    group: "device",
    unit: "threads",
    absent: "all cores",
    help: "threads of a step",
    resume: true,
  }),
});

/** All options of a run, complete and checked. Stored as runs/<name>/config.json. */
export type Config = z.output<typeof configSchema>;
/** What a caller has to give: only the dataroot. */
export type ConfigInput = z.input<typeof configSchema>;

/** The defaults in which each profile differs from the schema's. */
export const profiles: Record<Config["profile"], Partial<Config>> = {
  junyanz: {},
  article: {
    netG: "article",
    netD: "article",
    norm: "instance",
    ganMode: "vanilla",
    lambdaL1: 100,
    batchSize: 1,
    nEpochs: 200,
    nEpochsDecay: 0,
    lrPolicy: "constant",
  },
};

function isRunName(name: string): boolean {
  return name.split("/").every((part) => /^[^\\:*?"<>|]+$/.test(part) && part !== "." && part !== "..");
}

/**
 * The whole configuration from the options that were given. Keys may have any spelling, numbers may be text; the
 * profile's defaults come before the schema's.
 * @throws ConfigError listing every problem: option, what it got, what was expected, the nearest choice.
 */
export function parseConfig(values: Readonly<Record<string, unknown>>): Config {
  const { named, problems } = namedValues(configSchema, values);
  const profile = Object.entries(profiles).find(([name]) => name === named.profile);
  const config = parseOptions(configSchema, { ...profile?.[1], ...named }, problems);
  refuse(crossChecks(config));
  return config;
}

function crossChecks(config: Config): string[] {
  const { preprocess, loadSize, cropSize, nEpochs, nEpochsDecay } = config;
  const problems: string[] = [];
  if (preprocess === "resize_and_crop" && loadSize < cropSize) {
    const jitter = Math.round((cropSize * 286) / 256);
    problems.push(
      `--load-size: got ${loadSize}, expected at least --crop-size ${cropSize}; ` +
        `${jitter} keeps the usual jitter, ${cropSize} means none`,
    );
  }
  if (preprocess !== "none") problems.push(...sizeProblems(config, cropSize, cropSize, `--crop-size ${cropSize}`));
  if (nEpochs + nEpochsDecay === 0) problems.push("--n-epochs and --n-epochs-decay: got 0 and 0, expected one above 0");
  return problems;
}

/**
 * Checks that both networks fit pictures of this size; the engine calls it where the size comes from the data.
 * @throws ConfigError with the nearest sizes and the nearest network.
 */
export function checkSize(config: Config, height: number, width: number): void {
  refuse(sizeProblems(config, height, width, `pictures of ${width}x${height} (width x height)`));
}

function sizeProblems(config: Config, height: number, width: number, what: string): string[] {
  const { netG, netD, nLayersD } = config;
  const problems: string[] = [];
  const multiple = generators[netG]?.multiple ?? 1;
  if (height % multiple !== 0 || width % multiple !== 0) {
    const sizes = [...new Set([width, height].filter((side) => side % multiple !== 0).flatMap(around(multiple)))].sort(
      (a, b) => a - b,
    );
    const fits = Object.keys(generators)
      .filter((name) => name.startsWith("unet_"))
      .filter((name) => [height, width].every((side) => side % (generators[name]?.multiple ?? 1) === 0))
      .pop();
    problems.push(
      `${what}: ${netG} halves the picture ${Math.log2(multiple)} times, expected a multiple of ${multiple} ` +
        `(nearest ${listed(sizes.map(String))})${fits ? `; or take --netG ${fits}, which fits` : ""}`,
    );
  }
  const layers = netD === "basic" ? 3 : netD === "n_layers" ? nLayersD : 0;
  const side = Math.min(height, width);
  if (layers > 0 && patchMap(side, layers) < 1) {
    let most = layers;
    while (most > 0 && patchMap(side, most) < 1) most--;
    problems.push(
      `--n-layers-d ${layers}: nothing is left of ${what} after ${layers} strided layers; ` +
        `expected at most ${most}, or pictures of at least ${3 * 2 ** layers}`,
    );
  }
  return problems;
}

/** The side of the output map of a PatchGAN: `layers` strided 4x4 convolutions, then two of stride 1, all with padding 1. */
function patchMap(side: number, layers: number): number {
  return Math.floor(side / 2 ** layers) - 2;
}

/** The multiples next to a value, below and above, without 0. */
function around(multiple: number): (value: number) => number[] {
  return (value) => {
    const below = Math.floor(value / multiple) * multiple;
    return below === 0 ? [multiple] : [below, below + multiple];
  };
}

/**
 * The configuration in a run's config.json.
 * @param where the file, for the message
 * @throws CheckpointError when it is damaged or from something else.
 */
export function readConfig(text: string, where: string): Config {
  let values: unknown;
  try {
    values = JSON.parse(text);
  } catch {
    throw new CheckpointError(`${where} is not JSON: expected the options of a run; the file is damaged or not ours`);
  }
  if (typeof values !== "object" || values === null || Array.isArray(values)) {
    throw new CheckpointError(`${where}: expected an object with the options of a run, got ${JSON.stringify(values)}`);
  }
  try {
    return parseConfig({ ...values });
  } catch (error) {
    if (error instanceof ConfigError)
      throw new CheckpointError(`${where} is not the options of a run: ${error.message}`);
    throw error;
  }
}

/**
 * The configuration of a run that goes on: the stored one, with the given options that may change (length, learning
 * rate, saving, printing, device, where data and runs lie).
 * @throws ConfigError when a given option would change networks, data or random draws.
 */
export function resumeConfig(stored: Config, explicit: Readonly<Record<string, unknown>>): Config {
  const { named, problems } = namedValues(configSchema, explicit);
  refuse(problems);
  const config = parseConfig({ ...stored, ...named, continueTrain: true });
  refuse(
    optionsOf(configSchema)
      .filter(({ key, resume }) => !resume && key in named)
      .filter(({ key }) => config[key as keyof Config] !== stored[key as keyof Config])
      .map(
        ({ key, flag }) =>
          `${flag}: got ${text(config[key as keyof Config])}, but the run "${stored.name}" has ` +
          `${text(stored[key as keyof Config])} and must keep it; leave the option out, or start another run with --name`,
      ),
  );
  return config;
}

function text(value: unknown): string {
  return value === undefined ? "none" : String(value);
}
