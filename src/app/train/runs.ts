/** The runs in the browser's storage. */
import { type Config, listRuns, Run } from "../../index.ts";
import type { LossLine } from "../../run/run.ts";
import { files, removeFolder } from "../../web/files.ts";
import { checkpointsDir, dataDir } from "./storage.ts";

export interface StoredRun {
  config: Config;
  /** Up to the last checkpoint; later steps are trained again. */
  losses: LossLine[];
  /** The step of the last checkpoint; 0 without one. */
  step: number;
}

export const runOf = (name: string): Run => new Run(files, { checkpointsDir, name });

export const runNames = (): Promise<string[]> => listRuns(files, checkpointsDir);

/** A run that is not being trained: the browser refuses to read a file that a worker is writing. */
export async function storedRun(name: string): Promise<StoredRun> {
  const run = runOf(name);
  const config = await run.config();
  const { step } = (await run.progress()) ?? { step: 0 };
  return { config, losses: await run.losses.read(step), step };
}

export function deleteRun(name: string): Promise<void> {
  return removeFolder(runOf(name).dir);
}

/** Removes the data sets that no run uses. @param keep the data set that is chosen for the next run */
export async function removeUnusedData(keep: string | undefined): Promise<void> {
  const configs = await Promise.all((await runNames()).map((name) => runOf(name).config())).catch(() => undefined);
  // A run whose options cannot be read may use any of them.
  if (!configs) return;
  const needed = new Set([keep, ...configs.map(({ dataroot }) => dataroot)]);
  for (const { name } of (await files.list(dataDir)) ?? []) {
    if (!needed.has(`${dataDir}/${name}`)) await removeFolder(`${dataDir}/${name}`);
  }
}
