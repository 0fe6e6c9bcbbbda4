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

it("an output is a PNG or a folder, and a missing input may be a misspelt folder", async () => {
  const at = (path: string) => join(work, path);
  for (const folder of ["labels", "old.jpg"]) mkdirSync(at(folder));
  for (const name of ["labels/a.jpg", "one.jpg"]) writeFileSync(at(name), "");
  const outputs = async (input: string, out: string) =>
    (await jobs(at(input), at(out), () => {})).map(({ output }) => relative(work, output));
  expect(await outputs("one.jpg", "out.png")).toEqual(["out.png"]);
  expect(await outputs("one.jpg", "out")).toEqual(["out/one.png"]);
  expect(await outputs("one.jpg", "old.jpg")).toEqual(["old.jpg/one.png"]);
  expect(await outputs("labels", "v1.0")).toEqual(["v1.0/a.png"]);
  await expect(outputs("one.jpg", "out.jpg")).rejects.toThrow(
    `--out: got "${at("out.jpg")}", expected a folder, or a name that ends in .png; outputs are PNG files`,
  );
  await expect(outputs("labels", "out.PNG")).rejects.toThrow(
    `--out: got "${at("out.PNG")}", expected a folder, because --input is one; outputs are PNG files`,
  );
  await expect(outputs("label", "out")).rejects.toThrow(
    `--input: there is no file or folder ${at("label")}; did you mean ${at("labels")}?`,
  );
});
