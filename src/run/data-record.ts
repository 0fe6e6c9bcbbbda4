/**
 * The files of a run's pairs, by name and size: a run that goes on must see the pairs that it saw. The list is in
 * data.json, its digest in the checkpoint.
 */
import { joinPath } from "../data/listing.ts";
import type { Pair } from "../data/pairs.ts";
import { UserError } from "../errors.ts";
import type { Files } from "../platform.ts";
import { visible } from "../text.ts";
import { dataFile } from "./paths.ts";

/** A file's path, relative to the dataroot, and its bytes; null where the platform does not tell sizes. */
type Entry = readonly [name: string, bytes: number | null];

export interface DataRecord {
  /** In the order of the pairs; A's file before B's. */
  files: readonly Entry[];
  /** SHA-256 of the list, as hexadecimal digits. */
  digest: string;
}

/** Sizes that are asked for at once. */
const together = 64;

/** The record of pairs as they are now. @throws UserError for a file that vanished */
export async function recordOf(files: Files, dataroot: string, pairs: readonly Pair[]): Promise<DataRecord> {
  const paths = pairs.flatMap(({ A, B }) => (A.file === B.file ? [A.file] : [A.file, B.file]));
  const { length: skip } = joinPath(dataroot, "");
  const entries: Entry[] = [];
  for (let first = 0; first < paths.length; first += together) {
    const some = paths.slice(first, first + together);
    const sizes = await Promise.all(some.map((path) => files.size?.(path) ?? null));
    entries.push(...some.map((path, i) => [path.slice(skip), sizes[i]!] as const));
  }
  return { files: entries, digest: await digestOf(entries) };
}

async function digestOf(entries: readonly Entry[]): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(entries));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param dir the folder of the run */
export function saveRecord(files: Files, dir: string, { files: entries }: DataRecord): Promise<void> {
  const lines = entries.map((entry) => `  ${JSON.stringify(entry)}`);
  return files.write(`${dir}/${dataFile}`, `[\n${lines.join(",\n")}\n]\n`);
}

/** The record in a run's folder; undefined where it is missing, damaged, or not that of the digest. */
async function storedRecord(files: Files, dir: string, digest: string): Promise<readonly Entry[] | undefined> {
  try {
    const entries: unknown = JSON.parse(new TextDecoder().decode(await files.read(`${dir}/${dataFile}`)));
    if (!Array.isArray(entries) || !entries.every(isEntry)) return undefined;
    return (await digestOf(entries)) === digest ? entries : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof UserError) return undefined;
    throw error;
  }
}

function isEntry(value: unknown): value is Entry {
  if (!Array.isArray(value) || value.length !== 2 || typeof value[0] !== "string") return false;
  return value[1] === null || typeof value[1] === "number";
}

/**
 * What has changed in the data since the last checkpoint, in words; undefined where nothing has. Sizes that one of the two
 * records lacks do not count: a run may move from a browser to Node.
 * @param digest the checkpoint's
 */
export async function dataChange(
  files: Files,
  dir: string,
  digest: string,
  now: DataRecord,
): Promise<string | undefined> {
  if (digest === now.digest) return undefined;
  const before = await storedRecord(files, dir, digest);
  if (!before) return `which files, is not known: ${dir}/${dataFile} is missing or of other data`;
  const [old, current] = [new Map(before), new Map(now.files)];
  const resized = now.files.flatMap(([name, bytes]) => {
    const was = old.get(name) ?? null;
    const differs = was !== null && bytes !== null && was !== bytes;
    return differs ? [`${visible(name)}, ${bytes} bytes instead of ${was}`] : [];
  });
  const missing = (from: readonly Entry[], known: Map<string, unknown>) =>
    from.flatMap(([name]) => (known.has(name) ? [] : [visible(name)]));
  const parts = [
    ...some("gone", missing(before, current)),
    ...some("new", missing(now.files, old)),
    ...some("of another size", resized),
  ];
  if (parts.length > 0) return parts.join("; ");
  const same = before.every(([name], i) => name === now.files[i]?.[0]);
  return same ? undefined : "the same files are paired or ordered in another way";
}

/** "2 gone (a.png; b.png)", with at most three names. */
function some(what: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  return [`${names.length} ${what} (${names.slice(0, 3).join("; ")}${names.length > 3 ? "; ..." : ""})`];
}
