/** Finds the pairs of a data set, or explains why the folder has none. */
import { DatasetError, nearest } from "../errors.ts";
import type { Files } from "../platform.ts";
import type { Derive } from "./derivations.ts";
import { instancesOf } from "./instances.ts";
import type { Found, Layout, Pair, Side } from "./layouts.ts";
import * as layouts from "./layouts.ts";
import {
  below,
  folderLike,
  foldersOfOneSet,
  isPhaseName,
  joinPath,
  type Listing,
  listAll,
  pictureEndings,
  stemOf,
  summary,
  topFolders,
  unreadNote,
} from "./listing.ts";

export type { Pair, Side } from "./layouts.ts";

type LayoutName = keyof typeof layouts;

/** The choices of `--dataset-mode` beside "auto". */
export const layoutNames = Object.keys(layouts).sort() as LayoutName[];

/** A choice of `--dataset-mode`. */
export type DatasetMode = LayoutName | "auto";

/** All layouts by name. */
export const layoutTable: Readonly<Record<string, Layout>> = { ...layouts };

/** The layouts in the order of their names, for the help. */
export const layoutHelp = Object.fromEntries(layoutNames.map((name) => [name, layoutTable[name]!]));

/** The layouts that `auto` tries, in its order. */
export const rankedLayouts = Object.keys(layoutTable)
  .filter((name) => !layoutTable[name]!.derive)
  .sort((a, b) => layoutTable[a]!.rank - layoutTable[b]!.rank);

/** How the sides of a layout are computed, where they are not the pictures themselves. */
export function derivedSides(datasetMode: DatasetMode): { A?: Derive; B?: Derive } {
  return layoutTable[datasetMode]?.derive ?? {};
}

/** The choice of the pairs of a data set. */
export interface FindOptions {
  /** The subset: "train", "val", "test". A data set without such folders gives all of its pairs for every phase. */
  phase?: string | undefined;
  /** The option that names the phase, for messages. Default: "--phase". */
  phaseOption?: string | undefined;
  /** A layout's name, or "auto" (default): the first that fits. */
  datasetMode?: DatasetMode | undefined;
  /** Leave out pictures without a partner instead of throwing. */
  skipUnpaired?: boolean | undefined;
  /** Take only the first so many pairs. */
  maxDatasetSize?: number | undefined;
  /** Each pair needs an instance map (instances.ts). */
  inputInstances?: boolean | undefined;
}

/** The pairs of a data set and the layout that it has. */
export interface FoundPairs {
  layout: string;
  /** Sorted by path; never empty. */
  pairs: Pair[];
  /** Messages for the user: which pictures are left out, and which folder is used for a missing phase. */
  notes: string[];
  /** False where the data set has no folder for the phase, so that all of its pairs are taken. */
  ofPhase: boolean;
}

/**
 * The pairs under `root`, a folder in one of the layouts of `--dataset-mode`.
 * @throws DatasetError when there are none, when pictures lack a partner, or when the phase is missing
 *
 * @example
 * ```ts
 * import { findPairs, Loader, outputPicture, parseConfig } from "pix2pix";
 * import { nodePlatform } from "pix2pix/node";
 *
 * const platform = await nodePlatform();
 * const config = parseConfig({ dataroot: "pictures", netG: "unet_64", loadSize: 72, cropSize: 64 });
 * const { pairs, layout } = await findPairs(platform.files, config.dataroot, config);
 * const loader = new Loader(pairs, config, platform);
 * const { A, B, names, height, width } = await loader.batch(0, 0); // epoch 0, batch 0
 * const target = outputPicture(B, A, config, height, width);
 * console.log(`${layout}: ${names[0]}, ${target.width}x${target.height}`);
 * ```
 */
