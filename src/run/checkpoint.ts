/**
 * The latest checkpoint of a run: three files that are one unit, four with --ema.
 *
 * All are first written as `<name>.next` and then renamed, the state last. After a kill at any point there is
 * either the whole old set or the whole new one: the state is written last and renamed last, so while its `.next`
 * exists, the `.next` of every file that is not yet renamed exists too.
 */
import type { NetworkState } from "../engines/state.ts";
import { CheckpointError, quoted } from "../errors.ts";
import { decode, encode, readMetadata, type SafetensorsFile, type StoredTensor } from "../formats/safetensors.ts";
import type { Files } from "../platform.ts";
import { stateFile, weightsFile } from "./paths.ts";
import {
  averageTensors,
  loadAverage,
  loadMoments,
  loadWeights,
  momentTensors,
  refuseNonFinite,
  weightTensors,
} from "./weights.ts";

/** Both networks with Adam's moments. A `Trainer` is one. */
export interface Networks {
  netG: NetworkState;
  netD: NetworkState;
}

/** How far a checkpoint has come. */
export interface Progress {
  /** Steps done, counted from the first step of the run. */
  step: number;
  epoch: number;
  /** Pairs of the data set: the order of the data depends on their number. */
  pairs: number;
  /** Digest of the names and sizes of the pairs' files (data-record.ts). Runs of older versions have none. */
  data?: string | undefined;
  /** The step before the first that Adam's moments have seen; 0, the default, unless they began anew (rewind.ts). */
  momentsFrom?: number | undefined;
}

const fileG = weightsFile("latest", "G");
const fileD = weightsFile("latest", "D");
const fileAverage = weightsFile("latest", "G_ema");
/** In the order in which they are written and renamed; a run without --ema has no average. */
const names = [fileG, fileD, fileAverage, stateFile] as const;

export class Checkpoint {
  readonly #files: Files;
  readonly #dir: string;

  /** @param dir the folder of the run */
  constructor(files: Files, dir: string) {
    this.#files = files;
    this.#dir = dir;
  }

