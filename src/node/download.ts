/** Fetches one large file over HTTP and resumes interrupted downloads. */
import { open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { UserError, WriteError } from "../errors.ts";
import { makeFolder } from "./folders.ts";

export interface DownloadOptions {
  /** Seconds without a byte after which the server counts as silent. Default 30. */
  timeout?: number;
  /** Called as bytes come in. @param total undefined when the server does not say */
  progress?: (done: number, total: number | undefined) => void;
}

/** Where a part on disk comes from. */
interface Origin {
  url: string;
  /** The server's name for this state of the file: its ETag or date. */
  version?: string | undefined;
  total?: number | undefined;
}

/** The connection broke, or the server is silent: another try may help. */
class Interrupted extends Error {}

/**
 * Fetches `url` into the file `path`. Bytes go to `<path>.part`, which is renamed when it is complete. A later call
 * asks the server for the rest (HTTP Range). A server without ranges, or with another file meanwhile, sends everything
 * again. The size must be the one that the server announced.
 * @throws UserError with the cause, and with the number of bytes that are kept
 */
export async function download(url: string, path: string, options: DownloadOptions = {}): Promise<void> {
  await makeFolder(dirname(path));
  // Tries again as long as a connection brings new bytes; after one without any, once more.
  for (let fruitless = 0; ; ) {
    const before = await sizeOf(`${path}.part`);
    try {
      await fetchRest(url, path, options);
      break;
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      const now = await sizeOf(`${path}.part`);
      fruitless = now > before ? 0 : fruitless + 1;
      if (fruitless < 2) continue;
      const kept = now > 0 ? ` ${now} bytes are kept in ${path}.part; the same command goes on from there.` : "";
      throw new UserError(`cannot fetch ${url}: ${error.message}.${kept}`);
    }
  }
  await rename(`${path}.part`, path);
  await rm(`${path}.part.json`, { force: true });
}

/** Fetches the missing bytes of a file. @throws Interrupted where another try may help */
async function fetchRest(url: string, path: string, { timeout = 30, progress }: DownloadOptions): Promise<void> {
  const part = `${path}.part`;
  const origin = await readOrigin(`${part}.json`);
  const before = origin?.url === url && (origin.version ?? origin.total) !== undefined ? await sizeOf(part) : 0;
  const silence = new Silence(timeout);
  try {
    const response = await fetch(url, { headers: headersFor(before, origin), signal: silence.signal });
    if (response.status === 416 && origin?.total === before) return await response.body?.cancel();
    await checkAnswer(response, { url, part, before, total: origin?.total });
    const from = response.status === 206 ? before : 0;
    const length = response.headers.get("content-length");
    const total = length === null || response.headers.has("content-encoding") ? undefined : from + Number(length);
    await writeFile(`${part}.json`, JSON.stringify({ url, version: versionOf(response), total } satisfies Origin));
    progress?.(from, total);
    const done = await writeBody(response, { part, from, silence, came: (bytes) => progress?.(bytes, total) });
    if (total !== undefined && done < total)
      throw new Interrupted(`the connection ended after ${done} of ${total} bytes`);
    if (total !== undefined && done > total) {
      await rm(part, { force: true });
      throw new UserError(`cannot fetch ${url}: the server announced ${total} bytes and sent ${done}.`);
    }
  } catch (error) {
    if (error instanceof UserError || error instanceof Interrupted) throw error;
    if (silence.signal.aborted) throw new Interrupted(`no answer for ${timeout} s`);
    throw explained(error, part);
  } finally {
    silence.end();
  }
}

/** Aborts a request when nothing arrives for a time. */
class Silence {
  readonly #controller = new AbortController();
  readonly #seconds: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(seconds: number) {
    this.#seconds = seconds;
    this.postpone();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Restarts the time. */
  postpone(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#controller.abort(), this.#seconds * 1000);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

/** Headers that ask for the bytes from `before` on, if the file is still the same. */
function headersFor(before: number, origin: Origin | undefined): Record<string, string> {
  const headers: Record<string, string> = { "accept-encoding": "identity" };
  if (before > 0) headers.range = `bytes=${before}-`;
  if (before > 0 && origin?.version) headers["if-range"] = origin.version;
  return headers;
}

/** @throws Interrupted where the server has another file (the part is removed); UserError where it sends no file */
async function checkAnswer(
  response: Response,
  { url, part, before, total }: { url: string; part: string; before: number; total: number | undefined },
): Promise<void> {
  const { status, statusText } = response;
  if (status === 416 || (status === 206 && !continues(response, before, total))) {
    await response.body?.cancel();
    await rm(part, { force: true });
    throw new Interrupted("the server has another file than before");
  }
  if (response.ok) return;
  await response.body?.cancel();
  throw new UserError(`cannot fetch ${url}: the server answers ${`${status} ${statusText}`.trim()}.`);
}

/** The ETag or date of the file. Weak ETags are not used: they do not promise equal bytes. */
function versionOf({ headers }: Response): string | undefined {
  return headers.get("etag")?.replace(/^W\/.*/, "") || headers.get("last-modified") || undefined;
}

/** Writes the body to the file from byte `from` on. @param came called with the size so far. @returns the size */
async function writeBody(
  response: Response,
  { part, from, silence, came }: { part: string; from: number; silence: Silence; came: (bytes: number) => void },
): Promise<number> {
  let done = from;
  const file = await open(part, from > 0 ? "r+" : "w");
  try {
    for await (const chunk of response.body ?? []) {
      silence.end(); // the time that the disk takes is not the server's
      for (let at = 0; at < chunk.length; ) {
        at += (await file.write(chunk, at, chunk.length - at, done + at)).bytesWritten;
      }
      done += chunk.length;
      came(done);
      silence.postpone();
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return done;
}

/** A WriteError for a failing disk, which ends the download; else Interrupted, as the connection has failed. */
function explained(error: unknown, part: string): Error {
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (syscall === "write" || syscall === "open" || syscall === "fsync") {
    const reason = code === "ENOSPC" ? "the disk is full. Free some space and run the command again" : message;
    return new WriteError(`cannot write ${part}: ${reason}.`);
  }
  const cause = (error as { cause?: NodeJS.ErrnoException }).cause;
  const reasons: Record<string, string> = {
    ENOTFOUND: "the name of the server is not known here (no network?)",
    EAI_AGAIN: "the name of the server cannot be looked up (no network?)",
    ECONNREFUSED: "the server refuses the connection",
    ECONNRESET: "the connection broke",
    UND_ERR_SOCKET: "the connection broke",
    UND_ERR_CONNECT_TIMEOUT: "the server does not answer",
    ETIMEDOUT: "the server does not answer",
    ENETUNREACH: "the network cannot be reached",
    EHOSTUNREACH: "the server cannot be reached",
  };
  const known = reasons[cause?.code ?? ""];
  return new Interrupted(known ?? (cause?.message || message || String(error)));
}

/** Whether a partial answer continues at byte `done`: "bytes <done>-<last>/<total>". */
function continues(response: Response, done: number, total: number | undefined): boolean {
  const [, start, whole] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get("content-range") ?? "") ?? [];
  return Number(start) === done && (total === undefined || whole === "*" || Number(whole) === total);
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

async function readOrigin(path: string): Promise<Origin | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Origin;
  } catch {
    return undefined; // missing or truncated: the file is fetched from its beginning
  }
}
