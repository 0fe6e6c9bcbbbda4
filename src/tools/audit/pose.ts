/** A place of B relative to A: whether it is mirrored, and how far it is shifted. */
import type { Picture } from "../../platform.ts";

/** Where B fits A best. */
export interface Pose {
  flipX: boolean;
  flipY: boolean;
  /** Parts of the width and height by which B lies to the right of A and below it. */
  dx: number;
  dy: number;
}

/** B as it fits A; places that B does not cover repeat its border. */
export function placed(picture: Picture, { flipX, flipY, dx, dy }: Pose): Picture {
  const { width, height, channels } = picture;
  const data = new Uint8Array(picture.data.length);
  const place = (at: number, size: number, flip: boolean, shift: number) => {
    const there = Math.min(size - 1, Math.max(0, at + Math.round(shift * size)));
    return flip ? size - 1 - there : there;
  };
  for (let y = 0, to = 0; y < height; y++) {
    const row = place(y, height, flipY, dy) * width;
    for (let x = 0; x < width; x++) {
      const from = (row + place(x, width, flipX, dx)) * channels;
      for (let c = 0; c < channels; c++) data[to++] = picture.data[from + c]!;
    }
  }
  return { ...picture, data };
}

/** Whether B has to be moved to fit. */
export function isMoved({ flipX, flipY, dx, dy }: Pose): boolean {
  return flipX || flipY || dx !== 0 || dy !== 0;
}
