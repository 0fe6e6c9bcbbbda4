/** Folders in which tests write. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

/** A folder of its own for the tests of a file; it is removed after the last of them. */
export function workFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `pix2pix-${name}-`));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
