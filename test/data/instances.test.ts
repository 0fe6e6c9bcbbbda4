/** Instance maps: the channel of edges beside pix2pixHD's get_edges, on files of Pillow (test/fixtures/make/instances.py). */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/config/schema.ts";
import { checkInstanceSizes } from "../../src/data/instance-sizes.ts";
import { partners } from "../../src/data/instances.ts";
import { classNumbers, withInstances } from "../../src/data/labels.ts";
import { Loader } from "../../src/data/loader.ts";
import { findPairs } from "../../src/data/pairs.ts";
import { inputPicture, inputTensor, sideForms, writeSide } from "../../src/data/sides.ts";
import { openTestSet } from "../../src/inference/evaluate.ts";
import { files } from "../../src/node/files.ts";
import { images } from "../../src/node/images.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { train } from "../../src/training/train.ts";
import { loaderOptions } from "../options.ts";
import { fixture } from "../paths.ts";
import { workFolder } from "../work-folder.ts";

interface Expected {
  classes: number;
  crop: [x: number, y: number, width: number, height: number];
  resized: [width: number, height: number];
  edges: Record<string, Record<"whole" | "crop" | "resized", string[]>>;
}

const stored = fileURLToPath(fixture("instances"));
const { classes, crop, resized, edges } = JSON.parse(readFileSync(join(stored, "expected.json"), "utf8")) as Expected;
const names = Object.keys(edges);
const given = { inputLabels: classes, inputInstances: true, inputNc: classes + 1 } as const;
const root = workFolder("instances");

const loaderOf = async (more: object) => {
  const { pairs } = await findPairs(files, stored, { inputInstances: true });
  return new Loader(pairs, loaderOptions({ ...given, ...more, serialBatches: true }), { files, images });
};

/** The last channel as rows of digits. */
function rowsOf(A: Float32Array, width: number, height: number): string[] {
  const values = [...A.subarray(A.length - width * height)];
  return Array.from({ length: height }, (_, y) => values.slice(y * width, (y + 1) * width).join(""));
}

const mirroredRows = (rows: readonly string[]) => rows.map((row) => [...row].reverse().join(""));

describe("the channel of edges", () => {
  it("is pix2pixHD's, of numbers in 16 bits and in four bytes, whole, mirrored and resized", async () => {
    const seen = new Set<string>();
    const loader = await loaderOf({ preprocess: "none" });
    for (let epoch = 0; epoch < 12; epoch++) {
      for (const [index, name] of names.entries()) {
        const { A, B, width, height } = await loader.batch(epoch, index);
        const rows = rowsOf(A, width, height);
        const { whole } = edges[name]!;
        const flip = String(rows) !== String(whole);
        expect(rows).toEqual(flip ? mirroredRows(whole) : whole);
        // The photo shows the class numbers, so both sides moved together.
        const numbers = [...B.subarray(0, width * height)].map((red) => Math.round((red + 1) * 127.5));
        for (let k = 0; k < classes; k++) {
          const channel = [...A.subarray(k * width * height, (k + 1) * width * height)];
          expect(channel).toEqual(numbers.map((n) => Number(n === k)));
        }
        seen.add(`${index} ${flip}`);
      }
    }
    expect(seen.size).toBe(4);
    const [width, height] = resized;
    const sizes = { loadSize: width, loadHeight: height, cropSize: width, cropHeight: height, noFlip: true };
    const large = await loaderOf({ preprocess: "resize_and_crop", ...sizes });
    for (const [index, name] of names.entries()) {
      expect(rowsOf((await large.batch(0, index)).A, width, height)).toEqual(edges[name]!.resized);
    }
  });

  it("has no edges where the map is cut", async () => {
    const { pairs } = await findPairs(files, stored, { inputInstances: true });
    const { input } = sideForms(loaderOptions(given));
    const [x, y, width, height] = crop;
    for (const { name, A, instances } of pairs) {
      const label = classNumbers(await images.decode(await files.read(A.file)), classes);
      const objects = await images.decodeDeep!(await files.read(instances!), { alpha: true });
      const out = new Float32Array((classes + 1) * width * height);
      writeSide(out, 0, withInstances(label, objects, ["a", "b"]), input, height, width, { x, y, flip: false });
      expect(rowsOf(out, width, height)).toEqual(edges[name]!.crop);
    }
  });

  it("is white where the input is shown", async () => {
    const { A, width, height } = await (await loaderOf({ preprocess: "none", noFlip: true })).batch(0, 0);
    const { data } = inputPicture(A, loaderOptions(given), height, width);
    const digits = edges[names[0]!]!.whole.join("");
    const white = Array.from({ length: width * height }, (_, i) =>
      data.slice(3 * i, 3 * i + 3).every((v) => v === 255),
    );
    expect(white.map(Number).join("")).toBe(digits);
  });
});

