/** Scores of pairs, added up pair by pair. The tallies of parts of a test set merge into exactly that of the whole set. */
import { classesFirst, nearestColours, type Palette, paint } from "../data/palette.ts";
import { DatasetError } from "../errors.ts";
import { type FeaturePair, FeatureScorer, type FeatureScores, type FeatureScoring } from "../features/scorer.ts";
import { finiteMean, finiteMeans, type Metrics, mean, measure, type PairMetrics, spread } from "../metrics/pictures.ts";
import { type ClassScores, Confusion, LabHistograms, type LabScores } from "../metrics/scores.ts";
import type { Picture } from "../platform.ts";

/** A pair with the outputs for its input, as 8-bit pictures. */
export interface TranslatedPair {
  index: number;
  name: string;
  /** Whether the pair at `index` could not be decoded and this is another pair in its place (`skipBadImages`). */
  replaced: boolean;
  input: Picture;
  /** An output for each sample. */
  outputs: Picture[];
  target: Picture;
  /** Run time of the generator for each output, in seconds. */
  seconds: number[];
}

/** One pair with its outputs and its scores. */
export interface ScoredPair extends TranslatedPair {
  metrics: PairMetrics;
  /** With several samples: a picture of their differences. */
  spread: Picture | undefined;
  /** With a palette: the first output in its colours. */
  classes: Picture | undefined;
}

/** Scores of the classes of all pairs together. */
export interface ClassEvaluation extends ClassScores {
  /** In the order of the palette. */
  each: ({ name: string } & Omit<ClassScores, "pixel">)[];
}

/** The scores of a run on a test set. */
export interface Evaluation {
  /** In the order of the pairs; those that could not be decoded are left out. */
  pairs: { name: string; metrics: PairMetrics }[];
  /** Means over the pairs, of each metric over those where it is finite; NaN where it is for none. */
  mean: Metrics & Pick<PairMetrics, "lpips">;
  /** With a palette. */
  classes?: ClassEvaluation;
  /**
   * For outputs in colour: how alike the colours of all outputs and of all targets are, 0 to 1 (Isola et al. 2017,
   * 4.1).
   */
  labIntersection?: LabScores;
  /** With `features`. */
  features?: FeatureScores;
  /** Mean run time of the generator for an output, without the first output, for which the generator is also compiled. */
  secondsPerImage: number;
}

/** The scores of a pair, and the seconds of the generator for each of its outputs. */
interface TalliedPair {
  name: string;
  metrics: PairMetrics;
  seconds: readonly number[];
}

/** The state of a `Tally` as plain numbers, for a file. */
export interface TallyState {
  pairs: TalliedPair[];
  /** Counts of the confusion matrix (metrics/scores.ts). */
  confusion?: number[];
  lab?: ReturnType<LabHistograms["state"]>;
  /** With `features`. */
  features?: readonly FeaturePair[];
}

export class Tally {
  readonly #pairs: TalliedPair[] = [];
  readonly #colours: LabHistograms | undefined;
  readonly #classes: ClassScorer | undefined;
  readonly #features: FeatureScorer | undefined;

  /** @param of what is scored besides the metrics of pairs; `colours`: outputs are in colour */
  constructor(of: { colours: boolean; palette?: Palette | undefined; features?: FeatureScoring | undefined }) {
    this.#colours = of.colours ? new LabHistograms() : undefined;
    this.#classes = of.palette && new ClassScorer(of.palette);
    this.#features = of.features && new FeatureScorer(of.features);
  }

