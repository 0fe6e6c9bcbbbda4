/**
 * The built-in data set: pairs of a label map and a "photo" of a facade, drawn by rules. It needs no download and no
 * licence.
 */
import type { Picture } from "../platform.ts";
import { Random } from "../random.ts";
import { layOut } from "./layout.ts";
import { covers, type Part, palette } from "./parts.ts";
import { shade } from "./shade.ts";

export interface Facade {
  /** Flat colours of `palette`, one per class. */
  label: Picture;
  /** A shaded view of the same parts. It is a function of the label, apart from a little noise. */
  photo: Picture;
}

/** Grain of the photos: standard deviation in 8-bit levels. */
const grain = 2;

/**
 * One facade as size x size RGB pictures; size is at least 32. Equal random numbers give the same facade at every size.
 */
export function drawFacade(random: Random, size = 64): Facade {
  return drawParts(layOut(random), random, size);
}

/** The label map and the photo of these parts, as size x size RGB pictures. @param random draws the photo's grain */
export function drawParts(parts: readonly Part[], random: Random, size: number): Facade {
  const values = shade(parts, size);
  const data = Uint8Array.from(values, (value) =>
    Math.min(255, Math.max(0, Math.round(value + grain * random.normal()))),
  );
  return { label: drawLabel(parts, size), photo: { width: size, height: size, channels: 3, data } };
}

/** `count` facades. Facade i is a pure function of (seed, i), so a larger set begins with the smaller one. */
export function demoSet(count: number, size: number, seed: number): Facade[] {
  return Array.from({ length: count }, (_, i) => drawFacade(new Random(seed, "facade", i), size));
}

function drawLabel(parts: readonly Part[], size: number): Picture {
  const data = new Uint8Array(size * size * 3);
  const unit = size / 64;
  for (const part of parts) {
    const { x, y, width, height } = part;
    for (let row = Math.max(0, Math.floor(y * unit)); row < Math.min(size, (y + height) * unit); row++) {
      for (let column = Math.max(0, Math.floor(x * unit)); column < Math.min(size, (x + width) * unit); column++) {
        const [s, t] = [(column + 0.5) / unit - x, (row + 0.5) / unit - y];
        if (covers(part, s, t)) data.set(palette[part.kind], (row * size + column) * 3);
      }
    }
  }
  return { width: size, height: size, channels: 3, data };
}
