/** Section 1: choose the pairs, and preview them as the network will see them. */
import { Loader } from "../../data/loader.ts";
import { type FoundPairs, findPairs } from "../../data/pairs.ts";
import { sampleNotes } from "../../data/sample.ts";
import { fromTensor } from "../../data/transforms.ts";
import { demoSet } from "../../demo/facades.ts";
import { DatasetError } from "../../errors.ts";
import { zipEntries } from "../../formats/zip.ts";
import { parseConfig } from "../../index.ts";
import type { Picture } from "../../platform.ts";
import { configFile } from "../../run/paths.ts";
import type { Client } from "../../web/client.ts";
import { files } from "../../web/files.ts";
import { images } from "../../web/images.ts";
import type { Picked } from "../../web/import.ts";
import { attempt, onClick, paint, part, show } from "./dom.ts";
import { removeUnusedData } from "./runs.ts";
import { checkpointsDir, type DataSet, dataDir } from "./storage.ts";
import { pageWords } from "./words.ts";

/** The built-in set: pairs to train on, pairs to test with, and the seed of the drawings. */
export const builtIn = { train: 250, test: 12, seed: 0 };

const previewPairs = 4;
const previewSize = 96;

type Pair = [input: Picture, target: Picture];

/** The key in localStorage of the data set that was chosen last. */
const lastData = "pix2pix data";

/**
 * @param chosen called with the data set when it is chosen, and again when its direction is swapped; `remembered` where an earlier
 *   visit has chosen it
 * @param project called with the name of a run that a zip has brought
 */
export function pictures(
  client: Client,
  chosen: (data: DataSet, remembered?: boolean) => void,
  project: (name: string) => void,
): void {
  let data: DataSet | undefined;

  async function choose(next: DataSet, notes: readonly string[] = [], remembered = false): Promise<void> {
    data = next;
    part("use-demo").classList.toggle("chosen", !next.root);
    part("drop").classList.toggle("chosen", Boolean(next.root));
    const pairs = next.root ? await storedPairs(next.root, next.direction) : drawnPairs(next.direction);
    const text = `${next.pairs} pairs: the network sees the left one and learns to paint the right one.`;
    part("pairs-text").textContent = [text, ...notes].join(" ");
    part("preview").replaceChildren(...pairs.map(figure));
    show(true, "pairs");
    localStorage.setItem(lastData, JSON.stringify(next));
    chosen(next, remembered);
  }

  /** The data set of an earlier visit, where it is still stored. */
  async function remember(): Promise<void> {
    const text = localStorage.getItem(lastData);
    if (text === null) return;
    const last = JSON.parse(text) as DataSet;
    if (last.root !== undefined && !(await files.exists(last.root))) return;
    await choose(last, [], true);
  }
  remember().catch(() => localStorage.removeItem(lastData));

  async function take(picked: readonly Picked[]): Promise<void> {
    if (picked.length === 0) return;
    const [only] = picked;
    if (picked.length === 1 && only && (await isProject(only))) {
      project(await client.importProject(only.file, only.path, checkpointsDir));
      return;
    }
    const title = titleOf(picked);
    const root = `${dataDir}/${title}-${Date.now().toString(36)}`;
    part("pairs-text").textContent = "Reading the pictures…";
    part("preview").replaceChildren();
    show(true, "pairs");
    try {
      const { note } = await client.importPictures(root, picked, (text) => {
        part("pairs-text").textContent = text;
      });
      const { pairs, notes, layout } = await findPairs(files, root, { skipUnpaired: true });
      const halves = await areHalves({ layout, pairs }, root);
      await choose({ title, root, pairs: pairs.length, direction: "AtoB", halves }, note ? [...notes, note] : notes);
      await removeUnusedData(root);
    } catch (error) {
      show(false, "pairs");
      throw error;
    }
  }

  onClick("use-demo", () => choose({ title: "facades", root: undefined, pairs: builtIn.train, direction: "AtoB" }));
  onClick("swap", async () => {
    if (data) await choose({ ...data, direction: data.direction === "AtoB" ? "BtoA" : "AtoB" });
  });
  for (const id of ["pick-folder", "pick-files"]) {
    const input = part<HTMLInputElement>(id);
    input.addEventListener("change", async () => {
      const all = [...(input.files ?? [])];
      await attempt(() => take(all.map((file) => ({ path: file.webkitRelativePath || file.name, file }))));
      input.value = "";
    });
  }
  onDrop((found) => attempt(async () => take(await found)));
}

/** Calls `take` with what is dropped. */
function onDrop(take: (found: Promise<Picked[]>) => Promise<void>): void {
  const drop = part("drop");
  for (const type of ["dragover", "dragleave", "drop"] as const) {
    drop.addEventListener(type, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", type === "dragover");
      if (type === "drop" && event.dataTransfer) {
        const found = dropped(event.dataTransfer);
        void take(found);
      }
    });
  }
}

/**
 * Asks where pictures are cut into two halves although they are hardly two sides of a pair.
 * @returns true where the user says that they are
 * @throws DatasetError where the user does not
 */
async function areHalves(found: Pick<FoundPairs, "layout" | "pairs">, root: string): Promise<true | undefined> {
  try {
    await sampleNotes(found, parseConfig({ dataroot: root, skipBadImages: true }), { files, images });
    return undefined;
  } catch (error) {
    if (!(error instanceof DatasetError)) throw error;
    if (confirm(`${pageWords(error.message)}\n\nUse them as pairs all the same?`)) return true;
    throw error;
  }
}

/** Whether a file is a zip with the options of a run. */
async function isProject({ path, file }: Picked): Promise<boolean> {
  if (!/\.zip$/i.test(path)) return false;
  const entries = await zipEntries(file, path).catch(() => []);
  return entries.some((entry) => entry.path === configFile);
}

/** The name of a data set: the picked folder or archive. */
function titleOf([first]: readonly Picked[]): string {
  const [top = ""] = first!.path.split("/");
  const plain = top.replace(/\.[^.]*$/, "").replaceAll(/[^\p{L}\p{N}]+/gu, "-");
  return plain.replaceAll(/^-|-$/g, "") || "pictures";
}

/** The first pairs, as the loader prepares them. */
async function storedPairs(root: string, direction: DataSet["direction"]): Promise<Pair[]> {
  const { pairs } = await findPairs(files, root, { skipUnpaired: true });
  const side = previewSize;
  const config = parseConfig({
    ...{ dataroot: root, direction, netG: "unet_32", loadSize: side, cropSize: side },
    ...{ noFlip: true, serialBatches: true, skipBadImages: true },
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

function figure(pair: Pair): HTMLElement {
  const [input, target] = pair.map((picture, i) => {
    const canvas = paint(document.createElement("canvas"), picture);
    canvas.role = "img";
    canvas.ariaLabel = i === 0 ? "input" : "target";
    return canvas;
  });
  const arrow = Object.assign(document.createElement("span"), { className: "arrow", textContent: "→" });
  const box = document.createElement("figure");
  box.append(input!, arrow, target!);
  return box;
}

/** All files in dropped files and folders. Must be called while the event is handled: later its entries are gone. */
async function dropped(transfer: DataTransfer): Promise<Picked[]> {
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
