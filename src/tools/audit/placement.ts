/**
 * Tests, for the whole set, whether the two sides of the pairs were cropped or mirrored independently of each other.
 * Outlines of A and of B are compared by normalised cross-correlation, with B mirrored in four ways and shifted by up to a
 * seventh of the side. Pairs with exchanged partners show how large a correlation is by chance. A mixture model then
 * estimates in which part of the pairs B fits as it stands, mirrored, shifted, or not at all.
 *
 * Each correlation is divided by its standard deviation, which is that of the exchanged pairs or, if that is larger, that of
 * the pair itself over all places: repeated forms (rows of windows, parallel streets) correlate at many places.
 */
import { fewestPairs, meanOf } from "./alignment.ts";
import {
  correlations,
  flips,
  foreignPartners,
  outlineGrid,
  reach,
  type Spectrum,
  shifts,
  spectrumOf,
} from "./correlation.ts";
import type { Pose } from "./pose.ts";

/** Outlines of both sides of a pair; see `outlines` in features.ts. */
export interface Outlines {
  a: Float32Array;
  b: Float32Array;
}

/** A share of pairs from 0 to 1, with its 95 % interval. */
export interface Share {
  value: number;
  from: number;
  to: number;
}

export interface Placement {
  /**
   * sound: the sides line up; moved: in too many pairs they line up only after a move; exchanged: the sides do not fit
   * their own partners, but those of other pairs; unknown: the pairs do not show it.
   */
  verdict: "sound" | "moved" | "exchanged" | "unknown";
  /** Pairs that were compared. */
  pairs: number;
  /** The number of pairs whose sides fit at some place better than pictures of different pairs do: the telling pairs. */
  telling: number;
  /** Parts of the telling pairs: B fits mirrored in any way; B fits shifted; either of them. */
  mirrored: Share;
  shifted: Share;
  moved: Share;
  /** Root mean square of the shifts along x and y, as a part of the side; over the telling pairs. */
  spread: number;
  /** Pairs whose A fits the B of another pair; only counted where the own partners do not fit. */
  exchanged: number;
  /** For each pair the best fit; undefined for pairs that are not telling. */
  fits: (Pose | undefined)[];
  /** For each pair the index of the pair whose B fits instead; for `exchanged`. */
  partners: (number | undefined)[];
  /** Why the verdict is `unknown`, as a clause. */
  reason?: string;
}

/** Shifts up to this many cells count as no shift. */
const tolerance = 1;
/** Likelihood of "fits nowhere"; that of a place is exp(z^2 / 2). With this value, pairs of exchanged partners fit nowhere. */
const nowhere = 5;
/**
 * The set is `moved` when the lower bound of a share is above these limits, and `sound` only when the upper bound is below
 * `stillSound` and the share of all moved pairs is below `fewMoved`. Among sound pairs with parallel streets (maps) one in
 * ten looks shifted.
 */
const tooMany = { mirrored: 0.2, shifted: 0.4 };
const stillSound = { mirrored: 0.35, shifted: 0.5 };
const fewMoved = 0.3;
/** By how much the lower bound of the share of telling pairs must exceed that share among exchanged pairs. */
const surplus = 0.1;
/** The number of first pairs, which get a later pair's B as a stranger, because there are too few earlier ones. */
const early = 8;

/** Two classes for each flip: in place, and shifted. The last class is "fits nowhere". */
const classCount = 2 * flips.length + 1;
const classOf = Int8Array.from({ length: flips.length * shifts * shifts }, (_, at) => {
  const { flip, dx, dy } = placeOf(at);
  return 2 * flip + (Math.max(Math.abs(dx), Math.abs(dy)) > tolerance ? 1 : 0);
});
const classSizes = Array.from({ length: classCount - 1 }, (_, k) => classOf.filter((c) => c === k).length);

/** Collects pairs of a set and judges them together. */
export class PlacementTest {
  readonly #sample: Outlines[] = [];
  readonly #own: Float32Array[] = [];
  readonly #strangers: Float32Array[] = [];
  /** Of side B of each pair, and of side A of the first pairs. */
  readonly #spectraB: Spectrum[] = [];
  readonly #spectraA: Spectrum[] = [];

