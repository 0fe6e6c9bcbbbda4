/**
 * Files in the browser's own storage (the origin private file system, https://fs.spec.whatwg.org). The storage belongs
 * to the page's origin. It is not visible on the user's disk, and lasts until the user clears the site's data.
 */
import { UserError, WriteError } from "../errors.ts";
import type { Files } from "../platform.ts";

type Content = Parameters<Files["write"]>[1];

/** Methods that TypeScript's library for pages does not declare. */
interface StoredFile extends FileSystemFileHandle {
  /** Renames within the storage and replaces a file of that name. Not in every browser. */
  move?: (parent: FileSystemDirectoryHandle, name: string) => Promise<void>;
  /** In workers only. */
  createSyncAccessHandle?: () => Promise<{
    getSize(): number;
    write(bytes: Uint8Array, options: { at: number }): number;
    close(): void;
  }>;
}

const makeRoom = "Delete runs or data sets that are not needed";
const reasons: Record<string, string> = {
  QuotaExceededError: `the browser's storage for this site is full. ${makeRoom}`,
  // What Chromium throws where the storage is full before the write has ended.
  AbortError: `the browser has ended the write, probably because its storage for this site is full. ${makeRoom}`,
  NotFoundError: "there is no such file or folder",
  TypeMismatchError: "a folder is where a file was expected, or the other way round",
  NoModificationAllowedError: "it is in use, perhaps by another tab of this page. Close that tab",
  NotAllowedError: "the browser does not allow storage here; private windows often do not",
  SecurityError: "the browser does not allow storage here; private windows often do not",
};

function isMissing(error: unknown): boolean {
  return error instanceof DOMException && ["NotFoundError", "TypeMismatchError"].includes(error.name);
}

type Action = "read" | "list" | "look at" | "write" | "append to" | "rename" | "remove";

async function guarded<T>(action: Action, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { name = "", message = String(error) } = error as Partial<Error>;
    const text = `cannot ${action} ${path}: ${reasons[name] ?? message} (${name || "error"}).`;
    throw ["read", "list", "look at"].includes(action) ? new UserError(text) : new WriteError(text);
  }
}

const parts = (path: string) => path.split("/").filter((part) => part !== "" && part !== ".");

/** @throws UserError where the browser gives this page no storage */
export async function storageRoot(): Promise<FileSystemDirectoryHandle> {
  if (!globalThis.isSecureContext) throw new UserError("the browser gives storage to pages on https or localhost only");
  try {
    return await navigator.storage.getDirectory();
  } catch {
    throw new UserError("the browser gives this page no storage, as in private windows of some browsers");
  }
}

async function folderOf(names: readonly string[], create = false): Promise<FileSystemDirectoryHandle> {
  let folder = await storageRoot();
  for (const name of names) folder = await folder.getDirectoryHandle(name, { create });
  return folder;
}

async function place(path: string, create = false): Promise<{ folder: FileSystemDirectoryHandle; name: string }> {
  const names = parts(path);
  const name = names.pop() ?? "";
  return { folder: await folderOf(names, create), name };
}

/** The change in progress on each path: changes of one file must not overlap. */
const busy = new Map<string, Promise<unknown>>();

async function inTurn<T>(path: string, work: () => Promise<T>): Promise<T> {
  const key = parts(path).join("/");
  const turn = (busy.get(key) ?? Promise.resolve()).catch(() => {}).then(work);
  busy.set(key, turn);
  try {
    return await turn;
  } finally {
    if (busy.get(key) === turn) busy.delete(key);
  }
}

/** The ending of a file that is being written. A page that is closed while it writes leaves such a file. */
const unfinished = ".part";

/**
 * A writable stream writes a copy and replaces the file when it closes, but the file must exist before. So the content
 * goes to a file beside the target, which is renamed when it is complete. In a browser that cannot rename, a new file
 * is empty until it is complete.
 */
async function write(path: string, content: Content): Promise<void> {
  const { folder, name } = await place(path, true);
  const beside = "move" in FileSystemFileHandle.prototype ? `${name}${unfinished}` : name;
  const file: StoredFile = await folder.getFileHandle(beside, { create: true });
  const stream = await file.createWritable();
  try {
    const chunks = typeof content === "string" || content instanceof Uint8Array ? [content] : content;
    for (const chunk of chunks) await stream.write(chunk as FileSystemWriteChunkType);
    await stream.close();
    if (beside !== name) await file.move!(folder, name);
  } catch (error) {
    await stream.abort().catch(() => {});
    if (beside !== name) await folder.removeEntry(beside).catch(() => {});
    throw error;
  }
}

/** In a worker only the text is written; on a page the browser copies the whole file. */
async function append(path: string, content: string | Uint8Array): Promise<void> {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  const { folder, name } = await place(path, true);
  const file: StoredFile = await folder.getFileHandle(name, { create: true });
  if (file.createSyncAccessHandle) {
    const handle = await file.createSyncAccessHandle();
    try {
      handle.write(bytes as Uint8Array<ArrayBuffer>, { at: handle.getSize() });
    } finally {
      handle.close();
    }
    return;
  }
  const stream = await file.createWritable({ keepExistingData: true });
  await stream.seek((await file.getFile()).size);
  await stream.write(bytes as Uint8Array<ArrayBuffer>);
  await stream.close();
}

