/** Copies pictures that a user picked into the browser's storage, as a data set. */
import { endingOf, PICTURE_ENDINGS, unreadNote } from "../data/listing.ts";
import { UserError } from "../errors.ts";
import { zipEntries } from "../formats/zip.ts";
import { files, removeFolder } from "./files.ts";

/** A picked file. `path` is relative to the picked folder's parent, such as "facades/train/1.jpg", or only the name. */
export interface Picked {
  path: string;
  file: Blob;
}

/** Pictures that are read elsewhere, but not in a browser. */
const unreadHere = ["tif", "tiff"];
const endings = PICTURE_ENDINGS.filter((ending) => !unreadHere.includes(ending));

export interface Imported {
  /** The number of pictures. */
  pictures: number;
  /** What was left out although it is a picture, in words. */
  note?: string | undefined;
}

/** Folders that the layouts of data sets recognise by their names; they are kept. */
const meaning = /^((train|val|test)(_?[AB]|_label|_img)?|A|B|base)$/i;

/**
 * Replaces the folder `root` by the pictures among the picked files, or in a folder that the user has opened to the
 * page. Zip archives are unpacked. Leading folders that all pictures share, such as the picked folder, are left out of
 * the paths.
 * @throws UserError when there are no pictures, or an archive is damaged
 */
export async function importPictures(
  root: string,
  picked: readonly Picked[] | FileSystemDirectoryHandle,
): Promise<Imported> {
  const found: { path: string; read(): Promise<Uint8Array> }[] = [];
  for (const { path, file } of "kind" in picked ? await filesIn(picked) : picked) {
    if (endingOf(path) === "zip") found.push(...(await zipEntries(file, path)));
    else found.push({ path, read: async () => new Uint8Array(await file.arrayBuffer()) });
  }
  const pictures = found.filter(({ path }) => isPicture(path));
  if (pictures.length === 0) {
    const some = found.slice(0, 3).map(({ path }) => path);
    throw new UserError(
      `No pictures among ${found.length} files${some.length > 0 ? ` (${some.join(", ")}, ...)` : ""}: expected ` +
        `${endings.join(", ")}, or a zip of such.`,
    );
  }
  await removeFolder(root);
  const skip = commonFolders(pictures.map(({ path }) => path.split("/")));
  for (const { path, read } of pictures) {
    await files.write(`${root}/${path.split("/").slice(skip).join("/")}`, await read());
  }
  const shown = found.map(({ path }) => path).filter((path) => !isHidden(path));
  return { pictures: pictures.length, note: unreadNote(shown, unreadHere) };
}

async function filesIn(folder: FileSystemDirectoryHandle, within = ""): Promise<Picked[]> {
  const found: Picked[] = [];
  for await (const [name, handle] of folder.entries()) {
    const path = within + name;
    if (handle.kind === "directory") found.push(...(await filesIn(handle as FileSystemDirectoryHandle, `${path}/`)));
    else found.push({ path, file: await (handle as FileSystemFileHandle).getFile() });
  }
  return found;
}

const isHidden = (path: string): boolean =>
  path.split("/").some((part) => part.startsWith(".") || part === "__MACOSX" || part === "");

const isPicture = (path: string): boolean => !isHidden(path) && endings.includes(endingOf(path));

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
