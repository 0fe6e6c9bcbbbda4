/** `pix2pix test --compare` with runs that cannot be compared: told before a picture is translated. */
import { cpSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { test as command } from "../../src/cli/commands/test.ts";
import { writeDemo } from "../../src/demo/write.ts";
import { files } from "../../src/node/files.ts";
import { images } from "../../src/node/images.ts";
import { storedRun } from "../exchange/stored-run.ts";
import { workFolder } from "../work-folder.ts";

const work = workFolder("compare");
const at = (...path: string[]) => join(work, ...path);
const silent = { print: () => {}, note: () => {} };

const compare = (runs: string, more: Record<string, string | true> = {}) =>
  command.run({ compare: runs, checkpointsDir: at("runs"), resultsDir: at("results"), ...more }, silent);

beforeAll(async () => {
  await writeDemo({ files, images }, at("three"), { train: 1, test: 3, size: 32, seed: 1 });
  await writeDemo({ files, images }, at("two"), { train: 1, test: 2, size: 32, seed: 1 });
  await storedRun(at("runs"), "one", { dataroot: at("three") });
  await storedRun(at("runs"), "other", { dataroot: at("two") });
  await storedRun(at("runs"), "large", { dataroot: at("three"), loadSize: 64, cropSize: 64 });
});

it("runs of two data sets", async () => {
  await expect(compare("one,other")).rejects.toThrow(/different pictures: one has 3 pairs.*other has 2 others/);
  expect(existsSync(at("results"))).toBe(false);
});

it("runs whose networks take two sizes, also where the saved pictures have one", async () => {
  for (const more of [{}, { keepSize: true }] as const) {
    await expect(compare("one,large", more)).rejects.toThrow(
      /one has outputs of 32x32, large has 64x64; figures of two/,
    );
    expect(existsSync(at("results"))).toBe(false);
  }
});

it("runs of two data sets with equal names; a copy of a data set is the same, and inputs may differ", async () => {
  await writeDemo({ files, images }, at("strange"), { train: 1, test: 3, size: 32, seed: 2 });
  await storedRun(at("runs"), "stranger", { dataroot: at("strange") });
  await expect(compare("one,stranger")).rejects.toThrow(
    /the target of facade_\d+ is another picture for stranger \(.*strange.testB.*\) than for one \(.*three.testB.*\); give one --dataroot/,
  );
  expect(existsSync(at("results"))).toBe(false);
  cpSync(at("three/testB"), at("copy/testB"), { recursive: true });
  cpSync(at("strange/testA"), at("copy/testA"), { recursive: true });
  await storedRun(at("runs"), "copied", { dataroot: at("copy") });
  expect(await compare("one,copied", { resultsDir: at("of-copy") })).toBe(0);
});

it("a run whose name has a comma, and other words with commas", async () => {
  await storedRun(at("runs"), "one,large", { dataroot: at("three") });
  const resultsDir = at("commas");
  expect(await compare("one,large\none", { resultsDir })).toBe(0);
  expect(readdirSync(resultsDir)).toContain("compare_one,large_one");
  await expect(compare("one,other:latest,absent", { resultsDir })).rejects.toThrow(/There is no run "absent"/);
});

it("one --dataroot for both ends that", async () => {
  expect(await compare("one,other", { dataroot: at("two") })).toBe(0);
  expect(existsSync(at("results/compare_one_other/index.html"))).toBe(true);
});
