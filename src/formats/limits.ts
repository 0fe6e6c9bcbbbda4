/** Sizes that a picture may have. */
import { PictureSizeError, UserError } from "../errors.ts";
import type { Picture, Samples } from "../platform.ts";

/** Most pixels of one picture in memory: 16383 x 16383, the limit of libvips. A damaged header may claim any number. */
export const mostPixels = 16383 * 16383;

/**
 * @param most pixels that are allowed here, at most those that any picture may have
 * @throws PictureSizeError for a picture of more pixels; UserError for one without pixels
 */
export function checkPictureSize(width: number, height: number, most = mostPixels): void {
  const size = `${width}x${height}`;
  if (width <= 0 || height <= 0)
    throw new UserError(`its size is ${size}, expected at least 1x1; the file may be damaged`);
  if (width * height <= most) return;
  if (most < mostPixels) {
    throw new PictureSizeError(`the picture is ${size}, ${width * height} pixels; at most ${most} are taken`);
  }
  throw new PictureSizeError(
    `its size is ${size}, expected 1 to ${mostPixels} pixels; the file may be damaged. Larger pictures are taken by ` +
      "translate --preprocess none, from PNG, TIFF or JPEG",
  );
}

/** @param what the function that was given the picture @throws UserError for a picture whose values are not those of its size */
export function checkValues(what: string, { width, height, channels, data }: Picture<Samples>): void {
  if (data.length === width * height * channels && data.length > 0) return;
  throw new UserError(`${what}: ${width}x${height} with ${channels} channels does not fit ${data.length} values.`);
}
