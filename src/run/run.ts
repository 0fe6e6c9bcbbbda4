/**
 * A run on disk: `<checkpointsDir>/<name>/` with config.json, the latest weights and state, kept epochs, loss_log.jsonl,
 * samples/ and index.html. Weights carry the tensor names of the widely used PyTorch implementation.
 */
import { type Config, readConfig } from "../config/schema.ts";
import type { NetworkState } from "../engines/state.ts";
import { CheckpointError, UserError } from "../errors.ts";
import { decode, encode, type StoredTensor } from "../formats/safetensors.ts";
import { type Losses, lossNames } from "../model/losses.ts";
import { isTrainable } from "../nn/parameters.ts";
import type { Files } from "../platform.ts";

/** Where a run stands. `step` counts from the run's first; `pairs` guards against a data set that changed. */
export interface Progress {
  step: number;
  epoch: number;
  pairs: number;
}

/** One line of loss_log.jsonl; G_L1 is multiplied by lambda, lr is that of the step, seconds its duration. */
export interface LossLine extends Losses {
  epoch: number;
  step: number;
  lr: number;
  seconds: number;
}

/**
 * One line of val_log.jsonl: means over the pairs of --val-phase, of 8-bit pictures, as `pix2pix test` has them.
 * L1 is the mean absolute difference in [-1, 1], PSNR is in decibels.
 */
export interface Score {
  epoch: number;
  step: number;
  L1: number;
  PSNR: number;
  SSIM: number;
}

/** Networks that are saved: G and D with their moments. */
export interface Networks {
  netG: NetworkState;
  netD: NetworkState;
}

const latest = ["latest_net_G", "latest_net_D", "latest_state"].map((stem) => `${stem}.safetensors`);

export class Run {
  readonly dir: string;
  #files: Files;

  constructor(files: Files, { checkpointsDir, name }: { checkpointsDir: string; name: string }) {
    this.#files = files;
    this.dir = `${checkpointsDir}/${name}`;
  }

  path(name: string): string {
    return `${this.dir}/${name}`;
  }

