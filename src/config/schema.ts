/**
 * Every option of a training run, once: the type, the flags, the help, the tables in docs/options.md and the checks all
 * come from `configSchema`. Names and defaults are those of the PyTorch implementation by Jun-Yan Zhu and others.
 */
import * as z from "zod";
import { CheckpointError, ConfigError, quoted } from "../errors.ts";
import { problemsOf } from "./checks.ts";
import { dataOptions } from "./groups/data.ts";
import { networkOptions } from "./groups/networks.ts";
import { objectiveOptions } from "./groups/objective.ts";
import { runOptions } from "./groups/run.ts";
import { scheduleOptions } from "./groups/schedule.ts";
import { namedValues, optionsOf, parseOptions, refuse } from "./options.ts";
import { type Profile, profiles } from "./profiles.ts";

export { checkSize, crops, warningsOf } from "./checks.ts";
export { profiles } from "./profiles.ts";

export const configSchema = z.object({
  ...dataOptions,
  ...networkOptions,
  ...objectiveOptions,
  ...scheduleOptions,
  ...runOptions,
});

/** All options of a run, complete and checked. Stored as runs/<name>/config.json. */
export type Config = z.output<typeof configSchema>;
/** What a caller has to give: only the dataroot. */
export type ConfigInput = z.input<typeof configSchema>;

/** What a layout fixes: colorization turns lightness into two channels of colour. */
function impliedBy({ datasetMode, direction }: Record<string, unknown>): Partial<Config> {
  if (datasetMode !== "colorization") return {};
  return direction === "BtoA" ? { inputNc: 2, outputNc: 1 } : { inputNc: 1, outputNc: 2 };
}

/**
 * The whole configuration from the options that were given. Keys may have any spelling, numbers may be text; the
 * profile's defaults come before the schema's.
 * @throws ConfigError listing every problem: option, what it got, what was expected, the nearest choice.
 */
export function parseConfig(values: Readonly<Record<string, unknown>>): Config {
  const { named, problems } = namedValues(configSchema, values);
  const profile = Object.hasOwn(profiles, String(named.profile)) ? profiles[named.profile as Profile] : {};
  const config = parseOptions(configSchema, { ...profile, ...impliedBy(named), ...named }, problems);
  refuse(problemsOf(config));
  return config;
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
    throw new CheckpointError(`${where}: expected an object with the options of a run, got ${quoted(values)}`);
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
