/** Watches a training for common faults. An alarm says what is wrong, and what to do. */
import type { Config } from "../config/schema.ts";
import { validationMetrics } from "../metrics/pictures.ts";
import type { Files, Picture } from "../platform.ts";
import { type AlarmLine, alarmLog, alarmsNow } from "../run/alarms.ts";
import { comparable, type Log, scoreValue } from "../run/logs.ts";
import type { LossLine, Run, Score } from "../run/run.ts";
import { deviation, mean } from "../statistics.ts";

/** D is right on more than this share of its map over an epoch: it wins. */
const winning = 0.95;
/** D is right on no more than this share over an epoch: it guesses. */
const guessing = 0.53;
/** An epoch of fewer steps is not judged by its losses. */
const fewestSteps = 10;
/** Steps in which D may guess: it has only begun. */
const firstSteps = 50;
/** Epochs whose mean L1 is compared with that of as many before. */
const compared = 10;
/** The fall of L1 between them, as a share, below which it stands still. */
const smallestFall = 0.005;
/** Scores since the best one after which validation may have turned. */
const scoresSinceBest = 5;
/** How much worse than the best the last scores are, as a share. */
const worse = 0.02;
/** Standard deviation of a picture in grey levels below which it is flat, and mean difference of two that are alike. */
const [flat, alike] = [2, 1];
/** The width of the range of all inputs of an epoch, of 2, below which they are nearly blank. */
const narrow = 0.1;

/** A fault that a check has found. `kind` identifies it over time. */
interface Finding {
  kind: string;
  text: string;
  advice: string;
}

export interface AlarmOptions {
  run: Run;
  files: Files;
  config: Config;
  /** The losses of the run, to which those of each step are added. */
  lines: readonly LossLine[];
  /** Called with a new alarm, in one sentence or two. */
  say(text: string): void;
}

/** The alarms of a run. An alarm is raised when a check first finds its kind, and is over when the check no longer does. */
export class Alarms {
  readonly #options: AlarmOptions;
  readonly #log: Log<AlarmLine>;
  readonly #lines: AlarmLine[];
  /** Of the values of all inputs of the epoch. */
  #range = emptyRange();

  /** Reads the alarms of earlier steps, and removes those of later ones. @param step the last step of the run */
  static async open(options: AlarmOptions, step: number): Promise<Alarms> {
    const log = alarmLog(options.files, options.run.dir);
    return new Alarms(options, log, await log.cutAfter(step));
  }

  private constructor(options: AlarmOptions, log: Log<AlarmLine>, lines: AlarmLine[]) {
    this.#options = options;
    this.#log = log;
    this.#lines = lines;
  }

  /** The alarms that hold now. */
  get now(): readonly AlarmLine[] {
    return alarmsNow(this.#lines);
  }

  /** Adds inputs to the range of the epoch. @param A inputs of a batch; expected in [-1, 1] */
  inputs(A: Float32Array): void {
    let { low, high } = this.#range;
    // Every 7th value gives the range well enough, in a seventh of the time.
    for (let i = 0; i < A.length; i += 7) {
      const value = A[i]!;
      if (value < low) low = value;
      if (value > high) high = value;
    }
    this.#range = { low, high };
  }

  /** Checks an epoch at its end. @param scores of validation, oldest first */
  async endEpoch(epoch: number, step: number, scores: readonly Score[]): Promise<void> {
    const { config, lines } = this.#options;
    const own = lastEpoch(lines, epoch);
    const checked = ["input range", "D wins", "D guesses", "L1 stands still", "validation turns"];
    const found = [
      rangeOf(this.#range),
      ...(own.length >= fewestSteps ? judgementOf(own, config) : []),
      standing(lines, epoch),
      turning(scores, config),
    ];
    this.#range = emptyRange();
    await this.#update(checked, found, epoch, step);
  }

  /** Checks the outputs of a sample. */
  async sample(pairs: readonly { input: Picture; output: Picture }[], epoch: number, step: number): Promise<void> {
    await this.#update(["constant output"], [constant(pairs)], epoch, step);
  }

  async #update(
    checked: readonly string[],
    findings: readonly (Finding | undefined)[],
    epoch: number,
    step: number,
  ): Promise<void> {
    const found = new Map(findings.flatMap((each) => (each ? [[each.kind, each] as const] : [])));
    const before = new Map(this.now.map((line) => [line.kind, line]));
    for (const kind of checked) {
      const [finding, known] = [found.get(kind), before.get(kind)];
      if (finding && !known) {
        await this.#add({ epoch, step, ...finding });
        this.#options.say(`alarm (epoch ${epoch}): ${finding.text} ${finding.advice}`);
      } else if (!finding && known) await this.#add({ ...known, epoch, step, over: true });
    }
  }

  async #add(line: AlarmLine): Promise<void> {
    this.#lines.push(line);
    await this.#log.append(line);
  }
}

const emptyRange = () => ({ low: Number.POSITIVE_INFINITY, high: Number.NEGATIVE_INFINITY });