  /** Neighbours in the set should be added one after the other, because partners are most often exchanged with neighbours. */
  add(outlines: Outlines): void {
    const [a, b] = [spectrumOf(outlines.a), spectrumOf(outlines.b)];
    const i = this.#sample.push(outlines) - 1;
    this.#own.push(correlations(a, b));
    if (i < early) this.#spectraA.push(a);
    else this.#strangers.push(correlations(a, this.#spectraB[Math.floor(0.62 * i)]!));
    this.#spectraB.push(b);
  }

  judge(): Placement {
    const sample = this.#sample;
    const pairs = sample.length;
    if (pairs < fewestPairs) {
      return unknown(pairs, `at least ${fewestPairs} readable pairs are needed, and there are ${pairs}`);
    }
    const first = this.#spectraA.map((a, i) => correlations(a, this.#spectraB[i + early]!));
    const strangers = [...first, ...this.#strangers];
    const chance = meanOf(strangers);
    const common = Math.sqrt(strangers.reduce((sum, each) => sum + variance(each, chance), 0) / pairs) || 1;
    const scores = this.#own.map((each) => scored(each, chance, common));
    const byChance = mixture(strangers.map((each) => likelihoods(scored(each, chance, common))));
    const telling = 1 - byChance.shares[classCount - 1]!;
    return verdictOf(sample, scores, mixture(scores.map(likelihoods)), telling);
  }
}

interface Mixture {
  /** The share of each class. */
  shares: number[];
  /** The probability of each class, for each pair. */
  probabilities: number[][];
}

function verdictOf(
  sample: readonly Outlines[],
  scores: readonly Float32Array[],
  { shares, probabilities }: Mixture,
  byChance: number,
): Placement {
  const pairs = sample.length;
  const tells = 1 - shares[classCount - 1]!;
  const sumOf = (wanted: (k: number) => boolean) =>
    shares.reduce((sum, share, k) => sum + (k < classCount - 1 && wanted(k) ? share : 0), 0) / (tells || 1);
  const count = tells * pairs;
  const fits = scores.map((each, i) => {
    const ofClasses = probabilities[i]!.slice(0, -1);
    if (probabilities[i]!.at(-1)! >= 0.5) return undefined;
    return fitOf(placeOf(highest(each, ofClasses.indexOf(Math.max(...ofClasses)))));
  });
  const found: Placement = {
    verdict: "unknown",
    pairs,
    telling: fits.filter((fit) => fit).length,
    mirrored: shareOf(
      sumOf((k) => k > 1),
      count,
    ),
    shifted: shareOf(
      sumOf((k) => k % 2 === 1),
      count,
    ),
    moved: shareOf(
      sumOf((k) => k > 0),
      count,
    ),
    spread: spreadOf(fits),
    exchanged: 0,
    fits,
    partners: [],
  };
  const tellsEnough = shareOf(tells, pairs).from >= byChance + surplus;
  const moved = found.mirrored.from > tooMany.mirrored || found.shifted.from > tooMany.shifted;
  if (!tellsEnough || moved) {
    const partners = foreignPartners(sample);
    const exchanged = partners.filter((partner) => partner !== undefined).length;
    // Shapes that look alike in all pairs, such as shoes, fit other partners after a small shift.
    if (exchanged >= Math.max(4, (tellsEnough ? 0.25 : 0.1) * pairs)) {
      return { ...found, verdict: "exchanged", exchanged, partners };
    }
  }
  if (!tellsEnough) return { ...found, reason: noneInCommon };
  if (moved) return { ...found, verdict: "moved" };
  const sound = found.mirrored.to < stillSound.mirrored && found.shifted.to < stillSound.shifted;
  if (sound && found.moved.value < fewMoved) return { ...found, verdict: "sound" };
  const part = `${percent(found.moved.from)} to ${percent(found.moved.to)}`;
  return {
    ...found,
    reason: `${found.telling} of ${pairs} pairs show it, and ${part} of them are moved: too uncertain to tell`,
  };
}

const noneInCommon =
  "the outlines of A and B agree no better within a pair than between pairs. Either the two sides have no outlines in " +
  "common, or the partners are mixed up";

function unknown(pairs: number, reason: string): Placement {
  const none = { value: 0, from: 0, to: 1 };
  return {
    verdict: "unknown",
    pairs,
    telling: 0,
    mirrored: none,
    shifted: none,
    moved: none,
    spread: 0,
    exchanged: 0,
    fits: [],
    partners: [],
    reason,
  };
}

interface Place {
  /** Index into `flips`. */
  flip: number;
  /** Cells by which the flipped B lies to the right of A and below it. */
  dx: number;
  dy: number;
}

function placeOf(at: number): Place {
  const rest = at % (shifts * shifts);
  return {
    flip: Math.floor(at / (shifts * shifts)),
    dx: (rest % shifts) - reach,
    dy: Math.floor(rest / shifts) - reach,
  };
}

function fitOf({ flip, dx, dy }: Place): Pose {
  const near = Math.max(Math.abs(dx), Math.abs(dy)) <= tolerance;
  return { ...flips[flip]!, dx: near ? 0 : dx / outlineGrid, dy: near ? 0 : dy / outlineGrid };
}

function spreadOf(fits: readonly (Pose | undefined)[]): number {
  const known = fits.flatMap((fit) => fit ?? []);
  return Math.sqrt(known.reduce((sum, { dx, dy }) => sum + (dx ** 2 + dy ** 2) / 2, 0) / (known.length || 1));
}

function variance(values: Float32Array, mean: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i]! - mean[i]!) ** 2;
  return sum / values.length;
}

