/** Instance maps (--input-instances): for each pair a picture in which the pixels of one object have one value or colour. */
import { DatasetError } from "../errors.ts";
import type { Pair } from "./layouts.ts";
import { below, byStem, type Listing, summary, withoutEnds } from "./listing.ts";

/** Folders of the instance maps of a phase; the first is pix2pixHD's. */
const instanceFolders = (phase: string): string[] =>
  ["inst", "instances"].flatMap((name) => [`${phase}_${name}`, `${phase}/${name}`, `${name}/${phase}`]);

/** Folders of the instance maps of a data set without phases. */
const foldersOfAll = ["inst", "instances"];

/**
 * The instance map of each pair, by its name. Stems are equal, or they are equal once the end that all stems of a folder share is
 * removed, such as _gtFine_instanceIds of Cityscapes.
 * @param pairs with the names that the layout gives them
 * @returns paths relative to the dataroot, in the order of the pairs
 * @throws DatasetError where there is no such folder, or a pair has no instance map
 */
export function instancesOf(pairs: readonly Pair[], listing: Listing, phase: string): string[] {
  const folders = [...instanceFolders(phase), ...foldersOfAll];
  const folder = folders.find((name) => listing.pictures.some((path) => path.startsWith(`${name}/`)));
  if (folder === undefined) {
    throw new DatasetError(
      `--input-instances: there are no instance maps for the phase "${phase}". Put them beside the label maps, with the same ` +
        `stems, into ${folders.slice(0, 2).join("/ or ")}/. Found: ${summary(listing)}.`,
    );
  }
  const names = pairs.map(({ name }) => name);
  return partners(names, below(listing.pictures, folder), folder).map((path) => `${folder}/${path}`);
}

/**
 * The instance map of each label map.
 * @param stems of the label maps
 * @param paths of the instance maps, relative to `folder`
 * @throws DatasetError naming label maps without one
 */
export function partners(stems: readonly string[], paths: readonly string[], folder: string): string[] {
  const composed = new Map(stems.map((stem) => [stem.normalize("NFC"), stem]));
  const own = composed.size === stems.length ? composed : new Map(stems.map((stem) => [stem, stem]));
  const [labels, maps] = withoutEnds(own, byStem(paths, folder));
  const missing = [...labels].filter(([name]) => !maps.has(name)).map(([, stem]) => stem);
  if (missing.length > 0) {
    throw new DatasetError(
      `${missing.length} of ${stems.length} label maps have no instance map of the same stem in ${folder}: ` +
        `${missing.slice(0, 5).join(", ")}${missing.length > 5 ? ", ..." : ""}. Add what is missing.`,
    );
  }
  return [...labels.keys()].map((name) => maps.get(name)!);
}
