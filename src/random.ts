/**
 * A counter-based random generator: every number is a pure function of (seed, stream, step, position), so nothing has to
 * be saved to resume a run, and preparing data ahead of time changes no draw.
 *
 * Philox4x32-10 of Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011). Known answers of Random123
 * (`kat_vectors`), counter / key -> output:
 *   00000000 00000000 00000000 00000000 / 00000000 00000000 -> 6627e8d5 e169c58d bc57ac4c 9b00dbd8
 *   ffffffff ffffffff ffffffff ffffffff / ffffffff ffffffff -> 408f276d 41c83b0e a20bc7c6 6d5451fd
 *   243f6a88 85a308d3 13198a2e 03707344 / a4093822 299f31d0 -> d16cfe09 94fdcceb 5001e420 24126ea1
 *
 * Normals use only + - * / and sqrt, which IEEE 754 fixes to the last bit: Math.log and Math.sin differ between
 * JavaScript engines, and initial weights must not.
 */
import { ConfigError } from "./errors.ts";
import { randomKernel } from "./kernels/assembled.ts";
import { instance } from "./kernels/instance.ts";

const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;
const two32 = 2 ** 32;

/** One Philox4x32-10 block: out[0..3] = f(counter c0..c3, key k0, k1); every word is taken modulo 2^32. */
export function philox4x32(
  out: Uint32Array,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
): void {
  c0 |= 0;
  c1 |= 0;
  c2 |= 0;
  c3 |= 0;
  k0 |= 0;
  k1 |= 0;
  for (let round = 0; round < 10; round++) {
    const high0 = mulHigh(M0 & 0xffff, M0 >>> 16, c0);
    const high1 = mulHigh(M1 & 0xffff, M1 >>> 16, c2);
    const low0 = Math.imul(M0, c0);
    const low1 = Math.imul(M1, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + W0) | 0;
    k1 = (k1 + W1) | 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** The upper 32 bits of (high * 2^16 + low) * b, from 16-bit parts, as a signed word. */
function mulHigh(low: number, high: number, b: number): number {
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = Math.imul(high, bLow) >>> 0;
  const carry = ((Math.imul(low, bLow) >>> 16) + (middle & 0xffff) + Math.imul(low, bHigh)) >>> 0;
  return (Math.imul(high, bHigh) + (middle >>> 16) + (carry >>> 16)) | 0;
}

/** FNV-1a of the string's UTF-8 bytes, 32 bits: "" -> 811c9dc5, "a" -> e40c292c, "foobar" -> bf9cf968. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/**
 * The random numbers of one (seed, stream, step). `seed`: any safe integer; `stream`: a name (hashed with FNV-1a) or a
 * number below 2^32; `step`: 0 and up. Key = (seed's low word, stream), counter = (block, seed's high word, step).
 */
export class Random {
  readonly #seedLow: number;
  readonly #seedHigh: number;
  readonly #stream: number;
  readonly #stepLow: number;
  readonly #stepHigh: number;
  readonly #words = new Uint32Array(4);
  readonly #pair = new Float64Array(2);
  #block = 0;
  #used = 4;
  #spare: number | undefined;

  /** @throws ConfigError for a seed or step that is not a safe integer, or a negative step */
  constructor(seed: number, stream: number | string, step: number) {
    if (!Number.isSafeInteger(seed)) throw new ConfigError(`seed: expected a whole number up to 2^53, got ${seed}.`);
    if (!Number.isSafeInteger(step) || step < 0) {
      throw new ConfigError(`Random: step is 0 or a positive whole number, got ${step}.`);
    }
    this.#seedLow = (seed % two32) | 0;
    this.#seedHigh = Math.floor(seed / two32) | 0;
    this.#stream = typeof stream === "string" ? fnv1a(stream) : stream;
    this.#stepLow = (step % two32) | 0;
    this.#stepHigh = Math.floor(step / two32) | 0;
  }

  #nextBlock(): void {
    philox4x32(this.#words, this.#block++, this.#seedHigh, this.#stepLow, this.#stepHigh, this.#seedLow, this.#stream);
  }

  /** Uniform over 0..2^32-1. */
  uint32(): number {
    if (this.#used === 4) {
      this.#nextBlock();
      this.#used = 0;
    }
    return this.#words[this.#used++]!;
  }

  /** Uniform over [0, 1) in steps of 2^-32. */
  float(): number {
    return this.uint32() / two32;
  }

  /** Uniform over 0..n-1 without bias (draws past the last multiple of n are repeated); n from 1 to 2^32. */
  int(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > two32) throw new ConfigError(`Random.int: n is 1 to 2^32, got ${n}.`);
    const limit = two32 - (two32 % n);
    let value = this.uint32();
    while (value >= limit) value = this.uint32();
    return value % n;
  }

  /** Standard normal, by Box-Muller; |value| < 6.67. Box-Muller gives two numbers; every second call returns the second. */
  normal(): number {
    if (this.#spare !== undefined) {
      const value = this.#spare;
      this.#spare = undefined;
      return value;
    }
    boxMuller(this.uint32(), this.uint32(), this.#pair);
    this.#spare = this.#pair[1];
    return this.#pair[0]!;
  }

  /** 0..n-1 in random order (Fisher-Yates). */
  permutation(n: number): Uint32Array {
    const order = Uint32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.int(i + 1);
      const value = order[i]!;
      order[i] = order[j]!;
      order[j] = value;
    }
    return order;
  }

  /**
   * Fills with N(mean, std^2), starting at a fresh block; from a new Random these are the values of normal(). Runs in
   * WebAssembly, because JavaScript takes 2.5 s for the weights of a large U-Net.
   */
  fillNormal(out: Float32Array, mean: number, std: number): void {
    this.#fill(out, 0, "normals", mean, std);
  }

  /**
   * Fills with a dropout mask, starting at a fresh block: 0 with probability p (0 <= p < 1), else 1 / (1 - p).
   * @param from the place of the first value in a longer mask
   */
  fillDropout(out: Float32Array, p: number, from = 0): void {
    if (!(p >= 0 && p < 1)) throw new ConfigError(`Dropout: the probability is at least 0 and below 1, got ${p}.`);
    this.#fill(out, from, "masks", Math.min(two32 - 1, Math.round(p * two32)), 1 / (1 - p));
  }

  /** Fills `out` with the numbers from position `from` of a fresh block on. */
  #fill(out: Float32Array, from: number, what: keyof Fillers, ...parameters: readonly [number, number]): void {
    this.#used = 4;
    this.#spare = undefined;
    const { [what]: fill, values } = randomFillers();
    const counter = [this.#seedHigh, this.#stepLow, this.#stepHigh, this.#seedLow, this.#stream] as const;
    for (let start = 0; start < out.length; ) {
      const skipped = (from + start) % 4;
      const part = out.subarray(start, start + values.length - skipped);
      const block = this.#block + (from + start - skipped) / 4;
      fill(0, Math.ceil((skipped + part.length) / 16), block, ...counter, ...parameters);
      part.set(values.subarray(skipped, skipped + part.length));
      start += part.length;
    }
    this.#block += Math.ceil((from + out.length) / 4);
  }
}

type Fill = (...args: number[]) => void;

interface Fillers {
  normals: Fill;
  masks: Fill;
}

let fillers: (Fillers & { values: Float32Array }) | undefined;

/** kernels/random.wat, and the memory that it fills; made once. */
function randomFillers(): NonNullable<typeof fillers> {
  if (!fillers) {
    const { memory, normals, masks } = instance(randomKernel);
    const values = new Float32Array((memory as WebAssembly.Memory).buffer);
    fillers = { normals: normals as Fill, masks: masks as Fill, values };
  }
  return fillers;
}

/** Box-Muller: two independent standard normals into `out` from two uniform words. */
function boxMuller(a: number, b: number, out: Float64Array): void {
  const radius = Math.sqrt(-2 * logUnit(a));
  // The upper 2 bits of b are the quadrant, the rest an angle in [-pi/4, pi/4).
  const angle = (b & 0x3fffffff) * (Math.PI / 2 / 2 ** 30) - Math.PI / 4;
  const z = angle * angle;
  const sine = angle * (1 + z * (S3 + z * (S5 + z * (S7 + z * (S9 + z * (S11 + z * S13))))));
  const cosine = 1 + z * (C2 + z * (C4 + z * (C6 + z * (C8 + z * (C10 + z * C12)))));
  const quadrant = b >>> 30;
  const x = quadrant & 1 ? -sine : cosine;
  const y = quadrant & 1 ? cosine : sine;
  out[0] = quadrant & 2 ? -radius * x : radius * x;
  out[1] = quadrant & 2 ? -radius * y : radius * y;
}

// Taylor series of sine and cosine; on |x| <= pi/4 the first terms left out are below 1e-13.
const S3 = -1 / 6;
const S5 = 1 / 120;
const S7 = -1 / 5040;
const S9 = 1 / 362880;
const S11 = -1 / 39916800;
const S13 = 1 / 6227020800;
const C2 = -1 / 2;
const C4 = 1 / 24;
const C6 = -1 / 720;
const C8 = 1 / 40320;
const C10 = -1 / 3628800;
const C12 = 1 / 479001600;

/** ln((word + 1) / 2^32) for a word 0..2^32-1: in [-32 ln 2, 0], relative error below 1e-12. */
function logUnit(word: number): number {
  let mantissa = word + 1;
  let exponent = mantissa === two32 ? 0 : -Math.clz32(mantissa) - 1;
  mantissa = mantissa === two32 ? 1 : (mantissa * powers[-exponent]!) / two32; // in [1, 2)
  if (mantissa > Math.SQRT2) {
    mantissa /= 2;
    exponent++;
  }
  // ln m = 2 artanh((m - 1) / (m + 1)), |argument| < 0.172
  const s = (mantissa - 1) / (mantissa + 1);
  const z = s * s;
  return exponent * Math.LN2 + 2 * s * (1 + z * (L3 + z * (L5 + z * (L7 + z * (L9 + z * (L11 + z * L13))))));
}

const L3 = 1 / 3;
const L5 = 1 / 5;
const L7 = 1 / 7;
const L9 = 1 / 9;
const L11 = 1 / 11;
const L13 = 1 / 13;
const powers = Float64Array.from({ length: 34 }, (_, i) => 2 ** i);
