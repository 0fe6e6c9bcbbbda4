/**
 * Files through node:fs. A write replaces the whole file or nothing. Every failure is a UserError with the path and the
 * reason.
 */
import { constants } from "node:buffer";
import {
  appendFile,
  type FileHandle,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
  statfs,
} from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import { UserError, WriteError } from "../errors.ts";
import type { FileStream, Files, Scratch } from "../platform.ts";
import { visible } from "../text.ts";
import { isFolder, makeFolder } from "./folders.ts";
import { holder, lock } from "./lock.ts";
import { beginFile } from "./unfinished.ts";

const reasons: Record<string, string> = {
  ENOSPC: "the disk is full. Free some space and run the command again",
  EDQUOT: "the disk quota is used up. Free some space and run the command again",
  EFBIG: "the file is larger than this system allows",
  EACCES: "permission denied. Check who owns the folder, or choose another one",
  EPERM: "the operation is not permitted here. Choose another folder",
  EROFS: "the file system is read-only. Choose another folder",
  ENOENT: "there is no such file or folder",
  ENOTDIR: "a part of the path is a file, not a folder",
  EISDIR: "it is a folder, not a file",
  EEXIST: "a file of that name is in the way",
  ENAMETOOLONG: "the name is too long",
  EMFILE: "too many files are open",
  EIO: "the disk reports an input/output error",
};

const notUtf8 = "its name has bytes that are no UTF-8. Rename it";

type Action = "read" | "list" | "look at" | "write" | "append to" | "rename" | "remove" | "lock";

/** Why an operation on a file failed: a clause without a full stop. */
export function reasonOf(error: unknown, path: string): string {
  const { code = "", message = String(error) } = error as NodeJS.ErrnoException;
  // Node lists a name that is no UTF-8 with this character for its bytes, and then finds no such file.
  const known = code === "ENOENT" && path.includes("\ufffd") ? notUtf8 : reasons[code];
  return known ? `${known} (${code})` : visible(message);
}

function explained(action: Action, path: string, error: unknown, state = ""): UserError {
  const text = `cannot ${action} ${visible(path)}: ${reasonOf(error, path)}.${state}`;
  return ["read", "list", "look at"].includes(action) ? new UserError(text) : new WriteError(text);
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR";
}

async function guarded<T>(action: Action, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw explained(action, path, error);
  }
}

/** Bytes that one call reads or writes. Node refuses 2 GiB and more, also for a whole file. */
const atOnce = 2 ** 30;

/** The bytes of a regular file: a pipe or a device could go on for ever. */
async function readRegular(path: string): Promise<Uint8Array> {
  const what = await stat(path);
  if (!what.isFile() && !what.isDirectory()) {
    throw new UserError(`cannot read ${visible(path)}: it is a pipe, a socket or a device; a file was expected.`);
  }
  if (what.size > constants.MAX_LENGTH) {
    throw new UserError(
      `cannot read ${visible(path)}: it has ${what.size} bytes, and Node ${process.versions.node} holds at most ` +
        `${constants.MAX_LENGTH} in one piece. Use Node 22 or newer.`,
    );
  }
  return what.size > atOnce ? readPart(path, 0, what.size) : readFile(path);
}

/** Writes in progress: two writes to one path run one after the other. */
const writing = new Map<string, Promise<void>>();

async function write(path: string, content: Uint8Array | string | readonly Uint8Array[]): Promise<void> {
  const before = writing.get(path) ?? Promise.resolve();
  const work = before.catch(() => {}).then(() => writeNow(path, content));
  writing.set(path, work);
  try {
    await work;
  } finally {
    if (writing.get(path) === work) writing.delete(path);
  }
}

async function writeNow(path: string, content: Uint8Array | string | readonly Uint8Array[]): Promise<void> {
  const chunks: readonly Uint8Array[] =
    typeof content === "string" ? [Buffer.from(content)] : content instanceof Uint8Array ? [content] : content;
  // One fixed name per file, so the next save overwrites what a killed process has left.
  const beside = `${path}.part`;
  const ended = beginFile(beside);
  try {
    await makeFolder(dirname(path));
    const handle = await open(beside, "w");
    try {
      for (const chunk of chunks) await writeAll(handle, chunk);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await putInPlace(beside, path);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => {});
    const unchanged = !(error instanceof Overtaken) && (await stat(path).catch(() => undefined))?.isFile();
    throw explained("write", path, error, unchanged ? " The file that was there before is unchanged." : "");
  } finally {
    ended();
  }
}

/** Another program has written the same file meanwhile. */
class Overtaken extends Error {}

/**
 * Renames a file that this process has written.
 * @throws Overtaken where it is gone, because another program wrote the same one and renamed it first
 */
async function putInPlace(beside: string, path: string): Promise<void> {
  try {
    await rename(beside, path);
  } catch (error) {
    if (!isMissing(error) || !(await exists(path))) throw error;
    throw new Overtaken(
      "another program has written the same file at the same time. Let one of them end, then run the other again",
    );
  }
}

/** A file that is filled as `<path>.part` and renamed at its end. */
async function create(path: string): Promise<FileStream> {
  const beside = `${path}.part`;
  const failing = (work: () => Promise<unknown>) => async () => {
    try {
      await work();
    } catch (error) {
      throw explained("write", path, error);
    }
  };
  const ended = beginFile(beside);
  let handle: FileHandle | undefined;
  await failing(async () => {
    await makeFolder(dirname(path));
    handle = await open(beside, "w");
  })();
  const file = handle!;
  return {
    write: (bytes) => failing(() => writeAll(file, bytes))(),
    done: failing(async () => {
      await file.sync();
      await file.close();
      await putInPlace(beside, path);
      ended();
    }),
    abandon: async () => {
      ended();
      await file.close().catch(() => {});
      await rm(beside, { force: true }).catch(() => {});
    },
  };
}

