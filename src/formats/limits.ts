/** Sizes that a picture may have. */
import { UserError } from "../errors.ts";

/** Pixels of one picture: 16383 x 16383, as libvips has it. A damaged header may claim any number. */
const mostPixels = 16383 * 16383;

/** @throws UserError for a picture without pixels or with more than the limit */
export function checkPictureSize(width: number, height: number): void {
  if (width > 0 && height > 0 && width * height <= mostPixels) return;
  throw new UserError(`its size is ${width}x${height}, expected 1 to ${mostPixels} pixels; the file may be damaged`);
}
