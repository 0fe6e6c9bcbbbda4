/** Scores on pairs that are not trained on: they choose the best weights, the learning rate and the early stop. */
import type { Config } from "../config/schema.ts";
import type { Loader } from "../data/loader.ts";
import { UserError } from "../errors.ts";
import { FeatureExtractor } from "../features/extractor.ts";
import { openTestSet, translatePairs } from "../inference/evaluate.ts";
import { Translator } from "../inference/translator.ts";
import { featureRows } from "../metrics/features.ts";
import { kernelDistance } from "../metrics/kid.ts";
import { finiteMeans, leastSide, type Metrics, measure, type ValidationMetric } from "../metrics/pictures.ts";
import type { Platform } from "../platform.ts";
import { bestScore, samePairs, scoreValue, stopsEarly } from "../run/logs.ts";
import { type Run, type Score, weightsFile } from "../run/run.ts";
import { counted } from "../text.ts";
import type { Trainer } from "./trainer.ts";

/** Memory for decoded pictures: small ones are decoded once for all epochs. */
const cacheBytes = 16 * 2 ** 20;

/** What a `Validation` consists of; its fields say more. */
interface Parts {
  config: Config;
  run: Run;
  trainer: Trainer;
  loader: Loader;
  ofPhase: boolean;
  translator: Translator;
  extractor: FeatureExtractor | undefined;
  scores: Score[];
  kept: Score | undefined;
}

export class Validation {
  /** Oldest first. */
  readonly scores: Score[];
  readonly #config: Config;
  readonly #loader: Loader;
  /** False where the data set has no folder for --val-phase. */
  readonly #ofPhase: boolean;
  readonly #translator: Translator;
  readonly #run: Run;
  readonly #trainer: Trainer;
  readonly #extractor: FeatureExtractor | undefined;
  /** The score of the weights that are kept as "best". They may have been chosen by another --val-metric. */
  #kept: Score | undefined;
  /** The features of the targets, which are the same at every score. */
  #targets: Float32Array[] | undefined;

