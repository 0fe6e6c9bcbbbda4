/** The logs of a run: files with one JSON object a line. */
import type { Config } from "../config/schema.ts";
import { linesOf } from "../formats/read-text.ts";
import { type ValidationMetric, validationMetrics } from "../metrics/pictures.ts";
import type { Losses } from "../model/losses.ts";
import type { Files } from "../platform.ts";
import { lossFile, scoreFile } from "./paths.ts";

/** A line of loss_log.jsonl. G_L1 is multiplied by lambda, `lr` is the rate of the step, `seconds` its duration. */
export interface LossLine extends Losses {
  epoch: number;
  step: number;
  lr: number;
  seconds: number;
}

/**
 * A line of val_log.jsonl: means over the pairs of --val-phase, computed from 8-bit pictures as `pix2pix test` computes
 * them. L1 is the mean absolute difference in [-1, 1], PSNR is in decibels, over the pairs whose output does not equal the target.
 */
export interface Score {
  epoch: number;
  step: number;
  L1: number;
  /** Absent where every output equals its target: it is infinite then, which JSON does not have. */
  PSNR?: number;
  SSIM: number;
  /** With --features and --lpips. */
  LPIPS?: number;
  /** With --features. */
  KID?: number;
  /** The phase and the number of the pairs. Absent in logs of older versions. */
  phase?: string;
  pairs?: number;
}

type ScoredPairs = Pick<Score, "phase" | "pairs">;

/** Whether two scores are of the same pairs, as far as they name them. */
export const samePairs = (a: ScoredPairs, b: ScoredPairs): boolean =>
  (a.phase ?? b.phase) === (b.phase ?? a.phase) && (a.pairs ?? b.pairs) === (b.pairs ?? a.pairs);

/** The scores that can be compared with the last one: --val-phase and --val-size may have been changed. */
export const comparable = <S extends ScoredPairs>(scores: readonly S[]): S[] =>
  scores.filter((score) => samePairs(score, scores.at(-1)!));

type Values = Partial<Record<ValidationMetric, number>>;

/** The value of a score by a metric; undefined where it has none. The PSNR of outputs that equal their targets is infinite. */
export const scoreValue = (score: Values, metric: ValidationMetric): number | undefined =>
  score[metric] ?? (metric === "PSNR" && score.L1 === 0 ? Number.POSITIVE_INFINITY : undefined);

/** The first of the best scores by a metric. Scores without it, and of other pairs than the last one, do not count. */
export function bestScore<S extends ScoredPairs & Values>(
  scores: readonly S[],
  metric: ValidationMetric,
): S | undefined {
  const sign = validationMetrics[metric].better === "smaller" ? 1 : -1;
  const badness = (score: S) => sign * scoreValue(score, metric)!;
  const having = comparable(scores).filter((score) => scoreValue(score, metric) !== undefined);
  return having.reduce<S | undefined>((a, b) => (a && badness(a) <= badness(b) ? a : b), undefined);
}

/** Whether --early-stop ends a run: that many scores since the best one were no better. */
export function stopsEarly(
  scores: readonly Score[],
  { valMetric, earlyStop = Number.POSITIVE_INFINITY }: Pick<Config, "valMetric" | "earlyStop">,
): boolean {
  const having = comparable(scores).filter((score) => scoreValue(score, valMetric) !== undefined);
  const best = bestScore(having, valMetric);
  return best !== undefined && having.length - 1 - having.indexOf(best) >= earlyStop;
}

export class Log<Line extends { step: number }> {
  readonly #files: Files;
  readonly #path: string;
  readonly #fields: readonly (keyof Line)[];

  /** @param fields numbers that every complete line has */
  constructor(files: Files, path: string, fields: readonly (keyof Line)[]) {
    this.#files = files;
    this.#path = path;
    this.#fields = fields;
  }

  append(line: Line): Promise<void> {
    return this.#files.append(this.#path, `${JSON.stringify(line)}\n`);
  }

  /** The lines up to and including `step`, in the order of the file; none where there is no file. */
  async read(step = Number.POSITIVE_INFINITY): Promise<Line[]> {
    const lines: Line[] = [];
    for (const { text } of linesOf(await this.#content())) {
      const line = this.#parse(text);
      if (line && line.step <= step) lines.push(line);
    }
    return lines;
  }

  /**
   * Removes the lines after `step`: a run that continues from a checkpoint repeats those steps.
   * @returns the other lines
   */
  async cutAfter(step: number): Promise<Line[]> {
    const bytes = await this.#content();
    const kept: Line[] = [];
    /** The bytes of the other lines, in parts that follow each other in the file. */
    const parts: { start: number; end: number }[] = [];
    for (const { text, start, end } of linesOf(bytes)) {
      const line = this.#parse(text);
      if (!line || line.step > step) continue;
      kept.push(line);
      const last = parts.at(-1);
      if (last?.end === start) last.end = end;
      else parts.push({ start, end });
    }
    const whole = bytes.length === 0 || (parts[0]?.start === 0 && parts[0].end === bytes.length && bytes.at(-1) === 10);
    if (whole) return kept;
    const content = parts.map(({ start, end }) => bytes.subarray(start, end));
    // The last line may lack its line break.
    const isOpen = content.at(-1)?.at(-1) !== 10 && content.length > 0;
    await this.#files.write(this.#path, isOpen ? [...content, Uint8Array.of(10)] : content);
    return kept;
  }

  async #content(): Promise<Uint8Array> {
    return (await this.#files.exists(this.#path)) ? this.#files.read(this.#path) : new Uint8Array();
  }

  /**
   * Undefined for an incomplete line: a kill can leave one at the end of the file. A field that is null is left out: JSON has no other
   * form for a number that is not finite.
   */
  #parse(text: string): Line | undefined {
    try {
      const line = JSON.parse(text) as Line | null;
      if (line === null) return undefined;
      for (const name in line) if (line[name] === null) delete line[name];
      return this.#fields.every((name) => typeof line[name] === "number") ? line : undefined;
    } catch {
      return undefined;
    }
  }
}

/** @param dir the folder of the run */
export const lossLog = (files: Files, dir: string): Log<LossLine> =>
  new Log<LossLine>(files, `${dir}/${lossFile}`, ["epoch", "step", "G_L1"]);

/** @param dir the folder of the run */
export const scoreLog = (files: Files, dir: string): Log<Score> =>
  new Log<Score>(files, `${dir}/${scoreFile}`, ["epoch", "step", "L1", "SSIM"]);
