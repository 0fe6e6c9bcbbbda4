/**
 * Symmetric matrices in float64, as flat arrays, row by row. The maintained packages for this (ml-matrix and others) do not use
 * that a covariance has low rank or is symmetric; docs/metrics.md has the times.
 */

/** The dot products of 4 x 4 rows at once: each value that is read serves four of them. */
const block = 4;

/**
 * Calls `take(i, j, product)` with the dot product of row i of `a` and row j of `b` over columns from `start(i)` on, for each
 * pair with `from(i) <= j`. `start` and `from` must not decrease; rows of a block take the first one's.
 */
function rowProducts(
  a: Float64Array,
  b: Float64Array,
  { rows, others, columns }: { rows: number; others: number; columns: number },
  take: (i: number, j: number, product: number) => void,
  { start = () => 0, from = () => 0 }: { start?: (i: number) => number; from?: (i: number) => number } = {},
): void {
  for (let i = 0; i < rows; i += block) {
    const first = start(i);
    for (let j = from(i) - (from(i) % block); j < others; j += block) {
      if (i + block <= rows && j + block <= others) fourByFour(a, b, i, j, first, columns, take);
      else {
        for (let r = i; r < Math.min(rows, i + block); r++) {
          for (let s = j; s < Math.min(others, j + block); s++) {
            take(r, s, product(a, b, r * columns, s * columns, first, columns));
          }
        }
      }
    }
  }
}

function product(a: Float64Array, b: Float64Array, i: number, j: number, from: number, to: number): number {
  let sum = 0;
  for (let k = from; k < to; k++) sum += a[i + k]! * b[j + k]!;
  return sum;
}

function fourByFour(
  a: Float64Array,
  b: Float64Array,
  i: number,
  j: number,
  from: number,
  columns: number,
  take: (i: number, j: number, product: number) => void,
): void {
  let [s00, s01, s02, s03, s10, s11, s12, s13] = [0, 0, 0, 0, 0, 0, 0, 0];
  let [s20, s21, s22, s23, s30, s31, s32, s33] = [0, 0, 0, 0, 0, 0, 0, 0];
  const [i0, j0] = [i * columns, j * columns];
  const [i1, i2, i3] = [i0 + columns, i0 + 2 * columns, i0 + 3 * columns];
  const [j1, j2, j3] = [j0 + columns, j0 + 2 * columns, j0 + 3 * columns];
  for (let k = from; k < columns; k++) {
    const [a0, a1, a2, a3] = [a[i0 + k]!, a[i1 + k]!, a[i2 + k]!, a[i3 + k]!];
    const b0 = b[j0 + k]!;
    s00 += a0 * b0;
    s10 += a1 * b0;
    s20 += a2 * b0;
    s30 += a3 * b0;
    const b1 = b[j1 + k]!;
    s01 += a0 * b1;
    s11 += a1 * b1;
    s21 += a2 * b1;
    s31 += a3 * b1;
    const b2 = b[j2 + k]!;
    s02 += a0 * b2;
    s12 += a1 * b2;
    s22 += a2 * b2;
    s32 += a3 * b2;
    const b3 = b[j3 + k]!;
    s03 += a0 * b3;
    s13 += a1 * b3;
    s23 += a2 * b3;
    s33 += a3 * b3;
  }
  const sums = [s00, s01, s02, s03, s10, s11, s12, s13, s20, s21, s22, s23, s30, s31, s32, s33];
  for (let k = 0; k < 16; k++) take(i + (k >> 2), j + (k & 3), sums[k]!);
}

/** A B', [rows, others]: the dot products of all rows of `a` with all of `b`, rows of `columns` values. */
export function rowsByRows(a: Float64Array, b: Float64Array, columns: number): Float64Array {
  const [rows, others] = [a.length / columns, b.length / columns];
  const out = new Float64Array(rows * others);
  if (a === b) {
    const both = (i: number, j: number, value: number) => {
      out[i * others + j] = value;
      out[j * others + i] = value;
    };
    rowProducts(a, b, { rows, others, columns }, both, { from: (i) => i });
  } else {
    rowProducts(a, b, { rows, others, columns }, (i, j, value) => {
      out[i * others + j] = value;
    });
  }
  return out;
}

