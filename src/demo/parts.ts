/** The parts of a drawn facade, each of a class, and the colours of a label map. */

/** Label colours, similar to those of the CMP facade database: few, flat, far apart. */
export const palette = {
  sky: [0, 0, 110],
  street: [70, 70, 70],
  plaster: [0, 0, 255],
  brick: [220, 0, 255],
  stone: [130, 130, 255],
  roof: [110, 0, 130],
  tree: [0, 200, 85],
  window: [0, 128, 255],
  door: [0, 192, 255],
  cornice: [0, 255, 255],
  sill: [85, 255, 170],
  balcony: [170, 255, 85],
  shutter: [255, 255, 0],
  deco: [255, 170, 0],
  pillar: [255, 85, 0],
  awning: [255, 0, 0],
  shop: [170, 0, 0],
} as const satisfies Record<string, readonly [number, number, number]>;

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
  shape?: "arch" | "hip" | "gable" | "round";
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
