/** The built web app of the package, or of the checkout. */
import { existsSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { AppFiles } from "../exchange/site.ts";

export const appFolder = fileURLToPath(new URL("../../dist/page", import.meta.url));

/** All files of the app by their paths; none where it is not built. Files that are compressed for a server are left out. */
export async function readApp(): Promise<AppFiles> {
  if (!existsSync(appFolder)) return new Map();
  const entries = readdirSync(appFolder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !entry.name.endsWith(".br"));
  const read = files.map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    return [path.slice(appFolder.length + 1).replaceAll("\\", "/"), new Uint8Array(await readFile(path))] as const;
  });
  return new Map(await Promise.all(read));
}