/** A range of inputs that reaches beyond [-1, 1], or hardly fills it. */
function rangeOf({ low, high }: { low: number; high: number }): Finding | undefined {
  if (low > high) return undefined;
  const shown = `${low.toFixed(3)} to ${high.toFixed(3)}`;
  const kind = "input range";
  if (low < -1.001 || high > 1.001) {
    const advice = "Look at the pictures with pix2pix inspect; scale arrays to [-1, 1].";
    return { kind, text: `Inputs reach from ${shown}, expected -1 to 1.`, advice };
  }
  if (high - low >= narrow) return undefined;
  const advice = "16-bit files with values of 10 or 12 bits have to be stretched first; see pix2pix inspect.";
  return { kind, text: `All inputs of the epoch are from ${shown}: they are nearly blank.`, advice };
}

/** The lines of the last epoch. */
function lastEpoch(lines: readonly LossLine[], epoch: number): LossLine[] {
  const own: LossLine[] = [];
  for (let i = lines.length - 1; i >= 0 && lines[i]!.epoch === epoch; i--) own.push(lines[i]!);
  return own;
}

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

/** A D that is nearly always right over an epoch, or hardly more often than by chance. */
function judgementOf(own: readonly LossLine[], { lambdaGan }: Config): Finding[] {
  if (lambdaGan === 0 || own.some((line) => line.D_right_real === undefined)) return [];
  const real = mean(own.map((line) => line.D_right_real!));
  const fake = mean(own.map((line) => line.D_right_fake!));
  const shown = `on ${percent(real)} of real and ${percent(fake)} of fake pairs`;
  if ((real + fake) / 2 > winning) {
    const text = `D wins: it was right ${shown} over the epoch, so G learns little from it.`;
    const advice =
      "Where the pictures still get better, this is no fault. Else weaken D: --diff-augment, a smaller --lr-d or --ndf, more data.";
    return [{ kind: "D wins", text, advice }];
  }
  if ((real + fake) / 2 < guessing && Math.min(...own.map(({ step }) => step)) > firstSteps) {
    const text = `D guesses: it was right ${shown} over the epoch; guessing gives 50 %.`;
    const advice =
      "It should do better by now. Raise --lr-d or --ndf, or lower --lambda-l1, so that the adversarial loss counts more.";
    return [{ kind: "D guesses", text, advice }];
  }
  return [];
}

/** A mean L1 of the last epochs that is hardly below that of as many before. */
function standing(lines: readonly LossLine[], epoch: number): Finding | undefined {
  const first = epoch - 2 * compared;
  if (first < 0) return undefined;
  const [before, after]: [number[], number[]] = [[], []];
  for (let i = lines.length - 1; i >= 0 && lines[i]!.epoch > first; i--) {
    const { epoch: own, G_L1, L1 = G_L1 } = lines[i]!;
    (own > epoch - compared ? after : before).push(L1);
  }
  const [old, now] = [mean(before), mean(after)];
  if (!(old > 0) || (old - now) / old >= smallestFall) return undefined;
  return {
    kind: "L1 stands still",
    text: `L1 no longer falls: ${now.toPrecision(3)} on average over the last ${compared} epochs, ${old.toPrecision(3)} over the ${compared} before.`,
    advice:
      "Look whether the samples still change; if not, end the run, let the rate decay (--n-epochs-decay), or get more data.",
  };
}

/** Scores that have all been worse than the best one for some time. */
function turning(scores: readonly Score[], { valMetric }: Config): Finding | undefined {
  const sign = validationMetrics[valMetric].better === "smaller" ? 1 : -1;
  const had = comparable(scores).flatMap((score) => {
    const value = scoreValue(score, valMetric);
    return value === undefined ? [] : [{ epoch: score.epoch, value }];
  });
  const values = had.map(({ value }) => sign * value);
  const best = values.indexOf(Math.min(...values));
  if (best < 0 || values.length - 1 - best < scoresSinceBest) return undefined;
  const since = values.slice(-3);
  const limit = values[best]! + worse * Math.abs(values[best]!);
  // The limit beside an infinite PSNR is no number.
  if (!since.every((value) => value >= limit)) return undefined;
  const shown = ({ value }: { value: number }) => value.toPrecision(4);
  return {
    kind: "validation turns",
    text: `Validation gets worse: ${valMetric} was best in epoch ${had[best]!.epoch} (${shown(had[best]!)}) and is ${shown(had.at(-1)!)} now.`,
    advice:
      "G learns its training pairs by heart. best_net_G has the best weights; --early-stop ends a run then; more data or --diff-augment help.",
  };
}

/** Outputs of one colour, or outputs alike for different inputs. */
function constant(pairs: readonly { input: Picture; output: Picture }[]): Finding | undefined {
  const kind = "constant output";
  const advice =
    "Start again with a smaller --lr or another --seed; check that inputs and targets are not exchanged (--direction).";
  if (pairs.length > 0 && pairs.every(({ output }) => deviation(output.data) < flat)) {
    return { kind, text: "Every output is one flat colour.", advice };
  }
  const [first, ...others] = pairs;
  if (!first || others.length === 0) return undefined;
  const same = others.every(({ output }) => difference(first.output, output) < alike);
  const different = others.every(({ input }) => difference(first.input, input) > 5 * alike);
  return same && different ? { kind, text: "The outputs are the same for different inputs.", advice } : undefined;
}

/** The mean difference in grey levels; infinite for pictures of two sizes. */
function difference(a: Picture, b: Picture): number {
  if (a.data.length !== b.data.length) return Number.POSITIVE_INFINITY;
  return a.data.reduce((sum, value, i) => sum + Math.abs(value - b.data[i]!), 0) / a.data.length;
}