describe("mistakes", () => {
  const find = (place: string) => findPairs(files, place, { inputInstances: true });

  it("names what is missing", async () => {
    expect(() => parseConfig({ dataroot: "none", inputInstances: true })).toThrow(/--input-labels N, too/);
    const bare = join(root, "bare");
    cpSync(stored, bare, { recursive: true });
    rmSync(join(bare, `train_inst/${names[1]}_gtFine_instanceIds.png`));
    await expect(find(bare)).rejects.toThrow(
      /1 of 2 label maps have no instance map .* train_inst: aachen_000001_000019/,
    );
    rmSync(join(bare, "train_inst"), { recursive: true });
    await expect(find(bare)).rejects.toThrow(/no instance maps for the phase "train".*train_inst\/ or train\/inst\//);
  });

  it("are found by name, however accented letters are stored", () => {
    const stems = ["u\u0308", "\u00e9"];
    expect(partners(stems, ["e\u0301.png", "\u00fc.png"], "inst")).toEqual(["\u00fc.png", "e\u0301.png"]);
    const both = ["\u00e9_x", "e\u0301_x"];
    expect(() => partners(both, ["e\u0301_y.png"], "inst")).toThrow(/1 of 2 label maps have no instance map/);
  });

  it("names instance maps of another size before a training, a validation and a test begin", async () => {
    const uneven = join(root, "uneven");
    cpSync(stored, uneven, { recursive: true });
    const stems = readdirSync(join(uneven, "train_inst"));
    const map = join(uneven, "train_inst", stems[1]!);
    await files.write(map, await images.encodePng({ width: 3, height: 2, channels: 1, data: new Uint8Array(6) }));
    const sizes =
      /^1 of 2 instance maps have another size than their label maps:\n {2}\S+_instanceIds.png is 3x2, \S+_labelIds\.png \d+x\d+\n/;
    const small = { netG: "unet_32", loadSize: 32, cropSize: 32, ngf: 1, ndf: 1, threads: 1 } as const;
    const { inputLabels, inputInstances } = given;
    const config = parseConfig({
      dataroot: uneven,
      name: "begun",
      checkpointsDir: root,
      inputLabels,
      inputInstances,
      ...small,
    });
    await expect(train(config, await nodePlatform({ threads: 1 }))).rejects.toThrow(sizes);
    expect(existsSync(join(root, "begun"))).toBe(false);
    await expect(openTestSet(config, { phase: "train" }, { files, images })).rejects.toThrow(sizes);
    const whole = async (path: string) => (path === map ? new Uint8Array(5) : files.read(path));
    const pairs = (await find(uneven)).pairs;
    const { readPart: _, ...wholeFiles } = files;
    await checkInstanceSizes(pairs, config, { files: { ...wholeFiles, read: whole }, images });
  });

  it("refuses instance maps whose compression changes numbers", async () => {
    const lossy = join(root, "lossy");
    cpSync(stored, lossy, { recursive: true });
    const map = join(lossy, "train_inst", readdirSync(join(lossy, "train_inst"))[1]!);
    writeFileSync(map, await sharp(map).jpeg().toBuffer());
    const config = { ...loaderOptions(given), dataroot: lossy };
    await expect(openTestSet(config, { phase: "train" }, { files, images })).rejects.toThrow(
      /^1 of 2 instance maps are JPEGs \(\S+_instanceIds\.png\), whose compression changes object numbers: .*--input-instances/,
    );
  });

  it("refuses an instance map of another size, and a label map alone", async () => {
    const map = { width: 2, height: 1, channels: 1, data: Uint8Array.of(0, 1) };
    const other = { width: 1, height: 2, channels: 1, data: Uint8Array.of(0, 1) };
    expect(() => withInstances(map, other, ["l.png", "i.png"])).toThrow(
      /^i\.png is 1x2, but its label map l\.png is 2x1/,
    );
    expect(() => inputTensor(map, loaderOptions(given))).toThrow(/comes alone.*--instances FOLDER/);
  });
});
