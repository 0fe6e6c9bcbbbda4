/** The files under a folder, and the path functions of the layouts. */
import { DatasetError, nearest } from "../errors.ts";
import type { Files } from "../platform.ts";

/** Endings (lower case) of the pictures that are looked for; any case matches. */
export const pictureEndings: readonly string[] = [
  "jpg",
  "jpeg",
  "png",
  "webp",
  "tif",
  "tiff",
  "bmp",
  "gif",
  "pbm",
  "pgm",
  "ppm",
  "npy",
];

/** Endings of pictures that cannot be read. A note counts them, so that the user knows what is left out. */
const unreadableEndings: readonly string[] =
  "avif heic heif jxl jp2 j2k psd svg exr hdr tga ico pcx dds raw dng cr2 cr3 nef arw mat npz".split(" ");

/** The files that are pictures in a format that cannot be read, by their endings. */
export function unreadPictures(paths: readonly string[]): string[] {
  return paths.filter((path) => unreadableEndings.includes(endingOf(path)));
}

/**
 * A note about pictures that cannot be read; undefined where there are none.
 * @param paths all files that were looked at
 * @param more endings that this runtime cannot read, although others can
 */
export function unreadNote(paths: readonly string[], more: readonly string[] = []): string | undefined {
  const counts = new Map<string, number>();
  const unread = [...unreadPictures(paths), ...paths.filter((path) => more.includes(endingOf(path)))];
  for (const ending of unread.map(endingOf)) counts.set(ending, (counts.get(ending) ?? 0) + 1);
  if (counts.size === 0) return undefined;
  const kinds = [...counts].map(([ending, count]) => `${count} .${ending}`).join(", ");
  return `left out, because their format cannot be read: ${kinds}. Convert them to PNG to use them.`;
}

/** Names that mark a folder as one phase of a data set, whatever else lies beside it. */
const phaseNames = ["train", "val", "test", "valid", "validation"];

export interface Listing {
  /** Pictures: paths relative to the root, forward slashes, sorted by code unit (as Python sorts ASCII paths). */
  pictures: string[];
  /** All other files, likewise; for messages. */
  others: string[];
}

/** Lists a folder with all folders in it; undefined when there is none. Names that start with "." are left out. */
export async function listAll(files: Files, root: string): Promise<Listing | undefined> {
  const listing: Listing = { pictures: [], others: [] };
  const walk = async (folder: string): Promise<boolean> => {
    const entries = await files.list(folder === "" ? root : joinPath(root, folder));
    for (const { name, folder: isFolder } of entries ?? []) {
      if (name.startsWith(".") || name === "__MACOSX") continue;
      const path = folder === "" ? name : `${folder}/${name}`;
      if (isFolder) await walk(path);
      else (pictureEndings.includes(endingOf(name)) ? listing.pictures : listing.others).push(path);
    }
    return entries !== undefined;
  };
  if (!(await walk(""))) return undefined;
  listing.pictures.sort(byCodeUnit);
  listing.others.sort(byCodeUnit);
  return listing;
}

