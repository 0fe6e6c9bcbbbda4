/** A discriminator's map of patches over the picture that it judges. */
import type { Picture } from "../platform.ts";

/** Values from 0 (fake) to 1 (real), row by row. */
export interface BeliefMap {
  width: number;
  height: number;
  belief: readonly number[];
}

type Colour = readonly [red: number, green: number, blue: number];

/** The scale: fake, undecided, real. It is distinct for all common forms of colour vision. */
const scale: readonly [Colour, Colour, Colour] = [
  [33, 102, 172],
  [247, 247, 247],
  [200, 80, 10],
];
/** The scale as a CSS gradient, from fake to real. */
export const scaleGradient = `linear-gradient(to right, ${scale.map((colour) => `rgb(${colour.join(" ")})`).join(", ")})`;
/** The weight of the grey picture in the mixture; the rest is the map's colour. */
const pictureWeight = 0.4;

/** The colour of a belief. */
export function beliefColour(belief: number): Colour {
  const at = 2 * Math.min(1, Math.max(0, belief));
  const [from, to] = at < 1 ? [scale[0], scale[1]] : [scale[1], scale[2]];
  const share = at < 1 ? at : at - 1;
  return [0, 1, 2].map((c) => Math.round(from[c]! + share * (to[c]! - from[c]!))) as [number, number, number];
}

/** The picture in grey with the map over it. The map is enlarged to the picture, linearly between the middles of its cells. */
export function patchPicture({ width, height, channels, data }: Picture, map: BeliefMap): Picture {
  const out = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const colour = beliefColour(valueAt(map, ((x + 0.5) * map.width) / width, ((y + 0.5) * map.height) / height));
      const from = (y * width + x) * channels;
      const [red, green, blue] = channels < 3 ? [data[from]!, data[from]!, data[from]!] : data.subarray(from, from + 3);
      const grey = 0.299 * red! + 0.587 * green! + 0.114 * blue!;
      for (let c = 0; c < 3; c++)
        out[(y * width + x) * 3 + c] = Math.round(pictureWeight * grey + (1 - pictureWeight) * colour[c]!);
    }
  }
  return { width, height, channels: 3, data: out };
}

/** The value at a point, interpolated linearly. @param x in cells; the middle of the first cell is at 0.5 */
function valueAt({ width, height, belief }: BeliefMap, x: number, y: number): number {
  const [left, right, across] = between(x - 0.5, width);
  const [top, bottom, down] = between(y - 0.5, height);
  const row = (at: number) => belief[at * width + left]! * (1 - across) + belief[at * width + right]! * across;
  return row(top) * (1 - down) + row(bottom) * down;
}

function between(at: number, count: number): [before: number, after: number, share: number] {
  const inside = Math.min(count - 1, Math.max(0, at));
  const before = Math.floor(inside);
  return [before, Math.min(count - 1, before + 1), inside - before];
}
