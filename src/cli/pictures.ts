/** The pictures that a command reads, and the files that it writes for them. */

import { readdir, realpath, stat } from "node:fs/promises";
import { basename, extname, join, relative, resolve, sep } from "node:path";
import { endingOf, folderLike, type Listing, listAll, pictureEndings, unreadNote } from "../data/listing.ts";
import { ConfigError, DatasetError, UserError } from "../errors.ts";
import { files } from "../node/files.ts";
import { isFolder } from "../node/folders.ts";
import type { Picture } from "../platform.ts";
import { visible } from "../text.ts";
import { loadImages } from "./platform.ts";

/** A picture to read and the file to write for it. */
export interface Job {
  input: string;
  output: string;
}

/**
 * One job per picture. A file gives <out>/<stem>.png, or <out> itself where that ends in .png. A folder gives every
 * picture in it at any depth, with the same relative path. Two pictures with one stem keep their endings: x.jpg.png and
 * x.tif.png.
 * @param note called with a sentence about pictures in the folder that cannot be read
 * @throws UserError where there is nothing to read, ConfigError where an output would overwrite an input
 */
export async function jobs(input: string, out: string, note: (text: string) => void): Promise<Job[]> {
  const what = await stat(input).catch(() => undefined);
  if (!what) {
    const near = await folderLike(files, input);
    const hint = near ? `; did you mean ${visible(near)}?` : "";
    throw new UserError(`--input: there is no file or folder ${visible(input)}${hint}`);
  }
  const named = pictureEndings.includes(endingOf(out)) && !(await isFolder(out));
  const single = !what.isDirectory() && endingOf(out) === "png";
  if (named && !single) {
    const expected = what.isDirectory() ? "a folder, because --input is one" : "a folder, or a name that ends in .png";
    throw new ConfigError(`--out: got "${visible(out)}", expected ${expected}; outputs are PNG files`);
  }
  if (!what.isDirectory()) {
    const output = named ? out : join(out, `${basename(input, extname(input))}.png`);
    return checked([{ input, output }]);
  }
  if (await sameFile(input, out)) {
    throw new ConfigError(
      `--out: got the input folder ${visible(input)}, expected another one, or the inputs would be overwritten`,
    );
  }
  const { pictures: names, others } = await below(input, resolve(out));
  const unread = unreadNote(others);
  if (names.length === 0) {
    throw new UserError(
      `--input: no picture (${pictureEndings.join(", ")}) in ${visible(input)} or a folder below it` +
        (unread ? `; ${unread}` : ""),
    );
  }
  if (unread) note(`--input: ${unread}`);
  const outputs = outputNames(names);
  return checked(names.map((name, i) => ({ input: join(input, name), output: join(out, outputs[i]!) })));
}

/** A PNG for each picture, no two of one name: x.png for x.jpg; x.jpg.png and x.tif.png for two pictures of one stem. */
function outputNames(names: readonly string[]): string[] {
  const stem = (name: string) => name.slice(0, -extname(name).length);
  const count = new Map<string, number>();
  for (const name of names) count.set(stem(name), (count.get(stem(name)) ?? 0) + 1);
  const taken = new Set<string>();
  return names.map((name) => {
    let output = `${count.get(stem(name)) === 1 ? stem(name) : name}.png`;
    // A picture may itself be called x.jpg.png.
    while (taken.has(output)) output += ".png";
    taken.add(output);
    return output;
  });
}

/**
 * The files of a folder that an option names.
 * @throws DatasetError where there is no such folder, or no picture in it
 */
export async function listedPictures(flag: string, folder: string): Promise<Listing> {
  const listing = await listAll(files, folder);
  if (!listing) {
    if (await files.exists(folder))
      throw new DatasetError(`${flag}: ${folder} is a file, expected a folder of pictures`);
    const near = await folderLike(files, folder);
    throw new DatasetError(`${flag}: there is no folder ${folder}${near ? `; did you mean ${near}?` : ""}`);
  }
  if (listing.pictures.length > 0) return listing;
  const unread = unreadNote(listing.others);
  throw new DatasetError(`${flag}: no picture in ${folder} or a folder below it${unread ? `; ${unread}` : ""}`);
}

/** @throws ConfigError where --out names a folder, before the work for a file begins */
export async function refuseFolder(out: string): Promise<void> {
  if (await isFolder(out)) throw new ConfigError(`--out: got the folder ${visible(out)}, expected a file`);
}

/** @throws ConfigError where the output folder of a command is a folder that the command reads, or lies in it */
export async function refuseInside(flag: string, out: string, source: string): Promise<void> {
  const inside = (resolve(out) + sep).startsWith(resolve(source) + sep);
  if (!inside && !(await sameFile(source, out))) return;
  throw new ConfigError(`${flag}: ${out} lies in ${source}, which is read; choose another folder`);
}

/** A picture of 1 to 4 channels as a data URI with a PNG, to embed it in a page. */
export async function pngUri(picture: Picture): Promise<string> {
  const images = await loadImages();
  return `data:image/png;base64,${Buffer.from(await images.encodePng(picture)).toString("base64")}`;
}

/** Appends a suffix to the stem of a path: x.png becomes x_1.png. */
export function withSuffix(path: string, suffix: string): string {
  const ending = extname(path);
  return `${path.slice(0, path.length - ending.length)}_${suffix}${ending}`;
}

/** The file of one of several outputs for a picture: x_1.png, x_2.png, ...; x.png where there is one output. */
export const sampleFile = (path: string, sample: number, samples: number): string =>
  samples === 1 ? path : withSuffix(path, String(sample + 1));

/**
 * Sorted paths of all pictures and other files below a folder, without hidden files and without earlier outputs, a folder
 * `out` inside it.
 */
async function below(folder: string, out: string): Promise<Listing> {
  const found: Listing = { pictures: [], others: [] };
  const seen = new Set<string>();
  const visit = async (at: string): Promise<void> => {
    const real = await realpath(at);
    if (seen.has(real) || resolve(at) === out) return;
    seen.add(real);
    const entries = await readdir(at, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const { name } = entry;
      if (name.startsWith(".")) continue;
      const path = join(at, name);
      if (entry.isDirectory() || (entry.isSymbolicLink() && (await isFolder(path)))) await visit(path);
      else found[pictureEndings.includes(endingOf(name)) ? "pictures" : "others"].push(relative(folder, path));
    }
  };
  await visit(folder);
  return found;
}

async function checked(all: Job[]): Promise<Job[]> {
  const existing = new Map<string, Job>();
  for (const job of all) {
    const path = await realpath(job.output).catch(() => undefined);
    if (path !== undefined) existing.set(path, job);
  }
  if (existing.size === 0) return all;
  for (const { input: path } of all) {
    // A broken link is reported when it is read.
    const taken = existing.get(await realpath(path).catch(() => resolve(path)));
    if (taken) {
      const { input, output } = taken;
      throw new ConfigError(
        `--out: ${visible(output)} would overwrite the input ${visible(input)}; choose another folder`,
      );
    }
  }
  return all;
}

/** Whether two paths lead to one file or folder, all links followed. */
export async function sameFile(a: string, b: string): Promise<boolean> {
  const real = (path: string) => realpath(path).catch(() => resolve(path));
  return (await real(a)) === (await real(b));
}
