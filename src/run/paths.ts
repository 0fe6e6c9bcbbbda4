/**
 * Names of the files in a run's folder, `<checkpointsDir>/<name>/`:
 *
 * | file | content |
 * |---|---|
 * | config.json | the options of the run |
 * | data.json | names, sizes, times and contents of the pairs' files |
 * | drawing.json | the palette of the run's inputs, for the studio |
 * | latest_net_G.safetensors, latest_net_D.safetensors | weights of the last checkpoint |
 * | latest_net_G_ema.safetensors, ... | with --ema: the running average of G's weights, beside each file of G's |
 * | latest_state.safetensors | Adam's moments of both networks; its header holds the step and the digest of data.json |
 * | 20_net_G.safetensors, best_net_G.safetensors, ... | weights of an epoch that is kept |
 * | iter_500_net_G.safetensors, ... | weights of a step that is kept (--save-by-iter) |
 * | 20_state.safetensors, ... | Adam's moments that are kept with such weights (--save-state) |
 * | until_epoch_200/ | a run of its own: what came after the epoch to which `--epoch` took the run back |
 * | loss_log.jsonl, val_log.jsonl | one JSON object a line: losses of a step, scores of an epoch |
 * | samples/epoch_020.png | input, output and target of a few pairs after an epoch |
 * | samples/epoch_020_step_007800.png | the same within an epoch (--display-freq) |
 * | status.json | steps, device and loss of the training, for programs that watch it |
 * | alarms.jsonl | what is wrong in the training, and what to do |
 * | tensorboard/ | event files (--tensorboard) |
 * | index.html | the page of the run |
 *
 * Names of weights are those of the PyTorch implementation.
 */
import type { Files } from "../platform.ts";

export const configFile = "config.json";
export const dataFile = "data.json";
export const drawingFile = "drawing.json";
export const pageFile = "index.html";
export const lossFile = "loss_log.jsonl";
export const scoreFile = "val_log.jsonl";
export const samplesFolder = "samples";
/** @param label as for weightsFile */
export const stateFileOf = (label: string | number): string => `${label}_state.safetensors`;
export const stateFile = stateFileOf("latest");

/**
 * @param label "latest", "best", the number of an epoch, or "iter_500"
 * @param network "G_ema": the running average of G's weights
 */
export const weightsFile = (label: string | number, network: "G" | "D" | "G_ema"): string =>
  `${label}_net_${network}.safetensors`;

/** The label of a file with weights of the generator; undefined for any other file. */
export const labelOf = (file: string): string | undefined => /^(.+)_net_G\.safetensors$/.exec(file)?.[1];

/**
 * The file that names the process which trains the run, and exists as long as it does. It lies beside the run's folder,
 * because the folder may be moved meanwhile. Where the folder is a symbolic link, it lies beside the real folder: all
 * names of a folder have one lock.
 */
export async function lockFile({ realPath }: Pick<Files, "realPath">, dir: string): Promise<string> {
  const real = (await realPath?.(dir).catch(() => undefined)) ?? dir;
  return real.replace(/([^/\\]*)$/, ".$1.lock");
}

/** Whether a file was left half written by a process that was killed. */
export const isLeftOver = (file: string): boolean => file.endsWith(".part");

/**
 * Relative to the folder of the run: "samples/epoch_003.png" for the end of an epoch, "samples/epoch_003_step_000850.png"
 * within it.
 * @param step counted from the run's first; undefined for the end of the epoch
 */
export const sampleFile = (epoch: number, step?: number): string =>
  `${samplesFolder}/epoch_${String(epoch).padStart(3, "0")}${step === undefined ? "" : `_step_${String(step).padStart(6, "0")}`}.png`;

/** A strip of samples. */
export interface SampleEntry {
  epoch: number;
  /** Counted from the run's first step, as everywhere; undefined for the end of the epoch. */
  step?: number;
  /** Relative to the folder of the run. */
  file: string;
}

/** The strip of a file in the folder of samples; undefined for any other file. */
export function sampleOf(file: string): SampleEntry | undefined {
  const found = /^epoch_(\d+)(?:_step_(\d+))?\.png$/.exec(file);
  if (!found) return undefined;
  const [, epoch, step] = found;
  return { epoch: Number(epoch), ...(step !== undefined && { step: Number(step) }), file: `${samplesFolder}/${file}` };
}
