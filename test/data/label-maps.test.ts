/** Label maps before a training or a test: all headers, and the values of as many as a second allows. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import sharp, { type TiffOptions } from "sharp";
import { describe, expect, it } from "vitest";
import { checkLabelMaps } from "../../src/data/label-maps.ts";
import { Loader } from "../../src/data/loader.ts";
import { findPairs } from "../../src/data/pairs.ts";
import { openTestSet } from "../../src/inference/evaluate.ts";
import { files } from "../../src/node/files.ts";
import { images } from "../../src/node/images.ts";
import { loaderOptions } from "../options.ts";
import { workFolder } from "../work-folder.ts";

const work = workFolder("label-maps");
const [size, classes] = [16, 5];
/** Blocks of 4 x 4 pixels with the numbers 0 to 4. */
const blocks = Buffer.from(Array.from({ length: size ** 2 }, (_, i) => (((i % size) >> 2) + (i >> 6)) % classes));
const grey = (data = blocks) => sharp(data, { raw: { width: size, height: size, channels: 1 } }).toColourspace("b-w");
const good = await grey().png().toBuffer();
const photo = await sharp(Buffer.alloc(3 * size ** 2, 9), { raw: { width: size, height: size, channels: 3 } })
  .png()
  .toBuffer();

/** A folder of so many pairs, with other label maps at some places. */
function dataset(name: string, count: number, others: Record<number, Buffer>, phase = "train"): string {
  const root = join(work, name);
  for (const side of "AB") mkdirSync(join(root, phase + side), { recursive: true });
  for (let i = 0; i < count; i++) {
    writeFileSync(join(root, `${phase}A`, `${i}.png`), others[i] ?? good);
    writeFileSync(join(root, `${phase}B`, `${i}.png`), photo);
  }
  return root;
}

const options = { direction: "AtoB", inputLabels: classes } as const;

async function check(root: string, given: Parameters<typeof checkLabelMaps>[1] = options): Promise<string[]> {
  const { pairs } = await findPairs(files, root);
  const lines = await checkLabelMaps(pairs, given, { files, images }, 60_000);
  return lines.map((line) => line.replaceAll(`${root}/`, ""));
}

const wrong = await grey(Buffer.from(blocks.map((n) => (n === 4 ? 9 : n))))
  .png()
  .toBuffer();

