/** `pix2pix data exchange` by names of files; test/tools/audit-exchange.test.ts has the pairs that the audit finds. */
import { existsSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, expect, it } from "vitest";
import { parseArguments } from "../../src/cli/arguments.ts";
import { exchange } from "../../src/cli/commands/data/exchange.ts";
import { optionsOf } from "../../src/config/options.ts";
import { files } from "../../src/node/files.ts";
import { images } from "../../src/node/images.ts";
import { workFolder } from "../work-folder.ts";

const work = workFolder("exchange");
const at = (...path: string[]) => join(work, ...path);

async function run(root: string, out: string, pairs?: string, more: Record<string, string> = {}): Promise<string> {
  const lines: string[] = [];
  const output = { print: (line: string) => lines.push(line), note: (line: string) => lines.push(line) };
  const given = { dataroot: at(root), out: at(out), ...(pairs && { pairs }), ...more };
  const code = await exchange.run(given, output).catch((error: Error) => {
    throw new Error([...lines, error.message].join("\n"));
  });
  expect(code).toBe(0);
  return lines.join("\n");
}

/** The files below a folder with their content as text. */
const contents = (folder: string) =>
  Object.fromEntries(
    (readdirSync(at(folder), { recursive: true }) as string[])
      .filter((path) => /\.\w+$/.test(path))
      .sort()
      .map((path) => [path.replaceAll("\\", "/"), readFileSync(at(folder, path), "utf8")]),
  );

async function write(folder: string, texts: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(texts)) await files.write(at(folder, path), Buffer.from(text));
}

beforeAll(async () => {
  await write("two", {
    "trainA/1.png": "label 1",
    "trainB/1.jpg": "photo 1",
    "trainA/2.JPG": "photo 2",
    "trainB/2.png": "label 2",
    "testA/3.png": "label 3",
    "testB/3.png": "photo 3",
    "testB/alone.png": "alone",
  });
  await write("each", { "train/x/A.png": "photo", "train/x/b.jpg": "label" });
});

it("two folders: each file takes the place of the other and keeps its ending; all others are copied", async () => {
  expect(await run("two", "twoRight", "trainA/2.JPG,trainB/2.png")).toMatch(
    /^A and B of 1 of 3 pairs \(folders\) are exchanged/,
  );
  expect(contents("twoRight")).toEqual({
    "trainA/1.png": "label 1",
    "trainB/1.jpg": "photo 1",
    "trainA/2.png": "label 2",
    "trainB/2.JPG": "photo 2",
    "testA/3.png": "label 3",
    "testB/3.png": "photo 3",
    "testB/alone.png": "alone",
  });
});

it("names with commas, alone and in a list of words", async () => {
  await write("commas", { "A/1,2.png": "photo", "B/1,2.jpg": "label", "A/3, 4.png": "photo", "B/3, 4.jpg": "label" });
  const right = { "A/1,2.jpg": "label", "B/1,2.png": "photo", "A/3, 4.jpg": "label", "B/3, 4.png": "photo" };
  const { given } = parseArguments(["--pairs", "A/1,2.png", "B/3, 4.jpg"], optionsOf(exchange.schema));
  await run("commas", "commasRight", given.pairs as string);
  expect(contents("commasRight")).toMatchObject(right);
  await run("commas", "commasAlone", "A/1,2.png");
  expect(contents("commasAlone")).toMatchObject({ "A/1,2.jpg": "label", "A/3, 4.png": "photo" });
  await expect(run("commas", "none", "A/1,2.png,B/3, 4.jpg")).rejects.toThrow(/no pair has the file A\/1;/);
});

it("a PNG beside an aligned JPEG of the same stem, and a picture that has the next name", async () => {
  const pair = await images.encodePng({ width: 2, height: 1, channels: 1, data: Uint8Array.of(1, 2) });
  for (const name of ["3.jpg", "3.png", "3.jpg.png"]) await files.write(at("same-stem/train", name), pair);
  await run("same-stem", "stemRight", "train/3.jpg");
  const found = readdirSync(at("stemRight/train")).sort();
  expect(found).toEqual(["3.jpg.png", "3.jpg.png.png", "3.png"]);
});

it("names with ends keep that of their side, and a folder for each pair keeps its names", async () => {
  await write("ends", { "A/x_label.png": "photo", "B/x_img.jpg": "label" });
  await run("ends", "endsRight", "B/x_img.jpg");
  expect(contents("endsRight")).toEqual({ "A/x_label.jpg": "label", "B/x_img.png": "photo" });
  await run("each", "eachRight", "all");
  expect(contents("eachRight")).toEqual({ "train/x/A.jpg": "label", "train/x/b.png": "photo" });
});

