/** Derived sides: lightness and colours, masked centres, BGR; their sizes; and their pictures. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { labToRgb, writeLab } from "../../src/data/lab.ts";
import { Loader, type LoaderOptions, wholePictures } from "../../src/data/loader.ts";
import { findPairs } from "../../src/data/pairs.ts";
import { sideProblems, sizeProblems } from "../../src/data/rules.ts";
import { inputPicture, inputTensor, outputPicture, outputPicture16 } from "../../src/data/sides.ts";
import { resizedSize, trainedSize } from "../../src/data/sizes.ts";
import { toTensor } from "../../src/data/transforms.ts";
import { ConfigError, DatasetError } from "../../src/errors.ts";
import { encodeNpy } from "../../src/formats/npy.ts";
import { files } from "../../src/node/files.ts";
import { images } from "../../src/node/images.ts";
import type { DeepPicture, Picture } from "../../src/platform.ts";
import { Random } from "../../src/random.ts";
import { loaderOptions } from "../options.ts";
import { fixture } from "../paths.ts";
import { workFolder } from "../work-folder.ts";

/** Outputs of scikit-image and of the PyTorch implementation's formula, written by fixtures/make/data.py. */
const expected = JSON.parse(readFileSync(fixture("deep/expected.json"), "utf8")) as {
  lab: Record<"rgb" | "lab" | "someLab" | "someRgb", string>;
  scales: { from: [number, number]; load: number; crop: number; to: [number, number] }[];
};
const bytes = (text: string) => new Uint8Array(Buffer.from(text, "base64"));
const floats = (text: string) => new Float32Array(bytes(text).buffer);
const largest = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((most, v, i) => Math.max(most, Math.abs(v - b[i]!)), 0);
};

const temporary = workFolder("sides");
let count = 0;

async function dataset(content: Record<string, DeepPicture>): Promise<string> {
  const root = join(temporary, `set${count++}`);
  for (const [path, picture] of Object.entries(content)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    const array = path.endsWith(".npy");
    writeFileSync(join(root, path), array ? encodeNpy(picture) : await images.encodePng(picture as Picture));
  }
  return root;
}

const base = {
  preprocess: "none",
  loadSize: 23,
  cropSize: 16,
  noFlip: true,
  serialBatches: true,
  batchSize: 1,
  direction: "AtoB",
  inputNc: 3,
  outputNc: 3,
  seed: 0,
} as const satisfies Partial<LoaderOptions>;

async function loader(root: string, options: Partial<LoaderOptions>): Promise<Loader> {
  const { pairs } = await findPairs(files, root, { datasetMode: options.datasetMode });
  return new Loader(pairs, loaderOptions({ ...base, ...options }), { files, images });
}

function noise(width: number, height: number, channels: number, seed: number): Picture {
  const random = new Random(seed, "test picture", 0);
  const data = Uint8Array.from({ length: width * height * channels }, () => random.int(256));
  return { width, height, channels, data };
}

describe("CIELAB equals scikit-image's", () => {
  const rgb: Picture = { width: 343, height: 1, channels: 3, data: bytes(expected.lab.rgb) };
  const wanted = floats(expected.lab.lab);

  test("from RGB", () => {
    const lab = new Float32Array(3 * 343);
    writeLab(lab, 0, toTensor(rgb, 3), 343, "L");
    writeLab(lab, 343, toTensor(rgb, 3), 343, "ab");
    expect(largest(lab, wanted)).toBeLessThan(1e-5);
    expect(Math.max(...lab) <= 1 && Math.min(...lab) >= -1).toBe(true);
  });

  test("to RGB, colours outside of sRGB included", () => {
    const lab = floats(expected.lab.someLab);
    const plane = lab.length / 3;
    const back = labToRgb(lab.subarray(0, plane), lab.subarray(plane), plane);
    expect(largest(back, floats(expected.lab.someRgb))).toBeLessThan(1e-5);
  });
});

