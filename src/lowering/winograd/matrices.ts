/** The transform matrices of Winograd's form (./winograd.ts). */

/**
 * The points at which polynomials are evaluated, besides infinity. They are small numbers, which keep rounding errors
 * small: 4e-6 of a result with all of them, 2e-6 with the first four.
 */
const points = [0, 1, -1, 0.5, -2, 2];

/** Transforms of a plane, that is along rows and columns. */
export interface TransformMatrices {
  /** B, [points, rows, columns]: evaluates a tile of the input at the points. */
  input: Float32Array;
  /** G, [points, taps], of a polyphase component (row, column): evaluates a kernel at the points. */
  weight(row: number, column: number): Float32Array;
  /** A, [points, rows, columns]: the contribution of the product at a point to each result. */
  output: Float32Array;
}

/**
 * For kernels of `kernel` x `kernel` taps of this stride and tiles of `tile` x `tile` values of a polyphase component.
 */
export function transformMatrices(kernel: number, stride: number, tile: number): TransformMatrices {
  const { input, weight, output } = alongOneAxis(tile, Math.ceil(kernel / stride));
  const weights = Array.from({ length: stride }, (_, start) => spread(weight, stride, start, kernel));
  return {
    input: kronecker(input, input),
    output: kronecker(output, output),
    weight: (row, column) => kronecker(weights[row]!, weights[column]!),
  };
}

/** The matrices of one axis for kernels of `taps` taps, by Toom and Cook's algorithm; a row for each point. */
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
  const products = new Float32Array(rows.length * rows[0]!.length * columns.length * columns[0]!.length);
  let i = 0;
  for (const a of rows) for (const b of columns) for (const x of a) for (const y of b) products[i++] = x * y;
  return products;
}

/**
 * Each row with its values at `start`, `start + step`, ... of `length` values and zeros elsewhere; values beyond are
 * left out.
 */
function spread(matrix: readonly number[][], step: number, start: number, length: number): number[][] {
  const value = (row: number[], k: number) => (k % step === start ? (row[(k - start) / step] ?? 0) : 0);
  return matrix.map((row) => Array.from({ length }, (_, k) => value(row, k)));
}
