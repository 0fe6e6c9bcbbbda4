/** Begins a run that a page or a program asks for: its options, and the folders that it may read. */
import { fieldsOf, labelOf } from "../config/form.ts";
import { optionsOf } from "../config/options.ts";
import { type Config, configSchema, parseCommandLine } from "../config/schema.ts";
import { findPairs } from "../data/pairs.ts";
import type { Files } from "../platform.ts";
import { Run } from "../run/run.ts";
import { mostTrainings, needed, type RunControl } from "./control.ts";
import { Refusal } from "./problem.ts";
import type { Runs } from "./runs.ts";

/** What the server may read for a training. */
export interface DataPlaces {
  files: Files;
  /** Folders that hold data sets. */
  dataDirs: readonly string[];
}

/** Folders that are offered at most. */
const mostOffered = 200;
/** Folders that hold no data. */
const never = new Set(["node_modules", "runs", "results"]);

/** The folders that a page can offer: those of earlier runs, and those that lie in the folders of data. */
export async function offered(runs: Runs, { files, dataDirs }: DataPlaces): Promise<string[]> {
  const earlier = await datarootsOf(runs);
  const inside: string[] = [];
  for (const dir of dataDirs) {
    for (const { name, folder } of (await files.list(dir)) ?? []) {
      if (folder && !name.startsWith(".") && !never.has(name)) inside.push(dir === "." ? name : `${dir}/${name}`);
    }
  }
  return [...new Set([...earlier, ...inside])].slice(0, mostOffered);
}

async function datarootsOf(runs: Runs): Promise<string[]> {
  const names = await runs.names();
  const found = await Promise.all(
    names.map(async (name) => {
      const config = await runs.open(name).then(
        (run) => run.config(),
        () => undefined,
      );
      return config?.dataroot;
    }),
  );
  return [...new Set(found.filter((root) => root !== undefined))];
}

/**
 * Begins a run in a process of its own.
 * @param asked `name`, `dataroot`, and `options` as text by their keys
 * @returns the process
 * @throws Refusal 403 for a folder that the server may not read, 409 for a name that is taken or while it trains another run, 422 for
 *   options that are wrong
 * @throws UserError for data that cannot be used
 */
export async function begin(
  asked: Readonly<Record<string, unknown>>,
  runs: Runs,
  places: DataPlaces,
  control: RunControl | undefined,
): Promise<{ pid: number; name: string }> {
  const able = needed(control);
  const { config, given } = optionsIn(asked, runs.checkpointsDir);
  await refusePaths(given, places, await datarootsOf(runs), able);
  if (await new Run(places.files, config).isStarted()) {
    throw new Refusal(409, `the run "${config.name}" exists already; choose another name, or go on with it`);
  }
  if (able.running >= mostTrainings) throw new Refusal(409, "this server trains another run now; stop it first", 60);
  await findPairs(places.files, config.dataroot, config);
  const { pid } = await able.train({ ...wordsOf(given), "--checkpoints-dir": runs.checkpointsDir });
  return { pid, name: config.name };
}

/** @throws Refusal 422 for options that a page does not have; ConfigError for values that are wrong */
function optionsIn(asked: Readonly<Record<string, unknown>>, checkpointsDir: string) {
  const { name, dataroot, options = {}, ...others } = asked;
  const [other] = Object.keys(others);
  if (other !== undefined) {
    throw new Refusal(422, `"${other}" is not known; expected name, dataroot and options`);
  }
  if (typeof name !== "string" || typeof dataroot !== "string") {
    throw new Refusal(422, "name and dataroot are needed, as text");
  }
  if (typeof options !== "object" || options === null) throw new Refusal(422, "options: expected an object");
  const keys = new Set(fieldsOf("server").map(({ key }) => key));
  const given: Record<string, string> = { name, dataroot };
  for (const [key, value] of Object.entries(options)) {
    if (!keys.has(key))
      throw new Refusal(422, `options: "${key}" cannot be set here; the keys are those of config.json`);
    if (!["string", "number", "boolean"].includes(typeof value))
      throw new Refusal(422, `options: ${key}: expected text`);
    given[key] = String(value);
  }
  const config: Config = parseCommandLine({ ...given, checkpointsDir });
  for (const spec of optionsOf(configSchema)) {
    // The command line has no word that switches an option off.
    const { [spec.key]: own, ...rest } = given;
    if (spec.type !== "boolean" || own !== "false") continue;
    if (parseCommandLine({ ...rest, checkpointsDir })[spec.key as keyof Config] === true) {
      throw new Refusal(
        422,
        `"${labelOf(spec)}" is on in the profile ${config.profile} and cannot be switched off here`,
      );
    }
  }
  return { config, given };
}

/** The options as words of a command line. */
function wordsOf(given: Readonly<Record<string, string>>): Record<string, string | true> {
  const words: Record<string, string | true> = {};
  for (const { key, flag, type } of optionsOf(configSchema)) {
    const value = given[key];
    if (value === undefined || (type === "boolean" && value === "false")) continue;
    words[flag] = type === "boolean" ? true : value;
  }
  return words;
}

/** @throws Refusal 403 for a file or folder outside of those that the server may read */
async function refusePaths(
  given: Readonly<Record<string, string>>,
  { dataDirs }: DataPlaces,
  earlier: readonly string[],
  { realPath }: RunControl,
): Promise<void> {
  const allowed = (await Promise.all([...dataDirs, ...earlier].map(realPath))).filter((path) => path !== undefined);
  for (const { key, value: kind } of optionsOf(configSchema)) {
    const value = given[key];
    if (kind === "NAME" && value?.split(/[/\\]/).includes(".."))
      throw new Refusal(422, `${value}: a name without .. is expected`);
    if (value === undefined || (kind !== "FILE" && kind !== "FOLDER")) continue;
    const path = await realPath(value);
    const inside =
      path !== undefined && allowed.some((folder) => path === folder || path.startsWith(withSlash(folder)));
    if (!inside) {
      throw new Refusal(
        403,
        `${value}: no folder that this server reads; it reads those in ${dataDirs.join(", ")} (--data-dir) and those of its runs`,
      );
    }
  }
}

const withSlash = (folder: string): string =>
  /[/\\]$/.test(folder) ? folder : folder + (folder.includes("\\") ? "\\" : "/");