describe("colorization", () => {
  const picture = noise(20, 12, 3, 1);
  for (const direction of ["AtoB", "BtoA"] as const) {
    test(`${direction}: lightness and colours of one picture, joined again for people`, async () => {
      const [inputNc, outputNc] = direction === "AtoB" ? [1, 2] : [2, 1];
      const options = loaderOptions({ ...base, datasetMode: "colorization", direction, inputNc, outputNc });
      const from = await loader(await dataset({ "train/x.png": picture }), options);
      const { A, B, height, width } = await from.batch(0, 0);
      expect([A.length, B.length]).toEqual([inputNc * 240, outputNc * 240]);
      expect(outputPicture(B, A, options, height, width)).toEqual(picture);
      expect(
        largest(
          outputPicture16(B, A, options, height, width).data,
          [...picture.data].map((v) => v * 257),
        ),
      ).toBeLessThan(9);
      const alone = inputPicture(A, options, height, width);
      const [r, g, b] = alone.data;
      // Lightness alone is grey (scikit-image's matrix maps its white to it but for a last digit).
      if (direction === "AtoB") expect([g! - r!, b! - g!].every((d) => Math.abs(d) <= 1)).toBe(true);
      expect(inputTensor(picture, options)).toEqual(A);
    });
  }

  test("jitter changes the lightness and leaves the colours to be learnt", async () => {
    const root = await dataset({ "train/x.png": picture });
    const options = { datasetMode: "colorization", inputNc: 1, outputNc: 2 } as const;
    const plain = await (await loader(root, options)).batch(0, 0);
    const varied = await (await loader(root, { ...options, colorJitter: 0.5 })).batch(0, 0);
    expect(varied.B).toEqual(plain.B);
    expect(largest(varied.A, plain.A)).toBeGreaterThan(0.05);
  });

  test("two pictures cannot be one pair", async () => {
    const given = loaderOptions({ ...base, datasetMode: "colorization", inputNc: 1, outputNc: 2 });
    const two = [{ name: "x", A: { file: "A/x.png" }, B: { file: "B/x.png" } }];
    const halves = [
      { name: "y", A: { file: "y.png", half: "left" as const }, B: { file: "y.png", half: "right" as const } },
    ];
    expect(() => new Loader(two, given, { files, images })).toThrow('pair "x" has two: A/x.png and B/x.png. Give');
    expect(() => new Loader(halves, given, { files, images })).toThrow('pair "y" has two: halves of y.png. Give');
  });

  test("channels that it cannot have", () => {
    const given = loaderOptions({ ...base, datasetMode: "colorization" });
    expect(() => new Loader([{ name: "x", A: { file: "x" }, B: { file: "x" } }], given, { files, images })).toThrow(
      ConfigError,
    );
    expect(sideProblems(given)).toEqual([
      "--dataset-mode colorization --direction AtoB has 1 input channel (lightness) and 2 output channels (the colours a " +
        "and b), got --input-nc 3 and --output-nc 3; leave them out",
    ]);
    expect(sideProblems({ ...given, direction: "BtoA", inputNc: 1, outputNc: 2 })).toEqual([
      expect.stringContaining("has 2 input channels (the colours a and b) and 1 output channel (lightness)"),
    ]);
  });
});

describe("inpainting", () => {
  test("the centre of half the size is white, as in the paper's code; jitter does not reach the target", async () => {
    const picture = noise(12, 8, 3, 2);
    const root = await dataset({ "train/x.png": picture });
    const { A, B } = await (await loader(root, { datasetMode: "inpainting" })).batch(0, 0);
    expect(B).toEqual(toTensor(picture, 3));
    const inside = (i: number) => {
      const [x, y] = [i % 12, Math.floor(i / 12) % 8];
      return x >= 3 && x < 9 && y >= 2 && y < 6;
    };
    expect([...A]).toEqual([...B].map((v, i) => (inside(i) ? 1 : v)));
    const varied = await loader(root, { datasetMode: "inpainting", colorJitter: 0.5 });
    for (let epoch = 0; epoch < 6; epoch++) {
      const batch = await varied.batch(epoch, 0);
      expect(batch.B).toEqual(B);
      expect(batch.A).not.toEqual(A);
      expect(batch.A.filter((_, i) => inside(i)).every((v) => v === 1)).toBe(true);
    }
  });

  test("the mask is in the middle of the crop, whatever was cropped and turned", async () => {
    const root = await dataset({ "train/x.png": noise(30, 30, 3, 3) });
    const how = { preprocess: "crop", noFlip: false, flipVertical: true, rotate90: true } as const;
    const from = await loader(root, { datasetMode: "inpainting", ...how });
    for (let epoch = 0; epoch < 8; epoch++) {
      const { A, B } = await from.batch(epoch, 0);
      const changed = [...A.subarray(0, 256)].flatMap((v, i) => (v === B[i] ? [] : [i]));
      const columns = changed.map((i) => i % 16);
      expect([Math.min(...columns), Math.max(...columns)]).toEqual([4, 11]);
      expect([Math.floor(changed[0]! / 16), Math.floor(changed.at(-1)! / 16)]).toEqual([4, 11]);
    }
  });
});

