/** Pairs that are there twice. */
import type { Look } from "./features.ts";

/** Two pairs, by their places in the list, and how they are alike. */
export interface Duplicate {
  first: number;
  second: number;
  /** exact: both sides pixel for pixel; near: both look the same; A, B: only this side is the same, pixel for pixel. */
  kind: "exact" | "near" | "A" | "B";
}

/**
 * Bits of the perceptual hash in which pictures that look the same may differ, and mean difference of their 16 x 16
 * thumbnails, of 255. A JPEG of quality 40 of a label map differs by up to 4 bits and 10 levels; of all pairs of the
 * facades, Cityscapes, maps and edges2shoes sets at hand none is nearer than 10 bits and 9 levels on its worse side.
 */
const [hashLimit, smallLimit] = [8, 10];
/** Pictures flatter than this are all alike. */
const flat = 6;

/**
 * Pairs that are equal or look it. Of a group of equal pairs each is named with the first. Flat pictures do not count as
 * duplicates of each other by their looks.
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

/** The index that is kept under a key already; keeps this one otherwise. */
function seen(map: Map<string, number>, key: string, index: number): number | undefined {
  const before = map.get(key);
  if (before === undefined) map.set(key, index);
  return before;
}

/** Whether two sides look the same; of flat ones the hash is chance. */
function alike(a: Look, b: Look): boolean {
  if (deviation(a) >= flat && distance(a, b) > hashLimit) return false;
  let sum = 0;
  for (let i = 0; i < a.small.length; i++) sum += Math.abs(a.small[i]! - b.small[i]!);
  return sum / a.small.length < smallLimit;
}

function distance({ hash: a }: Look, { hash: b }: Look): number {
  return bits(a[0] ^ b[0]) + bits(a[1] ^ b[1]);
}

/** Standard deviation of the thumbnail's values about its mean colour. */
function deviation({ small }: Look): number {
  const mean = [0, 1, 2].map((c) => small.reduce((sum, value, i) => sum + (i % 3 === c ? value / 256 : 0), 0));
  return Math.sqrt(small.reduce((sum, value, i) => sum + (value - mean[i % 3]!) ** 2, 0) / small.length);
}

/** Pairs of pairs whose A or whose B have hashes that differ in few bits. */
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