export async function findPairs(files: Files, root: string, options: FindOptions = {}): Promise<FoundPairs> {
  const { phase = "train", datasetMode = "auto", skipUnpaired = false, maxDatasetSize, inputInstances } = options;
  const names = datasetMode === "auto" ? rankedLayouts : [datasetMode];
  if (names.some((name) => !layoutTable[name])) {
    const near = nearest(datasetMode, layoutNames);
    throw new DatasetError(
      `dataset mode "${datasetMode}" is not known; the choices are auto, ${layoutNames.join(", ")}.` +
        (near ? ` Did you mean ${near}?` : ""),
    );
  }
  const listing = await list(files, root);
  for (const layout of names) {
    const found = layoutTable[layout]!.find(listing.pictures, phase);
    if (!found || (datasetMode === "auto" && !found.likely)) continue;
    const notes: string[] = [];
    const unread = unreadNote(listing.others);
    if (unread) notes.push(unread);
    const unpaired = found.onlyA.length + found.onlyB.length;
    if (unpaired > 0) notes.push(unpairedNote(root, layout, found, skipUnpaired));
    if (!found.ofPhase && phase !== "train") {
      notes.push(
        `${root} has no folder for the phase "${phase}": all of its pairs are used, as they are for training.`,
      );
    }
    const { derive } = layoutTable[layout]!;
    const complete = (side: Side, derivation: Derive | undefined): Side => ({
      ...side,
      file: joinPath(root, side.file),
      ...(derivation && { derive: derivation }),
    });
    const chosen = found.pairs.slice(0, maxDatasetSize);
    const instances = inputInstances ? instancesOf(chosen, listing, phase) : undefined;
    const pairs = chosen.map(({ name, A, B }, i) => ({
      name,
      A: complete(A, derive?.A),
      B: complete(B, derive?.B),
      ...(instances && { instances: joinPath(root, instances[i]!) }),
    }));
    if (pairs.length < found.pairs.length)
      notes.push(`the first ${pairs.length} of ${found.pairs.length} pairs are used.`);
    return { layout, pairs, notes, ofPhase: found.ofPhase };
  }
  throw nothingFound(root, { phase, option: options.phaseOption ?? "--phase" }, names, listing);
}

async function list(files: Files, root: string): Promise<Listing> {
  const listing = await listAll(files, root);
  if (listing) {
    if (listing.pictures.length + listing.others.length > 0) return listing;
    throw new DatasetError(`the dataroot ${root} is empty. Give a folder of pairs with --dataroot.`);
  }
  if (await files.exists(root))
    throw new DatasetError(`the dataroot ${root} is a file; a folder of pairs was expected.`);
  const near = await folderLike(files, root);
  throw new DatasetError(
    `the dataroot ${root} does not exist.` +
      (near ? ` Did you mean ${near}?` : " Give a folder of pairs with --dataroot."),
  );
}

/** Whether a picture of one side would have a partner on the other if case did not count. */
function differInCase(onlyA: readonly string[], onlyB: readonly string[]): boolean {
  const folded = (path: string) => stemOf(path.slice(path.lastIndexOf("/") + 1)).toLowerCase();
  const ofB = new Set(onlyB.map(folded));
  return onlyA.some((path) => ofB.has(folded(path)));
}

/** What to do where side B has no pictures at all, as in the test folders of pix2pixHD. */
const withoutTargets = (ofB: number) => (ofB > 0 ? "" : " pix2pix translate takes pictures without targets.");

/** The note about pictures without a partner. Throws it as an error unless they may be left out and a pair remains. */
function unpairedNote(root: string, layout: string, found: Found, skip: boolean): string {
  const { pairs, onlyA, onlyB, place } = found;
  const some = (label: string, paths: string[]) =>
    paths.length === 0
      ? ""
      : ` ${label} (${paths.length}): ${paths.slice(0, 5).join(", ")}${paths.length > 5 ? ", ..." : ""}.`;
  const count = onlyA.length + onlyB.length;
  const total = count + 2 * pairs.length;
  const what =
    `${count} of ${total} pictures in ${place ? joinPath(root, place) : root} have no partner of the same stem (${layout}).` +
    some("A without B", onlyA) +
    some("B without A", onlyB) +
    (differInCase(onlyA, onlyB)
      ? " Some of these names differ only in upper and lower case; give both sides the same."
      : "");
  if (pairs.length === 0)
    throw new DatasetError(`${what} No pair is left; add the missing pictures.${withoutTargets(onlyB.length)}`);
  if (!skip) {
    throw new DatasetError(
      `${what} Add what is missing, or leave them out with --skip-unpaired (complete pairs: ${pairs.length}).`,
    );
  }
  return `${what} Left out; complete pairs: ${pairs.length}.`;
}

