/**
 * Files through node:fs. A write replaces the whole file or nothing. Every failure is a UserError with the path and the
 * reason.
 */
import { appendFile, mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { UserError } from "../errors.ts";
import type { Files } from "../platform.ts";
import { visible } from "../text.ts";
import { lock } from "./lock.ts";

const REASONS: Record<string, string> = {
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

function explained(action: string, path: string, error: unknown, state = ""): UserError {
  const { code = "", message = String(error) } = error as NodeJS.ErrnoException;
  const reason = REASONS[code] ? `${REASONS[code]} (${code}).` : `${visible(message)}.`;
  return new UserError(`cannot ${action} ${visible(path)}: ${reason}${state}`);
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR";
}

async function guarded<T>(action: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw explained(action, path, error);
  }
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
  try {
    await mkdir(dirname(path), { recursive: true });
    const handle = await open(beside, "w");
    try {
      for (const chunk of chunks) {
        for (let offset = 0; offset < chunk.length; ) {
          offset += (await handle.write(chunk, offset, Math.min(chunk.length - offset, 2 ** 30))).bytesWritten;
        }
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => {});
    const kept = await stat(path).then(
      (s) => (s.isFile() ? " The file that was there before is unchanged." : ""),
      () => "",
    );
    throw explained("write", path, error, kept);
  }
}

/** Stores on the disk which names a folder has: after a power loss a rename is there or not, but the file is whole. */
async function syncFolder(path: string): Promise<void> {
  // Windows gives no handle of a folder, and stores renames in order.
  if (process.platform === "win32") return;
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems know no such call.
    if (!["EINVAL", "ENOTSUP", "EBADF"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  } finally {
    await handle.close();
  }
}

async function readPart(path: string, start: number, end: number): Promise<Uint8Array> {
  const handle = await open(path, "r");
  try {
    const bytes = new Uint8Array(Math.max(0, Math.min(end, (await handle.stat()).size) - start));
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await handle.read(bytes, length, bytes.length - length, start + length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return bytes.subarray(0, length);
  } finally {
    await handle.close();
  }
}

async function list(path: string): Promise<{ name: string; folder: boolean }[] | undefined> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    const found = entries.map(async (entry) => ({
      name: entry.name,
      folder: entry.isSymbolicLink() ? await isFolder(join(path, entry.name)) : entry.isDirectory(),
    }));
    return (await Promise.all(found)).sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw explained("list", path, error);
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (s) => s.isDirectory(),
    () => false,
  );
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
 * stored on the disk before it returns. `list` follows symbolic links. `remove` removes a file, and does nothing where
 * there is none.
 */
export const files: Files = {
  read: (path) => guarded("read", path, () => readFile(path)),
  readPart: (path, start, end) => guarded("read", path, () => readPart(path, start, end)),
  write,
  lock: (path, what) => guarded("lock", path, () => lock(path, what)),
  append: (path, text) =>
    guarded("append to", path, async () => {
      await mkdir(dirname(path), { recursive: true });
      await appendFile(path, text);
    }),
  list,
  exists,
  rename: (from, to) =>
    guarded("rename", from, async () => {
      await rename(from, to);
      await syncFolder(dirname(to));
    }),
  remove: (path) => guarded("remove", path, () => rm(path, { force: true })),
};
