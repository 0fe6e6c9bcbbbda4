/** What a training shows while it runs: samples, alarms, event files for TensorBoard. */
import type { Config } from "../config/schema.ts";
import type { Batch } from "../data/loader.ts";
import { UserError } from "../errors.ts";
import type { Platform } from "../platform.ts";
import type { LossLine, Run, Score } from "../run/run.ts";
import { activationsOf } from "./activations.ts";
import { Alarms } from "./alarms.ts";
import type { Reporter } from "./reporter.ts";
import { drawSamples, sampleLoader } from "./samples.ts";
import { Tensorboard } from "./tensorboard.ts";
import type { Trainer } from "./trainer.ts";

/** Seconds between two samples within an epoch, where --display-freq is not given. */
const usualSeconds = 300;

export interface WatchOptions {
  config: Config;
  platform: Platform;
  run: Run;
  trainer: Trainer;
  reporter: Reporter;
  lines: readonly LossLine[];
  scores: readonly Score[];
  /** The last step of the run so far. */
  step: number;
  /** A sentence for the user. */
  say(text: string): void;
}

export class Watch {
  readonly #options: WatchOptions;
  readonly #alarms: Alarms;
  readonly #board: Tensorboard | undefined;
  #sampledAt = performance.now();
  /** The number of scores that are in the event files. */
  #scored: number;

  static async open(options: WatchOptions): Promise<Watch> {
    const { config, platform, run, step } = options;
    const { files } = platform;
    const alarms = await Alarms.open({ ...options, files }, step);
    const histograms = config.tensorboardHistograms;
    const board =
      config.tensorboard || histograms ? await Tensorboard.open(files, run, { step, histograms }) : undefined;
    options.reporter.alarms = () => alarms.now;
    return new Watch(options, alarms, board);
  }

  private constructor(options: WatchOptions, alarms: Alarms, board: Tensorboard | undefined) {
    this.#options = options;
    this.#alarms = alarms;
    this.#board = board;
    this.#scored = options.scores.length;
  }

  /** Takes the inputs of a step for the alarm of their range. */
  inputs(batches: readonly Batch[]): void {
    for (const { A } of batches) this.#alarms.inputs(A);
  }

  /** Takes the losses of a step for the event files. */
  line(line: LossLine): void {
    this.#board?.line(line);
  }

  /** Whether a sample is due within an epoch. */
  sampleDue(step: number): boolean {
    const { displayFreq } = this.#options.config;
    if (displayFreq !== undefined && !displayFreq.endsWith("s")) return step % Number(displayFreq) === 0;
    const seconds = displayFreq === undefined ? usualSeconds : Number.parseInt(displayFreq, 10);
    return performance.now() - this.#sampledAt > seconds * 1000;
  }

  /**
   * Draws a sample with the weights on the host. One that cannot be drawn is reported; it does not end the run.
   * @param within whether it belongs to the step, and not to the end of the epoch
   */
  async sample(epoch: number, step: number, { within }: { within: boolean }): Promise<void> {
    const { config, platform, run, trainer, say } = this.#options;
    this.#sampledAt = performance.now();
    try {
      const { png, size, pairs } = await drawSamples(config, platform, trainer);
      await run.writeSample(epoch, png, within ? step : undefined);
      await this.#board?.sample(step, png, size);
      await this.#alarms.sample(pairs, epoch, step);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      say(`epoch ${epoch}: no samples: ${error.message}`);
    }
  }

  /** After the scores of an epoch; the weights are on the host. */
  async endEpoch(epoch: number, step: number): Promise<void> {
    const { scores } = this.#options;
    for (const score of scores.slice(this.#scored)) this.#board?.score(score);
    this.#scored = scores.length;
    if (this.#board?.histograms) await this.#histograms(this.#board, epoch, step);
    await this.#alarms.endEpoch(epoch, step, scores);
    await this.#board?.flush();
  }

  /** Weights, and activations on the first pair of the samples; a pair that cannot be read is reported. */
  async #histograms(board: Tensorboard, epoch: number, step: number): Promise<void> {
    const { config, platform, trainer, say } = this.#options;
    board.weights(step, trainer);
    try {
      const loader = await sampleLoader(config, platform);
      board.activations(step, await activationsOf(config, platform, await loader.batch(1, 0), trainer));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      say(`epoch ${epoch}: no histograms of activations: ${error.message}`);
    }
  }

  /** After each step: writes what event files wait for, when it is due. */
  async endStep(): Promise<void> {
    await this.#board?.flushIfDue();
  }

  async close(): Promise<void> {
    await this.#board?.flush();
  }
}
