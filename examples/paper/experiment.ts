/**
 * One table of the paper: trains its variants on labels -> photos, scores each with a segmentation network, and prints the
 * paper's numbers beside them. What is done is kept in the output folder, so the same command goes on where it stopped.
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
import { openRun } from "../../src/inference/translator.ts";
import { type ClassScores, Confusion } from "../../src/metrics/scores.ts";
import { files } from "../../src/node/files.ts";
import { nodePlatform } from "../../src/node/index.ts";
import type { Picture, Platform } from "../../src/platform.ts";
import { Run } from "../../src/run/run.ts";
import { atSizeOf, onnxSegmenter, ownSegmenter, type Segmenter, segmenterInputs } from "./segmenters.ts";

/** One row: what is trained differently, and what the paper found: per-pixel accuracy, per-class accuracy, class IoU. */
export interface Variant {
  label: string;
  /** Of its run; the same in two tables where the training is the same. */
  name: string;
  options: Partial<ConfigInput>;
  paper: Found;
}

export type Found = readonly [pixel: number, perClass: number, iou: number];

export interface Experiment {
  title: string;
  /** Heading of the first column. */
  column: string;
  /** Default of --batch-size. */
  batchSize: number;
  variants(size: number): readonly Variant[];
}

/** The paper's last row: real photos, reduced to the size of the outputs. */
const groundTruth: Found = [0.8, 0.26, 0.21];

const { dataroot, maxDatasetSize, maxSteps, seed, device, threads } = configSchema.shape;

export const experimentOptions = z.object({
  dataroot,
  direction: option(z.enum(["AtoB", "BtoA"]).default("BtoA"), {
    group: "data",
    help: "which side the labels are: BtoA where they are on the right, as in Cityscapes and facades",
  }),
  testPhase: option(z.string().min(1).default("val"), { group: "data", value: "NAME", help: "pairs to score" }),
  numTest: option(z.int().min(1).optional(), { group: "data", absent: "all", help: "score only the first so many" }),
  maxDatasetSize,
  size: option(z.int().min(32).default(128), {
    group: "training",
    unit: "px",
    help: "width and height of the pictures",
  }),
  ngf: option(z.int().min(1).default(16), {
    group: "training",
    help: "filters of G's and D's first layers; the paper: 64",
  }),
  epochs: option(z.int().min(1).default(20), { group: "training", help: "the paper: 200" }),
  batchSize: option(z.int().min(1).optional(), { group: "training", absent: "the table's", help: "pairs per step" }),
  maxSteps,
  seed,
  palette: option(z.string().min(1).default("cityscapes"), {
    group: "scores",
    value: paletteChoices,
    help: "colours of the labels",
  }),
  segmenter: option(z.string().min(1).optional(), {
    group: "scores",
    value: "FILE",
    absent: "one that is trained here, from photos to labels",
    help: "segmentation network as ONNX that judges the photos, such as FCN-8s trained on Cityscapes",
  }),
  segmenterInput: option(z.enum(segmenterInputs).default("caffe"), {
    group: "scores",
    help: "what it takes: B, G, R less the mean of the paper's evaluation, or R, G, B from 0 to 1",
  }),
  segmenterEpochs: option(z.int().min(1).optional(), {
    group: "scores",
    absent: "--epochs",
    help: "length of the training of the segmenter that is trained here",
  }),
  out: option(z.string().min(1).default("runs/paper"), { group: "scores", value: "FOLDER", help: "runs and scores" }),
  device,
  threads,
});
type Options = z.output<typeof experimentOptions>;

/** A training that was stopped by a signal; `code` is the exit code for it. */
export class Stopped extends Error {
  readonly code: number;

  constructor(code: number) {
    super("stopped");
    this.code = code;
  }
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
  const { colours, classes } = classesFirst(await namedPalette(options.palette));
  const batchSize = options.batchSize ?? experiment.batchSize;
  const scores = await ScoreFile.open(`${options.out}/scores.json`);
  let segmenter: Promise<Segmenter> | undefined;
  const judge = () => {
    segmenter ??= openSegmenter(options, { colours, classes }, platform, output);
    return segmenter;
  };
  /** The score of one row, from the file or anew. */
  const scored = async (name: string, trained: object, translate: () => Promise<Translate>): Promise<ClassScores> => {
    const { testPhase, numTest, palette, segmenter, segmenterInput, segmenterEpochs, size } = options;
    const judged = segmenter ? { segmenter, segmenterInput } : { epochs: segmenterEpochs ?? options.epochs };
    const key = JSON.stringify({ trained, size, testPhase, numTest, palette, ...judged });
    const known = scores.get(name, key);
    if (known) return known;
    const found = await evaluate(await translate(), await judge(), options, { colours, classes }, platform);
    await scores.set(name, key, found);
    return found;
  };