/** S = P' L L' P of a positive semidefinite matrix of size n. */
interface Factor {
  /** L' row by row, [rank, n]: row k has zeros before column k. Columns are in the order of `pivots`. */
  rows: Float64Array;
  rank: number;
  pivots: Int32Array;
}

/**
 * Cholesky's factor with pivoting (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., 10.3): it is stable for
 * semidefinite matrices and ends at their rank.
 * @param s n x n, symmetric
 */
function pivotedCholesky(s: Float64Array, n: number): Factor {
  const pivots = Int32Array.from({ length: n }, (_, i) => i);
  const diagonal = Float64Array.from({ length: n }, (_, i) => s[i * n + i]!);
  const tolerance = n * 2 ** -52 * Math.max(0, ...diagonal);
  const rows = new Float64Array(n * n);
  let rank = 0;
  for (; rank < n; rank++) {
    let best = rank;
    for (let i = rank + 1; i < n; i++) if (diagonal[i]! > diagonal[best]!) best = i;
    if (!(diagonal[best]! > tolerance)) break;
    exchange(pivots, rank, best);
    exchange(diagonal, rank, best);
    for (let k = 0; k < rank; k++) exchange(rows, k * n + rank, k * n + best);
    const at = rank * n;
    const root = Math.sqrt(diagonal[rank]!);
    const source = pivots[rank]! * n;
    for (let i = rank + 1; i < n; i++) rows[at + i] = s[source + pivots[i]!]!;
    for (let k = 0; k < rank; k++) {
      const [row, weight] = [k * n, rows[k * n + rank]!];
      for (let i = rank + 1; i < n; i++) rows[at + i]! -= weight * rows[row + i]!;
    }
    rows[at + rank] = root;
    for (let i = rank + 1; i < n; i++) {
      const value = rows[at + i]! / root;
      rows[at + i] = value;
      diagonal[i]! -= value * value;
    }
  }
  return { rows: rows.subarray(0, rank * n), rank, pivots };
}

function exchange(list: Float64Array | Int32Array, i: number, j: number): void {
  const value = list[i]!;
  list[i] = list[j]!;
  list[j] = value;
}

/**
 * The trace of the square root of S T, for positive semidefinite S and T of size n, [n, n]. With S = L L' it is the sum of
 * the square roots of the eigenvalues of L' T L, which is symmetric and as small as the rank of S.
 */
export function traceOfRoot(s: Float64Array, t: Float64Array, n: number): number {
  const { rows, rank, pivots } = pivotedCholesky(s, n);
  const permuted = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) permuted[i * n + j] = t[pivots[i]! * n + pivots[j]!]!;
  const half = new Float64Array(rank * n);
  rowProducts(
    rows,
    permuted,
    { rows: rank, others: n, columns: n },
    (i, j, value) => {
      half[i * n + j] = value;
    },
    { start: (i) => i },
  );
  const inner = new Float64Array(rank * rank);
  // Row i of L' begins at column i, and the result is symmetric: the later of two rows is enough.
  rowProducts(
    rows,
    half,
    { rows: rank, others: rank, columns: n },
    (i, j, value) => {
      if (j > i) return;
      inner[i * rank + j] = value;
      inner[j * rank + i] = value;
    },
    { start: (i) => i },
  );
  return symmetricEigenvalues(inner, rank).reduce((sum, value) => sum + Math.sqrt(Math.max(0, value)), 0);
}

/**
 * The eigenvalues of a symmetric matrix, in no order: Householder's reduction to three diagonals (Golub and Van Loan,
 * Matrix Computations, 4th ed., 8.3.1), then the implicit QL method.
 * @param a n x n; it is overwritten
 */
export function symmetricEigenvalues(a: Float64Array, n: number): Float64Array {
  const diagonal = new Float64Array(n);
  const beside = new Float64Array(n);
  const [v, p] = [new Float64Array(n), new Float64Array(n)];
  for (let last = n - 1; last > 0; last--) reduce(a, n, last, { diagonal, beside, v, p });
  if (n > 0) diagonal[0] = a[0]!;
  return tridiagonalEigenvalues(diagonal, beside);
}

