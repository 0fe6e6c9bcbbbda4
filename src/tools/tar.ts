/**
 * Reads tar archives as a stream: ustar, pax and GNU's long names. `modern-tar` parses them strictly: it checks the
 * checksums of headers and the end of the archive. This file restricts the result: only files, below one folder, within
 * limits.
 */
import { createTarDecoder, type ParsedTarEntry } from "modern-tar";
import { messageOf, UserError } from "../errors.ts";

export interface TarEntry {
  /** Relative, forward slashes, without "." and "..". */
  path: string;
  data: Uint8Array;
}

/** Limits of what an archive may unpack to. The paper's largest has 139 000 files in 9 GB. */
export interface TarLimits {
  files: number;
  /** Bytes of all files together. */
  bytes: number;
  /** Bytes of one file; each file is held in memory. */
  fileBytes: number;
}

const defaultLimits: TarLimits = { files: 1_000_000, bytes: 64 * 2 ** 30, fileBytes: 2 ** 30 };

export interface TarOptions {
  /** Called with the path of each entry that is left out: links, devices, pipes. */
  leftOut?: (path: string) => void;
  limits?: Partial<TarLimits>;
}

/**
 * The files of an archive, in its order. Entries of folders are skipped: the path of a file names its folders.
 * @throws UserError for a damaged or incomplete archive, for a path that is absolute or has "..", and beyond the limits.
 *   An error of the stream is thrown unchanged.
 */
export async function* readTar(
  archive: ReadableStream<Uint8Array>,
  { leftOut, limits }: TarOptions = {},
): AsyncGenerator<TarEntry> {
  const most = { ...defaultLimits, ...limits };
  const ofSource: unknown[] = [];
  const entries = withErrorsKept(archive, ofSource)
    .pipeThrough(createTarDecoder({ strict: true }))
    .getReader();
  let [files, bytes] = [0, 0];
  try {
    for (;;) {
      const { done, value: entry } = await entries.read();
      if (done) return;
      const { name, type, size } = entry.header;
      if (type !== "file") {
        if (type !== "directory") leftOut?.(name);
        await entry.body.cancel();
        continue;
      }
      const path = safePath(name);
      files++;
      bytes += size;
      if (files > most.files) throw beyond(`more than ${most.files} files`);
      if (!(size <= most.fileBytes))
        throw beyond(`${path} with ${size} bytes, more than ${most.fileBytes} in one file`);
      if (!(bytes <= most.bytes)) throw beyond(`more than ${most.bytes} bytes`);
      yield { path, data: await contentOf(entry) };
    }
  } catch (error) {
    if (error instanceof UserError || ofSource.includes(error)) throw error;
    throw new UserError(`the archive is damaged: ${messageOf(error)}`);
  } finally {
    // Closes the source where the caller stops early.
    await entries.cancel().catch(() => {});
  }
}

/** Passes chunks through and records errors of the source, to distinguish them from errors in the archive. */
function withErrorsKept(source: ReadableStream<Uint8Array>, errors: unknown[]): ReadableStream<Uint8Array> {
  const reader = source.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        errors.push(error);
        throw error;
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

async function contentOf({ header, body }: ParsedTarEntry): Promise<Uint8Array> {
  const data = new Uint8Array(header.size);
  let length = 0;
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    data.set(value, length);
    length += value.length;
  }
  if (length < data.length) throw new Error(`an entry has ${length} of ${data.length} bytes`);
  return data;
}

/** @throws UserError for a path that is absolute or leads out of its folder */
export function safePath(name: string): string {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (/^([/\\]|[A-Za-z]:)/.test(name) || /[\\\0]/.test(name) || parts.includes("..") || parts.length === 0) {
    throw new UserError(
      `the archive holds the path ${JSON.stringify(name)}, which leads out of its folder; it is not unpacked.`,
    );
  }
  return parts.join("/");
}

function beyond(what: string): UserError {
  return new UserError(
    `the archive holds ${what}; it is not unpacked. If it is sound, unpack it with another program.`,
  );
}
