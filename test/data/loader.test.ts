import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type Batch, Loader, type LoaderOptions } from "../../src/data/loader.ts";
import { findPairs } from "../../src/data/pairs.ts";
import { fromTensor, toTensor } from "../../src/data/transforms.ts";
import { ConfigError, DatasetError } from "../../src/errors.ts";
import { files } from "../../src/node/files.ts";
import { images } from "../../src/node/images.ts";
import type { Picture } from "../../src/platform.ts";
import { Random } from "../../src/random.ts";
import { loaderOptions } from "../options.ts";
import { realData as data, fixture } from "../paths.ts";
import { workFolder } from "../work-folder.ts";

const fixtures = fileURLToPath(fixture(""));
const temporary = workFolder("loader");
let count = 0;

const base = {
  preprocess: "resize_and_crop",
  loadSize: 23,
  cropSize: 16,
  noFlip: false,
  serialBatches: false,
  batchSize: 1,
  direction: "AtoB",
  inputNc: 3,
  outputNc: 3,
  seed: 0,
} as const satisfies Partial<LoaderOptions>;

/** A picture of noise that `seed` decides. */
function noise(width: number, height: number, channels: number, seed: number): Picture {
  const random = new Random(seed, "test picture", 0);
  return {
    width,
    height,
    channels,
    data: Uint8Array.from({ length: width * height * channels }, () => random.int(256)),
  };
}

/** A new folder with these pictures, or bytes. */
async function dataset(content: Record<string, Picture | Uint8Array>): Promise<string> {
  const root = join(temporary, `set${count++}`);
  for (const [path, picture] of Object.entries(content)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), picture instanceof Uint8Array ? picture : await images.encodePng(picture));
  }
  return root;
}

async function loader(root: string, options: Partial<LoaderOptions> = {}): Promise<Loader> {
  const { pairs } = await findPairs(files, root);
  return new Loader(pairs, loaderOptions({ ...base, ...options }), { files, images });
}

/** n aligned pairs of noise, each half 20 x 19: 0.png, 1.png, ... */
async function noisePairs(n: number): Promise<string> {
  return dataset(Object.fromEntries(Array.from({ length: n }, (_, i) => [`train/${i}.png`, noise(40, 19, 3, i)])));
}

const digest = (values: Float32Array) =>
  createHash("sha256")
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest("hex")
    .slice(0, 16);
const digests = ({ A, B, names }: Batch) => `${names} ${digest(A)} ${digest(B)}`;

async function epoch(from: Loader, number: number): Promise<Batch[]> {
  const batches: Batch[] = [];
  for (let i = 0; i < from.batchesPerEpoch; i++) batches.push(await from.batch(number, i));
  return batches;
}

async function failure(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(DatasetError);
  return (error as Error).message;
}

describe("a batch equals that of Pillow and PyTorch", () => {
  // Written by fixtures/make/transforms.py: every crop and flip of both halves of pair.png.
  const { crops } = JSON.parse(readFileSync(join(fixtures, "transforms/expected.json"), "utf8"));
  const pairs = [
    {
      name: "pair",
      A: { file: join(fixtures, "transforms/pair.png"), half: "left" as const },
      B: { file: join(fixtures, "transforms/pair.png"), half: "right" as const },
    },
  ];

  for (const [direction, inputNc, outputNc] of [
    ["AtoB", 3, 3],
    ["BtoA", 3, 1],
  ] as const) {
    test(`${direction}, ${inputNc} -> ${outputNc} channels`, async () => {
      const from = new Loader(pairs, loaderOptions({ ...base, direction, inputNc, outputNc, seed: 5 }), {
        files,
        images,
      });
      const seen = new Set<string>();
      for (let number = 0; number < 60; number++) {
        const { A, B, n, height, width } = await from.batch(number, 0);
        expect([n, height, width]).toEqual([1, 16, 16]);
        const random = new Random(5, "augment", number);
        const draw = `${random.int(8)} ${random.int(8)} ${random.float() < 0.5}`;
        const [input, target] = direction === "AtoB" ? ["A", "B"] : ["B", "A"];
        expect([digest(A), digest(B)]).toEqual([
          crops[`${input} ${inputNc} ${draw}`],
          crops[`${target} ${outputNc} ${draw}`],
        ]);
        seen.add(draw);
      }
      expect(seen.size).toBeGreaterThan(35);
    });
  }
});