type Work = Record<"diagonal" | "beside" | "v" | "p", Float64Array>;

/**
 * A reflection that clears row `last` before its last but one column. Only the lower triangle is read and written: of rows
 * 0 to last - 1, A - v w' - w v'.
 */
function reduce(a: Float64Array, n: number, last: number, { diagonal, beside, v, p }: Work): void {
  const row = last * n;
  diagonal[last] = a[row + last]!;
  let scale = 0;
  for (let k = 0; k < last; k++) scale = Math.max(scale, Math.abs(a[row + k]!));
  if (scale === 0) return;
  let squares = 0;
  for (let k = 0; k < last; k++) {
    v[k] = a[row + k]! / scale;
    squares += v[k]! * v[k]!;
  }
  const f = v[last - 1]!;
  const g = f >= 0 ? -Math.sqrt(squares) : Math.sqrt(squares);
  beside[last] = scale * g;
  const h = squares - f * g;
  v[last - 1] = f - g;
  if (h === 0) return;
  p.fill(0, 0, last);
  for (let i = 0; i < last; i++) {
    const [at, vi] = [i * n, v[i]!];
    let sum = a[at + i]! * vi;
    for (let k = 0; k < i; k++) {
      const value = a[at + k]!;
      sum += value * v[k]!;
      p[k]! += value * vi;
    }
    p[i]! += sum;
  }
  let along = 0;
  for (let k = 0; k < last; k++) {
    p[k]! /= h;
    along += p[k]! * v[k]!;
  }
  const half = along / (2 * h);
  for (let k = 0; k < last; k++) p[k]! -= half * v[k]!;
  for (let i = 0; i < last; i++) {
    const [at, vi, pi] = [i * n, v[i]!, p[i]!];
    for (let k = 0; k <= i; k++) a[at + k]! -= vi * p[k]! + pi * v[k]!;
  }
}

/** @param d the diagonal; it is overwritten @param e the values beside it, from index 1 on; overwritten */
function tridiagonalEigenvalues(d: Float64Array, e: Float64Array): Float64Array {
  const n = d.length;
  e.copyWithin(0, 1);
  if (n > 0) e[n - 1] = 0;
  for (let l = 0; l < n; l++) {
    for (let sweep = 0; ; sweep++) {
      const m = splitAfter(d, e, l);
      if (m === l) break;
      if (sweep === 100) throw new Error("symmetricEigenvalues: the QL method does not converge.");
      sweepQl(d, e, l, m);
    }
  }
  return d;
}

/** The first place from `l` on where the value beside the diagonal is negligible. */
function splitAfter(d: Float64Array, e: Float64Array, l: number): number {
  let m = l;
  for (; m < d.length - 1; m++) {
    if (Math.abs(e[m]!) <= 2 ** -52 * (Math.abs(d[m]!) + Math.abs(d[m + 1]!))) break;
  }
  return m;
}

/** One implicit QL step on rows l to m, with Wilkinson's shift. */
function sweepQl(d: Float64Array, e: Float64Array, l: number, m: number): void {
  let g = (d[l + 1]! - d[l]!) / (2 * e[l]!);
  let r = Math.hypot(g, 1);
  g = d[m]! - d[l]! + e[l]! / (g + (g >= 0 ? r : -r));
  let [s, c, p] = [1, 1, 0];
  for (let i = m - 1; i >= l; i--) {
    const f = s * e[i]!;
    const b = c * e[i]!;
    r = Math.hypot(f, g);
    e[i + 1] = r;
    if (r === 0) {
      d[i + 1]! -= p;
      e[m] = 0;
      return;
    }
    s = f / r;
    c = g / r;
    g = d[i + 1]! - p;
    r = (d[i]! - g) * s + 2 * c * b;
    p = s * r;
    d[i + 1] = g + p;
    g = c * r - b;
  }
  d[l]! -= p;
  e[l] = g;
  e[m] = 0;
}
