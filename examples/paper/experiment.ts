/**
 * One table of the paper: trains its variants from labels to photos, scores each variant with a segmentation network, and prints
 * the paper's scores beside them. Runs and scores are saved in the output folder, so that the same command continues where it
 * stopped.
 */
import * as z from "zod";
import type { Output } from "../../src/cli/command.ts";
import { namedPalette, paletteChoices } from "../../src/cli/palette.ts";
import { trainShown } from "../../src/cli/training.ts";
import { option } from "../../src/config/options.ts";
import { type Config, type ConfigInput, configSchema, parseConfig, resumeConfig } from "../../src/config/schema.ts";
import { Loader, wholePictures } from "../../src/data/loader.ts";
import { findPairs } from "../../src/data/pairs.ts";
import { classesFirst, nearestColours, type Palette } from "../../src/data/palette.ts";
import { resize } from "../../src/data/resize.ts";
import { inputPicture, outputPicture } from "../../src/data/sides.ts";
import { ConfigError } from "../../src/errors.ts";
import { openTranslator } from "../../src/inference/open.ts";
import { type ClassScores, Confusion } from "../../src/metrics/scores.ts";
import type { GeneratorName } from "../../src/networks/generators.ts";
import { files } from "../../src/node/files.ts";
import { nodePlatform } from "../../src/node/index.ts";
import type { Picture, Platform } from "../../src/platform.ts";
import { Run } from "../../src/run/run.ts";
import { counted } from "../../src/text.ts";
import { atSizeOf, onnxSegmenter, ownSegmenter, type Segmenter, segmenterInputs } from "./segmenters.ts";

/** One row of a table. */
export interface Variant {
  label: string;
  /** The name of the run. Two tables use the same name where they need the same training. */
  name: string;
  /** The options in which this variant differs from the others. */
  options: Partial<ConfigInput>;
  /** The paper's scores. */
  paper: Found;
}

/** Per-pixel accuracy, per-class accuracy and class IoU, each from 0 to 1. */
export type Found = readonly [pixel: number, perClass: number, iou: number];

export interface Experiment {
  title: string;
  /** Heading of the first column. */
  column: string;
  /** Default of --batch-size. */
  batchSize: number;
  /** @param size width and height of the pictures in pixels */
  variants(size: number): readonly Variant[];
}

/** The paper's last row: real photos, reduced to the size of the outputs. */
const groundTruth: Found = [0.8, 0.26, 0.21];

const { dataroot, maxDatasetSize, maxSteps, seed, device, threads } = configSchema.shape;

export const experimentOptions = z.object({
  dataroot,
  direction: option(z.enum(["AtoB", "BtoA"]).default("BtoA"), {
    group: "data",
    help: "from labels to photos: BtoA if the labels are on the right, as in Cityscapes and facades",
  }),
  testPhase: option(z.string().min(1).default("val"), {
    group: "data",
    value: "NAME",
    help: "subfolder of the pairs that are scored",
  }),
  numTest: option(z.int().min(1).optional(), { group: "data", absent: "all", help: "score only the first N pairs" }),
  maxDatasetSize,
  size: option(z.int().min(32).default(128), {
    group: "training",
    unit: "px",
    help: "width and height of the pictures",
  }),
  ngf: option(z.int().min(1).default(16), {
    group: "training",
    help: "filters of the first layers of G and D; 64 in the paper",
  }),
  epochs: option(z.int().min(1).default(20), { group: "training", help: "epochs of each training; 200 in the paper" }),
  batchSize: option(z.int().min(1).optional(), {
    group: "training",
    absent: "that of the table",
    help: "pairs per step",
  }),
  maxSteps,
  seed,
  palette: option(z.string().min(1).default("cityscapes"), {
    group: "scores",
    value: paletteChoices,
    help: "colours of the classes in the label maps",
  }),
  segmenter: option(z.string().min(1).optional(), {
    group: "scores",
    value: "FILE",
    absent: "a U-Net that the script trains from photos to labels",
    help: "segmentation network (ONNX) that scores the photos, such as FCN-8s trained on Cityscapes",
  }),
  segmenterInput: option(z.enum(segmenterInputs).default("caffe"), {
    group: "scores",
    help: "input of that network: caffe is B, G, R minus the mean of the paper's evaluation, unit is R, G, B from 0 to 1",
  }),
  segmenterEpochs: option(z.int().min(1).optional(), {
    group: "scores",
    absent: "--epochs",
    help: "epochs of the segmentation network that the script trains",
  }),
  out: option(z.string().min(1).default("runs/paper"), {
    group: "scores",
    value: "FOLDER",
    help: "folder for runs, scores and the table",
  }),
  device,
  threads,
});
type Options = z.output<typeof experimentOptions>;

/** A signal stopped the training. `code` is the exit code for this signal. */
export class Stopped extends Error {
  readonly code: number;

  constructor(code: number) {
    super("stopped");
    this.code = code;
  }
}

