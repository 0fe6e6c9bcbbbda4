/** The matrices of Winograd's form (./winograd.ts). */

/**
 * Where the polynomials are evaluated, infinity aside: small numbers, which keep rounding errors small. With all of them it is
 * 4e-6 of a result, with the first four 2e-6.
 */
const points = [0, 1, -1, 0.5, -2, 2];

export interface Transforms {
  /** B: a tile of the input at the points. */
  input: number[][];
  /** G: a kernel at the points. */
  weight: number[][];
  /** A: for each point, what its product adds to each result. */
  output: number[][];
}

/** The transforms along one axis by Toom and Cook, each a row for each of `tile` points, for kernels of so many taps. */
export function transforms(tile: number, taps: number): Transforms {
  const used = points.slice(0, tile - 1);
  const others = (j: number) => used.filter((_, l) => l !== j);
  const scale = (j: number) => others(j).reduce((product, b) => product * (used[j]! - b), 1);
  const powers = (a: number, upTo: number) => Array.from({ length: upTo }, (_, k) => a ** k);
  const last = (length: number) => Array.from({ length }, (_, k) => (k === length - 1 ? 1 : 0));
  const results = tile + 1 - taps;
  return {
    input: [...used.map((_, j) => [...withRoots(others(j)), 0]), withRoots(used)],
    weight: [...used.map((a, j) => powers(a, taps).map((p) => p / scale(j))), last(taps)],
    output: [...used.map((a) => powers(a, results)), last(results)],
  };
}

/** The coefficients of the polynomial with these roots, lowest power first. */
function withRoots(roots: readonly number[]): number[] {
  let polynomial = [1];
  for (const root of roots) {
    const factor = polynomial;
    polynomial = [0, ...factor].map((above, k) => above - root * (factor[k] ?? 0));
  }
  return polynomial;
}

/** A transform along rows and columns: for each pair of rows of two matrices all products of their values. */
export function kronecker(rows: readonly number[][], columns: readonly number[][] = rows): number[] {
  return rows.flatMap((a) => columns.flatMap((b) => a.flatMap((x) => b.map((y) => x * y))));
}

/** Values of each row with zeros between: every `step`-th of `length`, from `start` on; those beyond are left out. */
export function spread(matrix: readonly number[][], step: number, start: number, length: number): number[][] {
  const value = (row: number[], k: number) => (k % step === start ? (row[(k - start) / step] ?? 0) : 0);
  return matrix.map((row) => Array.from({ length }, (_, k) => value(row, k)));
}
