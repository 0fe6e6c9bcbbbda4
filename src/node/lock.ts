/** Locks between processes: a file that says who works on something, also over a network file system. */
import { readFileSync, readlinkSync, rmdirSync, rmSync } from "node:fs";
import { link, open, readFile, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { UserError } from "../errors.ts";
import type { LockHolder } from "../platform.ts";
import { makeFolder } from "./folders.ts";

/** What a lock file holds, as JSON. */
interface Holder {
  /** Differs between any two locks. */
  id: string;
  pid: number;
  host: string;
  /** The machine's start and the namespace of process numbers: within one, `pid` names one process. Linux only. */
  space: string;
  /**
   * When the process started, in the kernel's ticks: another process may get the number of one that has ended. Linux
   * only.
   */
  ticks: string;
  /** ISO 8601. */
  since: string;
}

/** Seconds between two signs of life: the lock file is written anew. */
const beat = 20;
/** Seconds without a sign of life after which a holder on another machine counts as gone. */
const goneAfter = 120;
/** How often the folder of a lock is made where it has vanished again. */
const mostAttempts = 20;

/**
 * Takes the lock, also from a holder that is gone: its process has ended, or it is on another machine and has
 * given no sign of life for two minutes.
 * @param path of the lock file; its folder is made, and removed with the lock if nothing else was written there
 * @param what is locked, for the message: "The run runs/mine is being trained"
 * @returns a function that releases the lock
 * @throws UserError that names the holder
 */
export async function lock(path: string, what: string): Promise<() => Promise<void>> {
  const own = describeSelf();
  for (let attempt = 1; ; attempt++) {
    const made: string[] = [];
    try {
      made.push(...(await makeFolder(dirname(path))));
      await take(path, what, own);
      return hold(path, own, made);
    } catch (error) {
      removeEmpty(made);
      // A process that ends meanwhile may have taken its empty folders with it.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT" || attempt === mostAttempts) throw error;
    }
  }
}

/** @throws UserError that names the holder */
async function take(path: string, what: string, own: Holder): Promise<void> {
  while (!(await create(path, own))) {
    const holder = await read(path);
    if (holder === undefined) continue;
    if (!(await isGone(path, holder))) {
      throw new UserError(
        `${what} by process ${holder.pid} on ${holder.host}, since ${holder.since}. Wait until it ends or stop it; ` +
          `if there is no such process, remove ${path}.`,
      );
    }
    await takeAway(path, own);
  }
}

/** @param folders the uppermost first; one that is not empty stays, and so do those above it */
function removeEmpty(folders: readonly string[]): void {
  try {
    for (const folder of folders.toReversed()) rmdirSync(folder);
  } catch {
    // Something was written there.
  }
}

/** Who holds a lock now; undefined where nobody does, or where the holder is gone. */
export async function holder(path: string): Promise<LockHolder | undefined> {
  const found = await read(path);
  if (found === undefined || (await isGone(path, found))) return undefined;
  const { pid, host, since } = found;
  return { pid, host, since, here: isHere(found) };
}

/**
 * Gives signs of life until the lock is released.
 * @param made folders that were made for the lock
 * @returns a function that releases it
 */
function hold(path: string, own: Holder, made: readonly string[]): () => Promise<void> {
  const timer = setInterval(() => giveSign(path, own).catch(() => {}), beat * 1000);
  timer.unref();
  // Releases the lock also where the program exits without the function below.
  const atExit = () => {
    try {
      if (JSON.parse(readFileSync(path, "utf8")).id === own.id) rmSync(path);
    } catch {
      // The file is gone, or names another holder.
    }
    removeEmpty(made);
  };
  process.on("exit", atExit);
  return async () => {
    clearInterval(timer);
    process.off("exit", atExit);
    if ((await read(path))?.id === own.id) await rm(path, { force: true });
    removeEmpty(made);
  };
}

/**
 * Writes the lock file's own content, unless another process has taken the lock. So the file system gives it the time of its own
 * clock; this machine's may be wrong.
 */
async function giveSign(path: string, own: Holder): Promise<void> {
  const handle = await open(path, "r+");
  try {
    const content = await handle.readFile();
    if (JSON.parse(content.toString()).id !== own.id) return;
    await handle.write(content, 0, content.length, 0);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function describeSelf(): Holder {
  const id = `${process.pid}-${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
  const identity = { pid: process.pid, host: hostname(), space: space(), ticks: ticksOf(process.pid) ?? "" };
  return { id, ...identity, since: new Date().toISOString() };
}

function space(): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return "";
  }
}

/** State and start time of a process (proc(5), /proc/pid/stat, fields 3 and 22); undefined where they cannot be read. */
function statOf(pid: number): { state: string; ticks: string } | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return { state: fields[0]!, ticks: fields[19]! };
  } catch {
    return undefined;
  }
}

const ticksOf = (pid: number): string | undefined => statOf(pid)?.ticks;

/** @returns false where the file exists */
async function create(path: string, own: Holder): Promise<boolean> {
  // Written beside and linked: another process never sees a lock file that is half written.
  const beside = `${path}.${own.id}`;
  try {
    await writeNew(beside, own);
    await link(beside, path);
    return true;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    // A file system without hard links.
    if (["EPERM", "ENOTSUP", "ENOSYS", "EMLINK"].includes(code)) return createAlone(path, own);
    throw error;
  } finally {
    await rm(beside, { force: true });
  }
}

/** @returns false where the file exists */
async function createAlone(path: string, own: Holder): Promise<boolean> {
  try {
    await writeNew(path, own);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Writes a file that does not exist yet. After a failure, such as a full disk, nothing of it is left. */
async function writeNew(path: string, own: Holder): Promise<void> {
  const handle = await open(path, "wx");
  try {
    await handle.writeFile(`${JSON.stringify(own)}\n`);
    await handle.sync();
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/** Undefined where there is no file. A damaged file counts as a holder on another machine. */
async function read(path: string): Promise<Holder | undefined> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const nobody: Holder = { id: text, pid: 0, host: "another machine", space: "?", ticks: "", since: "an unknown time" };
  try {
    return { ...nobody, ...(JSON.parse(text) as Partial<Holder>) };
  } catch {
    return nobody;
  }
}

/** Whether the holder's number names a process of this machine. */
function isHere(holder: Holder): boolean {
  const here = space();
  return here === "" ? holder.space === "" && holder.host === hostname() : holder.space === here;
}

async function isGone(path: string, holder: Holder): Promise<boolean> {
  if (!isHere(holder)) return ((await secondsSinceWrite(path)) ?? Number.POSITIVE_INFINITY) > goneAfter;
  if (!isAlive(holder.pid)) return true;
  const found = statOf(holder.pid);
  if (!found) return false;
  // A process that has ended is a zombie until its parent collects its exit code; in a container there may be none that does.
  if (found.state === "Z" || found.state === "X") return true;
  return holder.ticks !== "" && found.ticks !== holder.ticks;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Measured with the clock of the file system. @returns undefined where there is no file */
async function secondsSinceWrite(path: string): Promise<number | undefined> {
  const [now, last] = [await timeBeside(path), await stat(path).catch(() => undefined)];
  return last && (now - last.mtimeMs) / 1000;
}

/**
 * The time by the clock of the file system, in milliseconds since 1970: all machines share it, their own clocks may differ. By the
 * clock of this machine where no file can be made: whoever only looks may not be allowed to write.
 */
async function timeBeside(path: string): Promise<number> {
  const probe = `${path}.${describeSelf().id}`;
  const handle = await open(probe, "wx").catch(() => undefined);
  if (!handle) return Date.now();
  try {
    return (await handle.stat()).mtimeMs;
  } finally {
    await handle.close();
    await rm(probe, { force: true });
  }
}

/** Seconds after which a takeover file counts as left behind by a process that was killed. */
const takeoverTimeout = 10;

/**
 * Removes the lock of a holder that is gone. Only one process at a time may: otherwise one could remove the lock that
 * another has taken in the meantime.
 */
async function takeAway(path: string, own: Holder): Promise<void> {
  const right = `${path}.takeover`;
  if (await create(right, own)) {
    try {
      const holder = await read(path);
      if (holder && (await isGone(path, holder))) await rm(path, { force: true });
    } finally {
      await rm(right, { force: true });
    }
    return;
  }
  if (((await secondsSinceWrite(right)) ?? 0) > takeoverTimeout) await rm(right, { force: true });
  await new Promise((resolve) => setTimeout(resolve, 20));
}
