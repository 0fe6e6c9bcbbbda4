/**
 * Every option of a training run, once: types, flags, help, the tables in docs/options.md and the checks come from
 * `configSchema`. Names and defaults are those of the PyTorch implementation by Jun-Yan Zhu and others.
 */
import * as z from "zod";
import { channelsOf } from "../data/rules.ts";
import { CheckpointError, ConfigError, quoted, refuse } from "../errors.ts";
import { problemsOf } from "./checks.ts";
import { dataOptions } from "./groups/data.ts";
import { featureOptions } from "./groups/features.ts";
import { networkOptions } from "./groups/networks.ts";
import { objectiveOptions } from "./groups/objective.ts";
import { runOptions } from "./groups/run.ts";
import { scheduleOptions } from "./groups/schedule.ts";
import { checked, exactValues, type Named, optionsOf, textValues } from "./options.ts";
import { type Profile, profiles } from "./profiles.ts";
import type { Config, ConfigInput } from "./types.ts";

export { checkSize, warningsOf } from "./checks.ts";
export { profiles } from "./profiles.ts";
export type { Config, ConfigInput } from "./types.ts";

export const configSchema = z.object({
  ...dataOptions,
  ...networkOptions,
  ...objectiveOptions,
  ...scheduleOptions,
  ...featureOptions,
  ...runOptions,
});

/**
 * The whole configuration of a run from the options that are given. The defaults of the profile come before the schema's.
 * @throws ConfigError listing every problem: the option, the value it got, the value it expects, the nearest choice
 * @example
 * ```ts
 * import { parseConfig } from "pix2pix";
 *
 * const config = parseConfig({ dataroot: "facades", netG: "unet_128", cropSize: 128, loadSize: 143 });
 * console.log(config.ngf, config.cropHeight); // 64 128
 * ```
 */
export function parseConfig(values: ConfigInput): Config {
  return configOf(exactValues(configSchema, { ...values }));
}

/**
 * `parseConfig` for options as text: names in any spelling (`lambda_L1`, `lambda-l1`), numbers and booleans as text.
 * @throws ConfigError as parseConfig
 */
export function parseCommandLine(values: Readonly<Record<string, unknown>>): Config {
  return configOf(textValues(configSchema, values));
}

/** Defaults of the profile, channels that the layout fixes, then the options that were given. */
function configOf({ named, problems }: Named): Config {
  const { profile, datasetMode, direction, inputLabels, inputInstances } = configSchema.shape;
  const { sets }: Profile = profiles[validOr(profile, named.profile)];
  const implied = channelsOf({
    datasetMode: validOr(datasetMode, named.datasetMode),
    direction: validOr(direction, named.direction),
    inputLabels: inputLabels.safeParse(named.inputLabels).data,
    inputInstances: validOr(inputInstances, named.inputInstances),
  });
  const config = complete(checked(configSchema, { named: { ...sets, ...implied, ...named }, problems }));
  refuse(problemsOf(config));
  return config;
}

/** The value if the schema takes it, else the schema's default. A wrong value is reported with all others. */
function validOr<T>(schema: z.ZodDefault<z.ZodType<T>>, value: unknown): T {
  const parsed = schema.safeParse(value);
  return (parsed.success ? parsed.data : schema.parse(undefined)) as T;
}

/** Heights that are not given equal the widths. Parsing again puts their keys in the schema's order. */
function complete(config: z.output<typeof configSchema>): Config {
  const { loadSize, loadHeight = loadSize, cropSize, cropHeight = cropSize } = config;
  return { ...configSchema.parse({ ...config, loadHeight, cropHeight }), loadHeight, cropHeight };
}

/**
 * The configuration in a run's config.json.
 * @param where the file, for the message
 * @throws CheckpointError when it is damaged or from another program
 */
export function readConfig(text: string, where: string): Config {
  let values: unknown;
  try {
    values = JSON.parse(text);
  } catch {
    throw new CheckpointError(
      `${where} is not JSON: expected the options of a run; the file is damaged or from another program`,
    );
  }
  if (typeof values !== "object" || values === null || Array.isArray(values)) {
    throw new CheckpointError(`${where}: expected an object with the options of a run, got ${quoted(values)}`);
  }
  try {
    return parseCommandLine({ ...values });
  } catch (error) {
    if (error instanceof ConfigError)
      throw new CheckpointError(`${where} is not the options of a run: ${error.message}`);
    throw error;
  }
}

/**
 * The configuration of a run that is continued: the stored one, with those of the given options that may change (length,
 * learning rate, saving, printing, device, the folders of data and runs).
 * @throws ConfigError when a given option would change networks, data or random draws
 */
export function resumeConfig(stored: Config, explicit: Partial<ConfigInput>): Config {
  return resumed(stored, exactValues(configSchema, { ...explicit }));
}

/** `resumeConfig` for options as text, as `parseCommandLine` takes them. */
export function resumeCommandLine(stored: Config, explicit: Readonly<Record<string, unknown>>): Config {
  return resumed(stored, textValues(configSchema, explicit));
}

function resumed(stored: Config, { named, problems }: Named): Config {
  refuse(problems);
  // First, because a combination that cannot work would be refused with the advice to change other options that the run must keep.
  refuse(changesRefused(stored, named));
  return configOf({ named: { ...stored, ...named, continueTrain: true }, problems });
}

/** A sentence for each given option that the run must keep and that has another valid value than in the run. */
function changesRefused(stored: Config, named: Readonly<Record<string, unknown>>): string[] {
  return optionsOf(configSchema).flatMap(({ key, flag, resume }) => {
    if (resume || !(key in named)) return [];
    const name = key as keyof Config;
    const { success, data } = configSchema.shape[name].safeParse(named[key]);
    if (!success || data === stored[name]) return [];
    return [
      `${flag}: got ${text(data)}, but the run "${stored.name}" has ${text(stored[name])} and must keep it; ` +
        "leave the option out, or start another run with --name",
    ];
  });
}

function text(value: unknown): string {
  return value === undefined ? "none" : String(value);
}
