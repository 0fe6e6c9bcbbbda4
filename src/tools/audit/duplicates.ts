/** Finds pairs that occur twice. */
import type { Look } from "./features.ts";

/** Two pairs, by their index, and their similarity. */
export interface Duplicate {
  first: number;
  second: number;
  /** exact: both sides have equal pixels; near: both sides look the same; A, B: only this side has equal pixels. */
  kind: "exact" | "near" | "A" | "B";
}

/**
 * Two pictures look the same where at most `hashLimit` bits of their perceptual hashes differ, and the mean difference of
 * their 16 x 16 thumbnails is below `smallLimit` levels of 255. A JPEG of quality 40 of a label map differs by up to 4
 * bits and 10 levels. In the facades, Cityscapes, maps and edges2shoes sets, no two pairs are nearer than 10 bits and 9
 * levels.
 */
const [hashLimit, smallLimit] = [8, 10];
/** Thumbnails with a smaller standard deviation are flat; flat pictures all look the same. */
const flat = 6;
/** Where many pictures look the same, each is listed with at most this many others. */
const mostMatches = 3;
/** Most pictures that are kept for one value of a piece of a hash, and most that are compared with a picture. */
const [fullBucket, enough] = [64, 64];

/**
 * Pairs that are equal or look the same. Each pair of an equal group is listed with the first one, and each of a group
 * that looks the same with three others at most. Flat pictures are compared by their pixels only.
 */
export function duplicates(pairs: readonly { A: Look; B: Look }[]): Duplicate[] {
  const found: Duplicate[] = [];
  const known = new Set<string>();
  const add = (duplicate: Duplicate) => {
    const key = `${duplicate.first} ${duplicate.second}`;
    if (known.has(key)) return;
    known.add(key);
    found.push(duplicate);
  };
  const firsts = { both: new Map<string, number>(), A: new Map<string, number>(), B: new Map<string, number>() };
  const copies = new Set<number>();
  const flatSides = pairs.map(({ A, B }) => ({ A: deviation(A) < flat, B: deviation(B) < flat }));
  for (const [second, { A, B }] of pairs.entries()) {
    const same = seen(firsts.both, `${A.content} ${B.content}`, second);
    if (same !== undefined) {
      copies.add(second);
      add({ first: same, second, kind: "exact" });
      continue;
    }
    for (const [side, one] of [["A", A] as const, ["B", B] as const]) {
      const first = flatSides[second]![side] ? undefined : seen(firsts[side], one.content, second);
      if (first !== undefined) add({ first, second, kind: side });
    }
  }
  for (const [first, second] of near(pairs, flatSides, copies)) add({ first, second, kind: "near" });
  return found.sort((a, b) => a.first - b.first || a.second - b.second);
}

/** Yields two pairs at a time, by their indices, that look the same on both sides. */
function* near(
  pairs: readonly { A: Look; B: Look }[],
  flatSides: readonly { A: boolean; B: boolean }[],
  copies: ReadonlySet<number>,
): Generator<[number, number]> {
  const indexes = { A: new HashIndex(), B: new HashIndex() };
  for (const [second, pair] of pairs.entries()) {
    if (copies.has(second)) continue;
    // The hash of a flat side is random.
    const sides = (["A", "B"] as const).filter((side) => !flatSides[second]![side]);
    const candidates = new Set(sides.flatMap((side) => indexes[side].near(pair[side].hash)));
    let matches = 0;
    for (const first of [...candidates].sort((a, b) => a - b)) {
      const [one, isFlat] = [pairs[first]!, flatSides[first]!];
      if (!alike(one.A, pair.A, isFlat.A) || !alike(one.B, pair.B, isFlat.B)) continue;
      yield [first, second];
      if (++matches === mostMatches) break;
    }
    for (const side of sides) indexes[side].add(pair[side].hash, second);
  }
}

/** The index stored under a key; stores this one where there is none. */
function seen(map: Map<string, number>, key: string, index: number): number | undefined {
  const before = map.get(key);
  if (before === undefined) map.set(key, index);
  return before;
}

/** Whether two sides look the same. The hash of a flat picture is random, so it is not compared. */
function alike(a: Look, b: Look, isFlat: boolean): boolean {
  if (!isFlat && distance(a.hash, b.hash) > hashLimit) return false;
  let sum = 0;
  for (let i = 0; i < a.small.length; i++) sum += Math.abs(a.small[i]! - b.small[i]!);
  return sum / a.small.length < smallLimit;
}

function distance(a: Look["hash"], b: Look["hash"]): number {
  return bits(a[0] ^ b[0]) + bits(a[1] ^ b[1]);
}

/** Standard deviation of the thumbnail from its mean colour. */
function deviation({ small }: Look): number {
  const mean = [0, 1, 2].map((c) => small.reduce((sum, value, i) => sum + (i % 3 === c ? value / 256 : 0), 0));
  return Math.sqrt(small.reduce((sum, value, i) => sum + (value - mean[i % 3]!) ** 2, 0) / small.length);
}

/** First bit and width of the pieces of a hash. */
const pieces = [
  [0, 21],
  [21, 21],
  [42, 22],
] as const;
/** For each piece the differences of at most 2 bits; two hashes within 8 bits have such a difference in one of 3 pieces. */
const masks = pieces.map(([, width]) => {
  const ones = Array.from({ length: width }, (_, i) => 2 ** i);
  return [0, ...ones, ...ones.flatMap((a, i) => ones.slice(i + 1).map((b) => a + b))];
});

/** Finds hashes within 8 bits without comparing all with all. */
class HashIndex {
  /** By the value of each piece: the numbers of the hashes that have it. */
  readonly #buckets = pieces.map(() => new Map<number, number[]>());
  readonly #hashes = new Map<number, Look["hash"]>();

  add(hash: Look["hash"], index: number): void {
    this.#hashes.set(index, hash);
    for (const [k, buckets] of this.#buckets.entries()) {
      const value = piece(hash, k);
      const bucket = buckets.get(value);
      if (!bucket) buckets.set(value, [index]);
      else if (bucket.length < fullBucket) bucket.push(index);
    }
  }

  /** Indices of hashes within 8 bits: all, or 64 of them. */
  near(hash: Look["hash"]): number[] {
    const found = new Set<number>();
    for (const [k, buckets] of this.#buckets.entries()) {
      const value = piece(hash, k);
      for (const mask of masks[k]!) {
        for (const index of buckets.get(value ^ mask) ?? []) {
          if (distance(this.#hashes.get(index)!, hash) <= hashLimit) found.add(index);
          if (found.size === enough) return [...found];
        }
      }
    }
    return [...found];
  }
}

function piece([high, low]: Look["hash"], k: number): number {
  const [start, width] = pieces[k]!;
  const value = start + width <= 32 ? high >>> (32 - start - width) : start >= 32 ? low >>> (64 - start - width) : 0;
  const across = start < 32 && start + width > 32;
  const joined = across ? (high << (start + width - 32)) | (low >>> (64 - start - width)) : value;
  return joined & (2 ** width - 1);
}

/** The number of ones in 32 bits. */
function bits(word: number): number {
  let value = word - ((word >>> 1) & 0x55555555);
  value = (value & 0x33333333) + ((value >>> 2) & 0x33333333);
  return Math.imul((value + (value >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