/** Correlations in standard deviations above what is usual by chance. */
function scored(values: Float32Array, chance: Float64Array, common: number): Float32Array {
  const deviation = Math.max(common, Math.sqrt(variance(values, chance)));
  return values.map((value, i) => (value - chance[i]!) / deviation);
}

/** The place with the highest score among those of a class. */
function highest(scores: Float32Array, ofClass: number): number {
  let best = classOf.indexOf(ofClass);
  for (let i = best + 1; i < scores.length; i++) if (classOf[i] === ofClass && scores[i]! > scores[best]!) best = i;
  return best;
}

/** Likelihood of each class, as the mean over its places. */
function likelihoods(scores: Float32Array): number[] {
  const out = new Array<number>(classCount).fill(0);
  for (let i = 0; i < scores.length; i++) {
    const z = Math.max(0, scores[i]!);
    out[classOf[i]!]! += Math.exp(Math.min(60, (z * z) / 2));
  }
  return out.map((sum, k) => (k < classCount - 1 ? sum / classSizes[k]! : nowhere));
}

/** Shares of the classes by expectation maximisation. @param all for each pair the likelihoods of the classes */
function mixture(all: readonly number[][]): Mixture {
  let shares = new Array<number>(classCount).fill(1 / classCount);
  let probabilities: number[][] = [];
  for (let round = 0; round < 100; round++) {
    probabilities = all.map((each) => {
      const total = each.reduce((sum, value, k) => sum + value * shares[k]!, 0);
      return each.map((value, k) => (value * shares[k]!) / total);
    });
    shares = shares.map((_, k) => probabilities.reduce((sum, each) => sum + each[k]!, 0) / all.length);
  }
  return { shares, probabilities };
}

/** Wilson's 95 % interval of a share that was seen in `count` cases. */
function shareOf(share: number, count: number): Share {
  const z = 1.96;
  const value = Math.min(1, Math.max(0, share));
  if (count <= 0) return { value, from: 0, to: 1 };
  const middle = (value + z ** 2 / (2 * count)) / (1 + z ** 2 / count);
  const half = (z / (1 + z ** 2 / count)) * Math.sqrt((value * (1 - value)) / count + z ** 2 / (4 * count ** 2));
  return { value, from: Math.max(0, middle - half), to: Math.min(1, middle + half) };
}

/** "49 %" */
export function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
