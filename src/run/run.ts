/**
 * A training run on disk. The CLI, the library and the page in the browser read and write runs only through this file.
 */

import { type Config, readConfig } from "../config/schema.ts";
import { type DrawingKit, parseDrawingKit } from "../data/drawing.ts";
import { CheckpointError, nearest } from "../errors.ts";
import { readText } from "../formats/read-text.ts";
import { encode, type StoredTensor } from "../formats/safetensors.ts";
import { weightsAmong } from "../formats/weights-names.ts";
import type { Files } from "../platform.ts";
import { shellOption, shellWord, visible } from "../text.ts";
import { type AlarmLine, alarmLog } from "./alarms.ts";
import { Checkpoint, metadataOf, type Networks, type Progress, readTensors } from "./checkpoint.ts";
import { type Log, type LossLine, lossLog, type Score, scoreLog } from "./logs.ts";
import {
  configFile,
  drawingFile,
  isLeftOver,
  labelOf,
  lockFile,
  pageFile,
  type SampleEntry,
  sampleFile,
  sampleOf,
  samplesFolder,
  stateFileOf,
  weightsFile,
} from "./paths.ts";
import { type RunStatus, readStatus, statusFile } from "./status.ts";
import { averageTensors, momentTensors, notFinite, weightTensors } from "./weights.ts";

export type { Networks, Progress } from "./checkpoint.ts";
export type { LossLine, Score } from "./logs.ts";
export { type SampleEntry, weightsFile } from "./paths.ts";
export { loadWeights } from "./weights.ts";

/** Where a run is: the folder `<checkpointsDir>/<name>`. */
export interface RunPlace {
  checkpointsDir: string;
  name: string;
}

/**
 * The files of one run. An object of this class only names a folder; nothing is read or written before a method is
 * called.
 *
 * @example
 * ```ts
 * import { Run } from "pix2pix";
 * import { nodePlatform } from "pix2pix/node";
 *
 * const { files } = await nodePlatform();
 * const run = new Run(files, { checkpointsDir: "runs", name: "mine" });
 * if (await run.hasCheckpoint()) {
 *   const { step } = (await run.progress())!;
 *   const last = (await run.losses.read()).at(-1);
 *   console.log(`step ${step}, G_L1 ${last?.G_L1}, kept weights: ${await run.keptWeights()}`);
 * }
 * ```
 */
export class Run {
  readonly name: string;
  /** The folder of the run. */
  readonly dir: string;
  /** One line for each step. */
  readonly losses: Log<LossLine>;
  /** One line for each epoch that --val-freq has scored. */
  readonly scores: Log<Score>;
  readonly #files: Files;
  readonly #checkpointsDir: string;
  readonly #checkpoint: Checkpoint;

  constructor(files: Files, { checkpointsDir, name }: RunPlace) {
    this.name = name;
    this.dir = `${checkpointsDir}/${name}`;
    this.losses = lossLog(files, this.dir);
    this.scores = scoreLog(files, this.dir);
    this.#files = files;
    this.#checkpointsDir = checkpointsDir;
    this.#checkpoint = new Checkpoint(files, this.dir);
  }

  /** The path of a file of the run. */
  path(file: string): string {
    return `${this.dir}/${file}`;
  }

  // ---- Options ------------------------------------------------------------------------------------------------------

