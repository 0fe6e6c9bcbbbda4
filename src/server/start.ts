/** Begins a run that a page or a program asks for: its options, and the folders that it may read. */
import { fieldsOf } from "../config/form.ts";
import { optionsOf } from "../config/options.ts";
import { type Config, configSchema, parseCommandLine } from "../config/schema.ts";
import { findPairs } from "../data/pairs.ts";
import type { Files } from "../platform.ts";
import { Run } from "../run/run.ts";
import type { Runs } from "../run/summaries.ts";
import { type RunControl, refuseSecondTraining } from "./control.ts";
import { Refusal } from "./problem.ts";

/** What the server may read for a training. */
export interface DataPlaces {
  files: Files;
  /** Folders that hold data sets. */
  dataDirs: readonly string[];
}

/** Folders that are offered at most. */
const mostOffered = 200;
/** Folders that hold no data. */
const notData = new Set(["node_modules", "runs", "results"]);

/** The folders that a page can offer, each once: those of earlier runs, and those that lie in the folders of data. */
export async function dataFolders(
  runs: Runs,
  { files, dataDirs }: DataPlaces,
  { realPath }: Pick<RunControl, "realPath">,
): Promise<string[]> {
  const earlier = await datarootsOf(runs);
  const inside: string[] = [];
  for (const dir of dataDirs) {
    for (const { name, folder } of (await files.list(dir)) ?? []) {
      if (folder && !name.startsWith(".") && !notData.has(name)) inside.push(dir === "." ? name : `${dir}/${name}`);
    }
  }
  const allowed = await readableFolders(dataDirs, earlier, realPath);
  const paths = new Map<string, string>();
  for (const folder of [...earlier, ...inside]) {
    const path = await realPath(folder);
    if (path !== undefined && !paths.has(path) && isIn(path, allowed)) paths.set(path, folder);
    if (paths.size === mostOffered) break;
  }
  return [...paths.values()];
}

async function datarootsOf(runs: Runs): Promise<string[]> {
  const names = await runs.names();
  const found = await Promise.all(
    names.map(async (name) => {
      const run = await runs.find(name);
      return run?.config().then(
        (config) => config.dataroot,
        () => undefined,
      );
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
export async function startRun(
  asked: Readonly<Record<string, unknown>>,
  runs: Runs,
  places: DataPlaces,
  control: RunControl,
): Promise<{ pid: number; name: string }> {
  const { config, given } = optionsIn(asked, runs.checkpointsDir);
  await refusePaths(given, places, await datarootsOf(runs), control);
  if (await new Run(places.files, config).isStarted()) {
    throw new Refusal(409, `the run "${config.name}" exists already; choose another name, or go on with it`);
  }
  await findPairs(places.files, config.dataroot, config);
  refuseSecondTraining(control);
  const { pid } = await control.train({ ...wordsOf(given), "--checkpoints-dir": runs.checkpointsDir });
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
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw new Refusal(422, "options: expected an object");
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
  return { config, given };
}

/** The options as words of a command line. */
function wordsOf(given: Readonly<Record<string, string>>): Record<string, string> {
  const words = optionsOf(configSchema).flatMap(({ key, flag }) => (key in given ? [[flag, given[key]!]] : []));
  return Object.fromEntries(words);
}

/** @throws Refusal 403 for a file or folder outside of those that the server may read */
async function refusePaths(
  given: Readonly<Record<string, string>>,
  { dataDirs }: DataPlaces,
  earlier: readonly string[],
  { realPath }: RunControl,
): Promise<void> {
  const allowed = await readableFolders(dataDirs, earlier, realPath);
  for (const { key, value: kind } of optionsOf(configSchema)) {
    const value = given[key];
    if (kind === "NAME" && value?.split(/[/\\]/).includes(".."))
      throw new Refusal(422, `${value}: a name without .. is expected`);
    if (value === undefined || (kind !== "FILE" && kind !== "FOLDER")) continue;
    const path = await realPath(value);
    if (path === undefined || !isIn(path, allowed)) {
      throw new Refusal(
        403,
        `${value}: no ${kind.toLowerCase()} that this server reads; it reads those in ${dataDirs.join(", ")} (--data-dir) and those of its runs`,
      );
    }
  }
}

/** The real paths of the folders of data and of those of earlier runs. */
async function readableFolders(
  dataDirs: readonly string[],
  earlier: readonly string[],
  realPath: RunControl["realPath"],
): Promise<string[]> {
  const paths = await Promise.all([...dataDirs, ...earlier].map(realPath));
  return paths.filter((path) => path !== undefined);
}

/** Whether a real path is one of these folders or lies below one. */
const isIn = (path: string, folders: readonly string[]): boolean =>
  folders.some((folder) => path === folder || path.startsWith(withSlash(folder)));

const withSlash = (folder: string): string =>
  /[/\\]$/.test(folder) ? folder : folder + (folder.includes("\\") ? "\\" : "/");
