/** Files that are being written under a name beside their own: they are removed when the program ends before they are done. */
import { rmSync } from "node:fs";

const paths = new Set<string>();
let any = false;

/** @returns a function to call when the file is done or removed */
export function beginFile(path: string): () => void {
  if (!any) process.on("exit", removeAll);
  any = true;
  paths.add(path);
  return () => void paths.delete(path);
}

/** Whether this process has begun to write a file. */
export const anythingWritten = (): boolean => any;

function removeAll(): void {
  for (const path of paths) {
    try {
      rmSync(path, { force: true });
    } catch {
      // The program ends: the next one overwrites it.
    }
  }
}
