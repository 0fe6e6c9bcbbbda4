/** Opens runs for commands, and compares options of training that are given again with the run's. */

import type * as z from "zod";
import { optionsOf, parseOptions, textValues } from "../config/options.ts";
import { type Config, configSchema } from "../config/schema.ts";
import { ConfigError } from "../errors.ts";
import { unknownData } from "../exchange/describe.ts";
import type { OpenOptions } from "../inference/open.ts";
import type { Translator } from "../inference/translator.ts";
import { files } from "../node/files.ts";
import type { Platform } from "../platform.ts";
import { Run } from "../run/run.ts";
import { shellOption } from "../text.ts";
import type { Output } from "./command.ts";
import { loadPlatform, threadsNote } from "./platform.ts";

/**
 * The configuration of a run.
 * @throws CheckpointError naming the runs that exist when there is none of this name.
 */
export function storedConfig(checkpointsDir: string, name: string): Promise<Config> {
  return new Run(files, { checkpointsDir, name }).config();
}

/** The options that name a run, for a command line that is printed as advice. */
export function runFlags({ name, checkpointsDir }: Pick<Config, "name" | "checkpointsDir">): string {
  return `${shellOption("--name", name)}${folderFlag(checkpointsDir)}`;
}

/** " --checkpoints-dir FOLDER" for such a command line, where the folder is not the default. */
export function folderFlag(checkpointsDir: string): string {
  return checkpointsDir === "runs" ? "" : ` ${shellOption("--checkpoints-dir", checkpointsDir)}`;
}

/** A line for the help of commands that take a run: what they do with options of training. */
export const storedOptions =
  "the run remembers how it was trained; options of train that are given again are compared with it";

/** Options that must agree with the run's: another value would not fit the generator or would exchange the sides. */
const decisive = new Set(["direction", "netG", "ngf", "norm", "inputNc", "outputNc"]);

/**
 * Compares the options of a run with those that were given again, as commands of the PyTorch implementation need them.
 * @returns notes for options that have no effect
 * @throws ConfigError for options that contradict the run
 */
export function compareWithRun(run: Config, given: Given): string[] {
  const { named } = textValues(configSchema, given);
  const notes: string[] = [];
  for (const { key, flag } of optionsOf(configSchema)) {
    const stored = run[key as keyof Config];
    if (!(key in named) || named[key] === stored) continue;
    if (key === "direction" && run.dataroot === unknownData) {
      throw new ConfigError(
        `${flag}: got ${named[key]}, but the run "${run.name}" was imported with ${stored}, which weights do not show; ` +
          `if that is wrong, import them again, with ${flag} ${named[key]}`,
      );
    }
    if (decisive.has(key)) {
      throw new ConfigError(
        `${flag}: got ${named[key]}, but the run "${run.name}" was trained with ${stored}; leave the option out`,
      );
    }
    const own = stored === unknownData ? "" : `: the run has its own (${stored ?? "none"})`;
    notes.push(`${flag} is not used here${own}`);
  }
  return notes;
}

type Given = Readonly<Record<string, unknown>>;

/** The options of the command itself, parsed. */
export function ownOptions<S extends z.ZodObject<z.ZodRawShape>>(schema: S, given: Given): z.output<S> {
  return parseOptions(
    schema,
    only(given, (key) => key in schema.shape),
  );
}

/** The options that the command itself does not have. */
export function otherOptions(schema: z.ZodObject<z.ZodRawShape>, given: Given): Given {
  return only(given, (key) => !(key in schema.shape));
}

/** Those of the options whose key is wanted. */
export function only(given: Given, wanted: (key: string) => boolean): Given {
  return Object.fromEntries(Object.entries(given).filter(([key]) => wanted(key)));
}

/** Opens the generator of a run. */
export async function openStoredRun(
  options: OpenOptions,
  output: Output,
): Promise<{ translator: Translator; platform: Platform }> {
  const { threads } = options;
  for (const note of threadsNote(threads)) output.note(`note: ${note}`);
  const { openTranslator } = await import("../inference/open.ts");
  const platform = await loadPlatform({ threads });
  return { translator: await openTranslator(options, platform), platform };
}
