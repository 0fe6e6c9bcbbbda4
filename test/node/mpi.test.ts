/** What is said where processes cannot train together; test/node/mpi.long.test.ts has them train. */
import { expect, it } from "vitest";
import { files } from "../../src/node/files.ts";
import { coresForEach, openCollective, readingOnly } from "../../src/node/mpi.ts";
import type { Collective } from "../../src/platform.ts";
import { Together } from "../../src/training/together.ts";

it("a process that MPI has not started, or has started alone, trains alone", async () => {
  expect(await openCollective({})).toBeUndefined();
  expect(await openCollective({ OMPI_COMM_WORLD_SIZE: "1", PMI_SIZE: "1" })).toBeUndefined();
});

it("a library that cannot be loaded is named, with what to do", async () => {
  const missing = openCollective({ OMPI_COMM_WORLD_SIZE: "2", PIX2PIX_MPI: "/nowhere/libmpi.so" });
  await expect(missing).rejects.toThrow(/Open MPI.*PIX2PIX_MPI=FILE.*\/nowhere\/libmpi\.so/s);
});

it("batches that cannot be shared equally are refused with a number that can", () => {
  const collective: Collective = { rank: 2, size: 3, name: "MPI", sum() {}, barrier() {}, abort() {}, close() {} };
  expect(() => new Together(collective, 4)).toThrow(/4 batches, expected a multiple of 3.*--accumulate 6/);
  const together = new Together(collective, 6);
  expect([6, 5, 2].map((count) => together.own(count))).toEqual([
    { from: 4, to: 6 },
    { from: 4, to: 5 },
    { from: 2, to: 2 },
  ]);
});

it("processes of one machine share its cores", () => {
  const all = coresForEach({});
  expect(coresForEach({ MPI_LOCALNRANKS: "2" })).toBe(Math.max(1, Math.floor(all / 2)));
  expect(coresForEach({ OMPI_COMM_WORLD_LOCAL_SIZE: "4096" })).toBe(1);
});

it("files of a process that does not write can be read, and are not locked", async () => {
  const reading = readingOnly(files);
  await reading.write("/nowhere/x", "text");
  expect(await reading.exists("/nowhere/x")).toBe(false);
  expect(await reading.exists(new URL(import.meta.url).pathname)).toBe(true);
  // A new function of Files that writes has to be left out, or do nothing.
  const readers = ["exists", "free", "holder", "list", "read", "readPart", "realPath", "stat"];
  const silent = ["append", "remove", "rename", "write"];
  expect(Object.keys(reading).sort()).toEqual([...readers, ...silent].sort());
});
