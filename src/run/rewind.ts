/**
 * Takes a run back to weights that it has kept, for `train --continue-train --epoch`. What came after them is set aside
 * first, as a run of its own inside the folder of the run; then the last checkpoint is replaced. After a kill at any
 * point nothing is lost: either the run still ends where it did, or it ends at the kept weights.
 */
import type { NetworkState } from "../engines/state.ts";
import { CheckpointError, quoted } from "../errors.ts";
import type { Files } from "../platform.ts";
import { shellOption } from "../text.ts";
import { alarmFile } from "./alarms.ts";
import { metadataOf, type Networks, type Progress, readTensors } from "./checkpoint.ts";
import {
  configFile,
  dataFile,
  drawingFile,
  lossFile,
  pageFile,
  scoreFile,
  stateFile,
  stateFileOf,
  weightsFile,
} from "./paths.ts";
import type { Run } from "./run.ts";
import { statusFile } from "./status.ts";
import { loadAverage, loadMoments, loadWeights } from "./weights.ts";

/** The kept weights, and the checkpoint that they replace. */
interface Target {
  /** "best", the number of a kept epoch, or "iter_500". */
  label: string;
  /** Of the last checkpoint, whose weights and moments the networks hold. */
  progress: Progress;
  /** Steps of an epoch. */
  perEpoch: number;
}

/**
 * Takes a run back to the weights of a label, which become its last checkpoint.
 * @param networks hold the last checkpoint; afterwards the kept weights
 * @returns where the run is now, and what was done, in words
 * @throws CheckpointError when the weights were not kept, are damaged, or are of other networks; nothing is changed then
 */
export async function rewind(
  files: Files,
  run: Run,
  networks: Networks,
  { label, progress, perEpoch }: Target,
): Promise<{ progress: Progress; message: string }> {
  const step = await stepOf(files, run, label, perEpoch);
  const at = `${label} (step ${step})`;
  if (step === progress.step) return { progress, message: `The last checkpoint is that of --epoch ${at}.` };
  const momentsFrom = await load(files, run, networks, label, step);
  const moments =
    momentsFrom === step
      ? " Adam's moments were not kept with them (--save-state) and begin anew."
      : " Adam's moments were kept with them.";
  const aside = step < progress.step ? await setAside(files, run, progress, { step, perEpoch }) : undefined;
  const back: Progress = { ...progress, step, epoch: Math.ceil(step / perEpoch), momentsFrom };
  await run.saveLatest(networks, back);
  const later = aside
    ? ` What came after them, to step ${progress.step}, is the run ${shellOption("--name", `${run.name}/${aside}`)}.`
    : "";
  return { progress: back, message: `The run goes on from the weights of --epoch ${at}.${moments}${later}` };
}

/** Loads kept weights, and moments where they were kept. @returns the step before the first that the moments have seen */
async function load(files: Files, run: Run, networks: Networks, label: string, step: number): Promise<number> {
  const kept = [];
  for (const [network, net] of [
    ["G", networks.netG],
    ["D", networks.netD],
  ] as const) {
    const path = await run.weightsPath(label, network);
    const { tensors, metadata } = await readTensors(files, path);
    if (metadata.step !== undefined && Number(metadata.step) !== step) {
      throw new CheckpointError(
        `${path} is of step ${metadata.step} and ${weightsFile(label, "G")} of step ${step}, so they do not belong together. ` +
          "Choose other weights with --epoch.",
      );
    }
    kept.push({ net, path, tensors });
  }
  const statePath = run.path(stateFileOf(label));
  const state = (await files.exists(statePath)) ? await readTensors(files, statePath) : undefined;
  for (const { net, tensors, path } of kept) loadWeights(net, tensors, path);
  await loadKeptAverage(files, run, networks.netG, label);
  const usable = state !== undefined && Number(state.metadata.step) === step;
  for (const { net } of kept) {
    if (usable) loadMoments(net, state.tensors, statePath);
    else for (const moment of ["m", "v"] as const) net.adam[moment].fill(0);
  }
  return usable ? Number(state.metadata.momentsFrom ?? 0) : step;
}

/** Loads the average that was kept with the weights. Weights from before --ema have none: the average begins with them. */
async function loadKeptAverage(files: Files, run: Run, netG: NetworkState, label: string): Promise<void> {
  if (!netG.averaged) return;
  const path = run.path(weightsFile(label, "G_ema"));
  if (await files.exists(path)) loadAverage(netG, (await readTensors(files, path)).tensors, path);
  else netG.startAverage();
}

/** The step of kept weights. Files of older versions name their epoch only. */
async function stepOf(files: Files, run: Run, label: string, perEpoch: number): Promise<number> {
  const path = await run.weightsPath(label, "G");
  const { step, epoch } = await metadataOf(files, path);
  const number = step ?? (epoch === undefined ? undefined : String(Number(epoch) * perEpoch));
  if (number !== undefined && /^\d{1,15}$/.test(number)) return Number(number);
  throw new CheckpointError(
    `${path} is damaged: its step is ${quoted(number)}, expected a whole number. Choose other weights with --epoch.`,
  );
}

/**
 * Copies the run as it is, without the weights kept up to `step`, and moves the later ones. A repetition after a kill
 * completes the same folder.
 * @returns the name of the folder
 */
async function setAside(
  files: Files,
  run: Run,
  { epoch: end }: Progress,
  { step, perEpoch }: { step: number; perEpoch: number },
): Promise<string> {
  const copy = async (file: string, to: string) => {
    if (await files.exists(run.path(file)))
      await files.write(run.path(`${to}/${file}`), await files.read(run.path(file)));
  };
  const folder = await folderFor(files, run, `until_epoch_${end}`);
  const latest = [...(["G", "D", "G_ema"] as const).map((network) => weightsFile("latest", network)), stateFile];
  const about = [configFile, dataFile, drawingFile, lossFile, scoreFile, statusFile, alarmFile, pageFile];
  for (const file of [...latest, ...about]) await copy(file, folder);
  for (const sample of await run.samples()) {
    await copy(sample.file, folder);
    if ((sample.step ?? sample.epoch * perEpoch) > step) await files.remove(run.path(sample.file));
  }
  for (const label of await run.keptWeights()) {
    if (label === "latest" || (await stepOf(files, run, label, perEpoch)) <= step) continue;
    // G comes last: by it the label is found again after a kill.
    const weights = (["D", "G_ema", "G"] as const).map((network) => weightsFile(label, network));
    for (const file of [stateFileOf(label), ...weights]) {
      if (await files.exists(run.path(file))) await files.rename(run.path(file), run.path(`${folder}/${file}`));
    }
  }
  return folder;
}

/** The first folder that is free, or that an earlier attempt has begun with the same last checkpoint. */
async function folderFor(files: Files, run: Run, name: string): Promise<string> {
  const generator = weightsFile("latest", "G");
  const now = await files.read(run.path(generator));
  for (let i = 1; ; i++) {
    const folder = i === 1 ? name : `${name}_${i}`;
    const before = run.path(`${folder}/${generator}`);
    if (!(await files.exists(before)) || same(await files.read(before), now)) return folder;
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
