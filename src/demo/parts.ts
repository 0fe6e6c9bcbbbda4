/** The parts of a drawn facade, each of a class, and the colours of a label map. */
import { builtInFacades as palette } from "../data/palette.ts";

export { palette };
export type Kind = keyof typeof palette;

/**
 * A part. Lengths are in units of 1/64 of the picture's side, from the top left corner. Later parts cover earlier ones.
 */
export interface Part {
  kind: Kind;
  x: number;
  y: number;
  width: number;
  height: number;
  shape?: "arch" | "hip" | "gable" | "round" | undefined;
}

/** Whether a point, relative to the part's corner, belongs to the part. */
export function covers({ shape, width, height }: Part, s: number, t: number): boolean {
  if (s < 0 || t < 0 || s >= width || t >= height) return false;
  const aside = Math.abs(s - width / 2);
  if (shape === "arch") {
    const radius = width / 2;
    return t >= radius || aside ** 2 + (radius - t) ** 2 <= radius ** 2;
  }
  if (shape === "hip") return aside <= width / 2 - (1 - t / height) * Math.min(height, width / 4);
  if (shape === "gable") return aside <= (width / 2) * (t / height);
  if (shape === "round") return (aside / (width / 2)) ** 2 + (2 * (t / height) - 1) ** 2 <= 1;
  return true;
}
