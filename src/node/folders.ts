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
 */
export async function makeFolder(path: string): Promise<void> {
  if (await isFolder(path)) return;
  const above = dirname(path);
  if (above !== path) await makeFolder(above);
  await mkdir(path).catch((error: NodeJS.ErrnoException) => {
    // Another process may have made it meanwhile; a file in its place is reported by what comes next.
    if (error.code !== "EEXIST") throw error;
  });
}
