/** Reads a text file. */
import type { Files } from "../platform.ts";

/** The text of a file in UTF-8. */
export const readText = async (files: Pick<Files, "read">, path: string): Promise<string> =>
  new TextDecoder().decode(await files.read(path));