function nothingFound(
  root: string,
  { phase, option }: { phase: string; option: string },
  names: string[],
  listing: Listing,
): DatasetError {
  const { pictures } = listing;
  const present = names
    .map((name) => ({ name, phases: layoutTable[name]!.phases(pictures) }))
    .filter(({ name, phases }) => {
      const found = phases.map((p) => layoutTable[name]!.find(pictures, p));
      return found.some((one) => one?.likely || (one && layoutTable[name]!.derive));
    });
  const first = present[0];
  const deeper = topFolders(pictures).find((folder) =>
    names.some((name) => layoutTable[name]!.find(below(pictures, folder), phase)?.ofPhase),
  );
  const automatic = names.length > 1;
  const places = first?.name === "folders" || deeper ? [phase] : ["", phase];
  const sides = automatic ? twoSides(root, pictures, places, phase) : undefined;
  if (sides) return sides;
  if (deeper) {
    const place = joinPath(root, deeper);
    const [a, b] = (first?.name === "aligned" && foldersOfOneSet(pictures)) || [];
    return new DatasetError(
      `no pairs for the phase "${phase}" in ${root} itself, but there are in ${place}. Use --dataroot ${place}.` +
        (a ? ` If ${a}/ and ${b}/ are the two sides of pairs, rename them to A and B.` : ""),
    );
  }
  const inner = first?.phases.some(isPhaseName) ? undefined : innerSet(pictures, phase, names);
  if (inner) {
    const place = joinPath(root, inner.folder);
    const other = inner.phases.includes(phase) ? "" : ` ${option} ${usualPhase(phase, inner.phases)}`;
    return new DatasetError(
      `no pairs for the phase "${phase}" in ${root} itself; ${place} holds a data set with ${inner.phases.join(", ")} ` +
        `(${inner.name}). Use --dataroot ${place}${other}.`,
    );
  }
  const elsewhere = automatic && !first ? twoSides(root, pictures, topFolders(pictures), phase) : undefined;
  if (elsewhere) return elsewhere;
  if (first) {
    return new DatasetError(
      `${root} has no phase "${phase}"; there is ${first.phases.join(", ")} (${first.name}). Use ${option} ${usualPhase(phase, first.phases)}.`,
    );
  }
  const looked = names.map(
    (name) => `\n  ${name} (${layoutTable[name]!.help}): ${layoutTable[name]!.patterns(phase).join("; ")}`,
  );
  return new DatasetError(
    `no pairs for the phase "${phase}" in ${root}. Looked for, with pictures ending in ${pictureEndings.join(", ")}:` +
      `${looked.join("")}\nFound: ${summary(listing)}.`,
  );
}

/** The phase to use instead of one that is not there. */
function usualPhase(phase: string, phases: readonly string[]): string {
  return nearest(phase, phases) ?? (phases.includes("val") ? "val" : phases[0]!);
}

/** A data set with phases, one or two folders below the dataroot: one that has the phase, else the first. */
function innerSet(
  pictures: readonly string[],
  phase: string,
  names: readonly string[],
): { folder: string; name: string; phases: string[] } | undefined {
  const places = new Set<string>();
  for (const path of pictures) {
    const parts = path.split("/").slice(0, -1);
    const at = parts.findIndex((part) => isPhaseName(part.replace(/_?[AB]$|_label$|_img$/i, "")));
    for (let depth = 1; depth <= Math.min(at, 2); depth++) places.add(parts.slice(0, depth).join("/"));
  }
  const sets = [...places].flatMap((folder) => {
    const inside = below(pictures, folder);
    const found = names.map((name) => ({
      name,
      folder,
      phases: layoutTable[name]!.phases(inside).filter(isPhaseName),
    }));
    return found.find(({ phases }) => phases.length > 0) ?? [];
  });
  return sets.find(({ phases }) => phases.includes(phase)) ?? sets[0];
}

/**
 * The error about two folders that look like the sides of pairs and have names that no layout knows.
 * @param places folders below the dataroot to look into; "" is the dataroot itself
 * @param phase the phase of which pairs are looked for
 */
export function twoSides(
  root: string,
  pictures: readonly string[],
  places: readonly string[],
  phase?: string,
): DatasetError | undefined {
  for (const place of places) {
    const sides = foldersOfOneSet(place === "" ? pictures : below(pictures, place));
    if (!sides) continue;
    const inside = place === "" ? "" : `${place}/`;
    const [a, b] = sides.map((folder) => `${inside}${folder}`);
    const own = place === "" && topFolders(below(pictures, a!)).some(isPhaseName);
    const named = place === "" ? ` --phase ${a}` : place === phase ? "" : ` --phase ${place}`;
    return new DatasetError(
      `${a}/ and ${b}/ in ${root} hold pictures of the same names, so they look like the two sides of pairs, but it is not ` +
        `clear which one is A. Rename them to ${inside}A and ${inside}B. If each picture is a pair with A left and B right, ` +
        `use ${own ? `--dataroot ${joinPath(root, a!)}` : `--dataset-mode aligned${named}`}.`,
    );
  }
  return undefined;
}
