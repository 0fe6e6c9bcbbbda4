/** Copies pictures that a user picked into the browser's storage, as a data set. */
import { endingOf, foldersOfOneSet, unreadNote } from "../data/listing.ts";
import { UserError } from "../errors.ts";
import { zipEntries } from "../formats/zip.ts";
import { counted } from "../text.ts";
import { readTar } from "../tools/tar.ts";
import { files, removeFolder } from "./files.ts";
import { images, readEndings, unreadEndings } from "./images.ts";

/** A picked file. `path` is relative to the picked folder's parent, such as "facades/train/1.jpg", or only the name. */
export interface Picked {
  path: string;
  file: Blob;
}

/** What `Client.importPictures` has stored. */
export interface Imported {
  /** The number of pictures that are stored. */
  pictures: number;
  /** The names of the two folders that are stored as A and B, where they had others. */
  folders?: readonly [input: string, target: string] | undefined;
  /** What was left out, and how folders were understood, in sentences. */
  note?: string | undefined;
}

/** A file that was found, and how its bytes are read. */
interface FoundFile {
  path: string;
  read(): Promise<Uint8Array>;
}

/** Bytes that a tar may unpack to: its files are held in memory until they are stored. */
const mostOfTar = 2 * 2 ** 30;
/** Milliseconds between two reports of progress. */
const reportEvery = 250;

/** Folders that the layouts of data sets recognise by their names; they are kept. */
const meaning = /^((train|val|test)(_?[AB]|_label|_img)?|A|B|base)$/i;

/**
 * Replaces the folder `root` by the pictures among the picked files, or in a folder that the user has opened to the
 * page. Archives (zip, tar, tar.gz) are unpacked. Leading folders that all pictures share, such as the picked folder, are left out of
 * the paths; two folders with the same names of files become A and B. Pictures that cannot be decoded are left out, with their
 * partners.
 * @param say called with a sentence on the progress
 * @throws UserError when there are no pictures, or an archive is damaged
 */
export async function importPictures(
  root: string,
  picked: readonly Picked[] | FileSystemDirectoryHandle,
  say: (text: string) => void = () => {},
): Promise<Imported> {
  const found: FoundFile[] = [];
  for (const each of "kind" in picked ? await filesIn(picked) : picked) {
    for (const file of await unpacked(each)) found.push(file);
  }
  const pictures = found.filter(({ path }) => isPicture(path));
  if (pictures.length === 0) throw nothing(found);
  await removeFolder(root);
  const skip = commonFolders(pictures.map(({ path }) => path.split("/")));
  const short = ({ path }: FoundFile) => path.split("/").slice(skip).join("/");
  const sides = sidesOf(pictures.map(short));
  const stored: string[] = [];
  const bad: { path: string; place: string }[] = [];
  let [done, told] = [0, performance.now()];
  for (const picture of pictures) {
    const path = short(picture);
    const bytes = await picture.read();
    const place = sides?.rename(path) ?? path;
    if (await isReadable(bytes)) {
      await files.write(`${root}/${place}`, bytes);
      stored.push(place);
    } else bad.push({ path, place });
    done++;
    if (performance.now() - told < reportEvery) continue;
    told = performance.now();
    say(`Reading the pictures: ${done} of ${pictures.length}\u2026`);
  }
  const damaged = new Set(bad.map(({ place }) => pairOf(place)));
  const partners = stored.filter((place) => damaged.has(pairOf(place)));
  for (const place of partners) await files.remove(`${root}/${place}`);
  if (stored.length === partners.length) {
    await removeFolder(root);
    throw unreadable(bad.map(({ path }) => path));
  }
  const shown = found.map(({ path }) => path).filter((path) => !isHidden(path));
  const badPaths = bad.map(({ path }) => path);
  const notes = [sides?.note, badNote(badPaths, partners.length), unreadNote(shown, unreadEndings)].filter(
    (text) => text !== undefined,
  );
  const note = notes.length > 0 ? notes.join(" ") : undefined;
  return { pictures: stored.length - partners.length, folders: sides?.folders, note };
}

/** What the stored pictures of a pair have in common: the path without its side and its ending. */
function pairOf(place: string): string {
  const side = /^(train|val|test)?(_?[AB]|_label|_img)$/i;
  return place
    .replace(/\.[^./]*$/, "")
    .split("/")
    .map((part, i, { length }) => (i < length - 1 ? part.replace(side, "$1*") : part))
    .join("/");
}

function nothing(found: readonly FoundFile[]): UserError {
  const some = found.length > 0 ? ` (${firstOf(found.map(({ path }) => path))})` : "";
  return new UserError(
    `No pictures among ${counted(found.length, "file")}${some}: expected ${readEndings.join(", ")}, or a zip, tar or ` +
      "tar.gz of such.",
  );
}