  /** Whether there is anything to lose or to go on with: a saved checkpoint. */
  async exists(): Promise<boolean> {
    const states = [latest[2]!, `${latest[2]}.next`].map((name) => this.#files.exists(this.path(name)));
    return (await Promise.all(states)).some(Boolean);
  }

  /** @throws CheckpointError when there is no such run, or its config is damaged. */
  async config(): Promise<Config> {
    const path = this.path("config.json");
    if (!(await this.#files.exists(path)))
      throw new CheckpointError(`There is no run at ${this.dir}: ${path} does not exist.`);
    return readConfig(new TextDecoder().decode(await this.#files.read(path)), path);
  }

  saveConfig(config: Config): Promise<void> {
    return this.#files.write(this.path("config.json"), `${JSON.stringify(config, null, 2)}\n`);
  }

  /**
   * Saves everything that the next step depends on. All three files are first written as `<name>.next`, then renamed, the
   * state last: after a kill at any point `restore` finds either the old set or the new one whole.
   */
  async saveLatest({ netG, netD }: Networks, progress: Progress): Promise<void> {
    for (const state of [netG, netD]) refuseNonFinite(state, this.path(latest[0]!));
    const metadata = { step: String(progress.step), epoch: String(progress.epoch), pairs: String(progress.pairs) };
    const contents = [weights(netG), weights(netD), { ...moments(netG), ...moments(netD) }];
    try {
      for (const [i, name] of latest.entries()) {
        await this.#files.write(this.path(`${name}.next`), encode(contents[i]!, metadata));
      }
    } catch (error) {
      for (const name of latest) await this.#files.remove(this.path(`${name}.next`)).catch(() => {});
      throw error;
    }
    for (const name of latest) await this.#files.rename(this.path(`${name}.next`), this.path(name));
  }

  /** Keeps the weights of an epoch under its number, or as "best". */
  async saveWeights(label: number | "best", { netG, netD }: Networks, epoch: number): Promise<void> {
    for (const [letter, net] of [
      ["G", netG],
      ["D", netD],
    ] as const) {
      const path = this.path(`${label}_net_${letter}.safetensors`);
      await this.#files.write(path, encode(weights(net), { epoch: String(epoch) }));
    }
  }

  /** Fills both networks with the last checkpoint. @throws CheckpointError when it is missing, damaged or of other networks. */
  async restore({ netG, netD }: Networks): Promise<Progress> {
    await this.#finishSave();
    const [g, d, state] = await Promise.all(latest.map((name) => this.#read(this.path(name))));
    fill(netG, g!.tensors, this.path(latest[0]!));
    fill(netD, d!.tensors, this.path(latest[1]!));
    for (const net of [netG, netD]) {
      for (const spec of net.specs.filter(isTrainable)) {
        for (const moment of ["m", "v"] as const) {
          const name = `${net.network}.${spec.name}.${moment}`;
          net.view(moment, spec).set(valuesOf(state!.tensors, name, spec.shape, this.path(latest[2]!)));
        }
      }
    }
    const { step, epoch, pairs } = state!.metadata;
    return { step: Number(step), epoch: Number(epoch), pairs: Number(pairs) };
  }

  /**
   * A save that a kill cut short is completed where all of it was written, else dropped. The state is written last and
   * renamed last, so while its `.next` is there, what is not renamed yet is there too.
   */
  async #finishSave(): Promise<void> {
    const next = latest.map((name) => this.path(`${name}.next`));
    const whole = await this.#files.exists(next.at(-1)!);
    for (const [i, path] of next.entries()) {
      if (!whole) await this.#files.remove(path);
      else if (await this.#files.exists(path)) await this.#files.rename(path, this.path(latest[i]!));
    }
  }

  /** The weights of G at "latest" or a kept epoch, in file order, for inference. */
  async generator(epoch: string): Promise<{ tensors: Record<string, StoredTensor>; path: string }> {
    const path = this.path(`${epoch}_net_G.safetensors`);
    if (epoch !== "latest" && !(await this.#files.exists(path))) {
      const names = ((await this.#files.list(this.dir)) ?? []).map(
        ({ name }) => /^(.+)_net_G\.safetensors$/.exec(name)?.[1],
      );
      const kept = names.filter((name) => name !== undefined);
      throw new CheckpointError(
        `${path} does not exist. Kept weights: ${kept.join(", ") || "none"}. Choose with --epoch.`,
      );
    }
    return { tensors: (await this.#read(path)).tensors, path };
  }

  async #read(path: string): Promise<ReturnType<typeof decode>> {
    if (!(await this.#files.exists(path))) {
      throw new CheckpointError(
        `${path} does not exist: the run has not saved a checkpoint yet. Train it, without --continue-train.`,
      );
    }
    return decode(await this.#files.read(path), path);
  }

  // ---- Logs: one JSON object a line ----------------------------------------------------------------------------------

  appendLosses(line: LossLine): Promise<void> {
    return this.#append(lossLog, line);
  }

  /** The lines of loss_log.jsonl up to `step`; later ones, of steps that were lost, are removed from the file. */
  losses(step: number): Promise<LossLine[]> {
    return this.#lines<LossLine>(lossLog, lossNames, step);
  }

  appendScore(score: Score): Promise<void> {
    return this.#append(scoreLog, score);
  }

  /** The lines of val_log.jsonl up to `step`, as `losses`. */
  scores(step: number): Promise<Score[]> {
    return this.#lines<Score>(scoreLog, ["epoch", "L1", "PSNR", "SSIM"], step);
  }

  #append(name: string, line: LossLine | Score): Promise<void> {
    return this.#files.append(this.path(name), `${JSON.stringify(line)}\n`);
  }

  async #lines<Line extends { step: number }>(
    name: string,
    fields: readonly (keyof Line)[],
    step: number,
  ): Promise<Line[]> {
    const path = this.path(name);
    if (!(await this.#files.exists(path))) return [];
    const lines = new TextDecoder().decode(await this.#files.read(path)).split("\n");
    const kept = lines.flatMap((text) => parseLine<Line>(text, fields) ?? []).filter((line) => line.step <= step);
    const text = kept.map((line) => `${JSON.stringify(line)}\n`).join("");
    if (text !== lines.join("\n")) await this.#files.write(path, text);
    return kept;
  }
}

const lossLog = "loss_log.jsonl";
const scoreLog = "val_log.jsonl";

/** A line of a log; undefined for a part of one, as a kill leaves at the end. */
function parseLine<Line>(text: string, fields: readonly (keyof Line)[]): Line | undefined {
  try {
    const line = JSON.parse(text) as Line;
    return fields.every((name) => typeof line[name] === "number") ? line : undefined;
  } catch {
    return undefined;
  }
}

/** Shared memory is read as any other. */
function float32(shape: readonly number[], data: Float32Array): StoredTensor {
  return { dtype: "F32", shape, data: data as Float32Array<ArrayBuffer> };
}

function weights(net: NetworkState): Record<string, StoredTensor> {
  const tensors: Record<string, StoredTensor> = {};
  for (const spec of net.specs) tensors[spec.name] = float32(spec.shape, net.get(spec));
  for (const [name, count] of net.batches) {
    tensors[`${name}.num_batches_tracked`] = { dtype: "I64", shape: [], data: BigInt64Array.of(BigInt(count)) };
  }
  return tensors;
}

function moments(net: NetworkState): Record<string, StoredTensor> {
  const tensors: Record<string, StoredTensor> = {};
  for (const spec of net.specs.filter(isTrainable)) {
    for (const moment of ["m", "v"] as const) {
      tensors[`${net.network}.${spec.name}.${moment}`] = float32(spec.shape, net.view(moment, spec));
    }
  }
  return tensors;
}

/**
 * Fills a network from stored tensors (checkpoint, --init-g, --init-d).
 * @throws CheckpointError naming the first tensor that differs, with both shapes.
 */
export function fill(net: NetworkState, tensors: Readonly<Record<string, StoredTensor>>, file: string): void {
  const expected = new Set(net.specs.map((spec) => spec.name));
  for (const spec of net.specs) valuesOf(tensors, spec.name, spec.shape, file);
  const extra = Object.keys(tensors).find((name) => !expected.has(name) && !name.endsWith(".num_batches_tracked"));
  if (extra) {
    throw new CheckpointError(
      `${file} is of another ${net.network}: it has ${extra} [${tensors[extra]!.shape}], which this network has not. ` +
        "Give the architecture options (--netG, --netD, --norm, ...) that the file was made with.",
    );
  }
  for (const spec of net.specs) net.get(spec).set(valuesOf(tensors, spec.name, spec.shape, file));
  for (const name of net.batches.keys()) {
    const count = tensors[`${name}.num_batches_tracked`];
    if (count) net.batches.set(name, Number(count.data[0]));
  }
}

function valuesOf(
  tensors: Readonly<Record<string, StoredTensor>>,
  name: string,
  shape: readonly number[],
  file: string,
): Float32Array {
  const stored = tensors[name];
  const got = stored ? `has ${name} ${stored.dtype} [${stored.shape}]` : `has no ${name}`;
  if (stored?.dtype !== "F32" || stored.shape.length !== shape.length || stored.shape.some((n, i) => n !== shape[i])) {
    throw new CheckpointError(
      `${file} is of another architecture: it ${got}, expected F32 [${shape}]. ` +
        "Give the architecture options (--netG, --ngf, --netD, --ndf, --norm, ...) that the file was made with.",
    );
  }
  return stored.data;
}

function refuseNonFinite(net: NetworkState, kept: string): void {
  const { values } = net.adam;
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * 0;
  if (sum === 0) return;
  throw new UserError(
    `The weights of ${net.network} are no longer finite, so they were not saved; the checkpoint before is intact (${kept}). ` +
      "Continue from it with a smaller --lr, or look for pictures that are damaged (pix2pix inspect).",
  );
}
