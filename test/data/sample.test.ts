/** The look at a few pairs before training: shapes, blank pictures, channels. */
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { findPairs } from "../../src/data/pairs.ts";
import { type SampleOptions, sampleNotes } from "../../src/data/sample.ts";
import { DatasetError } from "../../src/errors.ts";
import { files } from "../../src/node/files.ts";
import { images } from "../../src/node/images.ts";
import { Random } from "../../src/random.ts";
import { workFolder } from "../work-folder.ts";

const temporary = workFolder("sample");
let count = 0;

type Content = readonly [width: number, height: number, channels: number, level?: number];

/** A new folder with pictures of noise, or of one level. */
async function dataset(content: Record<string, Content>): Promise<string> {
  const root = join(temporary, `set${count++}`);
  for (const [index, [path, [width, height, channels, level]]] of Object.entries(content).entries()) {
    const random = new Random(count, "sample", index);
    const length = width * height * channels;
    const data = Uint8Array.from({ length }, () => level ?? random.int(256));
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), await images.encodePng({ width, height, channels, data }));
  }
  return root;
}

const usual = { datasetMode: "auto", direction: "AtoB", inputNc: 3, outputNc: 3, channelOrder: "RGB" } as const;

async function notes(root: string, changes: Partial<SampleOptions> = {}): Promise<string[]> {
  const options = { ...usual, skipBadImages: false, ...changes };
  const found = await findPairs(files, root, options);
  const lines = await sampleNotes(found, options, { files, images });
  return lines.map((line) => line.replaceAll(`${root}/`, ""));
}

const separate = "Pictures of A and B that are separate files belong in two folders, A and B (or trainA and trainB).";

describe("shapes that are hardly aligned pairs", () => {
  test.each([
    [64, 64],
    [48, 64],
  ])("%ix%i: refused, unless the layout was named", async (width, height) => {
    const root = await dataset({ "train/1.png": [width, height, 3], "train/2.png": [width, height, 3] });
    const refused = await notes(root).catch((error) => error);
    expect(refused).toBeInstanceOf(DatasetError);
    expect(refused.message.replaceAll(`${root}/`, "")).toBe(
      `train/1.png is ${width}x${height}: pictures that are not wider than high are unlikely to hold A left and B right, and ` +
        `would be cut into two halves of ${width / 2}x${height}. ${separate} If they are pairs, give --dataset-mode aligned.`,
    );
    expect(await notes(root, { datasetMode: "aligned" })).toEqual([]);
    expect(await notes(root, { datasetMode: "inpainting" })).toEqual([]);
  });

  test("plain photos get a note that says what is done", async () => {
    const root = await dataset({ "1.png": [96, 64, 3], "2.png": [64, 96, 3], "3.png": [128, 64, 3] });
    expect(await notes(root)).toEqual([
      `each picture is taken as two halves, A left and B right (1.png: 96x64 as two of 48x64). ${separate} If they are ` +
        "pairs, give --dataset-mode aligned, and this note no longer appears.",
    ]);
    expect(await notes(root, { datasetMode: "aligned" })).toEqual([]);
  });

  test("pictures about twice as wide as high are pairs without a word, and squares in two folders", async () => {
    expect(await notes(await dataset({ "train/1.png": [128, 64, 3], "train/2.png": [122, 64, 3] }))).toEqual([]);
    expect(await notes(await dataset({ "A/1.png": [64, 64, 3], "B/1.png": [64, 64, 3] }))).toEqual([]);
  });

  test("an odd width is refused before training, unless bad pictures are left out", async () => {
    const root = await dataset({ "train/1.png": [128, 64, 3], "train/2.png": [127, 64, 3] });
    await expect(notes(root)).rejects.toThrow(/train\/2\.png: the width is odd \(127x64\)/);
    await expect(notes(root, { datasetMode: "aligned" })).rejects.toThrow(/the width is odd/);
    expect(await notes(root, { skipBadImages: true })).toEqual([]);
  });
});