  /** Whether the run has saved a checkpoint. */
  async exists(): Promise<boolean> {
    return (await this.#statePath()) !== undefined;
  }

  /** How far the checkpoint has come, read from the header of one file; undefined without a checkpoint. */
  async progress(): Promise<Progress | undefined> {
    const path = await this.#statePath();
    if (path === undefined) return undefined;
    return progressOf(await metadataOf(this.#files, path), path);
  }

  /**
   * Saves everything that the next step depends on.
   * @throws UserError when weights are not finite or the disk is full; the checkpoint before stays
   */
  async save({ netG, netD }: Networks, { step, epoch, pairs, data, momentsFrom }: Progress): Promise<void> {
    for (const net of [netG, netD]) refuseNonFinite(net, this.#path(fileG));
    const metadata = { step: String(step), epoch: String(epoch), pairs: String(pairs) };
    const ofState = { ...(data !== undefined && { data }), ...(momentsFrom && { momentsFrom: String(momentsFrom) }) };
    const contents: [string, Record<string, StoredTensor>][] = [
      [fileG, weightTensors(netG)],
      [fileD, weightTensors(netD)],
    ];
    if (netG.averaged) contents.push([fileAverage, averageTensors(netG.averaged)]);
    contents.push([stateFile, { ...momentTensors(netG), ...momentTensors(netD) }]);
    try {
      for (const [name, tensors] of contents) {
        const about = name === stateFile ? { ...metadata, ...ofState } : metadata;
        await this.#files.write(this.#next(name), encode(tensors, about));
      }
    } catch (error) {
      for (const name of names) await this.#files.remove(this.#next(name)).catch(() => {});
      throw error;
    }
    for (const [name] of contents) await this.#files.rename(this.#next(name), this.#path(name));
  }

  /**
   * Copies the checkpoint into both networks, after it has finished a save that a kill has cut short.
   * @throws CheckpointError when it is missing, damaged, or of other networks
   */
  async restore({ netG, netD }: Networks): Promise<Progress> {
    await this.#finishSave();
    const [weightsG, weightsD, state] = await Promise.all([
      this.#read(fileG),
      this.#read(fileD),
      this.#read(stateFile),
    ]);
    const average = netG.averaged && (await this.#read(fileAverage));
    const progress = progressOf(state.metadata, this.#path(stateFile));
    const weights: [string, SafetensorsFile][] = [
      [fileG, weightsG],
      [fileD, weightsD],
    ];
    if (average) weights.push([fileAverage, average]);
    for (const [name, { metadata }] of weights) {
      if (metadata.step !== state.metadata.step) throw this.#mixed(name, metadata.step, progress.step);
    }
    loadWeights(netG, weightsG.tensors, this.#path(fileG));
    loadWeights(netD, weightsD.tensors, this.#path(fileD));
    if (average) loadAverage(netG, average.tensors, this.#path(fileAverage));
    for (const net of [netG, netD]) loadMoments(net, state.tensors, this.#path(stateFile));
    return progress;
  }

  #mixed(name: string, got: string | undefined, step: number): CheckpointError {
    return new CheckpointError(
      `${this.#path(name)} is of step ${got ?? "unknown"} and ${stateFile} of step ${step}, so they are not one checkpoint. ` +
        "Copy all latest_* files back from one place; or start another run with --init-g and --init-d, which take " +
        "weights alone.",
    );
  }

  /** Renames the files of a save that was wholly written, and removes those of a save that was not. */
  async #finishSave(): Promise<void> {
    const written = await this.#files.exists(this.#next(stateFile));
    for (const name of names) {
      if (!written) await this.#files.remove(this.#next(name));
      else if (await this.#files.exists(this.#next(name))) await this.#files.rename(this.#next(name), this.#path(name));
    }
  }

  /** The state of the newest whole set. */
  async #statePath(): Promise<string | undefined> {
    for (const path of [this.#next(stateFile), this.#path(stateFile)]) if (await this.#files.exists(path)) return path;
    return undefined;
  }

  async #read(name: string): Promise<SafetensorsFile> {
    return readTensors(this.#files, this.#path(name));
  }

  #path(name: string): string {
    return `${this.#dir}/${name}`;
  }

  #next(name: string): string {
    return `${this.#path(name)}.next`;
  }
}

/** The metadata in the header of a safetensors file. @throws CheckpointError when it is damaged */
export async function metadataOf(files: Files, path: string): Promise<Readonly<Record<string, string>>> {
  const { readPart } = files;
  const whole = readPart ? undefined : await files.read(path);
  return readMetadata(
    async (start, end) => (whole ? whole.subarray(start, end) : await readPart!(path, start, end)),
    path,
  );
}

/** @throws CheckpointError when the file does not exist or is damaged */
export async function readTensors(files: Files, path: string): Promise<SafetensorsFile> {
  if (!(await files.exists(path))) throw new CheckpointError(`${path} does not exist: ${await missing(files, path)}`);
  return decode(await files.read(path), path);
}

/** Why a file of a run is missing, and what to do. */
async function missing(files: Files, path: string): Promise<string> {
  const dir = path.slice(0, path.lastIndexOf("/"));
  const [g, d] = [`${dir}/${fileG}`, `${dir}/${fileD}`];
  const imported = path !== g && (await files.exists(g)) && !(await files.exists(`${dir}/${stateFile}`));
  if (!imported)
    return "the run has not saved a checkpoint yet. Train it: npx pix2pix train --continue-train, without --epoch.";
  const weights = (await files.exists(d)) ? `--init-g ${g} --init-d ${d}` : `--init-g ${g}`;
  return `the run has weights (an import) and no state of a training to continue from. Start a training with them: another --name, and ${weights}.`;
}

/** @throws CheckpointError for numbers that no run has written */
function progressOf(metadata: Readonly<Record<string, string>>, path: string): Progress {
  const number = (name: "step" | "epoch" | "pairs" | "momentsFrom") => {
    const text = metadata[name];
    if (text !== undefined && /^\d{1,15}$/.test(text)) return Number(text);
    throw new CheckpointError(
      `${path} is damaged: its ${name} is ${quoted(text)}, expected a whole number. Copy the latest_* files back from ` +
        "elsewhere; or start another run with --init-g and --init-d.",
    );
  };
  const { data, momentsFrom } = metadata;
  return {
    step: number("step"),
    epoch: number("epoch"),
    pairs: number("pairs"),
    ...(data !== undefined && { data }),
    ...(momentsFrom !== undefined && { momentsFrom: number("momentsFrom") }),
  };
}