  try {
    const rows: Row[] = [];
    for (const variant of experiment.variants(options.size)) {
      const name = batchSize === 1 ? variant.name : `${variant.name}-batch${batchSize}`;
      const config = trainingOf(options, { ...variant.options, batchSize, name });
      if (config instanceof ConfigError) {
        rows.push({ label: variant.label, paper: variant.paper, problem: config.message });
        continue;
      }
      output.print(`\n${experiment.title}: ${variant.label}`);
      const { threads: _, device: __, ...trained } = config;
      const found = await scored(name, trained, async () => {
        await trainOrGoOn(config, platform, output);
        const translator = await openRun({ ...config, device: options.device }, platform);
        return {
          photo: (label, _real, index) => translator.translate(label, { index }),
          close: () => translator.close(),
        };
      });
      rows.push({ label: variant.label, paper: variant.paper, scores: found });
    }
    const real = await scored("real", {}, async () => ({
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

/** The configuration of one training, or why it cannot be at this size. */
function trainingOf(options: Options, own: Partial<ConfigInput>): Config | ConfigError {
  const { dataroot, direction, maxDatasetSize, size, ngf, epochs, maxSteps, seed, device, threads, out } = options;
  try {
    return parseConfig({
      ...{ dataroot, direction, maxDatasetSize, seed, device, threads, maxSteps, ngf, ndf: ngf },
      ...{ profile: "paper", checkpointsDir: out, nEpochs: epochs, netG: `unet_${size}` },
      ...{ cropSize: size, loadSize: Math.round((size * 286) / 256) },
      ...own,
    });
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

/** Trains a run to its end, from where it stands. */
async function trainOrGoOn(wanted: Config, platform: Platform, output: Output): Promise<void> {
  const run = new Run(platform.files, wanted);
  const { continueTrain: _, profile: __, ...options } = wanted;
  const config = (await run.exists()) ? resumeConfig(await run.config(), options) : wanted;
  const { stopped, code } = await trainShown(config, output, { again: "the same command" });
  if (stopped) throw new Stopped(code);
}

/** The segmenter that is named, or one that is trained here first: L1 alone, which is the paper's best for labels. */
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
    ...{ name: "segmenter", direction: reverse, lambdaGan: 0, nEpochs: segmenterEpochs ?? epochs },
  });
  if (config instanceof ConfigError) throw config;
  output.print("\nThe segmenter: photos to labels, L1 alone");
  await trainOrGoOn(config, platform, output);
  return ownSegmenter(await openRun({ ...config, dropout: "off", device }, platform), colours);
}

/** What makes the photo of a row. */
interface Translate {
  photo(label: Picture, real: Picture, index: number): Promise<Picture>;
  close(): Promise<void>;
}

/**
 * The protocol of the paper's evaluation: each output is enlarged to the size of its label map, classes are counted there,
 * over all pairs together; where the label is no class nothing is counted.
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
  scores?: ClassScores;
  /** Why there is none. */
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
  const length = maxSteps ? `at most ${maxSteps} steps` : `${epochs} epochs`;
  return [
    `${title}: labels -> photos, per-pixel accuracy / per-class accuracy / class IoU`,
    "",
    line(table[0]!),
    line(widths.map((width) => "-".repeat(width))),
    ...table.slice(1).map(line),
    "",
    `Here: ${size} px, ngf ${ngf}, ${length}, judged by ${segmenter ?? "a segmenter of the same size that was trained here"}.`,
    "Paper: 256 px, ngf 64, 200 epochs of 2975 pairs, judged by FCN-8s. Compare the order of rows, not the numbers.",
    ...rows.flatMap(({ label, problem }) => (problem ? [`${label}: ${problem}`] : [])),
  ].join("\n");
}

/** Scores by row; each with what it depends on, so that other options give a new one. */
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