test("label maps of colours are refused before training", async () => {
  const root = await dataset({ "train/1.png": [16, 8, 3], "train/2.png": [16, 8, 1, 7] });
  await expect(notes(root, { inputLabels: 5, skipBadImages: true })).rejects.toThrow(/train\/1\.png has colours/);
  await expect(notes(root, { inputLabels: 5, direction: "BtoA" })).rejects.toThrow(/train\/1\.png has colours/);
  const grey = await dataset({ "A/1.png": [8, 8, 1, 7], "B/1.png": [8, 8, 3] });
  await expect(notes(grey, { inputLabels: 5 })).rejects.toThrow(/A\/1\.png has the value 7/);
  expect(await notes(grey, { inputLabels: 8 })).toEqual([]);
});

test("blank pictures", async () => {
  const root = await dataset({ "A/1.png": [64, 64, 3, 0], "B/1.png": [64, 64, 3] });
  expect(await notes(root)).toEqual([
    "side A is one flat colour in 1 of 1 sampled pairs (A/1.png): the network learns nothing from it",
  ]);
});

describe("channels", () => {
  test("transparency that is left out, of the side that the network takes as its input", async () => {
    const root = await dataset({
      "A/1.png": [64, 64, 4],
      "B/1.png": [64, 64, 3],
      "A/2.png": [64, 64, 4],
      "B/2.png": [64, 64, 3],
    });
    const side = (flag: string) =>
      `side A has transparency in 2 of 2 sampled pairs (A/1.png, A/2.png), which ${flag} 3 leaves out; ${flag} 4 keeps it`;
    expect(await notes(root)).toEqual([side("--input-nc")]);
    expect(await notes(root, { direction: "BtoA" })).toEqual([side("--output-nc")]);
    expect(await notes(root, { inputNc: 4 })).toEqual([]);
  });

  test("transparency and colours that the options and the pictures do not share", async () => {
    const root = await dataset({ "A/1.png": [64, 64, 3], "B/1.png": [64, 64, 1] });
    expect(await notes(root)).toEqual([]);
    expect(await notes(root, { inputNc: 1, outputNc: 2 })).toEqual([
      "side A is in colour in 1 of 1 sampled pairs (A/1.png), which --input-nc 1 turns to grey",
      "none of 1 sampled pictures of side B has transparency, so the last channel of --output-nc 2 is opaque everywhere; " +
        "--output-nc 1 leaves it out",
    ]);
  });

  test("opaque alpha is no loss", async () => {
    const root = await dataset({ "A/1.png": [64, 64, 4, 255], "B/1.png": [64, 64, 3] });
    expect((await notes(root)).filter((note) => note.includes("transparency"))).toEqual([]);
  });
});

describe("sides that are the same picture", () => {
  const text = "from these the network learns to copy its input. Were the files of one side copied from the other?";

  test("a note with their number", async () => {
    const root = await dataset({
      "trainA/1.png": [32, 32, 3],
      "trainB/1.png": [32, 32, 3],
      "trainA/2.png": [32, 32, 3],
      "trainB/2.png": [32, 32, 3],
    });
    cpSync(join(root, "trainA/1.png"), join(root, "trainB/1.png"));
    expect(await notes(root)).toEqual([`A and B are the same picture in 1 of 2 sampled pairs (trainA/1.png): ${text}`]);
  });

  test("halves of an aligned picture; none for single pictures", async () => {
    const root = join(temporary, "halves");
    const row = Array.from({ length: 32 }, (_, x) => (8 * x) % 128);
    const data = Uint8Array.from({ length: 64 * 32 }, (_, i) => row[i % 32]!);
    await files.write(join(root, "train/1.png"), await images.encodePng({ width: 64, height: 32, channels: 1, data }));
    expect(await notes(root)).toEqual([`A and B are the same picture in 1 of 1 sampled pairs (train/1.png): ${text}`]);
    expect(await notes(root, { datasetMode: "single" })).toEqual([]);
  });
});
