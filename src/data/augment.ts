/** Random changes of a pair: crop, flips, quarter turns, deformation, and the colours of its input. */
import type { Random } from "../random.ts";
import { crops, type SizeOptions } from "./sizes.ts";
import type { Placement } from "./transforms.ts";
import { drawWarp, type WarpGrid } from "./warp.ts";

export interface AugmentOptions {
  noFlip: boolean;
  flipVertical: boolean;
  /** Turns by 0, 90, 180 or 270 degrees; of square crops only. */
  rotate90: boolean;
  /** f in 0..1: brightness, contrast and saturation of the input are multiplied by factors in [1 - f, 1 + f]. */
  colorJitter: number;
  /** Standard deviation in pixels of a smooth random deformation (warp.ts); 0 is none. */
  warp: number;
}

/** Factors; 1 leaves the picture as it is. */
export interface ColorFactors {
  brightness: number;
  contrast: number;
  saturation: number;
}

/** One draw for a whole pair; both sides share the placement, `color` is the input's. */
export interface Jitter extends Required<Placement> {
  color?: ColorFactors;
  warp?: WarpGrid;
}

/**
 * The random changes of one pair of width x height pixels. The corner is uniform over every place where the crop fits, both
 * ends included; each flip has probability 1/2, each turn 1/4, factors are uniform. The draws have a fixed order and number,
 * so that an option changes only what it names, and the draws of options that were added later come last.
 */
export function drawJitter(
  random: Random,
  width: number,
  height: number,
  options: AugmentOptions & SizeOptions,
): Jitter {
  const { cropSize, cropHeight, colorJitter, warp } = options;
  const whole = !crops(options);
  const x = random.int(whole ? 1 : width - cropSize + 1);
  const y = random.int(whole ? 1 : height - cropHeight + 1);
  const flip = random.float() < 0.5 && !options.noFlip;
  const flipVertical = random.float() < 0.5 && options.flipVertical;
  const turn = random.int(4);
  const factor = () => 1 + colorJitter * (2 * random.float() - 1);
  const color = { brightness: factor(), contrast: factor(), saturation: factor() };
  const turns = options.rotate90 ? turn : 0;
  const more = { ...(colorJitter > 0 && { color }), ...(warp > 0 && { warp: drawWarp(random, warp) }) };
  return { x, y, flip, flipVertical, turns, ...more };
}

/**
 * Changes brightness, then contrast, then saturation of [channels, plane] values in [-1, 1] from `offset` on, in place, as
 * torchvision's adjust_brightness, adjust_contrast and adjust_saturation do with floats (Pillow's ImageEnhance, without
 * its rounding to 8 bits): they mix each value with black, with the mean grey, and with the grey of its pixel, and clip the
 * result. Grey is ITU-R 601's with 3 or 4 channels; otherwise contrast takes the mean of all values. Saturation needs 3 or 4 channels.
 * Alpha (channel 2 of 2, 4 of 4) is left alone.
 */
export function jitterColors(
  values: Float32Array,
  offset: number,
  channels: number,
  plane: number,
  { brightness, contrast, saturation }: ColorFactors,
): void {
  const colours = channels === 2 || channels === 4 ? channels - 1 : channels;
  const end = offset + colours * plane;
  const cut = (v: number) => Math.max(-1, Math.min(1, v));
  const grey = (i: number) => 0.299 * values[i]! + 0.587 * values[i + plane]! + 0.114 * values[i + 2 * plane]!;
  for (let i = offset; i < end; i++) values[i] = cut((values[i]! + 1) * brightness - 1);
  let sum = 0;
  if (colours === 3) for (let i = offset; i < offset + plane; i++) sum += grey(i);
  else for (let i = offset; i < end; i++) sum += values[i]! / colours;
  const mean = sum / plane;
  for (let i = offset; i < end; i++) values[i] = cut(contrast * values[i]! + (1 - contrast) * mean);
  if (colours !== 3) return;
  for (let i = offset; i < offset + plane; i++) {
    const own = (1 - saturation) * grey(i);
    for (let c = i; c < end; c += plane) values[c] = cut(saturation * values[c]! + own);
  }
}
