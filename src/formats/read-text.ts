/** Reads text files, as one text or by lines. */
import type { Files } from "../platform.ts";

/** The text of a file in UTF-8. */
export const readText = async (files: Pick<Files, "read">, path: string): Promise<string> =>
  new TextDecoder().decode(await files.read(path));

/** A line of a file: its text, without the line break, and its bytes [start, end), with the line break where it has one. */
export interface TextLine {
  text: string;
  start: number;
  end: number;
}

/** The lines of a file in UTF-8, one by one: a log of millions of lines is longer than one text may be. */
export function* linesOf(bytes: Uint8Array): Generator<TextLine, void, void> {
  const decoder = new TextDecoder();
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(10, start);
    const last = found < 0 ? bytes.length : found;
    const end = Math.min(last + 1, bytes.length);
    yield { text: decoder.decode(bytes.subarray(start, last)), start, end };
    start = end;
  }
}
