/** Resizing of pictures to the size that the generator takes, and of its outputs. */
import { wholePictures } from "../data/loader.ts";
import type { ReaderOptions } from "../data/reader.ts";
import { resize } from "../data/resize.ts";
import { filterOf } from "../data/sides.ts";
import { checkResizedSize, type Preprocess, resizedSize, type SizeOptions } from "../data/sizes.ts";
import type { DeepPicture, Picture, Samples } from "../platform.ts";

/** How a picture is brought to a size that the generator takes, and how its output is brought back. */
export interface Fit {
  /**
   * resize_and_crop: the picture is resized to the run's crop size, as the PyTorch implementation does in its test;
   * scale_width and scale_width_and_crop: to the run's load size in width; the height keeps the shape, but is at least that of the crop;
   * crop and none: it keeps its size.
   * Default: the run's.
   */
  preprocess?: Preprocess | undefined;
  /**
   * Most pixels of the picture when it is resized: scale_width makes a narrow one very high; the generator may pad it to twice as many.
   * Default: those that any picture may have, and any padding.
   */
  mostPixels?: number | undefined;
  /** The output is resized to the size of the picture that was given. */
  keepSize?: boolean | undefined;
  /** Width / height of the output, which is enlarged in one direction. Not with `keepSize`. */
  aspectRatio?: number | undefined;
}

/**
 * The picture at the size at which the generator takes it.
 * @throws PictureSizeError for more pixels than `mostPixels`
 */
export function resizedInput(
  picture: DeepPicture,
  options: SizeOptions & Pick<ReaderOptions, "resizeFilter" | "inputLabels">,
  { preprocess = options.preprocess, mostPixels }: Fit,
): DeepPicture {
  const { width, height } = resizedSize(picture, { ...options, ...wholePictures({ ...options, preprocess }) });
  checkResizedSize(picture, { width, height }, mostPixels);
  return resize(picture, width, height, filterOf({ labels: options.inputLabels }, options.resizeFilter));
}

/** The output at the size that was asked for. */
export function resizedOutput<Data extends Samples>(
  output: Picture<Data>,
  { width, height }: DeepPicture,
  { keepSize, aspectRatio }: Fit,
): Picture<Data> {
  return keepSize ? resize(output, width, height) : withAspect(output, aspectRatio);
}

/** The picture, enlarged in one direction until width / height is `ratio`. */
export function withAspect<Data extends Samples>(picture: Picture<Data>, ratio: number | undefined): Picture<Data> {
  const { width, height } = picture;
  if (ratio === undefined || ratio === width / height) return picture;
  return ratio > width / height
    ? resize(picture, Math.round(height * ratio), height)
    : resize(picture, width, Math.round(width / ratio));
}