it("aligned pictures: the halves change places, with 16 bits and alpha; a JPEG becomes a PNG of the same values", async () => {
  const deep = Uint16Array.of(1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000);
  await files.write(at("halves/train/1.png"), await images.encodePng({ width: 4, height: 2, channels: 1, data: deep }));
  const clear = Uint8Array.from([1, 2, 3, 100, 4, 5, 6, 200]);
  await files.write(
    at("halves/train/2.png"),
    await images.encodePng({ width: 2, height: 1, channels: 4, data: clear }),
  );
  const noise = Buffer.from(Array.from({ length: 16 * 8 * 3 }, (_, i) => (i * 89) % 256));
  const jpeg = sharp(noise, { raw: { width: 16, height: 8, channels: 3 } }).jpeg();
  await files.write(at("halves/train/3.jpg"), await jpeg.toBuffer());
  await files.write(at("halves/train/3.png"), readFileSync(at("halves/train/1.png")));
  await files.write(at("halves/val/4.jpg"), readFileSync(at("halves/train/3.jpg")));
  await run("halves", "halvesRight", "train/1.png,train/2.png,train/3.jpg");
  const read = (path: string) => images.decodeDeep(readFileSync(at("halvesRight", path)), { alpha: true });
  expect([...(await read("train/1.png")).data]).toEqual([3000, 4000, 1000, 2000, 7000, 8000, 5000, 6000]);
  expect([...(await read("train/2.png")).data]).toEqual([4, 5, 6, 200, 1, 2, 3, 100]);
  expect(Object.keys(contents("halvesRight"))).toEqual([
    "train/1.png",
    "train/2.png",
    "train/3.jpg.png",
    "train/3.png",
    "val/4.jpg",
  ]);
  const before = await images.decode(readFileSync(at("halves/train/3.jpg")));
  const after = await read("train/3.jpg.png");
  const row = (data: ArrayLike<number>, y: number, x: number) =>
    Array.from(data).slice((16 * y + x) * 3, (16 * y + x + 8) * 3);
  for (const y of [0, 7]) {
    expect(row(after.data, y, 0)).toEqual(row(before.data, y, 8));
    expect(row(after.data, y, 8)).toEqual(row(before.data, y, 0));
  }
  for (const path of ["train/3.png", "val/4.jpg"]) {
    expect(readFileSync(at("halvesRight", path))).toEqual(readFileSync(at("halves", path)));
  }
  await expect(run("halves", "halvesRight", "val/4.jpg")).rejects.toThrow(
    /^--out: .*halvesRight\/train\/3\.jpg\.png is not of this set; choose an empty folder$/,
  );
});

it("refuses what it cannot exchange, before anything is written", async () => {
  const refused = (root: string, message: RegExp, pairs?: string, more?: Record<string, string>) =>
    expect(run(root, "none", pairs, more)).rejects.toThrow(message);
  await write("cmp", { "x.jpg": "photo", "x.png": "label" });
  await refused("cmp", /the layout of .*cmp is cmp, where the ending says which side/, "all");
  await refused(
    "two",
    /--pairs: no pair has the file trainA\/2\.jpeg; .*Did you mean trainA\/2\.JPG\?/,
    "trainA/2.jpeg",
  );
  await refused("two", /--dataset-mode single: its pictures have no two sides/, "all", { datasetMode: "single" });
  await refused("two", /--pairs: got ",", expected audit, others, all or files of pairs/, ",");
  await refused("nowhere", /nowhere does not exist/);
  await refused("each", /--pairs audit: data audit reports no pairs of .*each as exchanged; name pairs/);
  await expect(run("two", "two/right", "all")).rejects.toThrow(/right lies in .*two, which is read/);
  symlinkSync(at("two"), at("link"), "junction");
  await expect(run("two", "link", "all")).rejects.toThrow(/link lies in .*two, which is read/);
  expect(existsSync(at("none"))).toBe(false);
  await files.write(
    at("odd/1.png"),
    await images.encodePng({ width: 3, height: 1, channels: 1, data: Uint8Array.of(1, 2, 3) }),
  );
  await refused("odd", /^1\.png: the width is odd \(3x1\)/m, "all");
});
