/** The runs in the browser's storage. */
import type { Config } from "../../config/schema.ts";
import { lockFile } from "../../run/paths.ts";
import { type LossLine, listRuns, Run, type Score } from "../../run/run.ts";
import { standingOf } from "../../run/standing.ts";
import { counted } from "../../text.ts";
import { files, isLocked, removeFolder } from "../../web/files.ts";
import { forgetDrawing } from "../studio/kept.ts";
import { checkpointsDir, dataDir } from "./storage.ts";

export interface StoredRun {
  config: Config;
  /** Up to the last checkpoint; later steps are trained again. */
  losses: LossLine[];
  /** On pairs that are kept from training, oldest first. */
  scores: Score[];
  /** The step of the last checkpoint; 0 without one. */
  step: number;
  /** The step at which it ends; undefined where it has neither a status nor a `maxSteps`. */
  lastStep: number | undefined;
  /** Whether nothing is left to train. */
  finished: boolean;
  /** Whether there is a checkpoint, perhaps of step 0. */
  begun: boolean;
  /** It has weights but no training state, so training cannot continue. */
  imported: boolean;
}

export const runOf = (name: string): Run => new Run(files, { checkpointsDir, name });

/** Folders of runs, including runs whose options are missing or damaged: the user can delete these. */
export async function runNames(): Promise<string[]> {
  return ((await files.list(checkpointsDir)) ?? []).flatMap(({ name, folder }) => (folder ? [name] : []));
}

/** Folders of imported pictures, and of the facades that were drawn. */
export async function dataSetNames(): Promise<string[]> {
  return ((await files.list(dataDir)) ?? []).flatMap(({ name, folder }) => (folder ? [name] : []));
}

/** Whether this tab or another one trains the run. */
export const isTraining = async (name: string): Promise<boolean> => isLocked(await lockFile(files, runOf(name).dir));

/**
 * A run that is not being trained: the browser refuses to read a file that a worker is writing.
 * @throws UserError for a run whose options are missing or damaged
 */
export async function storedRun(name: string): Promise<StoredRun> {
  const run = runOf(name);
  const config = await run.config();
  const progress = await run.progress();
  const step = progress?.step ?? 0;
  const [losses, scores, status] = await Promise.all([run.losses.read(step), run.scores.read(step), run.status()]);
  const { lastStep, finished } = standingOf(config, { status, progress, scores });
  const imported = await run.isImported();
  return { config, losses, scores, step, lastStep, finished, begun: progress !== undefined, imported };
}

/** Deletes a run, and the drawing that the studio keeps for it. @throws UserError for a run that is being trained, in any tab */
export async function deleteRun(name: string): Promise<void> {
  const run = runOf(name);
  await run.locked(async () => {
    await removeFolder(run.dir);
    await forgetDrawing(name);
  });
}

/** Deletes what a failed import has left: a folder without options, which come last. */
export async function deleteUnfinished(name: string): Promise<void> {
  const run = runOf(name);
  await run.locked(async () => {
    if (!(await run.isStarted())) await removeFolder(run.dir);
  });
}

/** The data sets that trainings read now, in any tab. */
export async function dataInUse(): Promise<ReadonlySet<string>> {
  const training = await Promise.all(
    (await runNames()).map(async (name) =>
      (await isTraining(name))
        ? runOf(name)
            .config()
            .catch(() => undefined)
        : undefined,
    ),
  );
  return new Set(training.flatMap((config) => config?.dataroot ?? []));
}

/** Removes the data sets that no run uses. @param keep the data sets that are chosen for the next run or read by one that begins */
export async function removeUnusedData(keep: readonly (string | undefined)[]): Promise<void> {
  const configs = await Promise.all((await listRuns(files, checkpointsDir)).map((name) => runOf(name).config())).catch(
    () => undefined,
  );
  // A run whose options are damaged may use any of them.
  if (!configs) return;
  const needed = new Set([...keep, ...configs.map(({ dataroot }) => dataroot)]);
  for (const { name } of (await files.list(dataDir)) ?? []) {
    if (!needed.has(`${dataDir}/${name}`)) await removeFolder(`${dataDir}/${name}`);
  }
}

/** Whether it has weights to translate with. */
export const isUsable = ({ step, imported }: StoredRun): boolean => step > 0 || imported;

/** A sentence on where it stands. */
export function standingText(run: StoredRun): string {
  if (run.imported) return "Imported without its training state: it can be used, but training cannot continue.";
  if (run.step === 0) return run.begun ? "Paused before the first step." : "Started, nothing is saved yet.";
  return run.finished ? `Finished after ${counted(run.step, "step")}.` : `Paused at step ${run.step}.`;
}
