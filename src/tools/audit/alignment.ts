/**
 * Tests whether the two sides of a pair line up. A sample of the set's own pairs gives the joint covariance of the
 * local features of A and B. Under a normal distribution this gives the log-likelihood of B's features at each place,
 * given A's. A pair is suspicious where its likelihood rises when B is mirrored, turned, shifted or replaced by the B
 * of another pair.
 *
 * With the standardised features u and v and their covariances C, the part of the log-likelihood that depends on which
 * places correspond is u' M v with M = Cuu^-1 Cuv (Cvv - Cvu Cuu^-1 Cuv)^-1.
 *
 * Measured on real sets of at least 120 pairs, with one pair in twenty damaged (docs/data.md): it finds 69 to 100 % of
 * the mirrored pairs, 56 to 92 % of shifts by an eighth, 17 to 50 % of wrong partners. It names 3 of 1136 sound pairs.
 */
import type { Picture } from "../../platform.ts";
import { median } from "../../statistics.ts";
import { featureCount, grid } from "./features.ts";
import { placed } from "./pose.ts";

const count: number = featureCount;

/** Moves of B that are tried. */
const moves = {
  "mirrored left to right": { flipX: true },
  "mirrored top to bottom": { flipY: true },
  "turned by 180 degrees": { flipX: true, flipY: true },
  "shifted to the left": { dx: grid / 8 },
  "shifted to the right": { dx: -grid / 8 },
  "shifted up": { dy: grid / 8 },
  "shifted down": { dy: -grid / 8 },
} as const satisfies Record<string, { flipX?: boolean; flipY?: boolean; dx?: number; dy?: number }>;

export type Move = keyof typeof moves | "the picture of another pair";
export const otherPair = "the picture of another pair";

/** Fewer pairs give no usable covariance. */
export const fewestPairs = 16;
/** A move is judged only in a set where at least this share of the pairs is more likely without it. */
const evident = 0.9;
/**
 * A pair is suspicious where a move raises its log-likelihood by more than `errors` standard errors, and by more than
 * `gain` times what the move costs the median pair. Shifts need more: rows of windows look alike one floor higher. So
 * do the pictures of other pairs, which are more likely by chance.
 */
const limits = {
  mirror: { errors: 2, gain: 0 },
  shift: { errors: 2.5, gain: 0.6 },
  other: { errors: 3, gain: 0 },
} as const;

/** Blocks along each side; the standard error is that of their means. */
const blocks = 8;

export interface Sample {
  a: Float32Array;
  b: Float32Array;
}

/** For each move: the gain in log-likelihood, averaged over the places, and the same in standard errors. */
export type Evidence = Record<Move, { gain: number; errors: number }>;

const names = [...Object.keys(moves), otherPair] as Move[];

/** Evidence in a tenth of the memory, for large sets. */
export function packed(evidence: Evidence): number[] {
  // JavaScript engines store an array that only ever gets numbers without an object for each.
  const out: number[] = [];
  for (const move of names) out.push(evidence[move].gain, evidence[move].errors);
  return out;
}

/** The inverse of `packed`. */
export function unpacked(values: readonly number[]): Evidence {
  const entries = names.map((move, i) => [move, { gain: values[2 * i]!, errors: values[2 * i + 1]! }]);
  return Object.fromEntries(entries) as Evidence;
}

export class Alignment {
  readonly #ofA: Scale;
  readonly #ofB: Scale;
  /** M, [count, count]. */
  readonly #weights: Float64Array;
  /** Standardised features of B, of some pairs of the sample. */
  readonly #others: Float64Array[];
  readonly #mean: Float64Array;

