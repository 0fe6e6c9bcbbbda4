/**
 * Draws without replacement as NumPy's RandomState makes them, so that the subsets of a KID are those of torch-fidelity.
 * The generator is MT19937 (Matsumoto and Nishimura 1998).
 */

const length = 624;
const middle = 397;

/** numpy.random.RandomState(seed). */
export class NumpyRandom {
  readonly #state = new Uint32Array(length);
  #next = length;

  /** @param seed a whole number from 0 to 2^32 - 1 */
  constructor(seed: number) {
    let word = seed >>> 0;
    for (let i = 0; i < length; i++) {
      this.#state[i] = word;
      word = (Math.imul(1812433253, word ^ (word >>> 30)) + i + 1) >>> 0;
    }
  }

  /** choice(n, size, replace=False): `size` different numbers below n. */
  choice(n: number, size: number): Uint32Array {
    const order = Uint32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.#upTo(i);
      const value = order[i]!;
      order[i] = order[j]!;
      order[j] = value;
    }
    return order.subarray(0, size);
  }

  /** A number from 0 to `most`: words are masked, and drawn again while they are larger. */
  #upTo(most: number): number {
    const mask = 2 ** (32 - Math.clz32(most)) - 1;
    for (;;) {
      const value = (this.#word() & mask) >>> 0;
      if (value <= most) return value;
    }
  }

  #word(): number {
    if (this.#next === length) this.#refill();
    let y = this.#state[this.#next++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  #refill(): void {
    const s = this.#state;
    for (let i = 0; i < length; i++) {
      const y = (s[i]! & 0x80000000) | (s[(i + 1) % length]! & 0x7fffffff);
      s[i] = s[(i + middle) % length]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.#next = 0;
  }
}