describe("one draw per pair", () => {
  const side = noise(20, 19, 3, 1);
  /** The side twice, beside itself. */
  const twice: Picture = { ...side, width: 40, data: new Uint8Array(side.data.length * 2) };
  for (let y = 0; y < 19; y++) {
    const row = side.data.subarray(y * 60, y * 60 + 60);
    twice.data.set(row, y * 120);
    twice.data.set(row, y * 120 + 60);
  }
  const forms: Record<string, Record<string, Picture>> = {
    aligned: { "train/x.png": twice, "train/y.png": twice },
    folders: { "A/x.png": side, "B/x.png": side, "A/y.png": side, "B/y.png": side },
  };
  for (const [layout, content] of Object.entries(forms)) {
    for (const direction of ["AtoB", "BtoA"] as const) {
      for (const preprocess of ["resize_and_crop", "crop", "none"] as const) {
        test(`two equal sides stay equal through every jitter: ${layout}, ${direction}, ${preprocess}`, async () => {
          const from = await loader(await dataset(content), { direction, preprocess, batchSize: 2 });
          const seen = new Set<string>();
          for (let number = 0; number < 40; number++) {
            const { A, B } = await from.batch(number, 0);
            expect(A).toEqual(B);
            const half = A.length / 2;
            seen.add(digest(A.subarray(0, half))).add(digest(A.subarray(half)));
          }
          // 80 draws of 2 x the number of places; none has 1 place.
          expect(seen.size).toBeGreaterThan(preprocess === "none" ? 1 : 25);
        });
      }
    }
  }
});

describe("order", () => {
  test("with dropLast an epoch has whole batches only, and a set that fills none is refused", async () => {
    const root = await noisePairs(8);
    const from = await loader(root, { batchSize: 3, dropLast: true });
    expect((await epoch(from, 1)).map(({ n }) => n)).toEqual([3, 3]);
    await expect(loader(root, { batchSize: 9, dropLast: true })).rejects.toThrow(
      /--drop-last leaves no batch.* 9 .* 8 pairs/,
    );
  });

  test("every pair once per epoch, in another order each epoch and for each seed; the last batch is smaller", async () => {
    const root = await noisePairs(8);
    const from = await loader(root, { batchSize: 3 });
    expect(from.batchesPerEpoch).toBe(3);
    const orders: string[] = [];
    for (const number of [0, 1]) {
      const batches = await epoch(from, number);
      expect(batches.map(({ n }) => n)).toEqual([3, 3, 2]);
      expect(batches.map(({ A }) => A.length)).toEqual([3 * 768, 3 * 768, 2 * 768]);
      const names = batches.flatMap((batch) => batch.names);
      expect([...names].sort()).toEqual(["0", "1", "2", "3", "4", "5", "6", "7"]);
      orders.push(names.join());
    }
    orders.push((await epoch(await loader(root, { batchSize: 3, seed: 1 }), 0)).flatMap((b) => b.names).join());
    expect(new Set(orders).size).toBe(3);
  });

  test("serialBatches: by name, jittered all the same", async () => {
    const from = await loader(await noisePairs(3), { serialBatches: true });
    const [first, second] = [await epoch(from, 0), await epoch(from, 1)];
    for (const batches of [first, second]) expect(batches.flatMap((b) => b.names)).toEqual(["0", "1", "2"]);
    expect(first.map(digests)).not.toEqual(second.map(digests));
  });

  test("the data do not depend on the batch size", async () => {
    const root = await noisePairs(5);
    const singles = await epoch(await loader(root), 2);
    const [whole] = await epoch(await loader(root, { batchSize: 5 }), 2);
    expect(whole!.names).toEqual(singles.flatMap((b) => b.names));
    expect([...whole!.A]).toEqual(singles.flatMap((b) => [...b.A]));
    expect([...whole!.B]).toEqual(singles.flatMap((b) => [...b.B]));
  });
});

