/** --tensorboard: losses, scores, samples and histograms of a run as TensorBoard's event files. */
import { namesOf } from "../config/names.ts";
import { joined } from "../formats/streams.ts";
import { fileHeader, restart, type SummaryValue, summary } from "../formats/tfevents.ts";
import { validationMetrics } from "../metrics/pictures.ts";
import type { Files, Picture } from "../platform.ts";
import type { LossLine, Run, Score } from "../run/run.ts";
import type { Activations } from "./activations.ts";
import type { Trainer } from "./trainer.ts";

const tensorboardFolder = "tensorboard";
/** Milliseconds between two writes. */
const flushEvery = 2000;

export class Tensorboard {
  readonly #files: Files;
  readonly #path: string;
  readonly #histograms: boolean;
  #waiting: Uint8Array[] = [];
  #written = performance.now();

  /**
   * Begins a new event file.
   * @param step the last step of the run: TensorBoard drops later ones that a stopped run has left
   */
  static async open(
    files: Files,
    run: Run,
    { step, histograms }: { step: number; histograms: boolean },
  ): Promise<Tensorboard> {
    const seconds = Date.now() / 1000;
    const path = run.path(`${tensorboardFolder}/events.out.tfevents.${Math.floor(seconds)}.pix2pix.${step}`);
    const board = new Tensorboard(files, path, histograms);
    board.#waiting.push(fileHeader(seconds), restart({ seconds, step: step + 1 }));
    await board.flush();
    return board;
  }

  private constructor(files: Files, path: string, histograms: boolean) {
    this.#files = files;
    this.#path = path;
    this.#histograms = histograms;
  }

  line({ epoch, step, lr, seconds, ...values }: LossLine): void {
    const scalars = Object.entries({ ...values, lr, seconds, epoch }).map(([name, scalar]) => ({
      tag: tags[name] ?? `loss/${name}`,
      scalar: scalar as number,
    }));
    this.#add(step, scalars);
  }

  score(score: Score): void {
    const scalars = namesOf(validationMetrics).flatMap((name) => {
      const scalar = score[name];
      return scalar === undefined ? [] : { tag: `validation/${name}`, scalar };
    });
    this.#add(score.step, scalars);
  }

  async sample(step: number, png: Uint8Array, { width, height }: Pick<Picture, "width" | "height">): Promise<void> {
    this.#add(step, [{ tag: "samples/input, output, target", image: { png, width, height } }]);
    await this.flush();
  }

  /** Whether distributions are asked for. */
  get histograms(): boolean {
    return this.#histograms;
  }

  /** The distribution of each weight. */
  weights(step: number, { netG, netD }: Trainer): void {
    const values = [netG, netD].flatMap((net) =>
      net.specs.map((spec) => ({ tag: `${net.network}/${spec.name}`, histogram: net.get(spec) })),
    );
    this.#add(step, values);
  }

  /** The distribution of each layer's values. */
  activations(step: number, layers: Activations): void {
    this.#add(
      step,
      [...layers].map(([name, histogram]) => ({ tag: `activations/${name}`, histogram })),
    );
  }

  /** Writes the waiting records where the last write was `flushEvery` ago or more. */
  async flushIfDue(): Promise<void> {
    if (performance.now() - this.#written >= flushEvery) await this.flush();
  }

  /** Writes the waiting records. */
  async flush(): Promise<void> {
    if (this.#waiting.length === 0) return;
    await this.#files.append(this.#path, joined(this.#waiting.splice(0)));
    this.#written = performance.now();
  }

  #add(step: number, values: readonly SummaryValue[]): void {
    this.#waiting.push(summary({ seconds: Date.now() / 1000, step }, values));
  }
}

/** Tags of values that are no losses. */
const tags: Readonly<Record<string, string>> = {
  lr: "run/learning rate",
  seconds: "run/seconds per step",
  epoch: "run/epoch",
  D_right_real: "D right/real",
  D_right_fake: "D right/fake",
  L1: "L1/unweighted",
};
