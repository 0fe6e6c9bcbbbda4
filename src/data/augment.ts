/** Random changes of a pair: where it is cropped, mirrored and turned, and the colours of its input. */
import { ConfigError } from "../errors.ts";
import type { Random } from "../random.ts";
import { fixedSize, type SizeOptions } from "./sizes.ts";
import type { Placement } from "./transforms.ts";

export interface AugmentOptions extends SizeOptions {
  noFlip: boolean;
  flipVertical?: boolean | undefined;
  /** Turns by 0, 90, 180 or 270 degrees; of square crops only. */
  rotate90?: boolean | undefined;
  /** f in 0..1: brightness, contrast and saturation of the input are multiplied by factors in [1 - f, 1 + f]. */
  colorJitter?: number | undefined;
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
}

/** @throws ConfigError for what cannot be done to pictures of these sizes */
export function checkAugment(options: AugmentOptions): void {
  const { rotate90, colorJitter = 0, cropSize, cropHeight = cropSize } = options;
  if (!(colorJitter >= 0 && colorJitter <= 1)) {
    throw new ConfigError(`--color-jitter is 0 to 1, got ${colorJitter}.`);
  }
  if (!rotate90) return;
  if (!fixedSize(options.preprocess)) {
    throw new ConfigError(
      `--rotate90 turns square crops, but with --preprocess ${options.preprocess} pictures keep their own shape. ` +
        "Use --preprocess resize_and_crop, crop or scale_width_and_crop, or leave --rotate90 out.",
    );
  }
  if (cropHeight !== cropSize) {
    throw new ConfigError(
      `--rotate90 turns square crops, but they are ${cropSize}x${cropHeight} (--crop-size, --crop-height). ` +
        "Make them equal, or leave --rotate90 out; --flip-vertical works with any shape.",
    );
  }
}

/**
 * What is done to one pair of width x height pixels. The corner is uniform over every place where the crop fits, both ends
 * included; the flips have probability 1/2, turns 1/4 each, factors are uniform. The draws have a fixed order and number,
 * so that an option changes only what it names, and those of options that were added later come last.
 */
export function drawJitter(random: Random, width: number, height: number, options: AugmentOptions): Jitter {
  const { cropSize, cropHeight = cropSize, colorJitter = 0 } = options;
  const whole = !fixedSize(options.preprocess);
  const x = random.int(whole ? 1 : width - cropSize + 1);
  const y = random.int(whole ? 1 : height - cropHeight + 1);
  const flip = random.float() < 0.5 && !options.noFlip;
  const flipVertical = random.float() < 0.5 && options.flipVertical === true;
  const turn = random.int(4);
  const factor = () => 1 + colorJitter * (2 * random.float() - 1);
  const color = { brightness: factor(), contrast: factor(), saturation: factor() };
  return { x, y, flip, flipVertical, turns: options.rotate90 ? turn : 0, ...(colorJitter > 0 && { color }) };
}

/**
 * Changes brightness, then contrast, then saturation of [channels, plane] values in [-1, 1] from `offset` on, in place, as
 * torchvision's adjust_brightness, adjust_contrast and adjust_saturation do with floats (Pillow's ImageEnhance, without
 * its rounding to 8 bits): each is a mixture with black, with the mean grey, with the picture's own grey, cut to the range.
 * Grey is ITU-R 601's, of 3 and 4 channels; of others contrast takes the mean of all. Saturation needs 3 or 4 channels.
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
