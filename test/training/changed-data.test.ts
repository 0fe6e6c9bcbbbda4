/** A run that goes on looks whether its pairs are those that it was trained on. */
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parseConfig, resumeConfig } from "../../src/config/schema.ts";
import { writeDemo } from "../../src/demo/write.ts";
import { CheckpointError } from "../../src/errors.ts";
import { nodePlatform } from "../../src/node/index.ts";
import type { Platform } from "../../src/platform.ts";
import { Run } from "../../src/run/run.ts";
import { train } from "../../src/training/train.ts";

const work = mkdtempSync(join(tmpdir(), "pix2pix-changed-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));
const at = (...path: string[]) => join(work, ...path);
const platform = await nodePlatform({ threads: 1 });
const small = { netG: "unet_32", ngf: 2, ndf: 2, cropSize: 32, loadSize: 32, threads: 1 } as const;
const place = (name: string) => ({ checkpointsDir: at("runs"), name });
let count = 0;

beforeAll(async () => {
  await writeDemo(platform, at("first"), { train: 4, test: 0, size: 32, seed: 1 });
  await train(parseConfig({ dataroot: at("first"), ...place("first"), ...small, maxSteps: 1 }), platform);
});

/** Copies of the run and of its data, in another place. */
function copies(): { dataroot: string; name: string } {
  const name = `copy${count++}`;
  cpSync(at("first"), at(name), { recursive: true });
  cpSync(at("runs/first"), at("runs", name), { recursive: true });
  return { dataroot: at(name), name };
}

interface Go {
  dataroot: string;
  name: string;
  allowChangedData?: boolean;
}

/** One more step. @returns the notes about the data */
async function goOn({ name, ...options }: Go, on: Platform = platform): Promise<string[]> {
  const run = new Run(platform.files, place(name));
  const { step } = (await run.progress())!;
  const config = resumeConfig(await run.config(), { ...place(name), ...options, maxSteps: step + 1 });
  const notes: string[] = [];
  await train(config, on, { start: ({ data }) => void notes.push(...data.notes) });
  return notes;
}

async function refusal(options: Go): Promise<string> {
  const error = await goOn(options).then(
    () => undefined,
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(CheckpointError);
  return error.message;
}

it("goes on with the same files in another place", async () => {
  expect(await goOn(copies())).toEqual([]);
});

it("names files that were renamed and replaced, and goes on where that is allowed, once", async () => {
  const moved = copies();
  for (const side of ["trainA", "trainB"]) {
    renameSync(join(moved.dataroot, side, "facade_0004.png"), join(moved.dataroot, side, "a.png"));
  }
  const before = readFileSync(join(moved.dataroot, "trainA/facade_0001.png")).length;
  const other = readFileSync(join(moved.dataroot, "trainB/facade_0001.png"));
  writeFileSync(join(moved.dataroot, "trainA/facade_0001.png"), other);
  const changed =
    `The files of the pairs in ${moved.dataroot} have changed since the last checkpoint of the run: ` +
    "2 gone (trainA/facade_0004.png; trainB/facade_0004.png); 2 new (trainA/a.png; trainB/a.png); " +
    `1 of another size (trainA/facade_0001.png, ${other.length} bytes instead of ${before}).`;
  const config = readFileSync(at("runs", moved.name, "config.json"), "utf8");
  expect(await refusal(moved)).toBe(
    `${changed} Restore them, go on with these by --allow-changed-data, or start another run with --init-g and --init-d.`,
  );
  expect(readFileSync(at("runs", moved.name, "config.json"), "utf8")).toBe(config);
  expect(await goOn({ ...moved, allowChangedData: true })).toEqual([`${changed} The run goes on with them.`]);
  expect(await goOn(moved)).toEqual([]);
  rmSync(join(moved.dataroot, "trainA/a.png"));
  cpSync(at("first/trainA/facade_0004.png"), join(moved.dataroot, "trainA/a.jpg"));
  expect(await refusal(moved)).toContain("1 gone (trainA/a.png); 1 new (trainA/a.jpg).");
});

it("names what is missing where the number differs, which no option allows", async () => {
  const fewer = copies();
  for (const side of ["trainA", "trainB"]) rmSync(join(fewer.dataroot, side, "facade_0002.png"));
  const message = await refusal({ ...fewer, allowChangedData: true });
  expect(message).toMatch(
    /was trained on 4 pairs, .* has 3: .*2 gone \(trainA\/facade_0002\.png; trainB\/facade_0002\.png\)/,
  );
});

it("says so where the list of the files is lost", async () => {
  const lost = copies();
  renameSync(join(lost.dataroot, "trainA/facade_0001.png"), join(lost.dataroot, "trainA/facade_0001.PNG"));
  writeFileSync(at("runs", lost.name, "data.json"), '[["x",');
  expect(await refusal(lost)).toMatch(/which files, is not known: .*data\.json is missing or of other data\./);
});

it("goes on with runs of older versions, which have no list, and on a platform that tells no sizes", async () => {
  const old = copies();
  const run = new Run(platform.files, place(old.name));
  rmSync(run.path("data.json"));
  const bytes = readFileSync(run.path("latest_state.safetensors"));
  const text = bytes.toString("latin1").replace(/"data":"[0-9a-f]{64}"/, (found) => found.replace('"data"', '"date"'));
  writeFileSync(run.path("latest_state.safetensors"), text, "latin1");
  renameSync(join(old.dataroot, "trainA/facade_0001.png"), join(old.dataroot, "trainA/facade_0001.PNG"));
  expect(await goOn(old)).toEqual([]);

  const { size: _, ...files } = platform.files;
  const elsewhere = copies();
  expect(await goOn(elsewhere, { ...platform, files })).toEqual([]);
  expect(await goOn(elsewhere)).toEqual([]);
  renameSync(join(elsewhere.dataroot, "trainB/facade_0001.png"), join(elsewhere.dataroot, "trainB/facade_0001.PNG"));
  const error = await goOn(elsewhere, { ...platform, files }).catch((reason) => reason);
  expect(error.message).toContain("1 gone (trainB/facade_0001.png); 1 new (trainB/facade_0001.PNG).");
});
