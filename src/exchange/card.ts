/** The model card of an export: what the generator is, how it was trained, how it is used, and its licence. */
import { optionsOf } from "../config/options.ts";
import { profiles } from "../config/profiles.ts";
import { type Config, configSchema } from "../config/schema.ts";
import { sideNames } from "../data/sides.ts";
import { trainedSize } from "../data/sizes.ts";
import type { Files } from "../platform.ts";
import { metricsOf } from "../run/results.ts";
import { counted, shellOption } from "../text.ts";
import { version } from "../version.ts";
import type { WrittenFile } from "./format.ts";
import type { ExportModel } from "./model.ts";

export interface CardFacts {
  format: string;
  /** Markdown. */
  usage: string;
  /** What the format found out about the model, a line each. */
  found: readonly string[];
  licence?: string | undefined;
  written: readonly WrittenFile[];
  /** Whether the weights are a running average (--ema). */
  averaged: boolean;
  /** The folder in which `pix2pix test` writes. */
  resultsDir?: string | undefined;
  /** The file with pictures, and the epoch after which they were made. */
  samples?: { file: string; epoch: number } | undefined;
}

/** The text of the card, Markdown. */
export async function modelCard(model: ExportModel, facts: CardFacts, files: Files): Promise<string> {
  const { name, config } = model;
  const { format, usage, licence = "not stated", written, samples } = facts;
  const [from, to] = sideNames(config);
  return `${[
    `# ${name}`,
    `A pix2pix generator: it turns pictures of the kind ${from} into pictures of the kind ${to} of its data set. Written by ` +
      `\`pix2pix export --format ${format}\`, version ${version}, on ${new Date().toISOString().slice(0, 10)}.`,
    ...(samples ? [`![](${samples.file})`, `Rows of input, output and target after epoch ${samples.epoch}.`] : []),
    usage,
    "## Model",
    await modelFacts(model, facts),
    "## Data",
    await dataFacts(model),
    "## Scores",
    await scores(model, facts, files),
    "## Limits",
    "The network has learnt from these pairs alone. For pictures of another kind, from another camera or in another size, its output " +
      "looks like its targets but may be wrong.",
    "## Licence",
    licence,
    "## Files",
    written.map(({ path, bytes }) => `* \`${path}\`: ${bytes} bytes`).join("\n"),
  ].join("\n\n")}\n`;
}

async function modelFacts({ config, tensors, run }: ExportModel, { averaged, found }: CardFacts): Promise<string> {
  const progress = await run?.run.progress();
  const trained = Object.entries(tensors).filter(([name]) => !/running_|num_batches_tracked$/.test(name));
  const parameters = trained.reduce((sum, [, { data }]) => sum + data.length, 0);
  const given = optionsThatDiffer(config);
  return [
    `* generator: ${config.netG}, ngf ${config.ngf}, norm ${config.norm}, ${config.inputNc} -> ${config.outputNc} channels`,
    `* parameters: ${parameters.toLocaleString("en").replaceAll(",", " ")}`,
    ...(run ? [`* weights: ${run.epoch}${averaged ? `, their running average (--ema ${config.ema})` : ""}`] : []),
    ...(progress
      ? [`* trained: ${counted(progress.step, "step")}, ${counted(progress.epoch, "epoch")}, batch ${config.batchSize}`]
      : []),
    ...found.map((line) => `* ${line}`),
    ...(given.length > 0 ? [`* options that are not the defaults: \`${given.join(" ")}\``] : []),
  ].join("\n");
}

/** Options about this machine or this call; they say nothing about the model. */
const local = new Set(["name", "dataroot", "checkpointsDir", "continueTrain", "device", "threads", "profile"]);

/** The options for a command line to copy. */
function optionsThatDiffer(config: Config): string[] {
  const sets: Readonly<Record<string, unknown>> = profiles[config.profile].sets;
  const profile = config.profile === "junyanz" ? [] : [`--profile ${config.profile}`];
  const square = { loadHeight: config.loadSize, cropHeight: config.cropSize };
  const others = optionsOf(configSchema).flatMap(({ key, flag, default: initial = false, type }) => {
    const value = config[key as keyof Config];
    const usual = sets[key] ?? square[key as keyof typeof square] ?? initial;
    if (local.has(key) || value === undefined || value === usual) return [];
    if (type !== "boolean") return [`${flag} ${value}`];
    return [value ? flag : `${flag}=false`];
  });
  return [...profile, ...others];
}

async function dataFacts({ config, run }: ExportModel): Promise<string> {
  const pairs = (await run?.run.progress())?.pairs;
  const folder = config.dataroot.replace(/\/+$/, "").split("/").at(-1);
  return [
    `* data set: \`${folder}\`${pairs === undefined ? "" : `, ${counted(pairs, "pair")}`}`,
    `* direction: ${config.direction}`,
    `* size in training: ${trainedSize(config)}, --preprocess ${config.preprocess}`,
  ].join("\n");
}

/** The part of a test's metrics.json that the card shows. */
interface Metrics {
  phase?: string;
  images?: number;
  mean?: Partial<Record<"l1" | "psnr" | "ssim", number | null | undefined>>;
}

async function scores({ name, run }: ExportModel, { resultsDir }: CardFacts, files: Files): Promise<string> {
  if (!run) return "None: the weights come from a file.";
  const folder = `${resultsDir ?? "results"}/${name}`;
  const tests = ((await files.list(folder)) ?? []).filter(({ name: test }) => test.endsWith(`_${run.epoch}`));
  const rows: string[] = [];
  for (const { name: test } of tests) {
    const metrics: Metrics | undefined = await metricsOf(files, `${folder}/${test}`, run.run.dir);
    if (metrics) rows.push(rowOf(metrics));
  }
  const [validated] = (await run.run.scores.read()).slice(-1);
  if (validated) {
    const { L1, PSNR, SSIM, epoch } = validated;
    rows.push(rowOf({ phase: `validation after epoch ${epoch}`, mean: { l1: L1, psnr: PSNR, ssim: SSIM } }));
  }
  if (rows.length === 0)
    return `None. \`npx pix2pix test ${shellOption("--name", name)}\` before the export puts its scores here.`;
  return ["| pictures | L1 in [-1, 1] | PSNR in dB | SSIM |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

function rowOf({ phase, images, mean = {} }: Metrics): string {
  const figure = (value: number | null | undefined, digits: number) => value?.toFixed(digits) ?? "\u2013";
  const cells = [figure(mean.l1, 3), figure(mean.psnr, 2), figure(mean.ssim, 3)];
  return `| ${[images === undefined ? phase : `${phase}, ${counted(images, "picture")}`, ...cells].join(" | ")} |`;
}
