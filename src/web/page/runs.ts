/** The runs that lie in the browser's storage. */
import { type Config, Run } from "../../index.ts";
import type { LossLine } from "../../run.ts";
import { files, removeFolder } from "../files.ts";
import { checkpointsDir, dataDir } from "./settings.ts";

export interface StoredRun {
  config: Config;
  losses: LossLine[];
  /** Of the last checkpoint; 0 without one. */
  step: number;
}

export async function runNames(): Promise<string[]> {
  const found = (await files.list(checkpointsDir)) ?? [];
  return found.filter(({ folder }) => folder).map(({ name }) => name);
}

export async function storedRun(name: string): Promise<StoredRun> {
  const run = new Run(files, { checkpointsDir, name });
  const config = await run.config();
  const saved = await run.exists();
  const losses = await lossLines(name);
  return { config, losses, step: saved ? (losses.at(-1)?.step ?? 0) : 0 };
}

/** Read as it is: a worker may be at work on the run. */
async function lossLines(name: string): Promise<LossLine[]> {
  const path = `${checkpointsDir}/${name}/loss_log.jsonl`;
  if (!(await files.exists(path))) return [];
  const lines = new TextDecoder()
    .decode(await files.read(path))
    .trim()
    .split("\n");
  return lines.map((line) => JSON.parse(line) as LossLine);
}

/** Epochs that have samples, ascending. */
export async function sampleEpochs(name: string): Promise<number[]> {
  const found = (await files.list(`${checkpointsDir}/${name}/samples`)) ?? [];
  return found.flatMap((entry) => Number(/^epoch_(\d+)\.png$/.exec(entry.name)?.[1] ?? [])).sort((a, b) => a - b);
}

export function sampleFile(name: string, epoch: number): Promise<Uint8Array> {
  return files.read(`${checkpointsDir}/${name}/samples/epoch_${String(epoch).padStart(3, "0")}.png`);
}

export function deleteRun(name: string): Promise<void> {
  return removeFolder(`${checkpointsDir}/${name}`);
}

/** Removes the pictures that no run needs. @param keep a data set that a run may be begun on */
export async function clearPictures(keep: string | undefined): Promise<void> {
  const runs = await Promise.all((await runNames()).map((name) => storedRun(name)));
  const needed = new Set([keep, ...runs.map(({ config }) => config.dataroot)]);
  for (const { name } of (await files.list(dataDir)) ?? []) {
    if (!needed.has(`${dataDir}/${name}`)) await removeFolder(`${dataDir}/${name}`);
  }
}