  /**
   * The options of the run.
   * @throws CheckpointError when config.json is damaged or does not exist; then the message names the runs that exist
   */
  async config(): Promise<Config> {
    const path = this.path(configFile);
    if (!(await this.#files.exists(path))) throw await this.#missing(path);
    return readConfig(await readText(this.#files, path), path);
  }

  saveConfig(config: Config): Promise<void> {
    return this.#files.write(this.path(configFile), `${JSON.stringify(config, null, 2)}\n`);
  }

  /** Whether the run has been started: its config.json exists. */
  isStarted(): Promise<boolean> {
    return this.#files.exists(this.path(configFile));
  }

  async #missing(path: string): Promise<CheckpointError> {
    const lacks = `There is no run "${visible(this.name)}": ${visible(path)} does not exist.`;
    // The PyTorch repository's default is the second folder.
    for (const folder of [this.dir, `checkpoints/${this.name}`]) {
      const foreign = weightsAmong(((await this.#files.list(folder)) ?? []).map(({ name }) => name));
      const [first] = foreign;
      if (first === undefined) continue;
      const partner = foreign.find((name) => name !== first && name === first.replace(/net_G(?=[^/]*$)/, "net_D"));
      const command = [
        "npx pix2pix import",
        ...[first, ...(partner ? [partner] : [])].map((name) => shellWord(`${folder}/${name}`)),
        shellOption("--name", this.name),
        shellOption("--checkpoints-dir", this.#checkpointsDir),
      ];
      return new CheckpointError(
        `${lacks} ${folder === this.dir ? "The folder" : visible(folder)} has weights (${foreign.map(visible).join(", ")}); ` +
          `make a run from them: ${command.join(" ")}; with --direction BtoA where they translate B to A`,
      );
    }
    const runs = await listRuns(this.#files, this.#checkpointsDir);
    const inner = await nestedRuns(this.#files, this.#checkpointsDir);
    runs.push(...inner);
    const near = nearest(this.name, runs);
    const shown = runs.slice(0, 10).join(", ") + (runs.length > 10 ? ", ..." : "");
    const others =
      runs.length > 0
        ? `Runs in ${this.#checkpointsDir}: ${shown}.`
        : `${this.#checkpointsDir} has no runs; train one with npx pix2pix train --dataroot FOLDER ${shellOption("--name", this.name)}, ` +
          "or name the folder with --checkpoints-dir.";
    return new CheckpointError(`${lacks} ${near ? `Did you mean ${near}? ` : ""}${others}`);
  }

  /**
   * Keeps every other process from training the run until the returned function is called.
   * @throws UserError that names the process that trains it
   */
  async lock(): Promise<() => Promise<void>> {
    const path = await lockFile(this.#files, this.dir);
    const release = await this.#files.lock?.(path, `The run ${this.dir} is being trained`);
    return release ?? (async () => {});
  }

  /**
   * Does work that changes the run, while no other process can.
   * @throws UserError that names the process that trains it
   */
  async locked<T>(work: () => Promise<T>): Promise<T> {
    const release = await this.lock();
    try {
      return await work();
    } finally {
      await release();
    }
  }

  /** Removes files that a kill has left half written. Only the holder of the lock may call it. */
  async sweep(): Promise<void> {
    for (const folder of [this.dir, this.path(samplesFolder)]) {
      const found = (await this.#files.list(folder)) ?? [];
      for (const { name } of found.filter(({ name }) => isLeftOver(name)))
        await this.#files.remove(`${folder}/${name}`);
    }
  }

  // ---- The latest checkpoint ----------------------------------------------------------------------------------------

  /** Whether the run has saved a checkpoint. */
  hasCheckpoint(): Promise<boolean> {
    return this.#checkpoint.exists();
  }

  /** How far the last checkpoint has come; undefined without one. Reads the header of one file, not the weights. */
  progress(): Promise<Progress | undefined> {
    return this.#checkpoint.progress();
  }

  /** Whether the latest weights were imported from a file, without a state from which training could continue. */
  async isImported(): Promise<boolean> {
    return !(await this.hasCheckpoint()) && (await this.#files.exists(this.path(weightsFile("latest", "G"))));
  }

  /**
   * Replaces the last checkpoint: weights, moments and progress. A kill at any point leaves the old one or the new one.
   * @throws UserError when weights are not finite or the disk is full; the checkpoint before stays
   */
  saveLatest(networks: Networks, progress: Progress): Promise<void> {
    return this.#checkpoint.save(networks, progress);
  }

  /**
   * Copies the last checkpoint into both networks.
   * @throws CheckpointError when it is missing, damaged, or of other networks
   */
  restore(networks: Networks): Promise<Progress> {
    return this.#checkpoint.restore(networks);
  }

  // ---- Kept weights -------------------------------------------------------------------------------------------------

  /**
   * Keeps the weights of an epoch under its number, as "best", or those of a step as "iter_500".
   * @param at where the weights are in the run
   * @param state keep Adam's moments, too
   */
  async saveWeights(
    label: number | "best" | `iter_${number}`,
    { netG, netD }: Networks,
    { epoch, step, momentsFrom = 0 }: Omit<Progress, "pairs">,
    { state = false } = {},
  ): Promise<void> {
    const metadata = { epoch: String(epoch), step: String(step) };
    if (state) {
      const moments = { ...momentTensors(netG), ...momentTensors(netD) };
      const content = encode(moments, { ...metadata, momentsFrom: String(momentsFrom) });
      await this.#files.write(this.path(stateFileOf(label)), content);
    }
    const { averaged } = netG;
    const contents = {
      G: weightTensors(netG),
      D: weightTensors(netD),
      ...(averaged && { G_ema: averageTensors(averaged) }),
    };
    for (const [network, tensors] of Object.entries(contents)) {
      const path = this.path(weightsFile(label, network as keyof typeof contents));
      await this.#files.write(path, encode(tensors, metadata));
    }
  }

  /** The labels of generator weights on disk: "latest", "best", numbers of epochs, "iter_500". */
  async keptWeights(): Promise<string[]> {
    return ((await this.#files.list(this.dir)) ?? []).flatMap(({ name }) => labelOf(name) ?? []);
  }

  /** The epoch of the weights that are kept as "best"; undefined where there are none, or damaged ones. */
  async bestEpoch(): Promise<number | undefined> {
    const path = this.path(weightsFile("best", "G"));
    if (!(await this.#files.exists(path))) return undefined;
    try {
      return Number((await metadataOf(this.#files, path)).epoch);
    } catch (error) {
      if (error instanceof CheckpointError) return undefined;
      throw error;
    }
  }

  /** Whether it has a checkpoint, or weights that were kept before the first one. */
  async hasWeights(): Promise<boolean> {
    return (await this.hasCheckpoint()) || (await this.keptWeights()).length > 0;
  }

  /**
   * The path of kept weights.
   * @param label "latest", "best", the number of a kept epoch, or "iter_500"
   * @throws CheckpointError when there are none; the message lists those that are kept
   */
  async weightsPath(label: string, network: "G" | "D"): Promise<string> {
    const path = this.path(weightsFile(label, network));
    if (label === "latest" || (await this.#files.exists(path))) return path;
    const kept = (await this.keptWeights()).join(", ") || "none";
    throw new CheckpointError(`${path} does not exist. Kept weights: ${kept}. Choose with --epoch.`);
  }

  /**
   * The weights of the generator and their path: their running average where the run keeps one.
   * @param label "latest", "best", the number of a kept epoch, or "iter_500"
   * @param options `raw`: the weights as they were trained, not their average
   * @throws CheckpointError when there are none; the message lists those that are kept
   */
  async generator(
    label: string,
    { raw = false }: { raw?: boolean | undefined } = {},
  ): Promise<{ tensors: Record<string, StoredTensor>; path: string }> {
    const path = raw ? await this.weightsPath(label, "G") : await this.#generatorPath(label);
    const { tensors } = await readTensors(this.#files, path);
    const damaged = notFinite(tensors);
    if (damaged !== undefined) {
      throw new CheckpointError(
        `${path} cannot be used: ${damaged} holds values that are not finite, which give empty pictures. ` +
          "Choose other weights with --epoch, or train again with a smaller --lr.",
      );
    }
    return { tensors, path };
  }

  /** The bytes of the generator's latest weights (of their average where the run keeps one), a safetensors file. */
  async generatorFile(): Promise<Uint8Array> {
    return this.#files.read(await this.#generatorPath("latest"));
  }

  /** The path of the running average where the run keeps one, else that of the weights. */
  async #generatorPath(label: string): Promise<string> {
    const average = this.path(weightsFile(label, "G_ema"));
    return (await this.#files.exists(average)) ? average : this.weightsPath(label, "G");
  }

  // ---- Drawing ------------------------------------------------------------------------------------------------------

  /** The tool and colours for drawing inputs of this run; undefined where they were not stored, or cannot be read. */
  async drawing(): Promise<DrawingKit | undefined> {
    const path = this.path(drawingFile);
    if (!(await this.#files.exists(path))) return undefined;
    return parseDrawingKit(await readText(this.#files, path));
  }

  saveDrawing(kit: DrawingKit): Promise<void> {
    return this.#files.write(this.path(drawingFile), `${JSON.stringify(kit)}\n`);
  }

  // ---- Status and alarms --------------------------------------------------------------------------------------------

  saveStatus(status: RunStatus): Promise<void> {
    return this.#files.write(this.path(statusFile), `${JSON.stringify(status, null, 2)}\n`);
  }

  /** Undefined for a run of an older version. */
  status(): Promise<RunStatus | undefined> {
    return readStatus(this.#files, this.path(statusFile));
  }

  /**
   * Whether the folder is still the one in which this training writes: it may have been moved or deleted, and another run may have
   * taken its place. A status that cannot be read now counts as its own.
   * @param training as in the status
   */
  async isOf(training: string): Promise<boolean> {
    if (!(await this.#files.exists(this.path(statusFile)))) return false;
    const status = await this.status();
    return status === undefined || status.training === training;
  }

  /** All alarms so far; see `alarmsNow`. */
  alarms(): Promise<AlarmLine[]> {
    return alarmLog(this.#files, this.dir).read();
  }

  // ---- Samples and the page -----------------------------------------------------------------------------------------

  /** The strips of samples in the order in which they were drawn. */
  async samples(): Promise<SampleEntry[]> {
    const found = (await this.#files.list(this.path(samplesFolder))) ?? [];
    const at = ({ step = Number.POSITIVE_INFINITY }: SampleEntry) => step;
    return found
      .flatMap(({ name }) => sampleOf(name) ?? [])
      .sort((a, b) => a.epoch - b.epoch || (at(a) < at(b) ? -1 : 1));
  }

  /** The epochs that have a sample of their end, ascending. */
  async sampleEpochs(): Promise<number[]> {
    return (await this.samples()).flatMap(({ epoch, step }) => (step === undefined ? [epoch] : []));
  }

  /** The PNG of an epoch: rows of input, output and target. */
  readSample(epoch: number): Promise<Uint8Array> {
    return this.#files.read(this.path(sampleFile(epoch)));
  }

  /** @param step as for sampleFile */
  writeSample(epoch: number, png: Uint8Array, step?: number): Promise<void> {
    return this.#files.write(this.path(sampleFile(epoch, step)), png);
  }

  /** The path of the page. */
  get page(): string {
    return this.path(pageFile);
  }

  writePage(html: string): Promise<void> {
    return this.#files.write(this.page, html);
  }
}

/** The names of the runs in a folder, sorted: its folders that hold a config.json. */
export async function listRuns(files: Files, checkpointsDir: string): Promise<string[]> {
  const found = ((await files.list(checkpointsDir)) ?? []).filter(({ folder }) => folder);
  const started = await Promise.all(found.map(({ name }) => new Run(files, { checkpointsDir, name }).isStarted()));
  return found.filter((_, i) => started[i]).map(({ name }) => name);
}

/** The runs in those folders of `checkpointsDir` that are not runs themselves, such as a sweep's: "grid/lambda-l1=10". */
export async function nestedRuns(files: Files, checkpointsDir: string): Promise<string[]> {
  const started = new Set(await listRuns(files, checkpointsDir));
  const folders = ((await files.list(checkpointsDir)) ?? []).filter(({ name, folder }) => folder && !started.has(name));
  const inner = await Promise.all(
    folders.map(async ({ name }) =>
      (await listRuns(files, `${checkpointsDir}/${name}`)).map((run) => `${name}/${run}`),
    ),
  );
  return inner.flat();
}
