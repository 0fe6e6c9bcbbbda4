/**
 * Conversion between RGB and CIELAB for colorization, with the constants of scikit-image's `color.rgb2lab` and `lab2rgb`: sRGB, white
 * D65 seen by the 2 degree observer. L is 0..100; a and b of sRGB colours lie within -108..99.
 *
 * The networks see L / 50 - 1 and a / 110, b / 110, as in the paper's code.
 */

import { values8 } from "./transforms.ts";

/** X, Y and Z of white. */
export const white = [0.95047, 1, 1.08883] as const;
const [WHITE_X, , WHITE_Z] = white;

/** Rows: X, Y, Z from linear red, green, blue. */
export const toXyz = [
  [0.412453, 0.35758, 0.180423],
  [0.212671, 0.71516, 0.072169],
  [0.019334, 0.119193, 0.950227],
] as const;

/** Rows: linear red, green, blue from X, Y, Z. */
export const fromXyz = [
  [3.24048134, -1.53715152, -0.49853633],
  [-0.96925495, 1.87599, 0.04155593],
  [0.05564664, -0.20404134, 1.05731107],
] as const;

/** The networks' values are L / lScale - 1, a / abScale and b / abScale. */
export const lScale = 50;
export const abScale = 110;

/** A row of a matrix times a vector. */
const times = ([p, q, r]: readonly [number, number, number], x: number, y: number, z: number): number =>
  p * x + q * y + r * z;

/** Linear light of an sRGB value in [0, 1]. */
function linear(v: number): number {
  return v > 0.04045 ? ((v + 0.055) / 1.055) ** 2.4 : v / 12.92;
}

/** Linear light of a value in [-1, 1]; a table has those of 8-bit pictures. */
function lightOf(value: number): number {
  const level = Math.round((value + 1) * 127.5);
  return values8[level] === value ? lights[level]! : linear((value + 1) / 2);
}

const lights = Float64Array.from(values8, (value) => linear((value + 1) / 2));

function gamma(v: number): number {
  return v > 0.0031308 ? 1.055 * v ** (1 / 2.4) - 0.055 : v * 12.92;
}

function cubeRoot(t: number): number {
  return t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116;
}

function cube(t: number): number {
  return t > 0.2068966 ? t ** 3 : (t - 16 / 116) / 7.787;
}

/**
 * Writes the lightness (1 plane), the colours (2 planes) or both into `out` from `offset` on, in [-1, 1].
 * @param rgb [3, plane] in [-1, 1]
 */
export function writeLab(
  out: Float32Array,
  offset: number,
  rgb: Float32Array,
  plane: number,
  part: "L" | "ab" | "Lab",
): void {
  for (let i = 0; i < plane; i++) {
    const r = lightOf(rgb[i]!);
    const g = lightOf(rgb[plane + i]!);
    const b = lightOf(rgb[2 * plane + i]!);
    const fy = cubeRoot(times(toXyz[1], r, g, b));
    let at = offset + i;
    if (part !== "ab") {
      out[at] = (116 * fy - 16) / lScale - 1;
      at += plane;
    }
    if (part === "L") continue;
    const fx = cubeRoot(times(toXyz[0], r, g, b) / WHITE_X);
    const fz = cubeRoot(times(toXyz[2], r, g, b) / WHITE_Z);
    out[at] = (500 * (fx - fy)) / abScale;
    out[at + plane] = (200 * (fy - fz)) / abScale;
  }
}

/**
 * The picture [3, plane] in [-1, 1] with a lightness (1 plane) and colours (2 planes), both in [-1, 1]. Values outside of
 * that range and colours outside of sRGB are clipped. Without `ab` the picture is grey, without `L` of middle lightness.
 */
export function labToRgb(L: Float32Array | undefined, ab: Float32Array | undefined, plane: number): Float32Array {
  const rgb = new Float32Array(3 * plane);
  const cut = (v: number) => Math.max(-1, Math.min(1, v));
  const shown = (v: number) => Math.max(0, Math.min(1, gamma(v))) * 2 - 1;
  for (let i = 0; i < plane; i++) {
    const fy = ((cut(L?.[i] ?? 0) + 1) * lScale + 16) / 116;
    const x = cube(fy + (cut(ab?.[i] ?? 0) * abScale) / 500) * WHITE_X;
    const y = cube(fy);
    const z = cube(Math.max(0, fy - (cut(ab?.[plane + i] ?? 0) * abScale) / 200)) * WHITE_Z;
    rgb[i] = shown(times(fromXyz[0], x, y, z));
    rgb[plane + i] = shown(times(fromXyz[1], x, y, z));
    rgb[2 * plane + i] = shown(times(fromXyz[2], x, y, z));
  }
  return rgb;
}