async function rename(from: string, to: string): Promise<void> {
  const [source, target] = [await place(from), await place(to, true)];
  const file: StoredFile = await source.folder.getFileHandle(source.name);
  if (file.move) return file.move(target.folder, target.name);
  await write(to, await read(from));
  await source.folder.removeEntry(source.name);
}

async function read(path: string): Promise<Uint8Array> {
  return new Uint8Array(await (await open(path)).arrayBuffer());
}

async function open(path: string): Promise<File> {
  const { folder, name } = await place(path);
  return (await folder.getFileHandle(name)).getFile();
}

async function readPart(path: string, start: number, end: number): Promise<Uint8Array> {
  return new Uint8Array(await (await open(path)).slice(start, end).arrayBuffer());
}

/**
 * Bytes of a file, and when it was last changed, in milliseconds since 1970. It opens the file, so
 * it is not one of `files`.
 * @throws UserError
 */
export function stat(path: string): Promise<{ bytes: number; modified: number }> {
  return guarded("look at", path, async () => {
    const { size: bytes, lastModified: modified } = await open(path);
    return { bytes, modified };
  });
}

/** When a file was last changed, in milliseconds since 1970; 0 where there is none. */
export const modifiedAt = (path: string): Promise<number> =>
  stat(path).then(
    ({ modified }) => modified,
    () => 0,
  );

async function list(path: string): Promise<{ name: string; folder: boolean }[] | undefined> {
  try {
    const folder = await folderOf(parts(path));
    const entries: { name: string; folder: boolean }[] = [];
    for await (const [name, { kind }] of folder.entries()) {
      // Files that are being written, and the copies that writable streams work on, where the browser shows them.
      if (!name.endsWith(unfinished) && !name.endsWith(".crswap")) entries.push({ name, folder: kind === "directory" });
    }
    return entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  if (parts(path).length === 0) return true;
  try {
    const { folder, name } = await place(path);
    return await folder
      .getFileHandle(name)
      .catch((error) => (error.name === "TypeMismatchError" ? folder.getDirectoryHandle(name) : Promise.reject(error)))
      .then(() => true);
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

async function remove(path: string, recursive = false): Promise<void> {
  try {
    const { folder, name } = await place(path);
    await folder.removeEntry(name, { recursive });
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** Removes a folder and everything in it, such as a run. Does nothing where there is none. @throws UserError */
export function removeFolder(path: string): Promise<void> {
  return guarded("remove", path, () => remove(path, true));
}

/** Bytes of all files in a folder; 0 where there is none. */
export async function folderSize(path: string): Promise<number> {
  const sizeOf = async (folder: FileSystemDirectoryHandle): Promise<number> => {
    let bytes = 0;
    for await (const handle of folder.values()) {
      if (handle.kind === "directory") bytes += await sizeOf(handle as FileSystemDirectoryHandle);
      else bytes += (await (handle as FileSystemFileHandle).getFile().catch(() => undefined))?.size ?? 0;
    }
    return bytes;
  };
  return folderOf(parts(path)).then(sizeOf, () => 0);
}

/** Milliseconds: a tab that was closed or reloaded takes a moment to release its lock. */
const lockPatience = 3000;

/** The browser's name of a lock. */
const lockName = (path: string) => `pix2pix ${path}`;

/** Whether this tab or another one holds the lock. */
export async function isLocked(path: string): Promise<boolean> {
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  return held.some(({ name }) => name === lockName(path));
}

/** A lock between the tabs of this origin. It ends with its tab or worker. */
function lock(path: string, what: string): Promise<() => Promise<void>> {
  // An insecure context has neither locks nor storage; the error of the storage tells the user.
  if (!navigator.locks) return Promise.resolve(async () => {});
  return new Promise((resolve, reject) => {
    const held = (release: () => void) => resolve(async () => release());
    navigator.locks
      .request(lockName(path), { signal: AbortSignal.timeout(lockPatience) }, () => new Promise<void>(held))
      .catch(() => reject(new UserError(`${what} in another tab of this page. Stop it there first.`)));
  });
}

/**
 * The files of this origin. A write is all or nothing. `remove` removes a file or an empty folder, and does nothing where there is none.
 * Every failure is a UserError with the path and the reason, of a change a WriteError.
 */
export const files: Files = {
  read: (path) => guarded("read", path, () => read(path)),
  readPart: (path, start, end) => guarded("read", path, () => readPart(path, start, end)),
  write: (path, content) => guarded("write", path, () => inTurn(path, () => write(path, content))),
  append: (path, content) => guarded("append to", path, () => inTurn(path, () => append(path, content))),
  list: (path) => guarded("list", path, () => list(path)),
  exists: (path) => guarded("look at", path, () => exists(path)),
  rename: (from, to) => guarded("rename", from, () => inTurn(to, () => rename(from, to))),
  remove: (path) => guarded("remove", path, () => remove(path)),
  lock,
};
