/** Sizes that a picture may have. */
import { PictureSizeError, UserError } from "../errors.ts";

export interface DecodeOptions {
  /** Keep the transparency of a file that has some, as 4 channels. */
  alpha?: boolean;
  /** Keep values of more than 8 bits. */
  deep?: boolean;
  /** Pixels of the largest picture that is taken. */
  mostPixels?: number | undefined;
}

/** Pixels of one picture in memory: 16383 x 16383, as libvips has it. A damaged header may claim any number. */
export const mostPixels = 16383 * 16383;

/**
 * @param most pixels that are allowed here
 * @throws PictureSizeError for a picture of more pixels than `most`; UserError for one without pixels, or with more than
 *   any picture may have
 */
export function checkPictureSize(width: number, height: number, most = mostPixels): void {
  if (width * height > most && width * height <= mostPixels) {
    throw new PictureSizeError(
      `the picture is ${width}x${height}, ${width * height} pixels; at most ${most} are taken`,
    );
  }
  if (width > 0 && height > 0 && width * height <= mostPixels) return;
  throw new UserError(
    `its size is ${width}x${height}, expected 1 to ${mostPixels} pixels; the file may be damaged. Larger pictures are taken by ` +
      "translate --preprocess none, from PNG, TIFF or JPEG",
  );
}