describe("a batch is a function of seed, epoch and index alone", () => {
  test("in any sequence, with any work done ahead, with and without the cache", async () => {
    const root = await noisePairs(6);
    const expected = new Map<string, string>();
    const plain = await loader(root, { batchSize: 2 });
    for (const number of [0, 1, 2]) {
      for (const [i, batch] of (await epoch(plain, number)).entries()) expected.set(`${number}/${i}`, digests(batch));
    }
    const check = async (from: Loader, number: number, index: number) =>
      expect(digests(await from.batch(number, index))).toBe(expected.get(`${number}/${index}`));

    const resumed = await loader(root, { batchSize: 2 });
    await check(resumed, 1, 2);
    await check(resumed, 2, 0);

    const jumping = await loader(root, { batchSize: 2, cacheBytes: 3000 });
    jumping.prefetch(2, 1);
    jumping.prefetch(0, 2);
    for (const [number, index] of [
      [0, 2],
      [2, 1],
      [2, 1],
      [1, 0],
      [0, 0],
    ] as const) {
      await check(jumping, number, index);
    }

    const uncached = await loader(root, { batchSize: 2, cacheBytes: 0 });
    await Promise.all([0, 1, 2].flatMap((number) => [2, 1, 0].map((index) => check(uncached, number, index))));
  });

  test("a batch may be changed by its user", async () => {
    const from = await loader(await noisePairs(2), { loadSize: 16 });
    from.prefetch(0, 0);
    const first = await from.batch(0, 0);
    const before = digests(first);
    first.A.fill(0);
    expect(digests(await from.batch(0, 0))).toBe(before);
  });

  test("indices outside the epoch are refused", async () => {
    const from = await loader(await noisePairs(2));
    await expect(from.batch(0, 2)).rejects.toThrow("epochs begin at 0 and batches are 0 to 1, got epoch 0, batch 2");
    await expect(from.batch(-1, 0)).rejects.toThrow("got epoch -1");
  });
});

describe("work ahead", () => {
  test("the next batches are decoded before they are asked for, each picture once while the cache has room", async () => {
    const root = await noisePairs(6);
    const { pairs } = await findPairs(files, root);
    const decoded: number[] = [];
    const watched = {
      ...images,
      decodeDeep: async (bytes: Uint8Array) => {
        decoded.push(bytes.length);
        return images.decodeDeep(bytes);
      },
    };
    const from = new Loader(pairs, loaderOptions({ ...base, batchSize: 2 }), { files, images: watched });
    await from.batch(0, 0);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(decoded).toHaveLength(6);
    for (const number of [0, 1, 2]) await epoch(from, number);
    expect(decoded).toHaveLength(6);
  });

  test("the error of a batch prepared ahead waits for that batch", async () => {
    const root = await noisePairs(3);
    writeFileSync(join(root, "train/1.png"), "broken");
    const from = await loader(root, { serialBatches: true });
    await from.batch(0, 0);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await failure(from.batch(0, 1))).toContain("train/1.png: not a readable picture");
    expect((await from.batch(0, 2)).names).toEqual(["2"]);
  });
});

