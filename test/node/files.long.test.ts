/** Files of more than 2 GiB, such as Adam's moments of a network of 300 million parameters. */
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { files } from "../../src/node/files.ts";
import { workFolder } from "../work-folder.ts";

const root = workFolder("large-files");
const size = 2 ** 31 + 5;

it("are read as a whole and by parts", { timeout: 120_000 }, async () => {
  const path = join(root, "state");
  // A sparse file: only its ends and the place after 1 GiB take space.
  const file = openSync(path, "w");
  const marks = [0, 2 ** 30, size - 1];
  for (const [i, at] of marks.entries()) writeSync(file, Uint8Array.of(i + 1), 0, 1, at);
  closeSync(file);
  const { read, readPart, scratch } = files;
  for (const bytes of [await read(path), await readPart!(path, 0, size)]) {
    expect(bytes.length).toBe(size);
    expect(marks.map((at) => bytes[at])).toEqual([1, 2, 3]);
  }
  const opened = await scratch!(join(root, "scratch"));
  await opened.write(size - 1, Uint8Array.of(7));
  const bytes = new Uint8Array(size);
  await opened.read(0, bytes);
  await opened.close();
  expect(bytes[size - 1]).toBe(7);
});
