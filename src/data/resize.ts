/**
 * Resizing with the bytes of Pillow's `Image.resize`, which the PyTorch implementations use, on every runtime (libvips and
 * canvas differ from it by several grey levels on average).
 *
 * Pillow resamples in two passes, rows first, each rounding to 8 bits. An output pixel is the sum of the input pixels
 * under a filter kernel at its centre, widened by the scale when the picture shrinks, cut at the border and
 * normalised; weights are whole multiples of 2^-22. 16 bits and floats are resampled as Pillow's mode F: with exact
 * weights, each pass rounding to float32 (resample.ts).
 *
 * Pillow 13 begins with the columns for some shapes: where the height shrinks and the width grows, and for tall pictures that
 * shrink. A pixel of a photo then differs by up to 3 levels. The order here stays that of Pillow up to 12.
 */
import { UserError } from "../errors.ts";
import { checkValues } from "../formats/limits.ts";
import type { Picture, Samples } from "../platform.ts";
import { resampleFloat } from "./resample.ts";
import { resizeBytes } from "./resize-bytes.ts";
import { checkResizedSize } from "./sizes.ts";
import { alike } from "./transforms.ts";

/** The filters of `resize`. `nearest` takes the pixel under the centre; resample.ts has the formulas of the others. */
export const filters = ["bicubic", "bilinear", "area", "nearest"] as const;
export type Filter = (typeof filters)[number];

/**
 * The picture at width x height pixels, as Pillow's `Image.resize((width, height), filter)` gives it for modes L, LA, RGB
 * and RGBA (1 to 4 channels), and for each of any number of bands. With alpha (2 and 4 channels that are not bands),
 * colours are weighted by it, as Pillow does. 16 bits and floats keep their depth.
 * The aspect ratio is not kept. At the same size the result is the picture itself.
 * @throws PictureSizeError for a result of more pixels than a picture may have; UserError for a size that is no whole number of pixels
 *
 * @example
 * ```ts
 * import { resize } from "pix2pix";
 * import { nodePlatform } from "pix2pix/node";
 *
 * const { files, images } = await nodePlatform();
 * const picture = await images.decode(await files.read("new/label.png"));
 * const half = resize(picture, Math.round(picture.width / 2), Math.round(picture.height / 2));
 * await files.write("half.png", await images.encodePng(half));
 * ```
 */
export function resize<Data extends Samples>(
  picture: Picture<Data>,
  width: number,
  height: number,
  filter: Filter = "bicubic",
): Picture<Data> {
  const { channels, data } = picture;
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new UserError(`resize: width and height are whole numbers of pixels from 1, got ${width}x${height}.`);
  }
  checkValues("resize", picture);
  checkResizedSize(picture, { width, height });
  if (width === picture.width && height === picture.height) return picture;
  if (filter === "nearest") return nearest(picture, width, height);
  const alpha = channels % 2 === 0 && !picture.bands;
  const resized =
    data instanceof Uint8Array
      ? resizeBytes(data, picture, width, height, filter, alpha)
      : resampleFloat(data, picture, width, height, filter, alpha);
  return { ...picture, width, height, data: resized as Data };
}

/** As in Pillow, positions are sums of the step and not multiples of it, so that they are rounded in the same way. */
function nearest<Data extends Samples>(picture: Picture<Data>, width: number, height: number): Picture<Data> {
  const { channels, data } = picture;
  const positions = (from: number, to: number) => {
    const step = from / to;
    const at = new Int32Array(to);
    for (let i = 0, x = step * 0.5; i < to; i++, x += step) at[i] = Math.min(from - 1, Math.trunc(x));
    return at;
  };
  const columns = positions(picture.width, width);
  const rows = positions(picture.height, height);
  const out = alike(data, width * height * channels);
  let o = 0;
  for (const y of rows) {
    for (const x of columns) {
      const i = (y * picture.width + x) * channels;
      for (let c = 0; c < channels; c++) out[o++] = data[i + c]!;
    }
  }
  return { ...picture, width, height, data: out };
}
