/** Folders of the file system. */
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

export async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (s) => s.isDirectory(),
    () => false,
  );
}

/**
 * Makes a folder and those above it. Node's own `recursive` loops for ever in some folders of /proc, and reports a read-only file
 * system as a folder that does not exist.
 * @returns the folders that were not there, the uppermost first
 */
export async function makeFolder(path: string): Promise<string[]> {
  if (await isFolder(path)) return [];
  const above = dirname(path);
  const made = above === path ? [] : await makeFolder(above);
  try {
    await mkdir(path);
    return [...made, path];
  } catch (error) {
    // Another process may have made it meanwhile; a file in its place is reported by what comes next.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return made;
  }
}