describe("bad pictures", () => {
  async function withBad(...bad: number[]): Promise<string> {
    const root = await noisePairs(5);
    for (const i of bad) {
      const path = join(root, `train/${i}.png`);
      writeFileSync(path, readFileSync(path).subarray(0, 900));
    }
    return root;
  }

  test("the file is named, with what to do", async () => {
    const root = await withBad(2);
    const from = await loader(root, { serialBatches: true });
    expect(await failure(from.batch(0, 2))).toMatch(
      /train\/2\.png: not a readable picture \(900 bytes\): .*\. Replace or remove it, or leave such files out with --skip-bad-images\.$/,
    );
  });

  test("check names them all before training", async () => {
    const from = await loader(await withBad(1, 3));
    const said = await failure(from.check());
    expect(said).toMatch(
      /^2 of 5 pairs cannot be decoded:\n .*train\/1\.png: .*\n .*train\/3\.png: .*\nReplace or remove them/,
    );
  });

  test("skipBadImages takes the next good pair by name instead, whatever was loaded before", async () => {
    const root = await withBad(0, 3, 4);
    const from = await loader(root, { skipBadImages: true, serialBatches: true });
    const batches = await epoch(from, 0);
    expect(batches.flatMap((b) => b.names)).toEqual(["1", "1", "2", "1", "1"]);
    expect([...from.skipped.keys()].map((file) => file.slice(-5)).sort()).toEqual(["0.png", "3.png", "4.png"]);

    const checked = await loader(root, { skipBadImages: true, serialBatches: true });
    const notes = await checked.check();
    expect(notes.map((note) => note.match(/\d\.png/)![0])).toEqual(["0.png", "3.png", "4.png"]);
    for (const i of [4, 0, 3]) expect(digests(await checked.batch(0, i))).toBe(digests(batches[i]!));
  });

  test("an aligned picture of odd width is a bad picture, not the end of the epoch", async () => {
    const root = await dataset({ "train/0.png": noise(41, 19, 3, 0), "train/1.png": noise(40, 19, 3, 1) });
    const from = await loader(root, { skipBadImages: true, serialBatches: true });
    expect((await epoch(from, 0)).flatMap((b) => b.names)).toEqual(["1", "1"]);
    expect([...from.skipped.values()][0]).toMatch(/^the width is odd \(41x19\)/);
    const strict = await loader(root, { serialBatches: true });
    expect(await failure(strict.batch(0, 0))).toMatch(/the width is odd.*--skip-bad-images\.$/);
  });

  test("all bad", async () => {
    const from = await loader(await withBad(0, 1, 2, 3, 4), { skipBadImages: true });
    expect(await failure(from.batch(0, 0))).toMatch(/^5 of 5 pairs cannot be decoded:(\n .*){5}\nNo pair is left\.$/);
    expect(await failure(from.check())).toContain("No pair is left.");
  });

  test("a file that vanished is no bad picture", async () => {
    const root = await noisePairs(2);
    const from = await loader(root, { skipBadImages: true, serialBatches: true });
    rmSync(join(root, "train/0.png"));
    await expect(from.batch(0, 0)).rejects.toThrow(/cannot read .*0\.png: there is no such file/);
  });
});