describe("single", () => {
  test("inputs without targets, where that is asked for", async () => {
    const picture = noise(12, 8, 3, 2);
    const root = await dataset({ "train/x.png": picture });
    const from = await loader(root, { datasetMode: "single", withoutTargets: true, batchSize: 2 });
    const { A, B, n } = await from.batch(0, 0);
    expect([n, B.length]).toEqual([1, 0]);
    expect(A).toEqual(toTensor(picture, 3));
    await expect(loader(root, { datasetMode: "single" })).rejects.toThrow("the pictures have no targets");
    await expect(loader(root, { datasetMode: "single", withoutTargets: true, direction: "BtoA" })).rejects.toThrow(
      "--dataset-mode single has only A, so the input must be A: use --direction AtoB, got BtoA",
    );
  });
});

test("BGR: the networks see the colours in reverse order, pictures do not", async () => {
  const [a, b] = [noise(4, 3, 4, 5), noise(4, 3, 3, 6)];
  const options = loaderOptions({ ...base, channelOrder: "BGR", inputNc: 4 });
  const from = await loader(await dataset({ "A/x.png": a, "B/x.png": b }), options);
  const { A, B } = await from.batch(0, 0);
  const plain = toTensor(a, 4);
  const plane = (values: Float32Array, c: number) => [...values.subarray(c * 12, c * 12 + 12)];
  expect([2, 1, 0, 3].map((c) => plane(plain, c))).toEqual([0, 1, 2, 3].map((c) => plane(A, c)));
  expect(inputPicture(A, options, 3, 4)).toEqual(a);
  expect(outputPicture(B, A, options, 3, 4)).toEqual(b);
  expect(inputTensor(a, options)).toEqual(A);
});

describe("any channels, any depth", () => {
  test("five bands to 16-bit grey, resized, cropped and turned together", async () => {
    const bands: DeepPicture = { ...noise(20, 19, 5, 7), bands: true };
    const grey: DeepPicture = { ...noise(20, 19, 1, 8), data: Uint16Array.from({ length: 380 }, (_, i) => i * 170) };
    const root = await dataset({ "A/x.npy": bands, "B/x.npy": grey });
    const how = { preprocess: "resize_and_crop", noFlip: false, rotate90: true, inputNc: 5, outputNc: 1 } as const;
    const { A, B, height, width } = await (await loader(root, how)).batch(0, 0);
    expect([height, width, A.length, B.length]).toEqual([16, 16, 5 * 256, 256]);
    expect(new Set(B).size).toBeGreaterThan(250); // more than 8 bits would hold of such a ramp
    const wrong = await loader(root, { ...how, inputNc: 3 });
    await expect(wrong.batch(0, 0)).rejects.toThrow(/A\/x\.npy has 5 channels that are no colours, but 3 are expected/);
  });

  test("floats keep every bit", async () => {
    const data = Float32Array.from({ length: 24 }, (_, i) => Math.sin(i));
    const root = await dataset({ "A/x.npy": { width: 4, height: 3, channels: 2, data }, "B/x.npy": noise(4, 3, 3, 1) });
    const { A } = await (await loader(root, { inputNc: 2 })).batch(0, 0);
    expect([...A]).toEqual([...data.filter((_, i) => i % 2 === 0), ...data.filter((_, i) => i % 2 === 1)]);
  });
});

