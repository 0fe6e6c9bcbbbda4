/** Brings pictures upright that are stored rotated or mirrored. */
import type { DeepPicture, Picture, Samples } from "../platform.ts";

/**
 * The picture upright, from the orientation that its file states: TIFF 6.0, tag 274. 1 is upright, 2 to 4 are mirrored
 * or turned by 180 degrees, 5 to 8 have rows and columns exchanged.
 */
export function upright(picture: DeepPicture, orientation: number): DeepPicture {
  if (!(orientation >= 2 && orientation <= 8)) return picture;
  return moved(picture, orientation);
}

function moved<Data extends Samples>(picture: Picture<Data>, orientation: number): Picture<Data> {
  const { width, height, channels, data } = picture;
  const exchanged = orientation >= 5;
  const [newWidth, newHeight] = exchanged ? [height, width] : [width, height];
  // Whether columns, and whether rows, of the stored picture run backwards.
  const mirrored = [2, 3, 7, 8].includes(orientation);
  const flipped = [3, 4, 6, 7].includes(orientation);
  const out = data.slice() as Data;
  for (let y = 0, to = 0; y < newHeight; y++) {
    for (let x = 0; x < newWidth; x++) {
      const [column, row] = exchanged ? [y, x] : [x, y];
      const from = ((flipped ? height - 1 - row : row) * width + (mirrored ? width - 1 - column : column)) * channels;
      for (let c = 0; c < channels; c++) out[to++] = data[from + c]!;
    }
  }
  return { ...picture, width: newWidth, height: newHeight, data: out };
}