/** The folder that is meant by a path that does not exist: one of a similar name beside it. */
export async function folderLike(files: Files, path: string): Promise<string | undefined> {
  // Backslashes of Windows become slashes, which separate folders on all systems.
  const [, parent = "", name = path] = /^(.*\/)?([^/]+)\/*$/.exec(path.replaceAll("\\", "/")) ?? [];
  const beside = (await files.list(parent || ".")) ?? [];
  const near = nearest(
    name,
    beside.filter((entry) => entry.folder).map((entry) => entry.name),
  );
  return near && parent + near;
}

export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `root/path`, whether or not the root ends with a slash. */
export function joinPath(root: string, path: string): string {
  return /[/\\]$/.test(root) ? root + path : `${root}/${path}`;
}

/** The ending in lower case, without the dot; "" when there is none. */
export function endingOf(path: string): string {
  const match = /\.([^./\\]+)$/.exec(path);
  return match ? match[1]!.toLowerCase() : "";
}

/** The path without its ending: "a/b.c.png" -> "a/b.c". */
export function stemOf(path: string): string {
  return path.replace(/\.[^./\\]+$/, "");
}

/** The paths below a folder, relative to it. */
export function below(paths: readonly string[], folder: string): string[] {
  return paths.filter((path) => path.startsWith(`${folder}/`)).map((path) => path.slice(folder.length + 1));
}

/** The paths that lie in the root itself. */
export function direct(paths: readonly string[]): string[] {
  return paths.filter((path) => !path.includes("/"));
}

/** The names of the root's folders that hold pictures at any depth. */
export function topFolders(paths: readonly string[]): string[] {
  return [...new Set(paths.filter((path) => path.includes("/")).map((path) => path.slice(0, path.indexOf("/"))))];
}

/** Whether a folder's name is that of a phase. */
export function isPhaseName(name: string): boolean {
  return phaseNames.includes(name.toLowerCase());
}

/** Ends of a name after its number, which tell kinds of pictures apart, as _gtFine_labelIds and _leftImg8bit of Cityscapes. */
const kindEnd = /(?<=\d)([_-][A-Za-z][A-Za-z0-9]*)+$/;

/**
 * Two folders that look like the two sides of pairs: they hold all pictures, and most names in one are in the other too, as they are or
 * without the ends of their kinds. Folders with the name of a phase do not count.
 */
export function foldersOfOneSet(paths: readonly string[]): readonly [string, string] | undefined {
  const tops = topFolders(paths);
  const [a, b] = tops;
  if (a === undefined || b === undefined || tops.length > 2 || tops.some(isPhaseName)) return undefined;
  if (direct(paths).length > 0) return undefined;
  const stems = [a, b].map((folder) => below(paths, folder).map(stemOf));
  const alike = [stems, stems.map((side) => side.map((stem) => stem.replace(kindEnd, "")))].some(([one, two]) =>
    mostlyShared(new Set(one), new Set(two)),
  );
  return alike ? [a, b] : undefined;
}

function mostlyShared(one: ReadonlySet<string>, two: ReadonlySet<string>): boolean {
  const shared = [...one].filter((name) => two.has(name)).length;
  return 2 * shared > Math.max(one.size, two.size);
}

/**
 * Stem -> path, of paths relative to `folder`. An accented letter is one character in a stem: files from macOS may have the letter and
 * its accent as two, and those from elsewhere as one.
 * @throws DatasetError when two files share a stem, because then the partner is ambiguous
 */
export function byStem(paths: readonly string[], folder: string): Map<string, string> {
  const stems = new Map<string, string>();
  for (const path of paths) {
    const stem = stemOf(path).normalize("NFC");
    const other = stems.get(stem);
    if (other !== undefined) {
      throw new DatasetError(
        `two pictures in ${folder || "the dataroot"} have the stem "${stem}": ${other} and ${path}, so it is not clear ` +
          "which one belongs to the pair. Move one of them away.",
      );
    }
    stems.set(stem, path);
  }
  return stems;
}

/** Two folders, each as stem -> path. Where no stem is on both sides, the end that all stems of a side share is removed. */
export function withoutEnds(
  a: Map<string, string>,
  b: Map<string, string>,
): [Map<string, string>, Map<string, string>] {
  if ([...a.keys()].some((stem) => b.has(stem))) return [a, b];
  return [withoutEnd(a), withoutEnd(b)];
}

/**
 * Stem -> path without the end that all stems share, such as _labelIds. The end begins with _ or - and a letter, so that numbers stay
 * whole.
 */
function withoutEnd(stems: Map<string, string>): Map<string, string> {
  const [first = "", ...others] = stems.keys();
  const end = /[_-][A-Za-z][^/]*$/.exec(others.reduce(commonEnd, first))?.[0] ?? "";
  return new Map([...stems].map(([stem, path]) => [stem.slice(0, stem.length - end.length), path]));
}

function commonEnd(a: string, b: string): string {
  let length = 0;
  while (length < a.length && length < b.length && a.at(-1 - length) === b.at(-1 - length)) length++;
  return a.slice(a.length - length);
}

/** "400 .jpg, 2 .txt" for each folder that holds files, the fullest first, at most `most` of them. */
export function summary({ pictures, others }: Listing, most = 6): string {
  const folders = new Map<string, Map<string, number>>();
  for (const path of [...pictures, ...others]) {
    const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/") + 1) : "directly in it";
    const kinds = folders.get(folder) ?? new Map<string, number>();
    const kind = endingOf(path) === "" ? "files without an ending" : `.${endingOf(path)}`;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    folders.set(folder, kinds);
  }
  const count = (kinds: Map<string, number>) => [...kinds.values()].reduce((sum, n) => sum + n, 0);
  const ranked = [...folders].sort((a, b) => count(b[1]) - count(a[1]));
  const lines = ranked.slice(0, most).map(([folder, kinds]) => {
    const shown = [...kinds].sort((a, b) => b[1] - a[1]).slice(0, 4);
    return `${folder}: ${shown.map(([kind, n]) => `${n} ${kind}`).join(", ")}`;
  });
  if (ranked.length > most) lines.push(`and ${ranked.length - most} more folders`);
  return lines.join("; ");
}
