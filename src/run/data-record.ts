/**
 * The files of a run's pairs, by name, size and content: a run that continues must see the same pairs. The list is in
 * data.json; the digest of names and sizes is in the checkpoint, too.
 *
 * A file's content is recorded when training first reads it. A run that continues compares it at once where the file's
 * time of modification differs, and otherwise when it reads the file.
 */
import { joinPath } from "../data/listing.ts";
import type { Pair } from "../data/pairs.ts";
import { CheckpointError, UserError } from "../errors.ts";
import { readText } from "../formats/read-text.ts";
import { sha256 } from "../formats/sha256.ts";
import type { Files } from "../platform.ts";
import { visible } from "../text.ts";
import { dataFile } from "./paths.ts";

interface Entry {
  /** The path, relative to the dataroot. */
  name: string;
  /** Null where the platform does not tell it. */
  bytes: number | null;
  /** When the file was last changed, in milliseconds since 1970; null where the platform does not tell it. */
  modified: number | null;
  /** The first 32 hexadecimal digits of the content's SHA-256; null until the file is read. */
  content: string | null;
}

/** Files that are examined at a time. */
const together = 64;

export class DataRecord {
  /** SHA-256 of names and sizes, as hexadecimal digits. */
  readonly digest: string;
  /** In the order of the pairs; A's file before B's. */
  readonly #entries: readonly Entry[];
  readonly #byPath: ReadonlyMap<string, Entry>;
  readonly #files: Files;
  /** Files that this process has read. */
  readonly #seen = new Set<string>();
  /** The contents that files must have, by name: those at the last checkpoint. */
  #before: ReadonlyMap<string, string> = new Map();
  #isStored = false;

  private constructor(files: Files, dataroot: string, entries: readonly Entry[], digest: string) {
    this.#files = files;
    this.#entries = entries;
    this.#byPath = new Map(entries.map((entry) => [joinPath(dataroot, entry.name), entry]));
    this.digest = digest;
  }

  /** The record of pairs as they are now. @throws UserError for a file that vanished */
  static async of(files: Files, dataroot: string, pairs: readonly Pair[]): Promise<DataRecord> {
    const paths = pairs.flatMap(({ A, B, instances = A.file }) => [...new Set([A.file, B.file, instances])]);
    const { length: skip } = joinPath(dataroot, "");
    const entries = await eachTogether(paths, async (path): Promise<Entry> => {
      const { bytes = null, modified = null } = (await files.stat?.(path)) ?? {};
      return { name: path.slice(skip), bytes, modified, content: null };
    });
    return new DataRecord(files, dataroot, entries, await digestOf(entries));
  }

  /**
   * Writes data.json, unless nothing has changed since.
   * @param dir the folder of the run
   * @param options `anew`: write it in any case
   */
  async save(dir: string, { anew = false } = {}): Promise<void> {
    if (this.#isStored && !anew) return;
    this.#isStored = true;
    const lines = this.#entries.map(
      ({ name, bytes, modified, content }) => `  ${JSON.stringify([name, bytes, modified, content])}`,
    );
    await this.#files.write(`${dir}/${dataFile}`, `[\n${lines.join(",\n")}\n]\n`);
  }

