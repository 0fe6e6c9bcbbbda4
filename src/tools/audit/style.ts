/** The style of a picture: a few numbers that distinguish label maps and drawings from photographs. */
import type { Picture } from "../../platform.ts";

/** Numbers of a style. */
export const styleCount = 10;
/** Rows that are read; more hardly change the numbers. */
const rows = 64;
/** A pixel is flat if no channel differs from its left neighbour by more than this, of 255. JPEG changes flat areas by less. */
const sameColour = 2;

/**
 * Means and standard deviations of red, green and blue, saturation, the share of flat pixels, the mean step to the left neighbour,
 * and the entropy of the colours; all about 0 to 1. None depends on where in the picture something lies.
 */
export function styleOf({ width, height, channels, data }: Picture): Float64Array {
  const [green, blue] = channels < 3 ? [0, 0] : [1, 2];
  const sums = new Float64Array(6);
  const colours = new Uint32Array(16 ** 3);
  let [saturation, flat, steps, pixels] = [0, 0, 0, 0];
  const step = Math.max(1, Math.floor(height / rows));
  for (let y = Math.floor(step / 2); y < height; y += step) {
    for (let x = 1; x < width; x++, pixels++) {
      const i = (y * width + x) * channels;
      const [r, g, b] = [data[i]!, data[i + green]!, data[i + blue]!];
      sums[0]! += r;
      sums[1]! += g;
      sums[2]! += b;
      sums[3]! += r * r;
      sums[4]! += g * g;
      sums[5]! += b * b;
      saturation += Math.max(r, g, b) - Math.min(r, g, b);
      colours[((r >> 4) << 8) | ((g >> 4) << 4) | (b >> 4)]!++;
      const left = i - channels;
      const [dr, dg, db] = [r - data[left]!, g - data[left + green]!, b - data[left + blue]!];
      const change = Math.max(Math.abs(dr), Math.abs(dg), Math.abs(db));
      if (change <= sameColour) flat++;
      steps += change;
    }
  }
  const means = sums.map((sum) => sum / Math.max(1, pixels) / 255);
  const spread = (c: number) => Math.sqrt(Math.max(0, means[c + 3]! / 255 - means[c]! ** 2));
  let entropy = 0;
  for (const count of colours) if (count > 0) entropy -= (count / pixels) * Math.log2(count / pixels);
  const part = (sum: number) => sum / Math.max(1, pixels);
  return Float64Array.from([
    ...means.subarray(0, 3),
    ...[0, 1, 2].map(spread),
    part(saturation) / 255,
    part(flat),
    Math.log1p(part(steps)) / Math.log(256),
    entropy / 12,
  ]);
}
