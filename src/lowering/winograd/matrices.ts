/** The matrices of Winograd's form (./winograd.ts). */

/**
 * Where the polynomials are evaluated, infinity aside: small numbers, which keep rounding errors small. With all of them it is
 * 4e-6 of a result, with the first four 2e-6.
 */
const points = [0, 1, -1, 0.5, -2, 2];

/** Along rows and columns: for each point of a tile a row. */
export interface Transforms {
  /** B, [points, rows, columns]: a tile of the input at the points. */
  input: Float32Array;
  /** G, [points, taps], of each phase (row, column): a kernel at the points. */
  weight(row: number, column: number): Float32Array;
  /** A, [points, rows, columns]: what the product at a point adds to each result. */
  output: Float32Array;
}

/** They are made once, for graphs know a constant by its array. */
const made = new Map<string, Transforms>();

/** For kernels of `kernel` x `kernel` taps of this stride and tiles of `tile` x `tile` values of a phase. */
export function transforms(kernel: number, stride: number, tile: number): Transforms {
  const key = `${kernel} ${stride} ${tile}`;
  const known = made.get(key) ?? make(kernel, stride, tile);
  made.set(key, known);
  return known;
}

function make(kernel: number, stride: number, tile: number): Transforms {
  const { input, weight, output } = alongOneAxis(tile, Math.ceil(kernel / stride));
  const phases = Array.from({ length: stride }, (_, start) => spread(weight, stride, start, kernel));
  const weights = phases.map((row) => phases.map((column) => kronecker(row, column)));
  return {
    ...{ input: kronecker(input, input), output: kronecker(output, output) },
    weight: (row, column) => weights[row]![column]!,
  };
}

/** By Toom and Cook, for kernels of so many taps. */
function alongOneAxis(tile: number, taps: number): Record<"input" | "weight" | "output", number[][]> {
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

/** For each pair of rows of two matrices all products of their values. */
function kronecker(rows: readonly number[][], columns: readonly number[][]): Float32Array {
  return Float32Array.from(rows.flatMap((a) => columns.flatMap((b) => a.flatMap((x) => b.map((y) => x * y)))));
}

/** Each row with zeros between its values: they are every `step`-th of `length`, from `start` on; those beyond are left out. */
function spread(matrix: readonly number[][], step: number, start: number, length: number): number[][] {
  const value = (row: number[], k: number) => (k % step === start ? (row[(k - start) / step] ?? 0) : 0);
  return matrix.map((row) => Array.from({ length }, (_, k) => value(row, k)));
}
