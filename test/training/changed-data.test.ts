/** A run that goes on looks whether its pairs are those that it was trained on. */
import { cpSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { parseConfig, resumeConfig } from "../../src/config/schema.ts";
import { writeDemo } from "../../src/demo/write.ts";
import { CheckpointError } from "../../src/errors.ts";
import { nodePlatform } from "../../src/node/index.ts";
import type { Platform } from "../../src/platform.ts";
import { Run } from "../../src/run/run.ts";
import { train } from "../../src/training/train.ts";
import { workFolder } from "../work-folder.ts";

const work = workFolder("changed");
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
    `${changed} Restore them, accept them with --allow-changed-data, or start another run with --init-g and --init-d.`,
  );
  expect(readFileSync(at("runs", moved.name, "config.json"), "utf8")).toBe(config);
  expect(await goOn({ ...moved, allowChangedData: true })).toEqual([`${changed} The run goes on with them.`]);
  expect(await goOn(moved)).toEqual([]);
  rmSync(join(moved.dataroot, "trainA/a.png"));
  cpSync(at("first/trainA/facade_0004.png"), join(moved.dataroot, "trainA/a.jpg"));
  expect(await refusal(moved)).toContain("1 gone (trainA/a.png); 1 new (trainA/a.jpg).");
});

/** Other bytes of the same number: a picture with one changed pixel, stored without compression. */
async function replaced(file: string, { keepTime = false } = {}): Promise<void> {
  const before = statSync(file);
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
  data[0]! ^= 255;
  const png = await sharp(data, { raw: info }).png({ compressionLevel: 0 }).toBuffer();
  expect(png.length).toBe(before.size);
  writeFileSync(file, png);
  if (keepTime) utimesSync(file, before.atime, before.mtime);
}

describe("a file of the same size with another content", () => {
  /** A run of two epochs over pairs without compression. */
  async function trained() {
    const { dataroot, name } = copies();
    for (const side of ["trainA", "trainB"]) {
      for (const file of readdirSync(join(dataroot, side))) {
        const path = join(dataroot, side, file);
        writeFileSync(path, await sharp(path).png({ compressionLevel: 0 }).toBuffer());
        // A time of whole seconds: utimes rounds the fractions of another, so that it could not be kept.
        utimesSync(path, 1.5e9, 1.5e9);
      }
    }
    rmSync(at("runs", name), { recursive: true });
    await train(parseConfig({ dataroot, ...place(name), ...small, maxSteps: 5, serialBatches: true }), platform);
    return { dataroot, name, file: join(dataroot, "trainB/facade_0003.png") };
  }

  it("is named at once where its time has changed, and not where only its time has", async () => {
    const { file, ...run } = await trained();
    utimesSync(file, new Date(), new Date());
    expect(await goOn(run)).toEqual([]);
    await replaced(file);
    utimesSync(file, 1e9, 1e9);
    const steps = (await new Run(platform.files, place(run.name)).progress())!.step;
    expect(await refusal(run)).toContain(
      "1 of the same size, but of another content (trainB/facade_0003.png). Restore them,",
    );
    expect((await new Run(platform.files, place(run.name)).progress())!.step).toBe(steps);
    expect((await goOn({ ...run, allowChangedData: true }))[0]).toContain("1 of the same size, but of another content");
    expect(await goOn(run)).toEqual([]);
  });

  it("is named before it is trained on where its time was kept, and where the platform tells no times", async () => {
    const { file, ...run } = await trained();
    await replaced(file, { keepTime: true });
    // Steps 6 and 7 take pairs 2 and 3 of the second epoch.
    expect(await goOn(run)).toEqual([]);
    expect(await refusal(run)).toContain(`${file} has another content than before, with the same size.`);
    expect((await new Run(platform.files, place(run.name)).progress())!.step).toBe(6);
    const { stat: _, ...files } = platform.files;
    const error = await goOn(run, { ...platform, files }).catch((reason) => reason);
    expect(error.message).toContain("has another content than before");
    expect(await goOn({ ...run, allowChangedData: true })).toEqual([]);
    expect(await goOn(run)).toEqual([]);
  });

  it("a copy of the data is the same data, whatever its times", async () => {
    const { dataroot, name } = await trained();
    cpSync(dataroot, `${dataroot}-copy`, { recursive: true });
    const messages: string[] = [];
    const run = new Run(platform.files, place(name));
    const options = { ...place(name), dataroot: `${dataroot}-copy`, maxSteps: 6 };
    await train(resumeConfig(await run.config(), options), platform, { message: (text) => messages.push(text) });
    expect(messages).toEqual(["8 files of pairs were touched since the run read them: comparing their contents."]);
  });
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
  expect(await refusal(lost)).toMatch(/it is not known which files: .*data\.json is missing or of other data\./);
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

  const { stat: _, ...files } = platform.files;
  const elsewhere = copies();
  expect(await goOn(elsewhere, { ...platform, files })).toEqual([]);
  expect(await goOn(elsewhere)).toEqual([]);
  renameSync(join(elsewhere.dataroot, "trainB/facade_0001.png"), join(elsewhere.dataroot, "trainB/facade_0001.PNG"));
  const error = await goOn(elsewhere, { ...platform, files }).catch((reason) => reason);
  expect(error.message).toContain("1 gone (trainB/facade_0001.png); 1 new (trainB/facade_0001.PNG).");
});
