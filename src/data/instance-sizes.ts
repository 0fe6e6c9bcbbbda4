/** Checks that instance maps have the size of their label maps (--input-instances), before a training or a test begins. */
import { DatasetError, UserError } from "../errors.ts";
import { pngSize } from "../formats/png.ts";
import type { Files, Images } from "../platform.ts";
import type { Pair } from "./layouts.ts";
import type { Direction } from "./sides.ts";
import type { Size } from "./sizes.ts";

interface Access {
  files: Files;
  images: Images;
}

/** Pairs whose sizes are read at a time. */
const together = 16;

/**
 * Compares the size of each instance map with that of its label map, before anything is computed. Of PNGs only the headers are read. Files
 * that cannot be decoded are skipped; the code that reads them next reports them.
 * @param pairs those without an instance map are skipped
 * @throws DatasetError naming the maps whose sizes differ
 */
export async function checkInstanceSizes(
  pairs: readonly Pair[],
  { direction }: { direction: Direction },
  access: Access,
): Promise<void> {
  const wrong: string[] = [];
  const check = async ({ instances, ...pair }: Pair) => {
    if (instances === undefined) return;
    const label = direction === "AtoB" ? pair.A : pair.B;
    for (const exact of [false, true]) {
      const [size, map] = await Promise.all([sizeOf(label.file, access, exact), sizeOf(instances, access, exact)]);
      if (!size || !map) return;
      const width = label.half === undefined ? size.width : size.width / 2;
      if (map.width === width && map.height === size.height) return;
      // Metadata may rotate a picture, and the header does not say so: sizes that differ are compared again after decoding.
      if (exact) wrong.push(`\n  ${instances} is ${map.width}x${map.height}, ${label.file} ${width}x${size.height}`);
    }
  };
  for (let i = 0; i < pairs.length; i += together) await Promise.all(pairs.slice(i, i + together).map(check));
  if (wrong.length === 0) return;
  const more = wrong.length > 5 ? `\n  and ${wrong.length - 5} more` : "";
  throw new DatasetError(
    `${wrong.length} of ${pairs.length} instance maps have another size than their label maps:` +
      `${wrong.sort().slice(0, 5).join("")}${more}\nAn instance map has a value for each pixel of the label map.`,
  );
}

/** The size of a picture; undefined where it cannot be decoded. @param exact decode the picture, even if it has a PNG header */
async function sizeOf(file: string, { files, images }: Access, exact: boolean): Promise<Size | undefined> {
  const header = exact ? undefined : await files.readPart?.(file, 0, 24);
  const size = header && pngSize(header);
  if (size) return size;
  try {
    return await (images.decodeDeep ?? images.decode).call(images, await files.read(file), { alpha: true });
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}