  /** @param sample features of at least `fewestPairs` pairs */
  constructor(sample: readonly Sample[]) {
    this.#ofA = scaleOf(sample.map(({ a }) => a));
    this.#ofB = scaleOf(sample.map(({ b }) => b));
    const [uu, uv, vv] = [0, 0, 0].map(() => new Float64Array(count * count)) as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    for (const { a, b } of sample) {
      const [u, v] = [standardised(a, this.#ofA), standardised(b, this.#ofB)];
      addProducts(uu, u, u);
      addProducts(uv, u, v);
      addProducts(vv, v, v);
    }
    const places = sample.length * grid * grid;
    for (const matrix of [uu, uv, vv]) for (let i = 0; i < matrix.length; i++) matrix[i]! /= places;
    for (const matrix of [uu, vv]) for (let i = 0; i < count; i++) matrix[i * count + i]! += 1e-3;
    const regression = solve(uu, uv);
    const rest = vv.map((value, k) => {
      const [i, j] = [Math.floor(k / count), k % count];
      let explained = 0;
      for (let m = 0; m < count; m++) explained += uv[m * count + i]! * regression[m * count + j]!;
      return value - explained;
    });
    this.#weights = transposed(solve(rest, transposed(regression)));
    const step = Math.max(1, Math.floor(sample.length / 8));
    this.#others = sample.filter((_, i) => i % step === 0).map(({ b }) => standardised(b, this.#ofB));
    this.#mean = meanOf(this.#others);
  }

  evidence({ a, b }: Sample): Evidence {
    const u = standardised(a, this.#ofA);
    const v = standardised(b, this.#ofB);
    const expected = multiplied(u, this.#weights);
    const here = likelihood(expected, v);
    const found: Partial<Evidence> = {};
    for (const [move, { flipX, flipY, dx = 0, dy = 0 }] of Object.entries(moves) as [keyof typeof moves, Form][]) {
      const source = (x: number, y: number) => {
        const column = (flipX ? grid - 1 - x : x) + dx;
        const row = (flipY ? grid - 1 - y : y) + dy;
        return column < 0 || row < 0 || column >= grid || row >= grid ? -1 : row * grid + column;
      };
      found[move] = gainOf(likelihood(expected, v, source), here);
    }
    return { ...found, [otherPair]: gainOf(likelihood(expected, this.#strangersOf(v)), here) } as Evidence;
  }

  /** The mean of the other pairs' features, without those of the pair itself. The likelihood is linear in them. */
  #strangersOf(v: Float64Array): Float64Array {
    const self = this.#others.find((other) => equal(other, v));
    if (!self) return this.#mean;
    const count = this.#others.length;
    return this.#mean.map((value, i) => (value * count - self[i]!) / (count - 1));
  }
}

interface Form {
  flipX?: boolean;
  flipY?: boolean;
  dx?: number;
  dy?: number;
}

/**
 * The move that each pair seems to need, or undefined. @param all the evidence of every pair of the set
 * @returns `judged`: the moves that can be judged in this set
 */
export function suspects(all: readonly Evidence[]): { suspected: (Move | undefined)[]; judged: Move[] } {
  const judged = names.filter((move) => all.filter((each) => each[move].gain < 0).length >= evident * all.length);
  const usual = new Map(judged.map((move) => [move, -median(all.map((each) => each[move].gain))]));
  const suspected = all.map((each) => {
    const needed = judged.filter((move) => {
      const limit = limits[move === otherPair ? "other" : move.startsWith("shifted") ? "shift" : "mirror"];
      return each[move].errors > limit.errors && each[move].gain > limit.gain * usual.get(move)!;
    });
    return needed.sort((a, b) => each[b].errors - each[a].errors)[0];
  });
  return { suspected, judged };
}

/** The picture after a move, to be shown. A shift repeats the border pixels. */
export function moved(picture: Picture, move: Move): Picture {
  if (move === otherPair) return picture;
  const { flipX = false, flipY = false, dx = 0, dy = 0 }: Form = moves[move];
  return placed(picture, { flipX, flipY, dx: dx / grid, dy: dy / grid });
}

/** The mean at each place. */
export function meanOf(all: readonly (Float32Array | Float64Array)[]): Float64Array {
  const mean = new Float64Array(all[0]!.length);
  for (const each of all) for (let i = 0; i < mean.length; i++) mean[i]! += each[i]! / all.length;
  return mean;
}

interface Scale {
  mean: Float64Array;
  deviation: Float64Array;
}

function scaleOf(all: readonly Float32Array[]): Scale {
  const [mean, square] = [new Float64Array(count), new Float64Array(count)];
  const places = all.length * grid * grid;
  for (const data of all) {
    for (let at = 0; at < data.length; at += count) {
      for (let k = 0; k < count; k++) {
        const value = data[at + k]!;
        mean[k]! += value / places;
        square[k]! += (value * value) / places;
      }
    }
  }
  return { mean, deviation: square.map((value, k) => Math.sqrt(Math.max(0, value - mean[k]! ** 2)) + 1e-6) };
}

function standardised(data: Float32Array, { mean, deviation }: Scale): Float64Array {
  const out = new Float64Array(data.length);
  for (let at = 0; at < data.length; at += count) {
    for (let k = 0; k < count; k++) out[at + k] = (data[at + k]! - mean[k]!) / deviation[k]!;
  }
  return out;
}

/** Adds the sum over all places of u v' to a matrix. */
function addProducts(matrix: Float64Array, u: Float64Array, v: Float64Array): void {
  for (let at = 0; at < u.length; at += count) {
    for (let i = 0; i < count; i++) {
      const value = u[at + i]!;
      for (let j = 0; j < count; j++) matrix[i * count + j]! += value * v[at + j]!;
    }
  }
}

/** u' M at each place. */
function multiplied(u: Float64Array, matrix: Float64Array): Float64Array {
  const out = new Float64Array(u.length);
  for (let at = 0; at < u.length; at += count) {
    for (let i = 0; i < count; i++) {
      const value = u[at + i]!;
      for (let j = 0; j < count; j++) out[at + j]! += value * matrix[i * count + j]!;
    }
  }
  return out;
}

/** The log-likelihood at each place, with v from the place that `source` gives; NaN where that is -1. */
function likelihood(
  expected: Float64Array,
  v: Float64Array,
  source: (x: number, y: number) => number = (x, y) => y * grid + x,
): Float64Array {
  const out = new Float64Array(grid * grid);
  for (let y = 0; y < grid; y++) {
    for (let x = 0; x < grid; x++) {
      const at = (y * grid + x) * count;
      const from = source(x, y) * count;
      let sum = from < 0 ? Number.NaN : 0;
      for (let k = 0; k < count; k++) sum += expected[at + k]! * v[from + k]!;
      out[y * grid + x] = sum;
    }
  }
  return out;
}

/** The mean gain and its standard error, from the means of the complete blocks. */
function gainOf(moved: Float64Array, here: Float64Array): { gain: number; errors: number } {
  const size = grid / blocks;
  const means = new Float64Array(blocks * blocks);
  for (let i = 0; i < moved.length; i++) {
    const block = Math.floor(i / grid / size) * blocks + Math.floor((i % grid) / size);
    means[block]! += (moved[i]! - here[i]!) / size ** 2;
  }
  const there = means.filter((value) => !Number.isNaN(value));
  const gain = there.reduce((sum, value) => sum + value, 0) / there.length;
  const variance = there.reduce((sum, value) => sum + (value - gain) ** 2, 0) / (there.length - 1);
  return { gain, errors: gain / (Math.sqrt(variance / there.length) + 1e-9) };
}

function equal(a: Float64Array, b: Float64Array): boolean {
  return a.every((value, i) => value === b[i]);
}

function transposed(matrix: Float64Array): Float64Array {
  return matrix.map((_, k) => matrix[(k % count) * count + Math.floor(k / count)]!);
}

/** X of A X = B for a symmetric positive definite A, by elimination; all [count, count]. */
function solve(a: Float64Array, b: Float64Array): Float64Array {
  const [left, right] = [a.slice(), b.slice()];
  for (let i = 0; i < count; i++) {
    for (let row = 0; row < count; row++) {
      if (row === i) continue;
      const factor = left[row * count + i]! / left[i * count + i]!;
      for (let k = 0; k < count; k++) {
        left[row * count + k]! -= factor * left[i * count + k]!;
        right[row * count + k]! -= factor * right[i * count + k]!;
      }
    }
  }
  return right.map((value, k) => value / left[Math.floor(k / count) * (count + 1)]!);
}
