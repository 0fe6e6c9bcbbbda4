/** The palette of the option --palette. */

import { type Palette, palettes, parsePalette } from "../data/palette.ts";
import { ConfigError } from "../errors.ts";
import { readText } from "../formats/read-text.ts";
import { files } from "../node/files.ts";

const known = Object.keys(palettes);

/** The values of `--palette`, for its help. */
export const paletteChoices = `FILE|${known.join("|")}`;

/** @throws ConfigError where the name is neither a palette nor a file, and for a file that is no palette */
export async function namedPalette(name: string): Promise<Palette> {
  if (Object.hasOwn(palettes, name)) return palettes[name]!;
  if (!(await files.exists(name))) {
    throw new ConfigError(
      `--palette: got ${name}, expected ${known.join(" or ")}, or a file with one colour a line, such as "128 64 128 road"`,
    );
  }
  return parsePalette(await readText(files, name), name);
}