describe("sizes", () => {
  test("an odd width in aligned", async () => {
    const from = await loader(await dataset({ "train/x.png": noise(41, 19, 3, 0) }), { skipBadImages: true });
    expect(await failure(from.batch(0, 0))).toContain("train/x.png: the width is odd (41x19)");
  });

  test("below the crop", async () => {
    const from = await loader(await dataset({ "train/x.png": noise(40, 15, 3, 0) }), { preprocess: "crop" });
    expect(await failure(from.batch(0, 0))).toMatch(
      /train\/x\.png: each half is 20x15, below the crop of 16x16\. Use --preprocess resize_and_crop, or a --crop-size of at most 15\.$/,
    );
  });

  test("sides of different sizes: resized together, refused by crop and none", async () => {
    const root = await dataset({
      "x.png": noise(30, 24, 3, 0),
      "x.jpg": readFileSync(join(fixtures, "images/444.jpg")),
    });
    const { A, B, names } = await (await loader(root)).batch(0, 0);
    expect([names, A.length, B.length]).toEqual([["x"], 768, 768]);
    for (const preprocess of ["crop", "none"] as const) {
      expect(await failure((await loader(root, { preprocess })).batch(0, 0))).toMatch(
        new RegExp(
          `x\\.jpg is 21x13, but its partner .*x\\.png is 30x24; with --preprocess ${preprocess} both must be of one size\\.`,
        ),
      );
    }
  });

  test("preprocess none: as it is, only flipped; each pair its own size, in batches of one", async () => {
    const root = await dataset({ "train/0.png": noise(40, 19, 3, 0), "train/1.png": noise(40, 20, 3, 1) });
    const from = await loader(root, { preprocess: "none", noFlip: true, serialBatches: true });
    for (const [index, height] of [19, 20].entries()) {
      const batch = await from.batch(3, index);
      expect([batch.height, batch.width]).toEqual([height, 20]);
      const left = fromTensor(batch.A, 3, height, 20);
      expect([...left.data.subarray(0, 60)]).toEqual([...noise(40, height, 3, index).data.subarray(0, 60)]);
    }
    expect(await from.size()).toMatchObject({ height: 19, width: 20 });
    expect(await from.check()).toEqual([]);

    const both = await loader(root, { preprocess: "none", batchSize: 2 });
    const said =
      /train\/[01]\.png is 20x(19|20) and .*train\/[01]\.png 20x(19|20): with --preprocess none .* one batch of 2\. Use --batch-size 1/;
    expect(await failure(both.batch(3, 0))).toMatch(said);
    expect(await failure(both.check())).toMatch(said);
  });

  test("crop: no resizing", async () => {
    const root = await dataset({ "train/0.png": noise(40, 19, 3, 0) });
    const from = await loader(root, { preprocess: "crop", cropSize: 18, noFlip: true });
    const random = new Random(0, "augment", 4);
    const [x, y] = [random.int(3), random.int(2)];
    const { A } = await from.batch(4, 0);
    const row = noise(40, 19, 3, 0).data.subarray((y * 40 + x) * 3, (y * 40 + x + 18) * 3);
    expect([...fromTensor(A, 3, 18, 18).data.subarray(0, 54)]).toEqual([...row]);
  });

  test("load size below crop size, and batch size 0", async () => {
    const root = await noisePairs(1);
    await expect(loader(root, { loadSize: 286, cropSize: 512 })).rejects.toThrow(ConfigError);
    await expect(loader(root, { loadSize: 286, cropSize: 512 })).rejects.toThrow(
      "--load-size: got 286, expected at least --crop-size 512; 572 keeps",
    );
    await expect(loader(root, { batchSize: 0 })).rejects.toThrow(
      "--batch-size: got 0, expected a whole number of at least 1",
    );
    expect(() => new Loader([], loaderOptions(base), { files, images })).toThrow("there are no pairs");
  });
});

describe("channels", () => {
  test("alpha is read when a side has an even number of channels", async () => {
    const [a, b] = [noise(16, 16, 4, 0), noise(16, 16, 4, 1)];
    const root = await dataset({ "A/x.png": a, "B/x.png": b });
    const plain = { loadSize: 16, noFlip: true };
    const { A, B } = await (await loader(root, { ...plain, inputNc: 4, outputNc: 1 })).batch(0, 0);
    expect(A).toEqual(toTensor(a, 4));
    expect(B).toEqual(toTensor(b, 1));
    const three = await (await loader(root, { ...plain, inputNc: 3, outputNc: 3 })).batch(0, 0);
    expect(three.A).toEqual(toTensor(a, 3));
  });

  test("grey files fill three channels", async () => {
    const grey = noise(16, 16, 1, 0);
    const root = await dataset({ "A/x.png": grey, "B/x.png": noise(16, 16, 3, 1) });
    const { A } = await (await loader(root, { loadSize: 16, noFlip: true })).batch(0, 0);
    expect(A).toEqual(toTensor(grey, 3));
  });
});

test("the CMP layout: photo and labels of different sizes, labels to photo", async (context) => {
  if (!existsSync(join(data, "cmp-base"))) context.skip(`${data}/cmp-base is not there`);
  const root = join(temporary, "cmp");
  cpSync(join(data, "cmp-base"), root, { recursive: true });
  const { pairs } = await findPairs(files, root, { maxDatasetSize: 2 });
  const options = loaderOptions({ ...base, loadSize: 286, cropSize: 256, direction: "BtoA", batchSize: 2 });
  const { A, names, n } = await new Loader(pairs, options, { files, images }).batch(0, 0);
  expect([[...names].sort(), n, A.length]).toEqual([["cmp_b0001", "cmp_b0002"], 2, 2 * 3 * 256 * 256]);
  // Labels are flat: nearly all neighbours are equal, unlike in a photo.
  const equal = (values: Float32Array) => values.filter((v, i) => v === values[i + 1]).length / values.length;
  expect(equal(A)).toBeGreaterThan(0.7);
});