  /** Scores a pair. */
  async add(pair: TranslatedPair): Promise<ScoredPair> {
    const { outputs, target, name, seconds } = pair;
    for (const output of outputs) this.#colours?.add(output, target);
    const right = outputs.map((output) => this.#classes?.add(output, target) ?? 0);
    const differences = outputs.length > 1 ? spread(outputs) : undefined;
    const lpips = await this.#features?.add(outputs, target, name);
    const metrics: PairMetrics = {
      ...mean(outputs.map((output) => measure(output, target))),
      ...(this.#classes && { pixel: right.reduce((sum, share) => sum + share, 0) / outputs.length }),
      ...(differences && { spread: differences.mean }),
      ...(lpips !== undefined && { lpips }),
    };
    this.#pairs.push({ name, metrics, seconds });
    return { ...pair, metrics, spread: differences?.picture, classes: this.#classes?.painted(outputs[0]!) };
  }

  state(): TallyState {
    return {
      pairs: this.#pairs,
      ...(this.#classes && { confusion: Array.from(this.#classes.counts) }),
      ...(this.#colours && { lab: this.#colours.state() }),
      ...(this.#features && { features: this.#features.pairs }),
    };
  }

  /** Adds what another tally, of the same palette, has counted. Counts are whole numbers, so their sums are exact. */
  merge({ pairs, confusion = [], lab, features = [] }: TallyState): void {
    // One by one: a call takes some hundred thousand arguments at most.
    for (const pair of pairs) this.#pairs.push(pair);
    this.#classes?.merge(confusion);
    if (lab) this.#colours?.merge(lab);
    for (const pair of features) this.#features?.pairs.push(pair);
  }

  /** Puts the pairs in the order of a list of names: the rounding of a sum depends on the order. */
  sort(names: readonly string[]): void {
    const place = new Map(names.map((name, i) => [name, i]));
    const byPlace = (a: { name: string }, b: { name: string }) => (place.get(a.name) ?? 0) - (place.get(b.name) ?? 0);
    this.#pairs.sort(byPlace);
    this.#features?.pairs.sort(byPlace);
  }

  /** @throws DatasetError without pairs */
  evaluation(): Evaluation {
    const pairs = this.#pairs.map(({ name, metrics }) => ({ name, metrics }));
    if (pairs.length === 0) throw new DatasetError("none of the pairs can be decoded, so there is nothing to test");
    const seconds = this.#pairs.flatMap((pair) => pair.seconds);
    const timed = seconds.length > 1 ? seconds.slice(1) : seconds;
    const lab = this.#colours?.intersection();
    return {
      pairs,
      mean: meanOf(pairs.map(({ metrics }) => metrics)),
      ...(this.#classes && { classes: this.#classes.evaluation() }),
      ...(lab && { labIntersection: lab }),
      ...(this.#features && { features: this.#features.scores() }),
      secondsPerImage: timed.reduce((sum, each) => sum + each, 0) / timed.length,
    };
  }
}

function meanOf(all: readonly PairMetrics[]): Evaluation["mean"] {
  const scored = all.some(({ lpips }) => lpips !== undefined);
  return { ...finiteMeans(all), ...(scored && { lpips: finiteMean(all, "lpips").mean }) };
}

/** Compares label maps by the nearest colours of a palette; colours that are no class are not scored. */
class ClassScorer {
  readonly #palette: Palette;
  readonly #names: string[];
  readonly #confusion: Confusion;

  constructor(palette: Palette) {
    const { colours, classes } = classesFirst(palette);
    this.#palette = colours;
    this.#names = classes;
    this.#confusion = new Confusion(this.#names.length);
  }

  /** @returns the share of pixels of the right class */
  add(output: Picture, target: Picture): number {
    return this.#confusion.add(nearestColours(output, this.#palette), nearestColours(target, this.#palette));
  }

  get counts(): Float64Array {
    return this.#confusion.counts;
  }

  merge(counts: readonly number[]): void {
    this.#confusion.merge(counts);
  }

  painted(picture: Picture): Picture {
    return paint(nearestColours(picture, this.#palette), this.#palette, picture);
  }

  evaluation(): ClassEvaluation {
    const each = this.#confusion.perClass().map((scores, i) => ({ name: this.#names[i]!, ...scores }));
    return { ...this.#confusion.scores(), each };
  }
}