  /**
   * @param step the last step of the run; scores of later steps are removed
   * @returns undefined without --val-freq
   * @throws DatasetError when the data set has no such phase
   * @throws UserError for pairs that cannot be scored
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
    const { loader, ofPhase } = await openTestSet(
      config,
      { phase, phaseOption: "--val-phase", count, skipUnpaired, skipBadImages, cacheBytes },
      platform,
    );
    const { features, lpips, featureResize: resize, threads } = config;
    await refuseUnscored(loader, ofPhase ? phase : config.phase, config.valMetric);
    const translator = new Translator({ config, state: trainer.shownG, platform });
    const extractor =
      features === undefined ? undefined : await FeatureExtractor.open({ features, lpips, resize, threads }, platform);
    const scores = await run.scores.cutAfter(step);
    const kept = await keptScore(run, scores, config.valMetric);
    return new Validation({ config, run, trainer, loader, ofPhase, translator, extractor, scores, kept });
  }

  private constructor({ config, run, trainer, loader, ofPhase, translator, extractor, scores, kept }: Parts) {
    this.#config = config;
    this.#run = run;
    this.#trainer = trainer;
    this.#loader = loader;
    this.#ofPhase = ofPhase;
    this.#translator = translator;
    this.#extractor = extractor;
    this.scores = scores;
    this.#kept = kept;
  }

  /** What the user should know about the pairs and the weights that are kept. */
  get notes(): string[] {
    return [this.#noteOfPairs, this.#noteOfOthers ?? this.#noteOfBest].filter((note) => note !== undefined);
  }

  /** The pairs that are scored: their phase and number. */
  get #pairs(): Required<Pick<Score, "phase" | "pairs">> {
    const { phase, valPhase } = this.#config;
    return { phase: this.#ofPhase ? valPhase : phase, pairs: this.#loader.names.length };
  }

  /** Of scores of other pairs than those of now. */
  get #noteOfOthers(): string | undefined {
    const last = this.scores.at(-1);
    if (!last || samePairs(last, this.#pairs)) return undefined;
    const [before, now] = [{ ...this.#pairs, ...last }, this.#pairs].map(
      ({ pairs, phase }) => `${counted(pairs, "pair")} of ${phase}`,
    );
    return (
      `--val-phase, --val-size: the scores so far are those of ${before}, the next ones of ${now}, so they are not compared: the ` +
      "next epoch that is scored is kept as best, and --early-stop and --lr-policy plateau count from there"
    );
  }

  /** Of weights that are not the best by --val-metric: the metric is another than before. */
  get #noteOfBest(): string | undefined {
    const { best } = this;
    if (!best || best.epoch === this.#kept?.epoch) return undefined;
    const { valMetric } = this.#config;
    const now = this.#kept
      ? `${weightsFile("best", "G")} is of epoch ${this.#kept.epoch} (${valuesOf(this.#kept)}), and is replaced by the next better one`
      : `there is no ${weightsFile("best", "G")}, so the next epoch that is scored is kept`;
    return `--val-metric ${valMetric}: the best so far, ${valuesOf(best)} in epoch ${best.epoch}, was not kept as best; ${now}`;
  }

  /** A score of pairs that are trained on says little. */
  get #noteOfPairs(): string | undefined {
    const { dataroot, valPhase } = this.#config;
    if (this.#ofPhase) return undefined;
    return (
      `--val-freq: ${dataroot} has no folder for the phase "${valPhase}", so the scores are those of the pairs that are trained ` +
      "on. They do not show overfitting; pix2pix data split sets pairs aside"
    );
  }

  /** The scores by --val-metric before `epoch`, for the schedule of the learning rate: a list for each set of pairs (`Span`). */
  history(epoch: number): number[][] {
    const lists: number[][] = [];
    let last: Score | undefined;
    for (const score of this.scores.filter((score) => score.epoch < epoch)) {
      const value = scoreValue(score, this.#config.valMetric);
      // A continued run may have had no feature network before, and so no such score.
      if (value === undefined) continue;
      if (last && samePairs(last, score)) lists.at(-1)!.push(value);
      else lists.push([value]);
      last = score;
    }
    return lists;
  }

  /** Whether the end of this epoch still has to be scored. */
  due(epoch: number): boolean {
    return epoch % this.#config.valFreq! === 0 && this.scores.every((score) => score.epoch !== epoch);
  }

  /**
   * Scores the weights on the host, keeps weights as "best" that are better than those kept before, and logs the score.
   * @param signal aborts it, without a score
   * @returns a line for the user; undefined where it was aborted
   */
  async score(epoch: number, step: number, signal?: AbortSignal): Promise<string | undefined> {
    const { valMetric: metric } = this.#config;
    const each: Metrics[] = [];
    const outputFeatures: Float32Array[] = [];
    const targetFeatures: Float32Array[] = [];
    const distances: number[] = [];
    for await (const { outputs, target, name } of translatePairs(this.#translator, this.#loader)) {
      if (signal?.aborted) return undefined;
      const output = outputs[0]!;
      each.push(measure(output, target));
      if (!this.#extractor) continue;
      outputFeatures.push(await this.#extractor.features(output, name));
      if (!this.#targets) targetFeatures.push(await this.#extractor.features(target, name));
      if (this.#extractor.linear) distances.push(await this.#extractor.distance(output, target, name));
    }
    const { l1: L1, psnr: PSNR, ssim: SSIM } = finiteMeans(each);
    const finite = Number.isFinite(PSNR) ? { PSNR } : {};
    const score: Score = { epoch, step, L1, ...finite, SSIM, ...this.#pairs };
    if (this.#extractor) {
      this.#targets ??= targetFeatures;
      // One picture has no KID.
      if (outputFeatures.length > 1) {
        score.KID = kernelDistance(featureRows(outputFeatures), featureRows(this.#targets)).mean;
      }
      if (distances.length > 0) score.LPIPS = distances.reduce((sum, d) => sum + d, 0) / distances.length;
    }
    this.scores.push(score);
    const best = bestScore(this.#kept ? [this.#kept, score] : [score], metric)!;
    // The score comes last: after a kill between the two, an epoch without a score is scored again.
    if (best === score) await this.#run.saveWeights("best", this.#trainer, { epoch, step });
    await this.#run.scores.append(score);
    this.#kept = best;
    const verdict =
      best === score
        ? `the best ${metric} so far, kept as ${weightsFile("best", "G")}`
        : `the best ${metric} was ${scoreValue(best, metric)!.toPrecision(4)} in epoch ${best.epoch}`;
    return `epoch ${epoch}: ${counted(each.length, "pair")} of ${score.phase}: ${valuesOf(score)}; ${verdict}`;
  }

  /** The first of the best scores. */
  get best(): Score | undefined {
    return bestScore(this.scores, this.#config.valMetric);
  }

  /** Whether --early-stop ends the run. */
  get exhausted(): boolean {
    return stopsEarly(this.scores, this.#config);
  }

  async close(): Promise<void> {
    await this.#translator.close();
    await this.#extractor?.close();
  }
}

/** @throws UserError for pairs that cannot be scored: found now, and not when the first epoch is done */
async function refuseUnscored(loader: Loader, phase: string, metric: ValidationMetric): Promise<void> {
  const { width, height } = await loader.size();
  if (Math.min(width, height) < leastSide) {
    throw new UserError(
      `--val-freq: SSIM needs pictures of at least ${leastSide}x${leastSide}, the pairs of ${phase} are ${width}x${height}; take a ` +
        "larger --crop-size, or leave out --val-freq",
    );
  }
  if (metric === "KID" && loader.names.length < 2) {
    throw new UserError(
      `--val-metric KID compares sets of at least two pictures, and one pair of ${phase} is scored; give more pairs (--val-size), or ` +
        "take another metric",
    );
  }
}

/**
 * The score of the weights that are kept as "best"; undefined where there are none. Weights of an epoch without a score (a kill came
 * before it) count as the best of those with one.
 */
async function keptScore(run: Run, scores: readonly Score[], metric: ValidationMetric): Promise<Score | undefined> {
  const epoch = await run.bestEpoch();
  return epoch === undefined ? undefined : (scores.find((score) => score.epoch === epoch) ?? bestScore(scores, metric));
}

function valuesOf({ L1, PSNR, SSIM, LPIPS, KID }: Score): string {
  const psnr = PSNR === undefined ? "infinite (the outputs equal the targets)" : `${PSNR.toFixed(2)} dB`;
  const values = [`L1 ${L1.toFixed(4)}`, `PSNR ${psnr}`, `SSIM ${SSIM.toFixed(3)}`];
  if (LPIPS !== undefined) values.push(`LPIPS ${LPIPS.toFixed(4)}`);
  if (KID !== undefined) values.push(`KID ${KID.toPrecision(4)}`);
  return values.join(", ");
}
