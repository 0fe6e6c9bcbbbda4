/** The options that translate and test share: how a trained generator is used. */

import * as z from "zod";
import { option } from "../config/options.ts";
import { type Config, configSchema } from "../config/schema.ts";
import { ConfigError } from "../errors.ts";
import { descriptionOf } from "../exchange/describe.ts";
import type { Fit } from "../inference/fit.ts";
import type { OpenOptions } from "../inference/open.ts";
import type { TestTime, Translator } from "../inference/translator.ts";
import { norms } from "../nn/norms.ts";
import type { Platform } from "../platform.ts";
import type { Output } from "./command.ts";
import { loadPlatform } from "./platform.ts";
import { compareWithRun, openStoredRun, storedConfig } from "./runs.ts";

const { preprocess, seed, device, threads, noDropout, dropout, statistics } = configSchema.shape;

/** The checkpoint that a command takes from a run. */
export const epochOption = option(z.string().min(1).default("latest"), {
  group: "run",
  value: "EPOCH",
  help: "weights of the run: latest, best, the number of a kept epoch, or iter_500 for a step that was kept by --save-by-iter",
});

/** Sizes of inputs, tiles and outputs. */
const sizes = {
  preprocess: option(preprocess.unwrap().optional(), {
    group: "sizes",
    absent: "the run's",
    help:
      "resize_and_crop resizes whole pictures to the run's crop size, scale_width resizes them to its load width (the height keeps the " +
      "shape, but is at least that of the crop), none and crop take them at their own size, padded inside and cut back",
  }),
  aspectRatio: option(z.number().gt(0).max(100).optional(), {
    group: "sizes",
    absent: "as it comes",
    help: "width / height of the saved pictures; they are stretched in one direction",
  }),
  tile: option(z.int().min(0).optional(), {
    group: "sizes",
    unit: "px",
    absent: "chosen by the network for pictures above 2048 x 2048 px, else none",
    help: "size of tiles, which bounds the memory of large pictures; the output is that of the picture in one piece; 0 never tiles",
  }),
};

/** Dropout, the statistics of norms, and the number of outputs. */
const behaviour = {
  dropout: option(dropout.unwrap().optional(), {
    group: "networks",
    absent: "the run's, on",
    help: "dropout at test time; the paper's code, the PyTorch code and Hesse's use it",
  }),
  noDropout,
  statistics: option(statistics.unwrap().optional(), {
    group: "networks",
    absent: "the run's, batch",
    help: "statistics of batch norms: of the batch (here one picture), the running ones from training, or of each image",
  }),
  eval: option(z.boolean().default(false), {
    group: "networks",
    help: "the same as --dropout off --statistics running: PyTorch's eval mode",
  }),
  samples: option(z.int().min(1).max(1000).default(1), {
    group: "networks",
    unit: "outputs",
    help: "outputs per picture, each with different dropout masks: name_1.png and so on",
  }),
  seed: option(seed.unwrap().optional(), {
    group: "networks",
    absent: "the run's",
    help: "seed of the dropout masks; the same seed and name of a picture give the same output",
  }),
};

/** A generator without a run. */
export const weightsOption = option(z.string().min(1).optional(), {
  group: "run",
  value: "FILE",
  absent: "those of the run",
  help: "file of weights instead of a run: .pth of PyTorch and the other formats of import; options of train supply what it does not contain",
});

/** The file of weights, and the choice between the weights and their running average. */
const weights = {
  weights: weightsOption,
  rawWeights: option(z.boolean().default(false), {
    group: "run",
    help: "the weights as they were trained, where the run was trained with --ema; by default their running average",
  }),
};

export const testTimeOptions = { ...weights, ...sizes, ...behaviour, device, threads };

/** @throws ConfigError for --keep-size with --aspect-ratio */
export function refuseTwoSizes({ keepSize, aspectRatio }: Pick<Fit, "keepSize" | "aspectRatio">): void {
  if (!keepSize || aspectRatio === undefined) return;
  throw new ConfigError("--keep-size and --aspect-ratio both say what the outputs look like; give one of them");
}

type Given = z.output<z.ZodObject<typeof testTimeOptions>>;

/** The options of a command that `openForTest` reads. */
type Opening = Given & Pick<OpenOptions, "name" | "checkpointsDir" | "epoch">;

/**
 * Opens the generator of a run, or of a file of weights, with the given settings, and prints notes on them.
 * @param others options of training that were given again; see `compareWithRun`
 * @throws ConfigError for options that contradict each other or the run
 */
export async function openForTest(
  options: Opening,
  others: Readonly<Record<string, unknown>>,
  output: Output,
): Promise<{ translator: Translator; platform: Platform; fit: Fit }> {
  if (options.weights !== undefined) return openFile(options.weights, options, others, output);
  const run = await storedConfig(options.checkpointsDir, options.name);
  const { settings, fit, notes } = testTime(options, run);
  for (const note of [...notes, ...compareWithRun(run, others)]) output.note(`note: ${note}`);
  return { ...(await openStoredRun({ ...options, ...settings }, output)), fit };
}

/** Opens the generator of a file of weights; `others` supply what the tensors do not show. */
async function openFile(path: string, options: Opening, others: Readonly<Record<string, unknown>>, output: Output) {
  const { threads, device } = options;
  const { loadGenerator } = await import("../exchange/load.ts");
  const { translatorOf } = await import("../exchange/open.ts");
  const platform = await loadPlatform({ threads });
  const loaded = await loadGenerator(path, platform.files, others);
  const { settings, fit, notes } = testTime(options, loaded.config);
  for (const note of [...loaded.notes, ...descriptionOf(loaded), ...notes]) output.note(`note: ${note}`);
  return { translator: await translatorOf(loaded, { ...settings, threads, device }, platform), platform, fit };
}

/**
 * The settings of the generator and of sizes for a run, with notes for the user.
 * @throws ConfigError for options that contradict each other or the run
 */
function testTime(given: Given, run: Config): { settings: TestTime; fit: Fit; notes: string[] } {
  const { tile, seed, samples, preprocess, aspectRatio } = given;
  if (given.noDropout && given.dropout === "on") {
    throw new ConfigError("--dropout on and --no-dropout: give one of them");
  }
  const dropout = given.dropout ?? (given.noDropout || given.eval ? "off" : run.dropout);
  if (given.dropout === "on" && run.noDropout) {
    throw new ConfigError(`--dropout on: the run "${run.name}" was trained without dropout, so its network has none`);
  }
  if (samples > 1 && (dropout === "off" || run.noDropout)) {
    const why = run.noDropout ? `the run "${run.name}" was trained without` : "it is off";
    throw new ConfigError(`--samples ${samples}: samples differ by their dropout noise, but ${why}`);
  }
  const statistics = given.statistics ?? (given.eval ? "running" : run.statistics);
  const notes =
    given.statistics && statistics !== "image" && norms[run.norm].perPicture
      ? [`--statistics ${statistics}: ${run.norm} norms have none; they use those of each image`]
      : [];
  return { settings: { dropout, statistics, seed, tile }, fit: { preprocess, aspectRatio }, notes };
}
