/** `pix2pix test --compare` with runs that cannot be compared: told before a picture is translated. */
import { existsSync } from "node:fs";
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

it("one --dataroot for both ends that", async () => {
  expect(await compare("one,other", { dataroot: at("two") })).toBe(0);
  expect(existsSync(at("results/compare_one_other/index.html"))).toBe(true);
});
