/** Scores on pairs that are not trained on, while training goes on: which weights are the best so far, and when to stop. */
import type { Config } from "../config/schema.ts";
import { Loader, wholePictures } from "../data/loader.ts";
import { findPairs } from "../data/pairs.ts";
import { outputPicture } from "../data/sides.ts";
import { Translator } from "../inference/translator.ts";
import { mean, measure, validationMetrics } from "../metrics/pictures.ts";
import type { Platform } from "../platform.ts";
import type { Run, Score } from "../run/run.ts";
import type { Trainer } from "./trainer.ts";

export class Validation {
  /** Oldest first. */
  readonly scores: Score[];
  readonly #config: Config;
  readonly #loader: Loader;
  readonly #translator: Translator;
  readonly #run: Run;
  readonly #trainer: Trainer;

  /**
   * Undefined where --val-freq is not given.
   * @param step the run's last; scores of later ones are forgotten
   * @throws DatasetError when the data have no such phase
   */
  static async open(
    config: Config,
    run: Run,
    platform: Platform,
    trainer: Trainer,
    step: number,
  ): Promise<Validation | undefined> {
    if (config.valFreq === undefined) return undefined;
    const { pairs } = await findPairs(platform.files, config.dataroot, {
      ...config,
      phase: config.valPhase,
      maxDatasetSize: config.valSize,
    });
    const loader = new Loader(pairs, { ...config, ...wholePictures(config) }, platform);
    return new Validation(config, run, trainer, loader, platform, await run.scores.cutAfter(step));
  }

  private constructor(config: Config, run: Run, trainer: Trainer, loader: Loader, platform: Platform, scores: Score[]) {
    this.#config = config;
    this.#run = run;
    this.#trainer = trainer;
    this.#loader = loader;
    this.#translator = Translator.of(config, trainer.netG, platform);
    this.scores = scores;
  }

  /** What the schedule looks at: the scores by --val-metric before `epoch`. */
  history(epoch: number): number[] {
    return this.scores.filter((score) => score.epoch < epoch).map((score) => score[this.#config.valMetric]);
  }

  /** Whether a smaller score is the better one. */
  get better(): "smaller" | "larger" {
    return validationMetrics[this.#config.valMetric].better;
  }

  /** Whether the end of this epoch is to be scored, and has not been. */
  due(epoch: number): boolean {
    return epoch % this.#config.valFreq! === 0 && this.scores.every((score) => score.epoch !== epoch);
  }

  /**
   * Scores the generator's present weights, logs that, and keeps weights that are better than all before as "best".
   * @returns a line that says so
   */
  async score(epoch: number, step: number): Promise<string> {
    const { valMetric: metric, valPhase } = this.#config;
    const each = [];
    for (let i = 0; i < this.#loader.batchesPerEpoch; i++) {
      const { A, B, height, width } = await this.#loader.batch(1, i);
      const fake = await this.#translator.run(A, 1, height, width, { index: i });
      const [output, target] = [fake, B].map((values) => outputPicture(values, A, this.#config, height, width));
      each.push(measure(output!, target!));
    }
    const { l1: L1, psnr: PSNR, ssim: SSIM } = mean(each);
    const score: Score = { epoch, step, L1, PSNR, SSIM };
    this.scores.push(score);
    await this.#run.scores.append(score);
    const best = this.best === score;
    if (best) await this.#run.saveWeights("best", this.#trainer, epoch);
    const values = `L1 ${L1.toFixed(4)}, PSNR ${PSNR.toFixed(2)} dB, SSIM ${SSIM.toFixed(3)}`;
    const verdict = best
      ? `the best ${metric} so far, kept as best_net_G.safetensors`
      : `the best ${metric} was ${this.best![metric].toPrecision(4)} in epoch ${this.best!.epoch}`;
    return `epoch ${epoch}: ${each.length} pairs of ${valPhase}: ${values}; ${verdict}`;
  }

  /** The first of the best scores. */
  get best(): Score | undefined {
    const sign = this.better === "smaller" ? 1 : -1;
    const key = (score: Score) => sign * score[this.#config.valMetric];
    return this.scores.reduce<Score | undefined>((a, b) => (a && key(a) <= key(b) ? a : b), undefined);
  }

  /** Whether --early-stop says that it is enough. */
  get exhausted(): boolean {
    const { earlyStop } = this.#config;
    if (earlyStop === undefined || !this.best) return false;
    return this.scores.length - 1 - this.scores.indexOf(this.best) >= earlyStop;
  }

  close(): Promise<void> {
    return this.#translator.close();
  }
}
