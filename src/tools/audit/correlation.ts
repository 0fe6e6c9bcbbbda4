/** Correlation of the outlines of two pictures, over flips and shifts. */
import { deviation, mean } from "../../statistics.ts";
import { fourier, fourierSize } from "./fourier.ts";

/** Width and height of the grid of outlines. With the largest shift it fits into `fourierSize`. */
export const outlineGrid = 54;
const grid = outlineGrid;
/** Planes of outlines: how steep the picture is along x, and along y. */
export const outlinePlanes = 2;
/** Largest shift along x and y, in cells. */
export const reach = 8;
/** Shifts along x and along y. */
export const shifts: number = 2 * reach + 1;

/** The ways in which B is mirrored before it is shifted. */
export const flips = [
  { flipX: false, flipY: false },
  { flipX: true, flipY: false },
  { flipX: false, flipY: true },
  { flipX: true, flipY: true },
] as const;

/** Outlines of one picture, prepared for correlations. */
export interface Spectrum {
  /** The Fourier transform of plane 0 + i plane 1, padded with zeros. */
  real: Float64Array;
  imaginary: Float64Array;
  /** See `summedSquares`. */
  squares: Float64Array;
}

/** @param outlines [outlinePlanes, outlineGrid, outlineGrid] */
export function spectrumOf(outlines: Float32Array): Spectrum {
  const [real, imaginary] = [new Float64Array(fourierSize ** 2), new Float64Array(fourierSize ** 2)];
  for (let y = 0; y < grid; y++) {
    for (let x = 0; x < grid; x++) {
      real[y * fourierSize + x] = outlines[y * grid + x]!;
      imaginary[y * fourierSize + x] = outlines[(grid + y) * grid + x]!;
    }
  }
  fourier(real, imaginary);
  return { real, imaginary, squares: summedSquares(outlines) };
}

/**
 * Normalised cross-correlation of A with B, over the part of the two that overlaps: [flips, shifts, shifts]. The last two
 * indices are the shift along y and x plus `reach`: A at (x, y) is compared with the flipped B at (x + dx, y + dy).
 *
 * The real part of the correlation of two complex planes is the sum of the correlations of their parts. A flip of B is a flip
 * of its transform; it moves B by one side, which is added to the shifts.
 */
export function correlations(a: Spectrum, b: Spectrum): Float32Array {
  const out = new Float32Array(flips.length * shifts * shifts);
  let to = 0;
  for (const { flipX, flipY } of flips) {
    const products = correlated(a, b, flipX, flipY);
    for (let dy = -reach; dy <= reach; dy++) {
      const [y0, y1] = [Math.max(0, -dy), Math.min(grid, grid - dy)];
      const row = (dy - (flipY ? grid - 1 : 0) + 2 * fourierSize) % fourierSize;
      for (let dx = -reach; dx <= reach; dx++) {
        const [x0, x1] = [Math.max(0, -dx), Math.min(grid, grid - dx)];
        const column = (dx - (flipX ? grid - 1 : 0) + 2 * fourierSize) % fourierSize;
        const [left, right] = flipX ? [grid - x1 - dx, grid - x0 - dx] : [x0 + dx, x1 + dx];
        const [top, bottom] = flipY ? [grid - y1 - dy, grid - y0 - dy] : [y0 + dy, y1 + dy];
        const energy = rectangle(a.squares, x0, y0, x1, y1) * rectangle(b.squares, left, top, right, bottom);
        out[to++] = energy > 1e-9 ? products[row * fourierSize + column]! / Math.sqrt(energy) : 0;
      }
    }
  }
  return out;
}

/** Sums of products of A with the flipped B for all cyclic shifts. */
function correlated(a: Spectrum, b: Spectrum, flipX: boolean, flipY: boolean): Float64Array {
  const [real, imaginary] = [new Float64Array(fourierSize ** 2), new Float64Array(fourierSize ** 2)];
  for (let y = 0, i = 0; y < fourierSize; y++) {
    const row = (flipY ? (fourierSize - y) % fourierSize : y) * fourierSize;
    for (let x = 0; x < fourierSize; x++, i++) {
      const j = row + (flipX ? (fourierSize - x) % fourierSize : x);
      // The conjugate of conj(A) B: a forward transform of it is the inverse one, up to conjugation and the factor.
      real[i] = a.real[i]! * b.real[j]! + a.imaginary[i]! * b.imaginary[j]!;
      imaginary[i] = a.imaginary[i]! * b.real[j]! - a.real[i]! * b.imaginary[j]!;
    }
  }
  fourier(real, imaginary);
  return real.map((value) => value / fourierSize ** 2);
}

/** [grid + 1, grid + 1]: sums over all planes of the squares above and to the left. */
function summedSquares(from: Float32Array): Float64Array {
  const width = grid + 1;
  const out = new Float64Array(width * width);
  for (let y = 0; y < grid; y++) {
    let row = 0;
    for (let x = 0; x < grid; x++) {
      for (let at = y * grid + x; at < from.length; at += grid * grid) row += from[at]! ** 2;
      out[(y + 1) * width + x + 1] = out[y * width + x + 1]! + row;
    }
  }
  return out;
}

function rectangle(sums: Float64Array, x0: number, y0: number, x1: number, y1: number): number {
  const width = grid + 1;
  return sums[y1 * width + x1]! - sums[y0 * width + x1]! - sums[y1 * width + x0]! + sums[y0 * width + x0]!;
}

/** How many standard deviations a partner must stand out from all others. */
const standsOut = 5;

/**
 * For each A the index of another pair whose B it fits, unflipped and unshifted; undefined where there is none. Both must
 * be the best choice of each other and stand out from all other correlations.
 */
export function foreignPartners(sample: readonly { a: Float32Array; b: Float32Array }[]): (number | undefined)[] {
  const count = sample.length;
  const norms = (side: "a" | "b") => sample.map((each) => Math.sqrt(product(each[side], each[side])) + 1e-9);
  const [ofA, ofB] = [norms("a"), norms("b")];
  const table = new Float32Array(count * count);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) {
      table[i * count + j] = product(sample[i]!.a, sample[j]!.b) / (ofA[i]! * ofB[j]!);
    }
  }
  const best = (values: Float32Array) => values.reduce((at, value, i) => (value > values[at]! ? i : at), 0);
  const column = (j: number) => Float32Array.from({ length: count }, (_, i) => table[i * count + j]!);
  return sample.map((_, i) => {
    const row = table.subarray(i * count, (i + 1) * count);
    const j = best(row);
    if (j === i) return undefined;
    const back = column(j);
    return best(back) === i && outstanding(row, j) && outstanding(back, i) ? j : undefined;
  });
}

/** The dot product of two vectors of one length. */
export function product<Vector extends Float32Array | Float64Array>(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function outstanding(values: Float32Array, at: number): boolean {
  const others = values.filter((_, i) => i !== at);
  return values[at]! - mean(others) > standsOut * deviation(others) + 1e-6;
}
