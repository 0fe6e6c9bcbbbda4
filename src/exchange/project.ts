/**
 * A run as one zip, to take it to another machine, or from a page to the command line and back: options, weights, losses, scores,
 * samples and, on request, the state from which training goes on. Pictures of the data set are not in it.
 */
import { Zip, ZipPassThrough } from "fflate";
import * as z from "zod";
import { option } from "../config/options.ts";
import { type Config, readConfig } from "../config/schema.ts";
import { CheckpointError, UserError } from "../errors.ts";
import { readMetadata } from "../formats/safetensors.ts";
import type { Slices } from "../formats/slices.ts";
import { joined } from "../formats/streams.ts";
import { type ZipFile, zipEntries } from "../formats/zip.ts";
import type { Files } from "../platform.ts";
import {
  configFile,
  dataFile,
  drawingFile,
  lossFile,
  sampleOf,
  samplesFolder,
  scoreFile,
  stateFile,
  weightsFile,
} from "../run/paths.ts";
import { Run, type RunPlace } from "../run/run.ts";
import { shellOption, shellWord, translateCommand } from "../text.ts";
import { exportFormat } from "./format.ts";
import { fileStem } from "./model.ts";

/** The files of a run's folder that a project may have. */
const small = [configFile, dataFile, drawingFile, lossFile, scoreFile];
const weights = (label: string) => (["G", "D", "G_ema"] as const).map((network) => weightsFile(label, network));
const isOfProject = (path: string): boolean => {
  const [folder, file, ...deeper] = path.split("/");
  if (folder === samplesFolder) return deeper.length === 0 && sampleOf(file ?? "") !== undefined;
  return [...small, stateFile, ...weights("latest"), ...weights("best")].includes(path);
};

/** What a project contains. */
export interface ProjectOptions {
  /** Also Adam's moments, so that training continues exactly. They take twice the space of the weights. */
  state: boolean;
}

/**
 * The bytes of a project, a zip without compression: weights hardly shrink.
 * @throws CheckpointError for a run that has no weights yet
 * @throws UserError for a state and weights of different steps: a process saves the run meanwhile
 */
export async function writeProject(
  run: Run,
  { state }: ProjectOptions,
  files: Files,
): Promise<Uint8Array<ArrayBuffer>> {
  const samples = (await run.samples()).map(({ file }) => file);
  const wanted = [...small, ...weights("latest"), ...weights("best"), ...(state ? [stateFile] : []), ...samples];
  if (!(await files.exists(run.path(weightsFile("latest", "G"))))) {
    throw new CheckpointError(`The run ${run.dir} has no weights yet, so there is nothing to export.`);
  }
  const chunks: Uint8Array[] = [];
  const zip = new Zip((error, chunk) => {
    if (error) throw error;
    chunks.push(chunk);
  });
  const checkpoint = state ? [...weights("latest"), stateFile] : [];
  const steps = new Set<string | undefined>();
  for (const path of wanted) {
    if (!(await files.exists(run.path(path)))) continue;
    const bytes = await files.read(run.path(path));
    if (checkpoint.includes(path)) {
      steps.add((await readMetadata(async (start, end) => bytes.subarray(start, end), path)).step);
    }
    const entry = new ZipPassThrough(path);
    zip.add(entry);
    entry.push(bytes, true);
  }
  if (steps.size > 1) {
    throw new UserError(
      `The weights and the state of ${run.dir} are of the steps ${[...steps].join(" and ")}: the run is being saved, or a kill has cut ` +
        "a save short. Export it again in a moment; where no process trains it, --continue-train completes the save.",
    );
  }
  zip.end();
  return joined(chunks);
}

/** A project that was read. */
export interface ReadProject {
  run: Run;
  config: Config;
  /** Whether it has Adam's moments, so that training can continue exactly. */
  state: boolean;
}

/**
 * Makes a run from a project.
 * @param place of the new run; without a name the run keeps its own
 * @throws CheckpointError for a zip that is no project
 * @throws UserError for a run that exists, or that another process trains or imports
 */
export async function readProject(
  archive: Blob | Slices,
  path: string,
  { checkpointsDir, name }: Partial<Pick<RunPlace, "name">> & Pick<RunPlace, "checkpointsDir">,
  files: Files,
): Promise<ReadProject> {
  const entries = (await zipEntries(archive, path)).filter((entry) => isOfProject(entry.path));
  const find = (file: string) => entries.find((entry) => entry.path === file);
  const options = find(configFile);
  if (!options || !find(weightsFile("latest", "G"))) {
    throw new CheckpointError(
      `${path} is no project: it has no ${options ? weightsFile("latest", "G") : configFile}. Expected a zip that pix2pix export ` +
        "--format project or the page has written. Files of weights from elsewhere are given without a zip around them.",
    );
  }
  const stored = readConfig(new TextDecoder().decode(await options.read()), `${path}/${configFile}`);
  const config = { ...stored, name: name ?? stored.name, checkpointsDir };
  const run = new Run(files, config);
  const others = entries.filter(({ path }) => path !== configFile);
  await run.locked(async () => {
    if ((await run.isStarted()) || (await run.keptWeights()).length > 0) {
      throw new UserError(`The run ${run.dir} exists already. Choose another --name, or remove the folder.`);
    }
    await writeAll(others, run, files);
    // The options come last, because a folder counts as a run as soon as it has them.
    await run.saveConfig(config);
  });
  return { run, config, state: find(stateFile) !== undefined };
}

/** Where an entry is damaged, nothing is left: what would be left looks like a run. */
async function writeAll(entries: readonly ZipFile[], run: Run, files: Files): Promise<void> {
  const written: string[] = [];
  try {
    for (const { path, read } of entries) {
      const bytes = await read();
      written.push(run.path(path));
      await files.write(run.path(path), bytes);
    }
  } catch (error) {
    for (const path of [...written, run.path(samplesFolder), run.dir]) await files.remove(path).catch(() => {});
    throw error;
  }
}

export const project = exportFormat({
  help: "the run as one zip for another machine or for the page in the browser",
  options: {
    withState: option(z.boolean().default(false), {
      group: "project",
      help: "also Adam's moments, so that training continues exactly",
    }),
  },
  problems: ({ run }) => (run ? [] : ["--format project takes a whole run: give --name, not --weights"]),
  async write(model, { withState }, { platform, write }) {
    await write(`${fileStem(model)}.zip`, await writeProject(model.run!.run, { state: withState }, platform.files));
  },
  usage: (model) =>
    [
      "## How to use it",
      `\`\`\`sh\nnpx pix2pix import ${shellWord(`${fileStem(model)}.zip`)}\n${translateCommand(shellOption("--name", model.name), model.config)}\n\`\`\``,
      "In the browser: `npx pix2pix web`, then drop the zip on the page that trains.",
    ].join("\n\n"),
});