/** What every row of a table needs. */
interface Setting {
  options: Options;
  platform: Platform;
  output: Output;
  colours: Palette;
  classes: readonly string[];
  scores: ScoreFile;
  /** Opens the segmentation network, or trains it, when the first row needs it. */
  segmenter(): Promise<Segmenter>;
}

/**
 * Runs an experiment, prints its table and writes it to <out>/<file>.md.
 * @throws Stopped when a signal ended a training; UserError for data and options that cannot be used
 */
export async function runExperiment(
  experiment: Experiment,
  options: Options,
  { output, file }: { output: Output; file: string },
): Promise<void> {
  const platform = await nodePlatform({ threads: options.threads });
  const palette = classesFirst(await namedPalette(options.palette));
  const scores = await ScoreFile.open(`${options.out}/scores.json`);
  let segmenter: Promise<Segmenter> | undefined;
  const setting: Setting = {
    options,
    platform,
    output,
    ...palette,
    scores,
    segmenter: () => {
      segmenter ??= openSegmenter(options, palette, platform, output);
      return segmenter;
    },
  };
  try {
    const rows: Row[] = [];
    for (const variant of experiment.variants(options.size)) rows.push(await rowOf(variant, experiment, setting));
    const real = await scored("real", {}, setting, async () => ({
      photo: async (_label, photo) => resize(photo, options.size, options.size),
      close: async () => {},
    }));
    rows.push({ label: "Ground truth", paper: groundTruth, scores: real });
    const table = tableOf(experiment, rows, options);
    await files.write(`${options.out}/${file}.md`, `${table}\n`);
    output.print(`\n${table}\n\nThe table: ${options.out}/${file}.md; runs and scores: ${options.out}`);
  } finally {
    await (await segmenter?.catch(() => undefined))?.close();
  }
}

/** Trains one variant and scores it. A variant that is impossible at this size gets a row with the reason. */
async function rowOf(variant: Variant, { title, batchSize: usual }: Experiment, setting: Setting): Promise<Row> {
  const { options, platform, output } = setting;
  const { label, paper } = variant;
  const batchSize = options.batchSize ?? usual;
  const name = batchSize === 1 ? variant.name : `${variant.name}-batch${batchSize}`;
  const config = trainingOf(options, { ...variant.options, batchSize, name });
  if (config instanceof ConfigError) return { label, paper, problem: config.message };
  output.print(`\n${title}: ${label}`);
  const { threads: _, device: __, ...trained } = config;
  const scores = await scored(name, trained, setting, async () => {
    await trainOrContinue(config, platform, output);
    const translator = await openTranslator({ ...config, device: options.device }, platform);
    return {
      photo: (photoLabel, _real, index) => translator.translate(photoLabel, { index }),
      close: () => translator.close(),
    };
  });
  return { label, paper, scores };
}

/** The saved score of a row if everything that it depends on is the same; otherwise a new score, which is saved. */
async function scored(
  name: string,
  trained: object,
  { options, platform, colours, classes, scores, segmenter }: Setting,
  translate: () => Promise<Translate>,
): Promise<ClassScores> {
  const { testPhase, numTest, palette, segmenter: file, segmenterInput, segmenterEpochs, epochs, size } = options;
  const judged = file ? { segmenter: file, segmenterInput } : { epochs: segmenterEpochs ?? epochs };
  const key = JSON.stringify({ trained, size, testPhase, numTest, palette, ...judged });
  const known = scores.get(name, key);
  if (known) return known;
  const found = await evaluate(await translate(), await segmenter(), options, { colours, classes }, platform);
  await scores.set(name, key, found);
  return found;
}