  /**
   * Files whose contents are recorded as they are read.
   * @throws CheckpointError, on reading a file that has another content than before
   */
  recording(): Files {
    return { ...this.#files, read: (path) => this.#read(path) };
  }

  async #read(path: string): Promise<Uint8Array> {
    const bytes = await this.#files.read(path);
    const entry = this.#byPath.get(path);
    if (!entry || this.#seen.has(path)) return bytes;
    const content = await contentOf(bytes);
    const before = this.#before.get(entry.name);
    if (before !== undefined && before !== content) {
      throw new CheckpointError(
        `${visible(path)} has another content than before, with the same size. Restore it, accept it with ` +
          "--allow-changed-data, or start another run with --init-g and --init-d.",
      );
    }
    if (entry.content !== content) this.#isStored = false;
    entry.content = content;
    this.#seen.add(path);
    return bytes;
  }

  /**
   * What has changed since the last checkpoint, in words; undefined where nothing has. Sizes that one of the two records
   * lacks do not count: a run may move from a browser to Node.
   * @param dir the folder of the run
   * @param digest the checkpoint's
   * @param compares called with the number of files whose contents have to be read first, where there are any
   */
  async changeSince(dir: string, digest: string, compares: (count: number) => void): Promise<string | undefined> {
    const before = await storedEntries(this.#files, dir, digest);
    if (!before && digest === this.digest) return undefined;
    if (!before) return `it is not known which files: ${dir}/${dataFile} is missing or of other data`;
    const [old, current] = [new Map(before.map((e) => [e.name, e])), new Map(this.#entries.map((e) => [e.name, e]))];
    const resized = this.#entries.flatMap(({ name, bytes }) => {
      const was = old.get(name)?.bytes ?? null;
      const differs = was !== null && bytes !== null && was !== bytes;
      return differs ? [`${visible(name)}, ${bytes} bytes instead of ${was}`] : [];
    });
    const missing = (from: readonly Entry[], known: Map<string, unknown>) =>
      from.flatMap(({ name }) => (known.has(name) ? [] : [visible(name)]));
    const parts = [
      ...some("gone", missing(before, current)),
      ...some("new", missing(this.#entries, old)),
      ...some("of another size", resized),
      ...some("of the same size, but of another content", await this.#otherContents(old, compares)),
    ];
    if (parts.length > 0) return parts.join("; ");
    this.#before = new Map(before.flatMap(({ name, content }) => (content === null ? [] : [[name, content]])));
    const same = before.every(({ name }, i) => name === this.#entries[i]?.name);
    return same ? undefined : "the same files are paired or ordered in another way";
  }

  /** Accepts files as they are, whatever they were before. */
  accept(): void {
    this.#before = new Map();
  }

  /** Copies the recorded contents, and reads the files whose time of modification differs. @returns those with another content */
  async #otherContents(old: ReadonlyMap<string, Entry>, compares: (count: number) => void): Promise<string[]> {
    const touched: [string, Entry, string][] = [];
    for (const [path, entry] of this.#byPath) {
      const was = old.get(entry.name);
      if (!was || was.content === null || was.bytes !== entry.bytes) continue;
      const isTouched = was.modified !== null && entry.modified !== null && was.modified !== entry.modified;
      if (isTouched) touched.push([path, entry, was.content]);
      else entry.content = was.content;
    }
    if (touched.length > 0) compares(touched.length);
    const names = await eachTogether(touched, async ([path, entry, before]) => {
      entry.content = await contentOf(await this.#files.read(path));
      return entry.content === before ? [] : [visible(entry.name)];
    });
    return names.flat();
  }
}

async function eachTogether<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let first = 0; first < items.length; first += together) {
    results.push(...(await Promise.all(items.slice(first, first + together).map(work))));
  }
  return results;
}

const contentOf = async (bytes: Uint8Array): Promise<string> => (await sha256(bytes)).slice(0, 32);

const digestOf = (entries: readonly Entry[]): Promise<string> =>
  sha256(new TextEncoder().encode(JSON.stringify(entries.map(({ name, bytes }) => [name, bytes]))));

/** The list in a run's folder; undefined where it is missing, damaged, or not that of the digest. */
async function storedEntries(files: Files, dir: string, digest: string): Promise<readonly Entry[] | undefined> {
  try {
    const stored: unknown = JSON.parse(await readText(files, `${dir}/${dataFile}`));
    if (!Array.isArray(stored)) return undefined;
    const entries = stored.flatMap((value) => entryOf(value) ?? []);
    return entries.length === stored.length && (await digestOf(entries)) === digest ? entries : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof UserError) return undefined;
    throw error;
  }
}

/** A line of data.json. Older versions wrote names and sizes only. */
function entryOf(value: unknown): Entry | undefined {
  if (!Array.isArray(value)) return undefined;
  const [name, bytes, modified = null, content = null] = value as unknown[];
  const isNumber = (field: unknown): field is number | null => field === null || typeof field === "number";
  if (typeof name !== "string" || !isNumber(bytes) || !isNumber(modified)) return undefined;
  if (content !== null && typeof content !== "string") return undefined;
  return { name, bytes, modified, content };
}

/** "2 gone (a.png; b.png)", with at most three names. */
function some(what: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  return [`${names.length} ${what} (${names.slice(0, 3).join("; ")}${names.length > 3 ? "; ..." : ""})`];
}
