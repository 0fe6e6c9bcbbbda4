/** Half precision against NumPy's `astype(numpy.float16)`. */
import { expect, it } from "vitest";
import { fromHalf, toHalf } from "../../src/formats/half.ts";

/** Floats with the bits of the nearest half: ties to even, subnormal numbers, the end of the range. */
const pairs: [number, number][] = [
  ...([
    [0, 0x0000],
    [-0, 0x8000],
    [1, 0x3c00],
    [-2, 0xc000],
    [0.1, 0x2e66],
    [1 / 3, 0x3555],
  ] as [number, number][]),
  ...([
    [65504, 0x7bff],
    [65519, 0x7bff],
    [65520, 0x7c00],
    [-1e9, 0xfc00],
  ] as [number, number][]),
  ...([
    [2 ** -14, 0x0400],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000],
    [1.5 * 2 ** -24, 0x0002],
  ] as [number, number][]),
  ...([
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [Infinity, 0x7c00],
  ] as [number, number][]),
];

it("rounds as NumPy, and reads what it has written", () => {
  const values = Float32Array.from(pairs, ([value]) => value);
  expect([...toHalf(values)]).toEqual(pairs.map(([, bits]) => bits));
  expect([...toHalf(values.subarray(3, 5))]).toEqual([0xc000, 0x2e66]);
  const halves = Uint16Array.from({ length: 0x7c00 }, (_, i) => i);
  expect([...toHalf(fromHalf(halves))]).toEqual([...halves]);
});
