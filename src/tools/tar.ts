/**
 * Reads tar archives as a stream: POSIX ustar and pax, and GNU's long names. Strict: header sums are checked, an archive
 * must end as one, and no path may lead out of the folder that it is unpacked to.
 */
import { UserError } from "../errors.ts";

export interface TarEntry {
  /** Relative, forward slashes, without "." and "..". */
  path: string;
  data: Uint8Array;
}

const block = 512;
/** Nothing in a data set is near this; a larger number is a damaged header. */
const mostBytes = 2 ** 30;

/**
 * The files of an archive, in its order. Folders need no entry of their own; links and devices are left out, and handed
 * to `leftOut`. @throws UserError for anything that is not a whole and sound archive, or a path that leads elsewhere
 */
export async function* readTar(
  chunks: AsyncIterable<Uint8Array>,
  leftOut: (path: string) => void = () => {},
): AsyncGenerator<TarEntry> {
  const input = new Reader(chunks);
  /** What the headers before it say of the next entry. */
  let longName: string | undefined;
  for (;;) {
    const header = await input.take(block);
    if (!header) throw damaged("it ends without the two empty blocks that close an archive");
    if (header.every((byte) => byte === 0)) return;
    checkSum(header);
    const size = octal(header, 124, 12);
    if (size > mostBytes) throw damaged(`it holds an entry of ${size} bytes`);
    const data = size > 0 ? await input.take(size) : new Uint8Array();
    if (!data || !(await input.skip((block - (size % block)) % block)))
      throw damaged("it ends in the middle of a file");
    const kind = String.fromCharCode(header[156]!);
    const name = longName ?? nameOf(header);
    if (kind === "L") longName = text(data);
    else if (kind === "x") longName = paxPath(data) ?? longName;
    else {
      if (kind === "0" || kind === "\0" || kind === "7") {
        if (!name.endsWith("/")) yield { path: safePath(name), data };
      } else if (kind !== "5" && kind !== "g" && kind !== "K") leftOut(name);
      if (kind !== "g" && kind !== "K") longName = undefined;
    }
  }
}

/** @throws UserError for a path that is absolute or climbs out */
function safePath(name: string): string {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (/^([/\\]|[A-Za-z]:)/.test(name) || /[\\\0]/.test(name) || parts.includes("..") || parts.length === 0) {
    throw new UserError(
      `the archive holds the path ${JSON.stringify(name)}, which leads out of its folder; it is not unpacked.`,
    );
  }
  return parts.join("/");
}

function nameOf(header: Uint8Array): string {
  const name = text(header.subarray(0, 100));
  const prefix = text(header.subarray(257, 262)) === "ustar" ? text(header.subarray(345, 500)) : "";
  // GNU's own form has times where ustar has the prefix; it is told by the space after its magic word.
  return prefix !== "" && header[262] === 0 ? `${prefix}/${name}` : name;
}

/** The sum of the header's bytes, its own field counted as spaces. */
function checkSum(header: Uint8Array): void {
  const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
  if (octal(header, 148, 8) !== sum) throw damaged("a header's sum is wrong");
}

function octal(header: Uint8Array, from: number, length: number): number {
  const digits = text(header.subarray(from, from + length)).trim();
  if (!/^[0-7]*$/.test(digits)) throw damaged(`a header holds ${JSON.stringify(digits)} where an octal number belongs`);
  return digits === "" ? 0 : Number.parseInt(digits, 8);
}

/** The `path` of a pax header, whose records are "LENGTH KEY=VALUE\n" with the length in bytes. */
function paxPath(data: Uint8Array): string | undefined {
  let path: string | undefined;
  for (let at = 0; at < data.length; ) {
    const [, length] = /^(\d+) /.exec(text(data.subarray(at, at + 16))) ?? [];
    const end = at + Number(length);
    if (!length || end > data.length) throw damaged("an extended header is broken");
    const [, key, value] = /^\d+ ([^=]+)=([\s\S]*)\n$/.exec(new TextDecoder().decode(data.subarray(at, end))) ?? [];
    if (key === "path") path = value;
    at = end;
  }
  return path;
}

/** UTF-8 up to the first zero byte. */
function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

function damaged(what: string): UserError {
  return new UserError(`the archive is damaged: ${what}.`);
}

/** Takes pieces of wanted lengths from chunks of any. */
class Reader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** The next `length` bytes, or undefined when fewer are left. */
  async take(length: number): Promise<Uint8Array | undefined> {
    const out = new Uint8Array(length);
    for (let filled = 0; filled < length; ) {
      if (this.#rest.length === 0) {
        const { value, done } = await this.#chunks.next();
        if (done) return undefined;
        this.#rest = value;
      }
      const part = this.#rest.subarray(0, length - filled);
      out.set(part, filled);
      filled += part.length;
      this.#rest = this.#rest.subarray(part.length);
    }
    return out;
  }

  async skip(length: number): Promise<boolean> {
    return (await this.take(length)) !== undefined;
  }
}
