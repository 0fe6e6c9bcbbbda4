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
 * Two pictures look the same where at most so many bits of their perceptual hashes differ, and the mean difference of
 * their 16 x 16 thumbnails is at most so many levels of 255. A JPEG of quality 40 of a label map differs by up to 4
 * bits and 10 levels. In the facades, Cityscapes, maps and edges2shoes sets, no two pairs are nearer than 10 bits and 9
 * levels.
 */
const [hashLimit, smallLimit] = [8, 10];
/** Thumbnails with a smaller standard deviation are flat; flat pictures all look the same. */
const flat = 6;

/**
 * Pairs that are equal or look the same. Each pair of an equal group is listed with the first one. Flat pictures are
 * compared by their pixels only.
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
  for (const [second, { A, B }] of pairs.entries()) {
    const same = seen(firsts.both, `${A.content} ${B.content}`, second);
    if (same !== undefined) {
      copies.add(second);
      add({ first: same, second, kind: "exact" });
      continue;
    }
    for (const [side, one] of [["A", A] as const, ["B", B] as const]) {
      const first = deviation(one) < flat ? undefined : seen(firsts[side], one.content, second);
      if (first !== undefined) add({ first, second, kind: side });
    }
  }
  const rest = pairs.map((_, i) => i).filter((i) => !copies.has(i));
  for (const [first, second] of candidates(pairs, rest)) {
    const [one, other] = [pairs[first]!, pairs[second]!];
    if (deviation(one.A) < flat && deviation(one.B) < flat) continue;
    if (alike(one.A, other.A) && alike(one.B, other.B)) add({ first, second, kind: "near" });
  }
  return found.sort((a, b) => a.first - b.first || a.second - b.second);
}

/** The index stored under a key; stores this one where there is none. */
function seen(map: Map<string, number>, key: string, index: number): number | undefined {
  const before = map.get(key);
  if (before === undefined) map.set(key, index);
  return before;
}

/** Whether two sides look the same. The hash of a flat picture is random, so it is not compared. */
function alike(a: Look, b: Look): boolean {
  if (deviation(a) >= flat && distance(a, b) > hashLimit) return false;
  let sum = 0;
  for (let i = 0; i < a.small.length; i++) sum += Math.abs(a.small[i]! - b.small[i]!);
  return sum / a.small.length < smallLimit;
}

function distance({ hash: a }: Look, { hash: b }: Look): number {
  return bits(a[0] ^ b[0]) + bits(a[1] ^ b[1]);
}

/** Standard deviation of the thumbnail from its mean colour. */
function deviation({ small }: Look): number {
  const mean = [0, 1, 2].map((c) => small.reduce((sum, value, i) => sum + (i % 3 === c ? value / 256 : 0), 0));
  return Math.sqrt(small.reduce((sum, value, i) => sum + (value - mean[i % 3]!) ** 2, 0) / small.length);
}

/** Candidates: two pairs whose hashes of A, or of B, differ in few bits. */
function* candidates(pairs: readonly { A: Look; B: Look }[], rest: readonly number[]): Generator<[number, number]> {
  const words = (side: "A" | "B", word: 0 | 1) => Int32Array.from(rest, (i) => pairs[i]![side].hash[word]);
  const [a0, a1, b0, b1] = [words("A", 0), words("A", 1), words("B", 0), words("B", 1)];
  for (let i = 0; i < rest.length; i++) {
    for (let j = i + 1; j < rest.length; j++) {
      const near =
        bits(a0[i]! ^ a0[j]!) + bits(a1[i]! ^ a1[j]!) <= hashLimit ||
        bits(b0[i]! ^ b0[j]!) + bits(b1[i]! ^ b1[j]!) <= hashLimit;
      if (near) yield [rest[i]!, rest[j]!];
    }
  }
}

/** The number of ones in 32 bits. */
function bits(word: number): number {
  let value = word - ((word >>> 1) & 0x55555555);
  value = (value & 0x33333333) + ((value >>> 2) & 0x33333333);
  return Math.imul((value + (value >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