describe("sizes", () => {
  test.each(expected.scales)("scale_width $from to $load, crop $crop", ({ from: [width, height], load, crop, to }) => {
    const options = loaderOptions({ preprocess: "scale_width", loadSize: load, cropSize: crop });
    const size = resizedSize({ width, height }, options);
    expect([size.width, size.height]).toEqual(to);
    expect(resizedSize({ width, height }, { ...options, preprocess: "scale_width_and_crop" })).toEqual(size);
  });

  test("rectangles, by load height and crop height", async () => {
    const root = await dataset({ "train/x.png": noise(40, 19, 3, 0) });
    const how = { preprocess: "resize_and_crop", loadSize: 30, loadHeight: 20, cropSize: 24, cropHeight: 12 } as const;
    const from = await loader(root, how);
    const { A, height, width } = await from.batch(0, 0);
    expect([height, width, A.length]).toEqual([12, 24, 3 * 12 * 24]);
    expect(await from.size()).toEqual({ height: 12, width: 24 });
    expect(sizeProblems({ ...how, loadHeight: 10 })).toEqual([
      expect.stringContaining("--load-height: got 10, expected at least --crop-height 12"),
    ]);
    expect(sizeProblems({ ...how, loadSize: 20, preprocess: "scale_width_and_crop" })).toEqual([
      expect.stringContaining("--load-size: got 20, expected at least --crop-size 24"),
    ]);
    expect(sizeProblems({ ...how, loadSize: 20, preprocess: "scale_width" })).toEqual([]);
  });

  test("scale_width: each pair its own height; sides of two resolutions meet at the input's size", async () => {
    const root = await dataset({
      "A/x.png": noise(100, 67, 3, 0),
      "B/x.png": noise(50, 34, 3, 1),
      "A/y.png": noise(50, 90, 3, 2),
      "B/y.png": noise(50, 90, 3, 3),
    });
    const from = await loader(root, { preprocess: "scale_width", loadSize: 25 });
    const sizes = await Promise.all([0, 1].map((i) => from.batch(0, i)));
    expect(sizes.map(({ width, height, A, B }) => [width, height, A.length, B.length])).toEqual([
      [25, 16, 1200, 1200],
      [25, 45, 3375, 3375],
    ]);
    const cropped = await loader(root, { preprocess: "scale_width_and_crop", loadSize: 25, batchSize: 2 });
    expect((await cropped.batch(0, 0)).A.length).toBe(2 * 768);
    const together = await loader(root, { preprocess: "scale_width", loadSize: 25, batchSize: 2 });
    await expect(together.check()).rejects.toThrow(
      /A\/x\.png is 25x16 and .*A\/y\.png 25x45: with --preprocess scale_width/,
    );
  });

  test("sides of different shape cannot be scaled together", async () => {
    const root = await dataset({ "A/x.png": noise(40, 30, 3, 0), "B/x.png": noise(40, 36, 3, 1) });
    const work = (await loader(root, { preprocess: "scale_width" })).batch(0, 0);
    await expect(work).rejects.toThrow(DatasetError);
    await expect(work).rejects.toThrow(
      /A\/x\.png is 40x30, but its partner .*B\/x\.png is 40x36; .* must be of one shape/,
    );
  });

  test("serial batches of equal sizes may differ from each other", async () => {
    const heights = { a: 20, b: 20, c: 30 };
    const content = Object.entries(heights).map(([name, height]) => [`train/${name}.png`, noise(40, height, 3, 0)]);
    const root = await dataset(Object.fromEntries(content));
    const from = await loader(root, { batchSize: 2 });
    expect(await from.check()).toEqual([]);
    expect((await from.batch(0, 1)).height).toBe(30);
    await expect((await loader(root, { batchSize: 2, serialBatches: false })).check()).rejects.toThrow(
      "--batch-size 1",
    );
  });

  test("whole pictures for tests: the crop's size where training resized to one, else the scale of training", () => {
    const sizes = { loadSize: 286, cropSize: 256, cropHeight: 128 };
    const whole = (preprocess: LoaderOptions["preprocess"]) => wholePictures({ ...sizes, preprocess });
    expect(whole("resize_and_crop")).toMatchObject({ preprocess: "resize_and_crop", loadSize: 256, loadHeight: 128 });
    expect(whole("scale_width_and_crop")).toMatchObject({
      preprocess: "scale_width",
      noFlip: true,
      replacement: false,
    });
    expect(whole("crop")).toMatchObject({ preprocess: "none", rotate90: false, colorJitter: 0, serialBatches: true });
  });
});

describe("sampling with replacement", () => {
  test("draws each place from all pairs, by seed and epoch alone", async () => {
    const content = Array.from({ length: 12 }, (_, i) => [
      `train/${String(i).padStart(2, "0")}.png`,
      noise(4, 2, 3, i),
    ]);
    const root = await dataset(Object.fromEntries(content));
    const how = { replacement: true, serialBatches: false };
    const names = async (epoch: number, from: Loader) => {
      const batches = await Promise.all(Array.from({ length: 12 }, (_, i) => from.batch(epoch, i)));
      return batches.flatMap((batch) => batch.names);
    };
    const from = await loader(root, how);
    expect(from.batchesPerEpoch).toBe(12);
    const [first, second] = [await names(0, from), await names(1, from)];
    const draw = new Random(0, "replacement", 1);
    expect(second).toEqual(second.map(() => String(draw.int(12)).padStart(2, "0")));
    expect(second).not.toEqual(first);
    expect(new Set(first).size).toBeLessThan(12);
    const resumed = await loader(root, how);
    expect((await resumed.batch(1, 7)).names[0]).toBe(second[7]);
    expect(await names(0, await loader(root, { ...how, serialBatches: true }))).toEqual([
      ...new Set(await names(0, await loader(root, {}))),
    ]);
  });
});

test("the size of training in words: that of the crop, or none where pairs keep their own", () => {
  const options = { loadSize: 286, loadHeight: 143, cropSize: 256, cropHeight: 128 };
  expect(trainedSize({ ...options, preprocess: "resize_and_crop" })).toBe("256x128 px");
  expect(trainedSize({ ...options, preprocess: "crop" })).toBe("256x128 px");
  expect(trainedSize({ ...options, preprocess: "scale_width" })).toBe("286 px wide");
  expect(trainedSize({ ...options, preprocess: "none" })).toBe("each pair in its own size");
});
