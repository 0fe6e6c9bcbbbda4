/**
 * Label maps as inputs (--input-labels): a picture of class numbers becomes one channel for each class, 1 where the pixel is of
 * the class and 0 elsewhere, as pix2pixHD and SPADE feed them.
 */
import { DatasetError } from "../errors.ts";
import type { DeepPicture } from "../platform.ts";

/** The numbers that mark pixels without a class, in 8 and in 16 bits: all their channels are 0. */
export const withoutClass: readonly number[] = [255, 65535];

/**
 * The class numbers of a label map as one channel.
 * @param labels number of classes: pixels have 0 to labels - 1, or 255 (65535 with 16 bits) for no class
 * @param file for messages
 * @throws DatasetError for colours, numbers that are no class, and fractions
 */
export function classNumbers(picture: DeepPicture, labels: number, file = "the picture"): DeepPicture {
  const { width, height, channels, data, bands } = picture;
  const colours = bands ? channels : channels < 3 ? 1 : 3;
  // Numbers as floats: crops leave those as they are.
  const numbers = new Float32Array(width * height);
  for (let i = 0; i < numbers.length; i++) {
    const value = data[i * channels]!;
    for (let c = 1; c < colours; c++) {
      if (data[i * channels + c] !== value) {
        throw new DatasetError(
          `${file} has colours, but --input-labels ${labels} expects grey pictures of class numbers, 0 to ${labels - 1}. ` +
            "Leave --input-labels out for label maps in colour.",
        );
      }
    }
    if (!Number.isInteger(value) || (value >= labels && !withoutClass.includes(value)) || value < 0) {
      throw new DatasetError(
        `${file} has the value ${value}, but --input-labels ${labels} expects class numbers from 0 to ${labels - 1}, or 255 ` +
          "where there is no class.",
      );
    }
    numbers[i] = value;
  }
  return { width, height, channels: 1, data: numbers };
}

/**
 * Writes class numbers as [labels, plane] of zeros and ones into `out` from `offset` on.
 * @param numbers [plane]
 */
export function writeOneHot(out: Float32Array, offset: number, numbers: ArrayLike<number>, labels: number): void {
  const plane = numbers.length;
  out.fill(0, offset, offset + labels * plane);
  for (let i = 0; i < plane; i++) if (numbers[i]! < labels) out[offset + numbers[i]! * plane + i] = 1;
}

/**
 * The class numbers of `writeOneHot` as colours, [3, plane] in [-1, 1], for people to look at. Neighbouring numbers differ in hue; a
 * pixel without a class is black.
 */
export function labelColours(values: Float32Array, labels: number, plane: number): Float32Array {
  const colours = Array.from({ length: labels }, (_, k) => colourOf(k));
  const out = new Float32Array(3 * plane).fill(-1);
  for (let k = 0; k < labels; k++) {
    for (let i = 0; i < plane; i++) {
      if (values[k * plane + i] !== 1) continue;
      for (let c = 0; c < 3; c++) out[c * plane + i] = colours[k]![c]!;
    }
  }
  return out;
}

/** A colour in [-1, 1] for class k: hues a golden angle apart, in three strengths. */
function colourOf(k: number): [number, number, number] {
  const hue = (k * 0.6180339887) % 1;
  const strength = [1, 0.7, 0.45][Math.floor(k / 12) % 3]!;
  const channel = (shift: number) => {
    const at = Math.abs(((hue + shift) % 1) * 6 - 3) - 1;
    return 2 * strength * (0.15 + 0.85 * Math.min(1, Math.max(0, at))) - 1;
  };
  return [channel(0), channel(2 / 3), channel(1 / 3)];
}