describe("label maps", () => {
  it("of class numbers pass, and nothing is looked at without --input-labels", async () => {
    const root = dataset("good", 30, {});
    expect(await check(root)).toEqual([]);
    const other = dataset("unasked", 3, { 1: Buffer.from("no picture") });
    expect(await check(other, { direction: "AtoB" })).toEqual([]);
    expect(await check(other)).toEqual([]);
  });

  it("with a number that is no class are found wherever they lie in a small set", async () => {
    for (const at of [0, 13, 29]) {
      const root = dataset(`wrong${at}`, 30, { [at]: wrong });
      await expect(check(root)).rejects.toThrow(
        new RegExp(`^1 of the 30 .* is wrong\\. \\S+trainA/${at}\\.png has the value 9, but --input-labels 5`),
      );
      await expect(check(root, { ...options, direction: "BtoA" })).rejects.toThrow(/trainB\/.*has the value 9/);
    }
  });

  it("that are stored otherwise than most are decoded first", async () => {
    const colours = Buffer.from([...blocks].flatMap((n) => [50 * n, 10, 200 - 50 * n]));
    const indexed = await sharp(colours, { raw: { width: size, height: size, channels: 3 } })
      .png({ palette: true })
      .toBuffer();
    expect([...indexed.subarray(24, 26)]).toEqual([expect.any(Number), 3]);
    const { pairs } = await findPairs(files, dataset("rare", 60, { 41: indexed }));
    const read: string[] = [];
    const watched = {
      ...files,
      read: (path: string) => {
        read.push(path);
        return files.read(path);
      },
    };
    await expect(checkLabelMaps(pairs, options, { files: watched, images }, 0)).rejects.toThrow(
      /trainA\/41\.png has colours, .* It is a PNG with a palette, whose colours are read and not its numbers/,
    );
    expect(read[0]).toMatch(/trainA\/41\.png$/);
    expect(read.length).toBe(8);
  });

  it("of a set that takes longer than it may are left to training, but for the first", async () => {
    const { pairs } = await findPairs(files, dataset("slow", 100, {}));
    let decoded = 0;
    const decode: typeof images.decode = (bytes) => {
      decoded++;
      return images.decode(bytes);
    };
    expect(await checkLabelMaps(pairs, options, { files, images: { ...images, decodeDeep: decode } }, 0)).toEqual([]);
    expect(decoded).toBe(8);
  });

  it("of fewer than 8 bits are refused with the reason: their values are stretched", async () => {
    const root = dataset("bits", 3, { 0: png4(), 1: png4(), 2: png4() });
    await expect(check(root)).rejects.toThrow(
      /trainA\/\d\.png has the value 17, .* It is a grey PNG of 4 bits, whose values are read as 0 to 255/,
    );
  });

  it("whose compression changes numbers are refused, whatever their values; WebP without loss is not", async () => {
    const jpeg = await grey().jpeg({ quality: 90 }).toBuffer();
    await expect(check(dataset("jpeg", 5, { 3: jpeg }))).rejects.toThrow(
      /^1 of 5 label maps are JPEGs \(.*trainA\/3\.png\), whose compression changes class numbers: .* save them as PNG from/,
    );
    const lossy = await grey().webp({ quality: 90 }).toBuffer();
    await expect(check(dataset("webp", 5, { 3: lossy, 4: lossy }))).rejects.toThrow(/^2 of 5 label maps are WebPs \(/);
    const lossless = await grey().webp({ lossless: true }).toBuffer();
    expect(await check(dataset("lossless", 5, { 3: lossless }))).toEqual([]);
    const photo = dataset("photo", 3, {});
    writeFileSync(join(photo, "trainB", "1.png"), jpeg);
    expect(await check(photo)).toEqual([]);
  });

  it("are refused where the compression shows only after other headers: extended WebP, TIFF", async () => {
    // With alpha, a profile or several frames a WebP has the extended form (VP8X).
    const clear = Buffer.from([...blocks].flatMap((n) => [n, n, n, 100 + n]));
    const extended = (lossless: boolean) => {
      const alpha = sharp(clear, { raw: { width: size, height: size, channels: 4 } });
      const frames = sharp([good, photo], { join: { animated: true } });
      const how = { quality: 90, lossless };
      return {
        alpha: alpha.webp(how).toBuffer(),
        profile: grey().withIccProfile("p3").webp(how).toBuffer(),
        animated: frames.webp({ ...how, loop: 1 }).toBuffer(),
      };
    };
    for (const [name, file] of Object.entries(extended(false))) {
      const map = await file;
      expect(map.toString("latin1", 12, 16), name).toBe("VP8X");
      await expect(check(dataset(`lossy-${name}`, 5, { 2: map })), name).rejects.toThrow(
        /^1 of 5 label maps are WebPs \(.*trainA\/2\.png\), whose compression changes/,
      );
    }
    const { profile, animated } = extended(true);
    expect(await check(dataset("extended", 5, { 1: await profile, 3: await animated }))).toEqual([]);
    const tiff = (given: TiffOptions) => grey().tiff(given).toBuffer();
    const jpegs = [tiff({ compression: "jpeg" }), tiff({ compression: "jpeg", bigtiff: true, tile: true })];
    for (const [i, file] of jpegs.entries()) {
      await expect(check(dataset(`tiff${i}`, 5, { 0: await file }))).rejects.toThrow(
        /^1 of 5 label maps are JPEG-compressed TIFFs \(.*trainA\/0\.png\), whose compression changes/,
      );
    }
    const kept = [
      tiff({ compression: "lzw" }),
      tiff({ compression: "none" }),
      tiff({ compression: "deflate", bigtiff: true }),
    ];
    expect(await check(dataset("tiff-kept", 5, { ...(await Promise.all(kept)) }))).toEqual([]);
  });

  it("of 0 and 255 get a note: 255 is no class", async () => {
    const mask = await grey(Buffer.from(blocks.map((n) => (n > 2 ? 255 : 0))))
      .png()
      .toBuffer();
    const lines = await check(dataset("mask", 4, { 0: mask, 1: mask, 2: mask, 3: mask }));
    expect(lines).toEqual([
      "the 4 label maps that were looked at (trainA/0.png, ...) have no other values than 0 and 255, and 255 means no class: " +
        "give the classes the numbers 0, 1 and so on.",
    ]);
    expect(await check(dataset("border", 4, { 0: mask }))).toEqual([]);
    const both = await check(dataset("two", 4, { 0: wrong, 2: wrong })).catch((error) => error.message);
    expect(both).toMatch(/^2 of the 4 label maps that were looked at are wrong\. \S+trainA\/0\.png has the value 9/);
  });

  it("are looked at before a test, too, and stop a training with their name where they are met later", async () => {
    const root = dataset("later", 12, { 7: wrong }, "val");
    const config = { ...loaderOptions({ inputLabels: classes, inputNc: classes, preprocess: "none" }), dataroot: root };
    await expect(openTestSet(config, { phase: "val" }, { files, images })).rejects.toThrow(
      /valA\/7\.png has the value 9/,
    );
    const { pairs } = await findPairs(files, root, { phase: "val" });
    const loader = new Loader(pairs, { ...config, skipBadImages: true }, { files, images });
    const epoch = async () => {
      for (let i = 0; i < loader.batchesPerEpoch; i++) await loader.batch(1, i);
    };
    await expect(epoch()).rejects.toThrow(
      /valA\/7\.png has the value 9, .* Correct the file, or give the number of classes/,
    );
  });
});

/** A grey PNG of 4 bits (https://www.w3.org/TR/png-3/), of two pixels with the numbers 1 and 2 in each row. */
function png4(): Buffer {
  const chunk = (name: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    check.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, check]);
  };
  const header = Buffer.from([0, 0, 0, 2, 0, 0, 0, 2, 4, 0, 0, 0, 0]);
  const rows = Buffer.from([0, 0x12, 0, 0x12]);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const data = chunk("IDAT", deflateSync(rows));
  return Buffer.concat([signature, chunk("IHDR", header), data, chunk("IEND", Buffer.alloc(0))]);
}