/** @param bad the pictures that cannot be read; the others were their partners */
function unreadable(bad: readonly string[]): UserError {
  const what = bad.length === 1 ? "The picture cannot" : `${bad.length} pictures cannot`;
  return new UserError(
    `${what} be read, and no pair is left: ${firstOf(bad)}. A file may be empty or damaged; open it in an image viewer ` +
      "and save it as PNG.",
  );
}

/** The first three names. */
const firstOf = (paths: readonly string[]): string => paths.slice(0, 3).join(", ") + (paths.length > 3 ? ", ..." : "");

/** The files of an archive, or the file itself. @throws UserError for a damaged archive */
async function unpacked({ path, file }: Picked): Promise<FoundFile[]> {
  if (endingOf(path) === "zip") return zipEntries(file, path);
  if (!/\.(tar|tgz|tar\.gz)$/i.test(path))
    return [{ path, read: async () => new Uint8Array(await file.arrayBuffer()) }];
  const packed = /gz$/i.test(path);
  const stream = packed ? file.stream().pipeThrough(new DecompressionStream("gzip")) : file.stream();
  const found: FoundFile[] = [];
  try {
    for await (const entry of readTar(stream, { limits: { bytes: mostOfTar } })) {
      found.push({ path: entry.path, read: async () => entry.data });
    }
  } catch (error) {
    const reason = error instanceof UserError ? error.message : "it is truncated or no gzip";
    throw new UserError(`${path} cannot be read: ${reason.replace(/\.$/, "")}. Unpack it and choose the folder.`);
  }
  return found;
}

async function isReadable(bytes: Uint8Array): Promise<boolean> {
  try {
    await (images.decodeDeep ?? images.decode).call(images, bytes);
    return true;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}

/** @param partners pictures that can be read, of the same pairs */
function badNote(bad: readonly string[], partners: number): string | undefined {
  if (bad.length === 0) return undefined;
  const names = firstOf(bad);
  const one = bad.length === 1;
  const alone = partners === 0 ? "" : one ? " with its partner" : " with their partners";
  return `${bad.length} ${one ? "picture cannot" : "pictures cannot"} be read and ${one ? "is" : "are"} left out${alone}: ${names}.`;
}

/** Names of a folder of inputs, and of one of targets. */
const inputs = /^(inputs?|before|sources?|src|labels?|masks?|edges?|sketch(es)?|lines?|x|left|low)$/i;
const targets = /^(outputs?|after|targets?|dst|photos?|images?|real|y|right|high|gt|ground.?truth)$/i;

interface Sides {
  folders: readonly [input: string, target: string];
  /** The path in the storage. */
  rename(path: string): string;
  note: string;
}

/** Two folders that hold the two sides of pairs under other names than A and B; undefined for any other set. */
function sidesOf(paths: readonly string[]): Sides | undefined {
  const two = foldersOfOneSet(paths);
  if (!two || two.some((folder) => meaning.test(folder))) return undefined;
  const swapped = targets.test(two[0]) || inputs.test(two[1]);
  const [input, target] = swapped && !(inputs.test(two[0]) && targets.test(two[1])) ? [two[1], two[0]] : two;
  return {
    folders: [input, target],
    rename: (path) => `${path.startsWith(`${input}/`) ? "A" : "B"}${path.slice(path.indexOf("/"))}`,
    note: `The folder ${input} is the input and ${target} the target; swap them if it is the other way round.`,
  };
}

async function filesIn(folder: FileSystemDirectoryHandle, within = ""): Promise<Picked[]> {
  const found: Picked[] = [];
  for await (const [name, handle] of folder.entries()) {
    const path = within + name;
    if (handle.kind === "directory") {
      for (const each of await filesIn(handle as FileSystemDirectoryHandle, `${path}/`)) found.push(each);
    } else found.push({ path, file: await (handle as FileSystemFileHandle).getFile() });
  }
  return found;
}

const isHidden = (path: string): boolean =>
  path.split("/").some((part) => part.startsWith(".") || part === "__MACOSX" || part === "");

const isPicture = (path: string): boolean => !isHidden(path) && readEndings.includes(endingOf(path));

/** The number of leading folders that all paths share, up to the first one with a meaning. */
function commonFolders(paths: readonly string[][]): number {
  const [first = []] = paths;
  let shared = 0;
  while (shared < first.length - 1 && !meaning.test(first[shared]!)) {
    if (!paths.every((path) => path.length > shared + 1 && path[shared] === first[shared])) break;
    shared++;
  }
  return shared;
}
