/** Scores on pairs that are not trained on: they choose the best weights, the learning rate and the early stop. */
import type { Config } from "../config/schema.ts";
import type { Loader } from "../data/loader.ts";
import { openTestSet, translatePairs } from "../inference/evaluate.ts";
import { Translator } from "../inference/translator.ts";
import { mean, measure, validationMetrics } from "../metrics/pictures.ts";
import type { Platform } from "../platform.ts";
import type { Run, Score } from "../run/run.ts";
import type { Trainer } from "./trainer.ts";

/** Memory for decoded pictures: small ones are decoded once for all epochs. */
const cacheBytes = 16 * 2 ** 20;

export class Validation {
  /** Oldest first. */
  readonly scores: Score[];
  readonly #config: Config;
  readonly #loader: Loader;
  readonly #translator: Translator;
  readonly #run: Run;
  readonly #trainer: Trainer;

  /**
   * @param step the last step of the run; scores of later steps are removed
   * @returns undefined without --val-freq
   * @throws DatasetError when the data set has no such phase
   */
  static async open(
    config: Config,
    run: Run,
    platform: Platform,
    trainer: Trainer,
    step: number,
  ): Promise<Validation | undefined> {
    if (config.valFreq === undefined) return undefined;
    const { valPhase: phase, valSize: count, skipUnpaired, skipBadImages } = config;
    const { loader } = await openTestSet(config, { phase, count, skipUnpaired, skipBadImages, cacheBytes }, platform);
    const translator = Translator.of(config, trainer.shownG, platform);
    return new Validation(config, run, trainer, loader, translator, await run.scores.cutAfter(step));
  }

  private constructor(
    config: Config,
    run: Run,
    trainer: Trainer,
    loader: Loader,
    translator: Translator,
    scores: Score[],
  ) {
    this.#config = config;
    this.#run = run;
    this.#trainer = trainer;
    this.#loader = loader;
    this.#translator = translator;
    this.scores = scores;
  }

  /** The scores by --val-metric before `epoch`, for the schedule of the learning rate. */
  history(epoch: number): number[] {
    return this.scores.filter((score) => score.epoch < epoch).map((score) => score[this.#config.valMetric]);
  }

  /** Whether smaller or larger scores are better. */
  get better(): "smaller" | "larger" {
    return validationMetrics[this.#config.valMetric].better;
  }

  /** Whether the end of this epoch still has to be scored. */
  due(epoch: number): boolean {
    return epoch % this.#config.valFreq! === 0 && this.scores.every((score) => score.epoch !== epoch);
  }

  /**
   * Scores the weights on the host, logs the score, and keeps weights that are better than all before as "best".
   * @returns a line for the user
   */
  async score(epoch: number, step: number): Promise<string> {
    const { valMetric: metric, valPhase } = this.#config;
    const each = [];
    for await (const { outputs, target } of translatePairs(this.#translator, this.#loader)) {
      each.push(measure(outputs[0]!, target));
    }
    const { l1: L1, psnr: PSNR, ssim: SSIM } = mean(each);
    const score: Score = { epoch, step, L1, PSNR, SSIM };
    this.scores.push(score);
    await this.#run.scores.append(score);
    const best = this.best!;
    if (best === score) await this.#run.saveWeights("best", this.#trainer, { epoch, step });
    const values = `L1 ${L1.toFixed(4)}, PSNR ${PSNR.toFixed(2)} dB, SSIM ${SSIM.toFixed(3)}`;
    const verdict =
      best === score
        ? `the best ${metric} so far, kept as best_net_G.safetensors`
        : `the best ${metric} was ${best[metric].toPrecision(4)} in epoch ${best.epoch}`;
    return `epoch ${epoch}: ${each.length} pairs of ${valPhase}: ${values}; ${verdict}`;
  }

  /** The first of the best scores. */
  get best(): Score | undefined {
    const sign = this.better === "smaller" ? 1 : -1;
    const key = (score: Score) => sign * score[this.#config.valMetric];
    return this.scores.reduce<Score | undefined>((a, b) => (a && key(a) <= key(b) ? a : b), undefined);
  }

  /** Whether --early-stop ends the run: the last so many scores were no better than one before. */
  get exhausted(): boolean {
    const { earlyStop } = this.#config;
    if (earlyStop === undefined || !this.best) return false;
    return this.scores.length - 1 - this.scores.indexOf(this.best) >= earlyStop;
  }

  close(): Promise<void> {
    return this.#translator.close();
  }
}
