/** Translation of pictures that are larger than the memory: parts are read, tiles translated, strips of the output returned. */
import { derivations } from "../data/derivations.ts";
import { mirrored } from "../data/mirror.ts";
import { inputTensor, type SideOptions, sideForms } from "../data/sides.ts";
import type { LargePicture } from "../platform.ts";
import { copyPart, type Planes, type Rectangle } from "./tiling/geometry.ts";
import type { TiledOptions } from "./tiling/run.ts";
import type { Draw, Translator } from "./translator.ts";

/** Rows of the output, as wide as the picture. */
export interface Strip {
  /** [outputNc, height, width] in [-1, 1]. */
  values: Float32Array;
  /** The input of these rows, [inputNc, height, width]; empty if the output picture can be made without it. */
  A: Float32Array;
  height: number;
  width: number;
}

/** Whether a part of an input can be computed from that part of the picture alone. */
export function canBeInStrips(options: SideOptions): boolean {
  const { derive, edges } = sideForms(options).input;
  if (edges) return false;
  return derive === undefined || derivations[derive].byPlace !== true;
}

/**
 * Translates a picture of any size at its own size.
 * @param strip takes the strips from top to bottom
 */
export async function translateInStrips(
  translator: Translator,
  picture: LargePicture,
  strip: (strip: Strip) => Promise<void>,
  draw: Draw,
  options: Omit<TiledOptions, "output">,
): Promise<void> {
  const { config } = translator;
  const { width, height } = picture;
  const needsInput = sideForms(config).target.derive !== undefined;
  const read = (part: Rectangle) => readMirrored(picture, part, config);
  let rows: Planes | undefined;
  await translator.runTiles({ width, height, read }, draw, {
    ...options,
    async output(tile, part, at) {
      rows ??= {
        planes: tile.planes,
        height: part.height,
        width,
        data: new Float32Array(tile.planes * part.height * width),
      };
      copyPart(tile, part, rows, { y: 0, x: at.x });
      if (at.x + part.width < width) return;
      const whole = { y: at.y, x: 0, height: part.height, width };
      await strip({
        values: rows.data,
        A: needsInput ? await read(whole) : new Float32Array(0),
        height: part.height,
        width,
      });
      rows = undefined;
    },
  });
}

/** The input of a part, [inputNc, height, width], that may reach beyond the right and the lower edge: mirrored there. */
async function readMirrored(picture: LargePicture, part: Rectangle, options: SideOptions): Promise<Float32Array> {
  const rows = Array.from({ length: part.height }, (_, i) => mirrored(part.y + i, picture.height));
  const columns = Array.from({ length: part.width }, (_, i) => mirrored(part.x + i, picture.width));
  const [y, x] = [minimum(rows), minimum(columns)];
  const inside = { y, x, height: maximum(rows) - y + 1, width: maximum(columns) - x + 1 };
  const values = inputTensor(await picture.read(inside), options);
  if (inside.y + inside.height === part.y + part.height && inside.x + inside.width === part.x + part.width)
    return values;
  const planes = values.length / (inside.height * inside.width);
  const out = new Float32Array(planes * part.height * part.width);
  let to = 0;
  for (let plane = 0; plane < planes; plane++) {
    for (const row of rows) {
      const from = (plane * inside.height + row - y) * inside.width - x;
      for (const column of columns) out[to++] = values[from + column]!;
    }
  }
  return out;
}

const minimum = (values: readonly number[]) => values.reduce((a, b) => Math.min(a, b));
const maximum = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b));
