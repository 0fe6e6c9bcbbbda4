/**
 * The size of each pair under the choices of --preprocess, with the names and formulas of the PyTorch implementation by
 * Jun-Yan Zhu and others. Two differences: a crop that reaches beyond the picture is an error (there it is filled with
 * black), and `none` keeps the exact size (there it is rounded to multiples of 4).
 */
import { DatasetError, PictureSizeError } from "../errors.ts";
import { mostPixels } from "../formats/limits.ts";
import type { Side } from "./layouts.ts";

export interface Size {
  width: number;
  height: number;
}

/** Width and height of the crop, and of the picture before the crop, in pixels. */
export interface SizeLimits {
  loadSize: number;
  loadHeight: number;
  cropSize: number;
  cropHeight: number;
}

/** A choice of --preprocess. */
export interface Preprocessing {
  /** One line for the help. */
  help: string;
  /** Whether every pair is cropped to the crop size; otherwise each keeps its own size. */
  crops: boolean;
  /** The dimensions of the load size that the crop has to fit into. */
  loads: readonly ("width" | "height")[];
  /** Whether the shape is kept while the size changes, so that heights are rounded. */
  scales: boolean;
  /** The choice that prepares whole pictures at test time, without a crop from a larger one. */
  whole: "resize_and_crop" | "scale_width" | "none";
  /** The size that a picture is resized to before the crop. */
  resized(picture: Size, limits: SizeLimits): Size;
}

/** To the width `loadSize`, shape kept; the height is at least that of the crop. */
const scaledWidth = ({ width, height }: Size, { loadSize, cropHeight }: SizeLimits): Size => ({
  width: loadSize,
  height: Math.max(Math.trunc((loadSize * height) / width), cropHeight),
});
const unchanged = ({ width, height }: Size): Size => ({ width, height });

/** The choices of --preprocess. */
export const preprocessings = {
  resize_and_crop: {
    help: "resize to the load size, whatever the shape, and crop",
    crops: true,
    loads: ["width", "height"],
    scales: false,
    whole: "resize_and_crop",
    resized: (_, { loadSize, loadHeight }) => ({ width: loadSize, height: loadHeight }),
  },
  crop: { help: "only crop", crops: true, loads: [], scales: false, whole: "none", resized: unchanged },
  scale_width: {
    help: "resize to the load width; the height keeps the shape, but is at least that of the crop",
    crops: false,
    loads: [],
    scales: true,
    whole: "scale_width",
    resized: scaledWidth,
  },
  scale_width_and_crop: {
    help: "the same as scale_width, then crop",
    crops: true,
    loads: ["width"],
    scales: true,
    whole: "scale_width",
    resized: scaledWidth,
  },
  none: {
    help: "take pictures as they are",
    crops: false,
    loads: [],
    scales: false,
    whole: "none",
    resized: unchanged,
  },
} as const satisfies Readonly<Record<string, Preprocessing>>;

export type Preprocess = keyof typeof preprocessings;

export interface SizeOptions extends SizeLimits {
  preprocess: Preprocess;
}

/** Whether every pair has the size of the crop; otherwise each has its own. */
export const crops = ({ preprocess }: Pick<SizeOptions, "preprocess">): boolean => preprocessings[preprocess].crops;

/** "256x256 px" (width x height), or in words where each pair has its own size. */
export function trainedSize(options: SizeOptions): string {
  if (crops(options)) return `${options.cropSize}x${options.cropHeight} px`;
  return options.preprocess === "none" ? "each pair in its own size" : `${options.loadSize} px wide`;
}

/** The size that a picture is resized to before the crop. */
export function resizedSize(picture: Size, options: SizeOptions): Size {
  const { resized }: Preprocessing = preprocessings[options.preprocess];
  return resized(picture, options);
}

/** What is wrong with a size that a picture is resized to: a clause without a full stop. Undefined for one of at most `most` pixels. */
function excessOf(from: Size, to: Size, most = mostPixels): string | undefined {
  const pixels = to.width * to.height;
  if (pixels <= most) return undefined;
  return `a picture of ${text(from)} would become ${text(to)}, ${pixels} pixels; at most ${most} are taken`;
}

/** @throws PictureSizeError for more pixels than `most`. Default: those that any picture may have */
export function checkResizedSize(from: Size, to: Size, most?: number): void {
  const excess = excessOf(from, to, most);
  if (excess) throw new PictureSizeError(excess);
}

/**
 * The size that both sides of a pair are resized to before the crop. With scale_width, heights may differ by one pixel,
 * because sides of two resolutions are rounded differently; then both get the size of the input.
 * @throws DatasetError naming the files when the sides do not fit each other, the crop does not fit in them, or the result is too large
 */
export function pairSize(input: Size, target: Size, sides: readonly [Side, Side], options: SizeOptions): Size {
  const { preprocess, cropSize, cropHeight } = options;
  const size = resizedSize(input, options);
  const other = resizedSize(target, options);
  const { scales, loads }: Preprocessing = preprocessings[preprocess];
  const rounding = scales ? 1 : 0;
  if (Math.abs(size.width - other.width) > 0 || Math.abs(size.height - other.height) > rounding) {
    throw new DatasetError(
      `${sides[0].file} is ${text(input)}, but its partner ${sides[1].file} is ${text(target)}; with --preprocess ` +
        `${preprocess} both must be of one ${rounding ? "shape" : "size"}. Use --preprocess resize_and_crop.`,
    );
  }
  const excess = excessOf(input, size);
  if (excess)
    throw new DatasetError(`${sides[0].file}: ${excess}. Use --preprocess resize_and_crop, or remove the picture.`);
  if (crops(options) && loads.length === 0 && (size.width < cropSize || size.height < cropHeight)) {
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
