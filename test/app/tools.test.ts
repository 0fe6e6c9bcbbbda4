/** The widths of lines that the studio offers. */
import { expect, it } from "vitest";
import { firstThickness, thicker, thinner, widestLine } from "../../src/app/studio/tools.ts";

it.each([
  ["regions", 256, 8],
  ["photographs", 2048, 64],
  ["photographs", 2064, 65],
  ["regions", 4096, 128],
  ["lines", 8448, 66],
] as const)("from the first width of %s on a sheet of %d pixels, %d, the keys go up and down", (kit, width, first) => {
  const widest = widestLine(kit, width);
  expect(firstThickness(kit, width)).toBe(first);
  expect(widest).toBe(Math.max(64, first));
  expect(thicker(first, widest)).toBeGreaterThanOrEqual(first);
  expect(thinner(first)).toBeLessThan(first);
  let thick = 1;
  for (let i = 0; i < 60; i++) thick = thicker(thick, widest);
  expect(thick).toBe(widest);
  for (let i = 0; i < 60; i++) thick = thinner(thick);
  expect(thick).toBe(1);
});
