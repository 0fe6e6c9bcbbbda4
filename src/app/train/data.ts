/** Data sets of the page: what a user has picked, and its first pairs as the network will see them. */
import { parseConfig } from "../../config/schema.ts";
import { Loader } from "../../data/loader.ts";
import { type FoundPairs, findPairs } from "../../data/pairs.ts";
import { sampleNotes } from "../../data/sample.ts";
import { fromTensor } from "../../data/transforms.ts";
import { demoSet } from "../../demo/facades.ts";
import { DatasetError } from "../../errors.ts";
import { zipEntries } from "../../formats/zip.ts";
import type { Picture } from "../../platform.ts";
import { configFile } from "../../run/paths.ts";
import { counted } from "../../text.ts";
import { files } from "../../web/files.ts";
import { images } from "../../web/images.ts";
import type { Picked } from "../../web/import.ts";
import { builtIn, type DataSet } from "./storage.ts";
import { pageWords } from "./words.ts";

const previewPairs = 4;
const previewSize = 96;

export type Pair = readonly [input: Picture, target: Picture];

/** A sentence on its pairs. */
export function pairsText({ pairs, held }: DataSet): string {
  const text = `${counted(pairs, "pair")}: the network gets the left picture and learns to paint the right one.`;
  return held
    ? `${text} ${held} more ${held === 1 ? "is" : "are"} kept from training: samples and scores come from ${held === 1 ? "it" : "them"}.`
    : text;
}

/** The first pairs of a data set. */
export const previewOf = ({ root, direction }: DataSet): Promise<Pair[]> =>
  root ? storedPairs(root, direction) : Promise.resolve(drawnPairs(direction));

/** The first pairs, as the loader prepares them. */
async function storedPairs(root: string, direction: DataSet["direction"]): Promise<Pair[]> {
  const { pairs } = await findPairs(files, root, { skipUnpaired: true });
  const side = previewSize;
  const config = parseConfig({
    dataroot: root,
    direction,
    netG: "unet_32",
    loadSize: side,
    cropSize: side,
    noFlip: true,
    serialBatches: true,
    skipBadImages: true,
  });
  const loader = new Loader(pairs.slice(0, previewPairs), config, { files, images });
  const shown: Pair[] = [];
  for (let i = 0; i < loader.batchesPerEpoch; i++) {
    const { A, B, height, width } = await loader.batch(1, i);
    shown.push([fromTensor(A, 3, height, width), fromTensor(B, 3, height, width)]);
  }
  return shown;
}

function drawnPairs(direction: DataSet["direction"]): Pair[] {
  const drawn = demoSet(previewPairs, previewSize, builtIn.seed);
  return drawn.map(({ label, photo }) => (direction === "AtoB" ? [label, photo] : [photo, label]));
}

/**
 * Asks the user whether pictures that are not wider than high, which are unlikely to be two sides of a pair, are to be cut into halves.
 * @returns true where the user agrees; undefined where there was nothing to ask
 * @throws DatasetError where the user declines
 */
export async function areHalves(found: Pick<FoundPairs, "layout" | "pairs">, root: string): Promise<true | undefined> {
  try {
    await sampleNotes(found, parseConfig({ dataroot: root, skipBadImages: true }), { files, images });
    return undefined;
  } catch (error) {
    if (!(error instanceof DatasetError)) throw error;
    if (confirm(`${pageWords(error.message)}\n\nUse them as pairs anyway?`)) return true;
    throw error;
  }
}

/** Whether a file is a zip with the options of a run. */
export async function isProject({ path, file }: Picked): Promise<boolean> {
  if (!/\.zip$/i.test(path)) return false;
  const entries = await zipEntries(file, path).catch(() => []);
  return entries.some((entry) => entry.path === configFile);
}

/** The name of a data set: the picked folder or archive. */
export function titleOf([first]: readonly Picked[]): string {
  const [top = ""] = first!.path.split("/");
  const plain = top.replace(/\.[^.]*$/, "").replaceAll(/[^\p{L}\p{N}]+/gu, "-");
  return plain.replaceAll(/^-|-$/g, "") || "pictures";
}

/** Files of an input element with their paths: within their folder, where one was picked. */
export const pickedOf = (files: readonly File[]): Picked[] =>
  files.map((file) => ({ path: file.webkitRelativePath || file.name, file }));

/** All files in dropped files and folders. Must be called while the event is handled: later its entries are gone. */
export async function dropped(transfer: DataTransfer): Promise<Picked[]> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const picked: Picked[] = [];
  const walk = async (entry: FileSystemEntry): Promise<void> => {
    if (entry.isFile) {
      const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
      picked.push({ path: entry.fullPath.replace(/^\//, ""), file });
      return;
    }
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    // A reader lists a large folder in several parts.
    for (;;) {
      const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
      if (some.length === 0) return;
      for (const each of some) await walk(each);
    }
  };
  for (const entry of entries) await walk(entry);
  return picked;
}
