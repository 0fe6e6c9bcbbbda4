import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { expect, it } from "vitest";
import { jobs } from "../../src/cli/pictures.ts";
import { workFolder } from "../work-folder.ts";

const work = workFolder("pictures");

it("no two pictures of a folder have one output, whatever their names", async () => {
  const names = ["a.png", "x.jpg", "x.jpg.png", "x.png", "y.png.png", "y.png.tif"];
  mkdirSync(join(work, "in"));
  for (const name of names) writeFileSync(join(work, "in", name), "");
  const all = await jobs(join(work, "in"), join(work, "out"), () => {});
  const outputs = all.map(({ input, output }) => [
    relative(join(work, "in"), input),
    relative(join(work, "out"), output),
  ]);
  expect(Object.fromEntries(outputs)).toEqual({
    "a.png": "a.png",
    "x.jpg": "x.jpg.png",
    "x.jpg.png": "x.jpg.png.png",
    "x.png": "x.png.png",
    "y.png.png": "y.png.png.png",
    "y.png.tif": "y.png.tif.png",
  });
});
