/** Writes a trained generator in a format of another system, with a model card. */
import * as z from "zod";
import { type OptionSpec, optionsOf } from "../config/options.ts";
import { ConfigError, refuse } from "../errors.ts";
import { readText } from "../formats/read-text.ts";
import type { Platform } from "../platform.ts";
import { weightsFile } from "../run/paths.ts";
import { modelCard } from "./card.ts";
import type { ExportContext, ExportFormat, WrittenFile } from "./format.ts";
import { type ExportFormatName, exportFormats } from "./formats.ts";
import type { ExportModel } from "./model.ts";

const formats: Readonly<Record<string, ExportFormat>> = exportFormats;

/** The options of all formats. */
export const formatOptions = Object.assign({}, ...Object.values(formats).map(({ options }) => options)) as Readonly<
  Record<string, z.ZodType>
>;

export interface ExportTarget {
  /** The folder of the export. */
  out: string;
  /** The licence of the weights, as the user names it. */
  licence?: string | undefined;
  /** The folder in which `pix2pix test` writes; the card has its scores. Default "results". */
  resultsDir?: string | undefined;
  /** Reads the built web app, for formats that contain it. */
  app?: ExportContext["app"];
  /** Called with each line that the user should know. */
  note?: ((line: string) => void) | undefined;
}

/** The names of the model card and of its picture. */
const cardFile = "README.md";
const samplesFile = "samples.png";

/**
 * Writes a generator in a format, and a model card (README.md) beside it.
 * @param options those of the format, with their defaults
 * @returns the files, in the order in which they were written
 * @throws ConfigError for options that the format does not have, and for a model that it cannot hold
 */
export async function exportModel(
  model: ExportModel,
  format: ExportFormatName,
  options: Readonly<Record<string, unknown>>,
  { out, licence, resultsDir, app, note = () => {} }: ExportTarget,
  platform: Platform,
): Promise<WrittenFile[]> {
  const chosen = formats[format]!;
  refuse(chosen.problems?.(model, options) ?? []);
  await keepForeignCard(`${out}/${cardFile}`, platform);
  const written: WrittenFile[] = [];
  const write = async (path: string, content: Uint8Array | string) => {
    await platform.files.write(`${out}/${path}`, content);
    const bytes = typeof content === "string" ? new TextEncoder().encode(content).length : content.length;
    written.push({ path, bytes });
  };
  const found: string[] = [];
  const fact = (line: string) => void found.push(line);
  await chosen.write(model, options, { platform, write, note, fact, licence, app });
  const samples = await writeSamples(model, write);
  const averaged =
    model.path === model.run?.run.path(weightsFile(model.run.epoch, "G_ema")) && options.optimizer !== true;
  const usage = chosen.usage(model, options);
  const facts = { format, usage, found, licence, written, averaged, resultsDir, samples };
  await write(cardFile, await modelCard(model, facts, platform.files));
  return written;
}

/** Copies the last pictures of the training, for the card. */
async function writeSamples({ run }: ExportModel, write: (path: string, content: Uint8Array) => Promise<void>) {
  const epoch = (await run?.run.sampleEpochs())?.at(-1);
  if (!run || epoch === undefined) return undefined;
  await write(samplesFile, await run.run.readSample(epoch));
  return { file: samplesFile, epoch };
}

/** @throws ConfigError for a README.md that is not a model card: the user wrote it, so it is not overwritten */
async function keepForeignCard(path: string, { files }: Platform): Promise<void> {
  if (!(await files.exists(path))) return;
  const text = await readText(files, path);
  if (text.includes("pix2pix export")) return;
  throw new ConfigError(
    `--out: ${path} exists, was not written by pix2pix export and would be overwritten; name another folder`,
  );
}

/**
 * The options of a format among those that were given.
 * @param given the options of all formats, by key, that are set
 * @throws ConfigError for options of other formats, with the formats that have them
 */
export function optionsOfFormat(format: ExportFormatName, given: Readonly<Record<string, unknown>>) {
  const own = z.object(formats[format]!.options as z.ZodRawShape);
  const specs = new Map(optionsOf(z.object(formatOptions as z.ZodRawShape)).map((spec) => [spec.key, spec]));
  const foreign = Object.keys(given).filter((key) => specs.has(key) && !(key in own.shape));
  refuse(foreign.map((key) => foreignOption(specs.get(key)!, format)));
  return Object.fromEntries(Object.entries(given).filter(([key]) => key in own.shape));
}

function foreignOption({ key, flag }: OptionSpec, format: string): string {
  const having = Object.keys(formats).filter((name) => key in formats[name]!.options);
  return `${flag} belongs to --format ${having.join(" and ")}; --format ${format} has no such option, so leave it out`;
}
