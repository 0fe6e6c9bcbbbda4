/**
 * Label maps as inputs (--input-labels): a picture of class numbers becomes one channel for each class, 1 where the pixel is of
 * the class and 0 elsewhere, as pix2pixHD and SPADE feed them. With --input-instances a channel follows that is 1 at the edges of
 * objects (Wang et al. 2018, 3.3).
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
  // Floats, because `writeCrop` copies floats unchanged and maps integers to [-1, 1].
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
          "where there is no class. Correct the file, or give the number of classes that the label maps have.",
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
 * Class numbers and the numbers of objects as one picture of two bands, which is resized and cropped as one.
 * @param numbers the result of `classNumbers`
 * @param instances an instance map of the same size: pixels of one object have one value or colour, in 8 or 16 bits a channel
 * @param files of the label map and of the instance map, for messages
 * @throws DatasetError where the sizes of the two maps differ
 */
export function withInstances(
  numbers: DeepPicture,
  instances: DeepPicture,
  [labelFile, file]: readonly [string, string],
): DeepPicture {
  const { width, height } = numbers;
  if (instances.width !== width || instances.height !== height) {
    throw new DatasetError(
      `${file} is ${instances.width}x${instances.height}, but its label map ${labelFile} is ${width}x${height}; an instance map ` +
        "has a value for each pixel of the label map.",
    );
  }
  const { data, channels } = instances;
  const known = new Map<string | number, number>();
  const out = new Float32Array(2 * width * height);
  for (let i = 0; i < width * height; i++) {
    const value = channels === 1 ? data[i]! : data.subarray(i * channels, (i + 1) * channels).join();
    const object = known.get(value) ?? known.size;
    known.set(value, object);
    out[2 * i] = numbers.data[i]!;
    out[2 * i + 1] = object;
  }
  return { width, height, channels: 2, data: out, bands: true };
}

/**
 * Writes into `out` from `offset` on 1 where one of the four neighbours belongs to another object, and 0 elsewhere: pix2pixHD's
 * get_edges.
 * @param objects [height, width]
 */
export function writeEdges(
  out: Float32Array,
  offset: number,
  objects: ArrayLike<number>,
  height: number,
  width: number,
): void {
  out.fill(0, offset, offset + height * width);
  const compare = (a: number, b: number) => {
    if (objects[a] !== objects[b]) out[offset + a] = out[offset + b] = 1;
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      if (x > 0) compare(i - 1, i);
      if (y > 0) compare(i - width, i);
    }
  }
}

/**
 * The class numbers of `writeOneHot` as colours, [3, plane] in [-1, 1], for people to look at. Neighbouring numbers differ in hue; a
 * pixel without a class is black.
 * @param edges whether a channel of edges follows, which are white
 */
export function labelColours(values: Float32Array, labels: number, plane: number, edges = false): Float32Array {
  const colours = Array.from({ length: labels }, (_, k) => colourOf(k));
  const out = new Float32Array(3 * plane).fill(-1);
  for (let k = 0; k < labels; k++) {
    for (let i = 0; i < plane; i++) {
      if (values[k * plane + i] !== 1) continue;
      for (let c = 0; c < 3; c++) out[c * plane + i] = colours[k]![c]!;
    }
  }
  if (!edges) return out;
  for (let i = 0; i < plane; i++) {
    if (values[labels * plane + i] === 1) for (let c = 0; c < 3; c++) out[c * plane + i] = 1;
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