/** The configuration of one training, or the error that makes it impossible at this size. */
function trainingOf(options: Options, own: Partial<ConfigInput>): Config | ConfigError {
  const { dataroot, direction, maxDatasetSize, size, ngf, epochs, maxSteps, seed, device, threads, out } = options;
  try {
    return parseConfig({
      dataroot,
      direction,
      maxDatasetSize,
      seed,
      device,
      threads,
      maxSteps,
      ngf,
      ndf: ngf,
      profile: "paper",
      checkpointsDir: out,
      nEpochs: epochs,
      netG: `unet_${size}` as GeneratorName,
      cropSize: size,
      loadSize: Math.round((size * 286) / 256),
      ...own,
    });
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

/** Trains a run to its end. A run that exists is continued. @throws Stopped */
async function trainOrContinue(wanted: Config, platform: Platform, output: Output): Promise<void> {
  const run = new Run(platform.files, wanted);
  const { continueTrain: _, profile: __, ...options } = wanted;
  const config = (await run.hasCheckpoint()) ? resumeConfig(await run.config(), options) : wanted;
  const { stopped, code } = await trainShown(config, output, { again: "the same command" });
  if (stopped) throw new Stopped(code);
}

/** The segmenter that --segmenter names, or a new one, trained with L1 alone: the paper's best objective from photos to labels. */
async function openSegmenter(
  options: Options,
  { colours, classes }: { colours: Palette; classes: readonly string[] },
  platform: Platform,
  output: Output,
): Promise<Segmenter> {
  const { segmenter, segmenterInput, segmenterEpochs, epochs, direction, device } = options;
  if (segmenter) return onnxSegmenter(segmenter, classes.length, segmenterInput, platform);
  const reverse = direction === "AtoB" ? "BtoA" : "AtoB";
  const config = trainingOf(options, {
    name: "segmenter",
    direction: reverse,
    lambdaGan: 0,
    nEpochs: segmenterEpochs ?? epochs,
  });
  if (config instanceof ConfigError) throw config;
  output.print("\nThe segmenter: photos to labels, L1 alone");
  await trainOrContinue(config, platform, output);
  return ownSegmenter(await openTranslator({ ...config, dropout: "off", device }, platform), colours);
}

/** The source of the photos of a row. */
interface Translate {
  photo(label: Picture, real: Picture, index: number): Promise<Picture>;
  close(): Promise<void>;
}

/**
 * Scores a row as the paper's evaluation does. Each photo is enlarged to the size of its label map and segmented there. One
 * confusion matrix covers all pairs. Pixels whose label is no class are not counted.
 */
async function evaluate(
  { photo, close }: Translate,
  segmenter: Segmenter,
  { dataroot, direction, testPhase, numTest }: Options,
  { colours, classes }: { colours: Palette; classes: readonly string[] },
  platform: Platform,
): Promise<ClassScores> {
  const { pairs } = await findPairs(platform.files, dataroot, { phase: testPhase, maxDatasetSize: numTest });
  const own = parseConfig({ dataroot, direction, preprocess: "none" });
  const loader = new Loader(pairs, { ...own, ...wholePictures(own), cacheBytes: 0 }, platform);
  const confusion = new Confusion(classes.length);
  try {
    for (let index = 0; index < pairs.length; index++) {
      const { A, B, height, width } = await loader.batch(0, index);
      const label = inputPicture(A, own, height, width);
      const output = await photo(label, outputPicture(B, A, own, height, width), index);
      confusion.add(await segmenter.classes(atSizeOf(output, label)), nearestColours(label, colours));
    }
  } finally {
    await close();
  }
  return confusion.scores();
}

interface Row {
  label: string;
  paper: Found;
  /** Absent if the variant is impossible at this size. */
  scores?: ClassScores;
  /** The reason. */
  problem?: string;
}

function tableOf({ title, column }: Experiment, rows: readonly Row[], options: Options): string {
  const digits = (values: readonly number[]) => values.map((value) => value.toFixed(2).replace(/^0/, "")).join(" / ");
  const cells = rows.map(({ label, paper, scores }) => [
    label,
    scores ? digits([scores.pixel, scores.class, scores.iou]) : "not at this size",
    digits(paper),
  ]);
  const table = [[column, "here", "paper"], ...cells];
  const widths = [0, 1, 2].map((i) => Math.max(...table.map((row) => row[i]!.length)));
  const line = (row: readonly string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`;
  const { size, ngf, epochs, maxSteps, segmenter } = options;
  const length = maxSteps ? `at most ${maxSteps} steps` : counted(epochs, "epoch");
  return [
    `${title}: labels -> photos, per-pixel accuracy / per-class accuracy / class IoU`,
    "",
    line(table[0]!),
    line(widths.map((width) => "-".repeat(width))),
    ...table.slice(1).map(line),
    "",
    `Here: ${size} px, ngf ${ngf}, ${length}, scored by ${segmenter ?? "a segmentation network of the same size that the script trained"}.`,
    "Paper: 256 px, ngf 64, 200 epochs of 2975 pairs, scored by FCN-8s. Compare the order of the rows, not the numbers.",
    ...rows.flatMap(({ label, problem }) => (problem ? [`${label}: ${problem}`] : [])),
  ].join("\n");
}

/** The saved scores by row. The key of a score lists everything that it depends on, so that other options lead to a new score. */
class ScoreFile {
  readonly #path: string;
  readonly #known: Record<string, { key: string; scores: ClassScores }>;

  private constructor(path: string, known: Record<string, { key: string; scores: ClassScores }>) {
    this.#path = path;
    this.#known = known;
  }

  static async open(path: string): Promise<ScoreFile> {
    const text = (await files.exists(path)) ? new TextDecoder().decode(await files.read(path)) : "{}";
    return new ScoreFile(path, JSON.parse(text));
  }

  get(name: string, key: string): ClassScores | undefined {
    const known = this.#known[name];
    return known?.key === key ? known.scores : undefined;
  }

  async set(name: string, key: string, scores: ClassScores): Promise<void> {
    this.#known[name] = { key, scores };
    await files.write(this.#path, `${JSON.stringify(this.#known, null, 2)}\n`);
  }
}
