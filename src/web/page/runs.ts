/** The runs that lie in the browser's storage. */
import { type Config, Run } from "../../index.ts";
import type { LossLine } from "../../run/run.ts";
import { files, openFile, removeFolder } from "../files.ts";
import { checkpointsDir, dataDir } from "./settings.ts";

export interface StoredRun {
  config: Config;
  /** Up to the last checkpoint: what came after it is trained anew. */
  losses: LossLine[];
  /** Of the last checkpoint; 0 without one. */
  step: number;
}

export async function runNames(): Promise<string[]> {
  const found = (await files.list(checkpointsDir)) ?? [];
  return found.filter(({ folder }) => folder).map(({ name }) => name);
}

/** A run that rests: a file that a worker is writing cannot be read. */
export async function storedRun(name: string): Promise<StoredRun> {
  const config = await configOf(name);
  const step = await savedStep(name);
  return { config, losses: await lossLines(name, step), step };
}

function configOf(name: string): Promise<Config> {
  return new Run(files, { checkpointsDir, name }).config();
}

/** The step of the last checkpoint, from the header of its state, which may be a large file. */
async function savedStep(name: string): Promise<number> {
  const path = `${checkpointsDir}/${name}/latest_state.safetensors`;
  if (!(await files.exists(path))) return 0;
  const file = await openFile(path);
  const length = new DataView(await file.slice(0, 8).arrayBuffer()).getBigUint64(0, true);
  const header = JSON.parse(await file.slice(8, 8 + Number(length)).text()) as { __metadata__: { step: string } };
  return Number(header.__metadata__.step);
}

async function lossLines(name: string, last: number): Promise<LossLine[]> {
  const path = `${checkpointsDir}/${name}/loss_log.jsonl`;
  if (!(await files.exists(path))) return [];
  const text = new TextDecoder().decode(await files.read(path));
  // The last line of a closed page may be a part of one.
  const lines = text.split("\n").filter((line) => line.endsWith("}"));
  return lines.map((line) => JSON.parse(line) as LossLine).filter(({ step }) => step <= last);
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
  const configs = await Promise.all((await runNames()).map(configOf)).catch(() => undefined);
  // A run that cannot be read may need any of them.
  if (!configs) return;
  const needed = new Set([keep, ...configs.map(({ dataroot }) => dataroot)]);
  for (const { name } of (await files.list(dataDir)) ?? []) {
    if (!needed.has(`${dataDir}/${name}`)) await removeFolder(`${dataDir}/${name}`);
  }
}
