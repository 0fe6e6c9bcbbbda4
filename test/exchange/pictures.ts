/** Pictures for exported files, and the comparison of their outputs. */
import { expect } from "vitest";
import type { Picture } from "../../src/platform.ts";
import { Random } from "../../src/random.ts";

/** Random squares of 4 pixels. */
export function picture(width: number, height: number, channels: number, seed = 1): Picture {
  const columns = Math.ceil(width / 4);
  const values = new Float32Array(channels * columns * Math.ceil(height / 4));
  new Random(seed, "picture", 0).fillNormal(values, 127, 90);
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => {
    const [pixel, c] = [Math.floor(i / channels), i % channels];
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    return Math.max(0, Math.min(255, values[(Math.floor(y / 4) * columns + Math.floor(x / 4)) * channels + c]!));
  });
  return { width, height, channels, data, ...(channels > 4 && { bands: true }) };
}

/** The picture's values in [-1, 1], [channels, height, width]. */
export const planes = ({ width, height, channels, data }: Picture): Float32Array =>
  Float32Array.from({ length: data.length }, (_, i) => {
    const plane = width * height;
    return data[(i % plane) * channels + Math.floor(i / plane)]! / 127.5 - 1;
  });

/** One array after the other. */
export function joined<A extends Uint8Array | Float32Array>(parts: readonly A[], type: new (length: number) => A): A {
  const all = new type(parts.length * parts[0]!.length);
  for (const [k, part] of parts.entries()) all.set(part, k * part.length);
  return all;
}

/** At most one level apart, and that for few values: roundings differ where a value lies between two levels. */
export function expectEqual(got: Uint8Array, expected: Uint8Array): void {
  expect(got.length).toBe(expected.length);
  let [worst, apart] = [0, 0];
  const seen = new Set<number>();
  for (const [i, value] of got.entries()) {
    const difference = Math.abs(value - expected[i]!);
    worst = Math.max(worst, difference);
    apart += difference > 0 ? 1 : 0;
    seen.add(expected[i]!);
  }
  expect(worst).toBeLessThanOrEqual(1);
  expect(apart / got.length).toBeLessThan(0.005);
  expect(seen.size, "levels of the output").toBeGreaterThan(20);
}
