/**
 * The size of each pair under the five ways to prepare it, with the names and formulas of the PyTorch implementation by
 * Jun-Yan Zhu and others. Two things that it does are not copied: a crop that reaches beyond the picture is filled with
 * black there (here it is an error), and `none` rounds sizes to multiples of 4 (here pictures keep their exact size).
 */
import { ConfigError, DatasetError } from "../errors.ts";
import type { Side } from "./layouts.ts";

export interface SizeOptions {
  /**
   * resize_and_crop: both sides to the load size, whatever their shape, then a crop; crop: only the crop;
   * scale_width: to the width `loadSize`, shape kept, height at least that of the crop; scale_width_and_crop: then a crop;
   * none: as they are.
   */
  preprocess: "resize_and_crop" | "crop" | "scale_width" | "scale_width_and_crop" | "none";
  /** Pixels: width, and without `loadHeight` also height. */
  loadSize: number;
  loadHeight?: number | undefined;
  cropSize: number;
  cropHeight?: number | undefined;
}

export interface Size {
  width: number;
  height: number;
}

/** Whether every pair has the size of the crop; otherwise each has its own. */
export function fixedSize(preprocess: SizeOptions["preprocess"]): boolean {
  return preprocess !== "none" && preprocess !== "scale_width";
}

/** @throws ConfigError when the crop does not fit into the load size */
export function checkSizes({ preprocess, loadSize, loadHeight, cropSize, cropHeight = cropSize }: SizeOptions): void {
  const refuse = (load: string, size: number, crop: string, least: number) => {
    throw new ConfigError(
      `${load} ${size} is below ${crop} ${least}: the crop does not fit. Use ${load} ` +
        `${Math.round((least * 286) / 256)} (as much jitter as 286 with 256) or ${least} (none).`,
    );
  };
  const resized = preprocess === "resize_and_crop" || preprocess === "scale_width_and_crop";
  if (resized && loadSize < cropSize) refuse("--load-size", loadSize, "--crop-size", cropSize);
  const height = loadHeight ?? loadSize;
  if (preprocess === "resize_and_crop" && height < cropHeight) {
    const crop = cropHeight === cropSize ? "--crop-size" : "--crop-height";
    refuse(loadHeight === undefined ? "--load-size" : "--load-height", height, crop, cropHeight);
  }
}

/** The size that a picture is resized to before the crop. */
export function resizedSize({ width, height }: Size, options: SizeOptions): Size {
  const { preprocess, loadSize, loadHeight = loadSize, cropSize, cropHeight = cropSize } = options;
  if (preprocess === "resize_and_crop") return { width: loadSize, height: loadHeight };
  if (preprocess === "crop" || preprocess === "none") return { width, height };
  return { width: loadSize, height: Math.max(Math.trunc((loadSize * height) / width), cropHeight) };
}

/**
 * The size that both sides of a pair are resized to before the crop. With scale_width a difference of one pixel, which
 * comes from rounding sides of two resolutions, is resolved for the input.
 * @throws DatasetError naming the files when the sides do not fit each other or the crop does not fit in them
 */
export function pairSize(input: Size, target: Size, sides: readonly [Side, Side], options: SizeOptions): Size {
  const { preprocess, cropSize, cropHeight = cropSize } = options;
  const size = resizedSize(input, options);
  const other = resizedSize(target, options);
  const rounding = preprocess.startsWith("scale_width") ? 1 : 0;
  if (Math.abs(size.width - other.width) > 0 || Math.abs(size.height - other.height) > rounding) {
    throw new DatasetError(
      `${sides[0].file} is ${text(input)}, but its partner ${sides[1].file} is ${text(target)}; with --preprocess ` +
        `${preprocess} both must be of one ${rounding ? "shape" : "size"}. Use --preprocess resize_and_crop.`,
    );
  }
  if (preprocess === "crop" && (size.width < cropSize || size.height < cropHeight)) {
    const least = Math.min(size.width, size.height);
    const most = cropHeight === cropSize ? `--crop-size of at most ${least}` : "smaller crop";
    throw new DatasetError(
      `${sides[0].file}: ${sides[0].half ? "each half" : "the picture"} is ${text(size)}, below the crop of ` +
        `${cropSize}x${cropHeight}. Use --preprocess resize_and_crop, or a ${most}.`,
    );
  }
  return size;
}

function text({ width, height }: Size): string {
  return `${width}x${height}`;
}
