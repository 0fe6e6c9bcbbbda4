/** pix2pix export */
import * as z from "zod";
import { namesOf } from "../../config/names.ts";
import { option } from "../../config/options.ts";
import { configSchema } from "../../config/schema.ts";
import { ConfigError } from "../../errors.ts";
import { exportModel, formatOptions, optionsOfFormat } from "../../exchange/export.ts";
import { exportFormats } from "../../exchange/formats.ts";
import { modelOfFile, modelOfRun } from "../../exchange/model.ts";
import { byteCount } from "../../text.ts";
import { readApp } from "../app-files.ts";
import type { Command } from "../command.ts";
import { loadPlatform } from "../platform.ts";
import { compareWithRun, only, otherOptions, ownOptions, storedOptions } from "../runs.ts";
import { epochOption, weightsOption } from "../test-time.ts";

const { name, checkpointsDir } = configSchema.shape;

const common = {
  name,
  weights: weightsOption,
  checkpointsDir,
  epoch: epochOption,
  format: option(z.enum(namesOf(exportFormats)), {
    group: "export",
    help: "format of the files",
    kinds: exportFormats,
  }),
  out: option(z.string().min(1), {
    group: "export",
    value: "FOLDER",
    help: "folder for the files, with a model card (README.md)",
  }),
  resultsDir: option(z.string().min(1).default("results"), {
    group: "export",
    value: "FOLDER",
    help: "folder in which test has written; its scores are in the model card",
  }),
  licence: option(z.string().min(1).optional(), {
    group: "export",
    value: "TEXT",
    absent: "none",
    help: "licence of the weights, for the model card and the metadata: a name such as CC-BY-4.0, or a sentence",
  }),
};

const schema = z.object({ ...common, ...(formatOptions as z.ZodRawShape) });

export const exportCommand: Command = {
  name: "export",
  summary: "write a run's generator for other programs",
  schema,
  ofRun: storedOptions,
  examples: ["npx pix2pix export --name facades --format onnx --out facades-onnx"],
  async run(given, output) {
    const options = ownOptions(z.object(common), given);
    const { format, out, licence, resultsDir } = options;
    const ofFormats = only(given, (key) => key in formatOptions);
    const own = ownOptions(
      z.object(exportFormats[format].options as z.ZodRawShape),
      optionsOfFormat(format, ofFormats),
    );
    checkFolder(out);
    const platform = await loadPlatform();
    const others = otherOptions(schema, given);
    const model =
      options.weights === undefined
        ? await modelOfRun(options, options.epoch, platform.files)
        : await modelOfFile(options.weights, platform.files, others);
    const notes = options.weights === undefined ? compareWithRun(model.config, others) : (model.notes ?? []);
    for (const note of notes) output.note(`note: ${note}`);
    const note = (line: string) => output.note(`note: ${line}`);
    const written = await exportModel(model, format, own, { out, licence, resultsDir, note, app: readApp }, platform);
    for (const { path, bytes } of written) output.print(`${out}/${path}  ${byteCount(bytes)}`);
    return 0;
  },
};

/** @throws ConfigError for a name that looks like that of a file */
function checkFolder(out: string): void {
  const ending = /\.(onnx|pth|pt|pict|safetensors|zip)$/i.exec(out)?.[0];
  if (!ending) return;
  throw new ConfigError(
    `--out: got the file ${out}, expected a folder: the files and a model card are written into it; ` +
      `such as --out ${out.slice(0, -ending.length)}`,
  );
}