/** Writes all bytes, at `at` or at the end of what was written. */
async function writeAll(file: FileHandle, bytes: Uint8Array, at?: number): Promise<void> {
  for (let offset = 0; offset < bytes.length; ) {
    const length = Math.min(bytes.length - offset, atOnce);
    const place = at === undefined ? undefined : at + offset;
    offset += (await file.write(bytes, offset, length, place)).bytesWritten;
  }
}

/** Reads from `at` on, as far as the file goes. @returns how many bytes were read */
async function fill(bytes: Uint8Array, file: FileHandle, at: number): Promise<number> {
  let length = 0;
  while (length < bytes.length) {
    const { bytesRead } = await file.read(bytes, length, Math.min(bytes.length - length, atOnce), at + length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return length;
}

/**
 * On systems other than Windows the file loses its name once it is open, so that its space is freed however the program ends.
 */
async function scratch(path: string): Promise<Scratch> {
  const guard = <T>(action: Action, work: () => Promise<T>) => guarded(action, path, work);
  const file = await guard("write", async () => {
    await makeFolder(dirname(path));
    return open(path, "w+");
  });
  const unlinked = process.platform !== "win32";
  if (unlinked) await guard("remove", () => rm(path));
  return {
    write: (at, bytes) => guard("write", () => writeAll(file, bytes, at)),
    read: (at, bytes) =>
      guard("read", async () => {
        await fill(bytes, file, at);
      }),
    close: async () => {
      await file.close();
      if (!unlinked) await guard("remove", () => rm(path, { force: true }));
    },
  };
}

/** Bytes that this user can still write to the disk of a folder. Where the folder is missing, the nearest one above it counts. */
async function free(folder: string): Promise<number> {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const found = await statfs(at).catch(() => undefined);
    if (found) return found.bavail * found.bsize;
    if (at === dirname(at)) return Number.POSITIVE_INFINITY;
  }
}

/** Stores the entries of a folder on the disk (fsync), so that a rename survives a power loss. */
async function syncFolder(path: string): Promise<void> {
  // Windows has no handles of folders for this; it stores renames in order.
  if (process.platform === "win32") return;
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems do not support this call.
    if (!["EINVAL", "ENOTSUP", "EBADF"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  } finally {
    await handle.close();
  }
}

async function readPart(path: string, start: number, end: number): Promise<Uint8Array> {
  const handle = await open(path, "r");
  try {
    const bytes = new Uint8Array(Math.max(0, Math.min(end, (await handle.stat()).size) - start));
    return bytes.subarray(0, await fill(bytes, handle, start));
  } finally {
    await handle.close();
  }
}

async function list(path: string): Promise<{ name: string; folder: boolean }[] | undefined> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    const found: { name: string; folder: boolean }[] = [];
    for (const entry of entries) {
      const at = join(path, entry.name);
      const folder = entry.isSymbolicLink() ? await isFolder(at) : entry.isDirectory();
      if (folder && entry.isSymbolicLink() && (await leadsBack(path, at))) continue;
      found.push({ name: entry.name, folder });
    }
    return found.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw explained("list", path, error);
  }
}

/** Whether a link in a folder leads to that folder or to one above it: walking such links would never end. */
async function leadsBack(folder: string, at: string): Promise<boolean> {
  const target = await realpath(at);
  for (let above = resolve(folder); ; above = dirname(above)) {
    const real = await realpath(above);
    if (real === target || real.startsWith(target + sep)) return true;
    if (above === dirname(above)) return false;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw explained("look at", path, error);
  }
}

/**
 * The file system. `write` fills `<path>.part` in the same folder, stores it on the disk (fsync) and renames it to
 * `path`. After a failure, such as a full disk, `<path>.part` is removed and the old file is unchanged. A rename is
 * stored on the disk before it returns. `list` follows symbolic links, except those that lead
 * back to a folder above them. `remove` removes a file or an empty folder, and does nothing where there is none.
 */
export const files: Files = {
  read: (path) => guarded("read", path, () => readRegular(path)),
  readPart: (path, start, end) => guarded("read", path, () => readPart(path, start, end)),
  write,
  create,
  scratch,
  free,
  lock: (path, what) => guarded("lock", path, () => lock(path, what)),
  holder: (path) => guarded("look at", path, () => holder(path)),
  realPath: (path) => guarded("look at", path, () => realpath(path)),
  append: (path, content) =>
    guarded("append to", path, async () => {
      await makeFolder(dirname(path));
      await appendFile(path, content);
    }),
  list,
  exists,
  stat: (path) =>
    guarded("look at", path, async () => {
      const { size, mtimeMs } = await stat(path);
      return { bytes: size, modified: Math.floor(mtimeMs) };
    }),
  rename: (from, to) =>
    guarded("rename", from, async () => {
      await rename(from, to);
      await syncFolder(dirname(to));
    }),
  remove: (path) =>
    guarded("remove", path, () =>
      rm(path, { force: true }).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ERR_FS_EISDIR") throw error;
        return rmdir(path);
      }),
    ),
};
