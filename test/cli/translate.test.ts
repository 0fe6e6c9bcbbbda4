/** The commands translate and test on a small run: sizes, samples, palettes, and what they say they did. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { test } from "../../src/cli/commands/test.ts";
import { translate } from "../../src/cli/commands/translate.ts";
import { parseCommandLine } from "../../src/config/schema.ts";
import { writeDemo } from "../../src/demo/write.ts";
import { nodePlatform } from "../../src/node/index.ts";
import type { Picture } from "../../src/platform.ts";
import { train } from "../../src/training/train.ts";
import { storedRun } from "../exchange/stored-run.ts";
import { workFolder } from "../work-folder.ts";

const work = workFolder("translate");
const at = (...path: string[]) => join(work, ...path);
const platform = await nodePlatform({ threads: 1 });

const runs = { checkpointsDir: at("runs"), threads: "1", device: "cpu" };
/** A PNG of side x side pixels without any picture data. */
function pngHeader(side: number, interlaced: boolean): Buffer {
  const chunk = (name: string, content: Buffer) => {
    const body = Buffer.concat([Buffer.from(name), content]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(content.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([8, 2, 0, 0, interlaced ? 1 : 0], 8);
  const start = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    start,
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(Buffer.alloc(9))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

const lines: string[] = [];
const output = { print: (line: string) => void lines.push(line), note: (line: string) => void lines.push(line) };
const decode = async (...path: string[]) => platform.images.decode(readFileSync(at(...path)));
const bytes = (...path: string[]) => readFileSync(at(...path)).toString("base64");

beforeAll(async () => {
  await writeDemo(platform, at("data"), { train: 2, test: 2, size: 64, seed: 1 });
  for (const name of ["a", "plain"]) {
    const small = {
      netG: "unet_64",
      ngf: 2,
      ndf: 2,
      nLayersD: 1,
      netD: "n_layers",
      direction: "BtoA",
      cropSize: 64,
      loadSize: 64,
    };
    const config = {
      dataroot: at("data"),
      name,
      ...small,
      checkpointsDir: runs.checkpointsDir,
      maxSteps: 1,
      threads: 1,
    };
    await train(
      parseCommandLine({ ...config, ...(name === "plain" && { noDropout: true, statistics: "image" }), initGain: 0.2 }),
      platform,
    );
  }
  mkdirSync(at("in/deep"), { recursive: true });
  copyFileSync(at("data/testA/facade_0001.png"), at("in/deep/x.png"));
  const wide = {
    width: 150,
    height: 70,
    channels: 3,
    data: Uint8Array.from({ length: 31500 }, (_, i) => (i * 7) % 256),
  };
  await platform.files.write(at("in/x.png"), await platform.images.encodePng(wide));
}, 120_000);

/** The two outputs differ by the rounding of a value in a picture of 8 bits, or not at all. */
const closeTo = (expected: Picture) => ({
  ...expected,
  asymmetricMatch: (picture: Picture) =>
    [picture.width, picture.height, picture.channels].join() ===
      [expected.width, expected.height, expected.channels].join() &&
    picture.data.every((value, i) => Math.abs(value - expected.data[i]!) <= 1),
});

describe("translate", () => {
  const run = (given: object) =>
    translate.run({ ...runs, name: "a", input: at("in"), out: at("out"), ...given }, output);

  it("keeps sizes where that is asked for, in tiles too", async () => {
    expect(await run({})).toBe(0);
    expect(await decode("out/x.png")).toMatchObject({ width: 64, height: 64 });
    await run({ preprocess: "none", out: at("own") });
    expect(await decode("own/x.png")).toMatchObject({ width: 150, height: 70 });
    await run({ preprocess: "none", out: at("tiles"), tile: "64" });
    expect(await decode("tiles/x.png")).toMatchObject({ width: 150, height: 70 });
    expect(await decode("tiles/x.png")).toEqual(closeTo(await decode("own/x.png")));
    expect(bytes("tiles/deep/x.png")).toBe(bytes("own/deep/x.png"));
    await run({ keepSize: true, out: at("back"), bits: "16" });
    expect(await decode("back/x.png")).toMatchObject({ width: 150, height: 70 });
    expect((await platform.images.decodeDeep!(readFileSync(at("back/x.png")))).data).toBeInstanceOf(Uint16Array);
  });

  it("turns a picture upright by its EXIF orientation first, in tiles too", async () => {
    const turned = await sharp(readFileSync(at("in/x.png")))
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer();
    // Sharp's rotate() without an angle follows EXIF.
    const upright = await sharp(turned).rotate().png().toBuffer();
    await platform.files.write(at("turned/x.png"), turned);
    await platform.files.write(at("upright/x.png"), upright);
    for (const tile of ["0", "64"]) {
      const own = { preprocess: "none", tile };
      await run({ ...own, input: at("turned"), out: at("of-turned") });
      await run({ ...own, input: at("upright"), out: at("of-upright") });
      expect(await decode("of-upright/x.png")).toMatchObject({ width: 70, height: 150 });
      expect(await decode("of-turned/x.png")).toEqual(closeTo(await decode("of-upright/x.png")));
    }
  });

  it("says where the picture has the shape of a whole pair, which would become one input", async () => {
    const notes = async (width: number, given: object = {}) => {
      const picture = { width, height: 40, channels: 3, data: new Uint8Array(width * 120) };
      await platform.files.write(at("pair/1.png"), await platform.images.encodePng(picture));
      lines.length = 0;
      await run({ input: at("pair"), out: at("of-pair"), ...given });
      return lines.filter((line) => line.startsWith("note:"));
    };
    expect(await notes(80)).toEqual([expect.stringMatching(/80x40 px, the shape of a pair.*pix2pix test --dataroot/)]);
    expect(await notes(79)).toEqual([]);
    expect(await notes(80, { preprocess: "none" })).toEqual([]);
    // A phone stores the pixels of a picture that is twice as high as wide in this shape.
    const stored = { create: { width: 80, height: 40, channels: 3, background: "white" } } as const;
    const phone = await sharp(stored).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    await platform.files.write(at("phone/1.jpg"), phone);
    expect(await notes(80, { input: at("phone") })).toEqual([]);
  });

  it("takes a picture in strips with samples, 16 bits and a palette, as in one piece", async () => {
    const both = async (given: object, ...names: string[]) => {
      const own = { preprocess: "none", input: at("in/x.png"), ...given };
      await run({ ...own, out: at("whole"), tile: "0" });
      await run({ ...own, out: at("strips"), tile: "64" });
      for (const name of names) {
        expect(await decode("strips", name)).toEqual(closeTo(await decode("whole", name)));
      }
    };
    await both({ samples: "2" }, "x_1.png", "x_2.png");
    // The spread is four times as large, so differences of a level show.
    const [apart, spread] = [await decode("strips/x_spread.png"), await decode("whole/x_spread.png")];
    expect(spread.data.some((value) => value > 0)).toBe(true);
    expect(apart.data.every((value, i) => Math.abs(value - spread.data[i]!) <= 4)).toBe(true);
    await both({ palette: "facades" }, "x.png");
    await both({ bits: "16" }, "x.png");
    expect((await platform.images.decodeDeep!(readFileSync(at("strips/x.png")))).data).toBeInstanceOf(Uint16Array);
    expect(readdirSync(at("strips")).filter((name) => name.includes(".part"))).toEqual([]);
  });

  it("says of a picture beyond the limit why it cannot be taken, and what to do", async () => {
    mkdirSync(at("huge"), { recursive: true });
    const refusal = async (name: string, given: object) => {
      lines.length = 0;
      await expect(run({ input: at("huge", name), ...given })).rejects.toThrow("could not be translated");
      return lines.find((line) => line.includes(name))!;
    };
    writeFileSync(at("huge/plain.png"), pngHeader(30000, false));
    writeFileSync(at("huge/woven.png"), pngHeader(30000, true));
    expect(await refusal("woven.png", { preprocess: "none" })).toMatch(
      /it has 30000x30000 pixels, and it is interlaced, so it can only be decoded in one piece.*Save it as a PNG without interlacing/,
    );
    expect(await refusal("plain.png", { preprocess: "none", aspectRatio: "2" })).toMatch(
      /30000x30000 pixels, more than 268402689 that are taken at once; leave --aspect-ratio out/,
    );
    expect(await refusal("plain.png", {})).toMatch(/30000x30000.*translate --preprocess none/);
  });

  it("refuses label and instance maps whose compression changes numbers, in one piece and in strips", async () => {
    const flat = (side: number) =>
      sharp(Buffer.alloc(side * side, 2), { raw: { width: side, height: side, channels: 1 } }).toColourspace("b-w");
    const jpeg = (side: number) => flat(side).jpeg({ quality: 100 }).toBuffer();
    const place = async (folder: string, maps: Record<string, Promise<Buffer>>) => {
      for (const [name, map] of Object.entries(maps)) await platform.files.write(at(folder, name), await map);
    };
    await storedRun(runs.checkpointsDir, "numbers", { inputLabels: 5 });
    await storedRun(runs.checkpointsDir, "objects", { inputLabels: 5, inputInstances: true });
    // The values of the JPEGs are class numbers, too.
    expect(new Set((await platform.images.decode(await jpeg(32))).data)).toEqual(new Set([2]));
    const png = (side: number) => flat(side).png().toBuffer();
    await place("maps", { "bad.jpg": jpeg(32), "good.png": png(32) });
    await place("large", { "bad.jpg": jpeg(96), "good.png": png(96) });
    await place("labels", { "bad.png": png(32), "good.png": png(32) });
    const words = (kind: string, of: string) =>
      `bad.*: the ${kind} map is a JPEG, whose compression changes ${of} numbers: each changed number is another ${of}\\..*as PNG`;
    for (const [given, message] of [
      [{ name: "numbers", input: at("maps"), out: at("of-maps") }, words("label", "class")],
      [
        { name: "numbers", input: at("large"), out: at("of-large"), preprocess: "none", tile: "64" },
        words("label", "class"),
      ],
      [
        { name: "objects", input: at("labels"), instances: at("maps"), out: at("of-objects") },
        words("instance", "object"),
      ],
    ] as const) {
      lines.length = 0;
      await expect(run(given)).rejects.toThrow(/1 of 2 pictures could not be translated/);
      expect(lines.join("\n")).toMatch(new RegExp(message));
      expect(readdirSync(given.out)).toEqual(["good.png"]);
    }
  });

  it("gives a picture the same output alone, in a folder and in test", async () => {
    await run({ input: at("data/testB"), out: at("folder") });
    await run({ input: at("data/testB/facade_0002.png"), out: at("alone") });
    expect(bytes("alone/facade_0002.png")).toBe(bytes("folder/facade_0002.png"));
    expect(bytes("folder/facade_0001.png")).not.toBe(bytes("folder/facade_0002.png"));
    mkdirSync(at("same"), { recursive: true });
    for (const name of ["one", "two"]) copyFileSync(at("data/testB/facade_0001.png"), at("same", `${name}.png`));
    await run({ input: at("same"), out: at("masks") });
    expect(bytes("masks/one.png")).not.toBe(bytes("masks/two.png"));
    await test.run({ ...runs, name: "a", resultsDir: at("tested") }, output);
    const tested = bytes("tested/a/test_latest/images/facade_0002_fake_B.png");
    expect(tested).toBe(bytes("folder/facade_0002.png"));
  });

  it("gives samples by seed, and shows where they differ", async () => {
    await run({ samples: "3", seed: "5", out: at("samples") });
    const names = ["x_1.png", "x_2.png", "x_3.png", "x_spread.png"];
    expect(readdirSync(at("samples")).sort()).toEqual(["deep", ...names]);
    expect(readdirSync(at("samples/deep")).sort()).toEqual(names);
    expect(new Set(names.map((name) => bytes("samples", name))).size).toBe(4);
    expect((await decode("samples/x_spread.png")).data.some((value) => value > 0)).toBe(true);
    await run({ samples: "2", seed: "5", out: at("again") });
    await run({ samples: "2", seed: "6", out: at("other") });
    expect(bytes("again/x_2.png")).toBe(bytes("samples/x_2.png"));
    expect(bytes("other/x_2.png")).not.toBe(bytes("samples/x_2.png"));
    lines.length = 0;
    await run({ samples: "2", input: at("in/x.png"), out: at("one.png") });
    expect(lines.at(-1)).toBe(`In ${["one_1.png", "one_2.png", "one_spread.png"].map((name) => at(name)).join(", ")}`);
  });

  it("paints label maps in the colours of a palette", async () => {
    writeFileSync(at("palette.txt"), "250 0 0 a\n#00fa00 b\n0 0 250\n");
    await run({ palette: at("palette.txt"), out: at("painted") });
    const { data } = await decode("painted/x.png");
    const colours = new Set<string>();
    for (let i = 0; i < data.length; i += 3) colours.add(data.subarray(i, i + 3).join(" "));
    expect([...colours].every((colour) => ["250 0 0", "0 250 0", "0 0 250"].includes(colour))).toBe(true);
    expect(colours.size).toBeGreaterThan(1);
  });

  it.each([
    [{ dropout: "on", noDropout: true }, "--dropout on and --no-dropout"],
    [{ name: "plain", dropout: "on" }, '--dropout on: the run "plain" was trained without dropout'],
    [{ samples: "2", eval: true }, "--samples 2: samples differ by their dropout noise, but it is off"],
    [{ name: "plain", samples: "2" }, '--samples 2: samples differ by their dropout noise, but the run "plain"'],
    [{ keepSize: true, aspectRatio: "2" }, "--keep-size and --aspect-ratio"],
    [{ palette: "nothing" }, "--palette: got nothing, expected cityscapes or facades, or a file"],
    [{ tile: "100" }, "--tile: got 100, expected a multiple of 64 for unet_64, such as 128"],
  ])("refuses %o", async (given, message) => {
    await expect(run({ ...given, out: at("refused") })).rejects.toThrow(message);
    expect(existsSync(at("refused"))).toBe(false);
  });
});

describe("test", () => {
  const run = (given: object) => test.run({ ...runs, name: "a", resultsDir: at("results"), ...given }, output);
  const folder = (phase = "test") => at(`results/a/${phase}_latest`);
  const metrics = () => JSON.parse(readFileSync(join(folder(), "metrics.json"), "utf8"));

  it("says which dropout, statistics, sizes and seed it used", async () => {
    expect(await run({})).toBe(0);
    const asTrained = { dropout: "on", statistics: "batch", preprocess: "resize_and_crop", samples: 1, seed: 0 };
    expect(metrics()).toMatchObject({ ...asTrained, labIntersection: { L: expect.any(Number) } });
    expect(readFileSync(join(folder(), "index.html"), "utf8")).toMatch(/statistics<\/dt><dd>batch/);
    await run({ eval: true, preprocess: "none", aspectRatio: "2" });
    expect(metrics()).toMatchObject({ dropout: "off", statistics: "running", preprocess: "none" });
    expect(metrics()).not.toHaveProperty("seed");
    const { width, height } = await platform.images.decode(
      readFileSync(join(folder(), "images/facade_0001_fake_B.png")),
    );
    expect([width, height]).toEqual([128, 64]);
    expect(readFileSync(join(folder(), "index.html"), "utf8")).toContain('width="128" height="64"');
  });

  it("takes what is not said from the run", async () => {
    await run({ name: "plain" });
    const file = at("results/plain/test_latest/metrics.json");
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ dropout: "off", statistics: "image" });
  });

  it("scores samples and classes", async () => {
    rmSync(folder(), { recursive: true });
    lines.length = 0;
    await run({ samples: "2", palette: "auto" });
    const { mean, classes, each } = metrics();
    expect(each[0].spread).toBeGreaterThan(0);
    expect(classes.pixel).toBeCloseTo((each[0].pixel + each[1].pixel) / 2, 10);
    expect(classes.each.length).toBeGreaterThan(2);
    expect(mean.l1).toBeCloseTo((each[0].l1 + each[1].l1) / 2, 10);
    expect(lines.join("\n")).toMatch(/Class IoU {2}0\.\d{3}/);
    const kinds = ["classes", "fake_B_1", "fake_B_2", "real_A", "real_B", "spread"];
    expect(readdirSync(join(folder(), "images")).sort()).toEqual(
      [1, 2].flatMap((n) => kinds.map((kind) => `facade_000${n}_${kind}.png`)),
    );
  });

  it("keeps the folders of names that are equal but for them", async () => {
    for (const side of ["A", "B"]) {
      for (const place of ["one", "two"]) {
        mkdirSync(at(`nested/test${side}/${place}`), { recursive: true });
        copyFileSync(at(`data/test${side}/facade_0001.png`), at(`nested/test${side}/${place}/x.png`));
      }
    }
    await run({ dataroot: at("nested") });
    expect(readdirSync(join(folder(), "images"), { recursive: true })).toContain(join("two", "x_fake_B.png"));
  });
});

it("test --keep-size writes pictures of the input's size; figures that are not defined are a dash with the reason", async () => {
  // Direction BtoA: the inputs are B. The target of the second pair is flat.
  for (const [i, name] of ["10", "2", "1"].entries()) {
    const picture = (value: (at: number) => number) =>
      platform.images.encodePng({
        width: 90,
        height: 50,
        channels: 3,
        data: Uint8Array.from({ length: 13500 }, (_, at) => value(at)),
      });
    await platform.files.write(at(`sizes/testB/${name}.png`), await picture((j) => (j * 7) % 256));
    await platform.files.write(at(`sizes/testA/${name}.png`), await picture((j) => (i === 1 ? 90 : (j * 5) % 256)));
  }
  const given = { ...runs, name: "a", dataroot: at("sizes"), resultsDir: at("sized") };
  lines.length = 0;
  expect(await test.run({ ...given, keepSize: true }, output)).toBe(0);
  for (const kind of ["real_A", "fake_B", "real_B"]) {
    expect(await decode(`sized/a/test_latest/images/2_${kind}.png`)).toMatchObject({ width: 90, height: 50 });
  }
  const text = lines.join("\n");
  expect(text).not.toMatch(/Infinity|NaN/);
  expect(text).toMatch(/sharpness {2}\d+\.\d\d /);
  expect(text).toContain(
    "  sharpness is not defined for 1 of 3 pictures, where the target is flat, without any detail",
  );
  const page = readFileSync(at("sized/a/test_latest/index.html"), "utf8");
  expect([...page.matchAll(/<h3>(\d+)<\/h3>/g)].map(([, name]) => name)).toEqual(["1", "2", "10"]);
  expect(page).toContain('<span title="not defined: the target is flat, without any detail">\u2013</span>');

  await test.run({ ...given, resultsDir: at("unsized") }, output);
  expect(await decode("unsized/a/test_latest/images/2_fake_B.png")).toMatchObject({ width: 64, height: 64 });
  const both = test.run({ ...given, keepSize: true, aspectRatio: "2" }, output);
  await expect(both).rejects.toThrow(/^--keep-size and --aspect-ratio both say/);
});
