/** The runs of a sweep, from its file: options of all runs, and lists of values that are tried in every combination. */
import * as z from "zod";
import { type OptionSpec, optionsOf } from "../../config/options.ts";
import { configSchema, parseCommandLine } from "../../config/schema.ts";
import { ConfigError } from "../../errors.ts";
import { readText } from "../../formats/read-text.ts";
import { files } from "../../node/files.ts";
import { plainName, visible } from "../../text.ts";

/** One run of a sweep. */
export interface SweepRun {
  index: number;
  /** Its name as a run: <sweep>/<varied options with their values>, or <sweep>/<name of the set>_<values of the grid>. */
  name: string;
  /** The options that vary, by flag without dashes, in the order of the file; `name` for those of a named set. */
  values: Readonly<Record<string, string>>;
  /** All options of train by key, as a command line gives them. */
  options: Readonly<Record<string, string>>;
}

export interface Sweep {
  name: string;
  checkpointsDir: string;
  runs: readonly SweepRun[];
  /** Options of test by key, as a command line gives them; undefined where runs are not tested. */
  test: Readonly<Record<string, string>> | undefined;
}

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const options = z.record(z.string(), scalar);
const fileSchema = z.strictObject({
  name: z.string().min(1).optional(),
  train: options.default({}),
  grid: z.record(z.string(), z.array(scalar).min(1)).default({}),
  list: z
    .array(options.and(z.object({ name: z.string().min(1).optional() })))
    .min(1)
    .optional(),
  test: z.union([options, z.literal(false)]).default({}),
});

const form =
  "expected train: (options of all runs), grid: (lists of values), list: (sets of options), and if wanted name: and test:";

/**
 * Reads the file of a sweep and checks every run of it.
 * @param testSpecs the options of test
 * @throws ConfigError for text that is no YAML, keys that are no options, and options that train refuses
 */
export async function readSweep(path: string, testSpecs: readonly OptionSpec[]): Promise<Sweep> {
  const where = visible(path);
  const parsed = fileSchema.safeParse(await contentOf(await readText(files, path), where));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const at = issue?.path.length ? ` at ${issue.path.join(".")}` : "";
    throw new ConfigError(`${where}${at}: ${issue?.message}; ${form}`);
  }
  const { name: given, train, grid, list = [{}], test } = parsed.data;
  const name = given ?? path.replace(/^.*[/\\]/, "").replace(/\.ya?ml$/i, "");
  const { checkpointsDir = "runs", ...common } = byKey(train, where);
  const runs = combinations(list, grid).map(({ set, tried }, index): SweepRun => {
    const { name: label, ...values } = set;
    const [fixed, varied] = [byKey(values, where), byKey(tried, where)];
    const shown = { ...(label === undefined ? byFlag(fixed) : { name: `${label}` }), ...byFlag(varied) };
    if ([fixed, varied].some(({ checkpointsDir: place, name: own }) => place !== undefined || own !== undefined))
      throw new ConfigError(`${where}: every run is named by its values, or by the name: of its set in list:`);
    const run = { name: `${name}/${nameOf(shown) || "run"}`, checkpointsDir };
    return { index, name: run.name, values: shown, options: { ...common, ...fixed, ...varied, ...run } };
  });
  checkRuns(runs, where);
  const ofTest = test === false ? undefined : byKey(test, where, { command: "test", specs: testSpecs });
  return { name, checkpointsDir, runs, test: ofTest };
}

async function contentOf(text: string, where: string): Promise<unknown> {
  const { parse, YAMLParseError } = await import("yaml");
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    throw new ConfigError(`${where} is not YAML: ${error.message.split("\n")[0]}`);
  }
}

type Values = Readonly<Record<string, string | number | boolean>>;

/** Every set of the list with every combination of the grid; the last option of the grid varies fastest. */
function combinations(list: readonly Values[], grid: Readonly<Record<string, readonly Values[string][]>>) {
  const tried = Object.entries(grid).reduce<Values[]>(
    (sets, [key, choices]) => sets.flatMap((set) => choices.map((value) => ({ ...set, [key]: value }))),
    [{}],
  );
  return list.flatMap((set) => tried.map((each) => ({ set, tried: each })));
}

interface Choices {
  command: string;
  specs: readonly OptionSpec[];
}

const ofTrain: Choices = { command: "train", specs: optionsOf(configSchema) };

/** Values as text, by the key of their option. @throws ConfigError for a name that is no option of the command */
function byKey(values: Values, where: string, { command, specs }: Choices = ofTrain): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const spec = specs.find(({ flag }) => plainName(flag) === plainName(`--${name}`));
      if (!spec) throw new ConfigError(`${where}: "${visible(name)}" is no option of ${command}`);
      return [spec.key, String(value)];
    }),
  );
}

const byFlag = (values: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [flagOf(key), value]));

const flagOf = (key: string) =>
  optionsOf(configSchema)
    .find((spec) => spec.key === key)!
    .flag.slice(2);

/** "lr=0.0001_seed=1", "modern_seed=1": characters that a folder's name may not have become dashes. */
function nameOf(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([flag, value]) => `${flag === "name" ? "" : `${flag}=`}${value.replace(/[^\w.+-]/g, "-")}`)
    .join("_");
}

/** The options that vary from run to run, in the order of the file. */
export const variedIn = (runs: readonly SweepRun[]): string[] => [
  ...new Set(runs.flatMap(({ values }) => Object.keys(values))),
];

/** @throws ConfigError for two runs of one name, and for the first run that train would refuse */
function checkRuns(runs: readonly SweepRun[], where: string): void {
  const seen = new Map<string, number>();
  for (const { index, name, options } of runs) {
    const other = seen.get(name);
    if (other !== undefined) throw new ConfigError(`${where}: runs ${other} and ${index} are both called ${name}`);
    seen.set(name, index);
    try {
      parseCommandLine(options);
    } catch (error) {
      if (error instanceof ConfigError) throw new ConfigError(`${where}, run ${index}, ${name}: ${error.message}`);
      throw error;
    }
  }
}
