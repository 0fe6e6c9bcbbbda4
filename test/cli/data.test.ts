/** `pix2pix data ...` on files: the command line in a process of its own, what commands do in this one. */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { commands } from "../../src/cli/registry.ts";
import { findPairs } from "../../src/data/pairs.ts";
import { writeDemo } from "../../src/demo/write.ts";
import { Graph } from "../../src/graph/graph.ts";
import { mean } from "../../src/graph/ops/reduce.ts";
import { files } from "../../src/node/files.ts";
import { images } from "../../src/node/images.ts";
import { encode } from "../../src/onnx/encode.ts";
import { bin } from "../paths.ts";
import { workFolder } from "../work-folder.ts";

const dataCommands = commands.filter(({ name }) => name.startsWith("data "));
const work = workFolder("data");
const at = (...path: string[]) => join(work, ...path);

function program(line: string) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...line.split(" ")], { cwd: work });
  return { code: status, out: stdout.toString(), err: stderr.toString() };
}

/** Runs one command here; paths that begin with @ lie in the temporary folder. */
async function run(name: string, given: Record<string, string | true>) {
  const command = dataCommands.find((each) => each.name === `data ${name}`)!;
  const lines: { out: string[]; notes: string[] } = { out: [], notes: [] };
  const placed = Object.entries(given).map(([key, value]) => [
    key,
    typeof value === "string" && value.startsWith("@") ? at(value.slice(1)) : value,
  ]);
  const code = await command.run(Object.fromEntries(placed), {
    print: (line) => lines.out.push(line),
    note: (line) => lines.notes.push(line),
  });
  return { code, out: lines.out.join("\n"), notes: lines.notes.join("\n") };
}

const listed = (folder: string) =>
  (readdirSync(at(folder), { recursive: true }) as string[]).filter((path) => /\.\w+$/.test(path)).sort();
const decode = (path: string) => images.decode(readFileSync(at(path)));

beforeAll(async () => {
  await writeDemo({ files, images }, at("demo"), { train: 6, test: 2, size: 32, seed: 1 });
});

describe("the command line", () => {
  it("has help for data and for each of its commands", () => {
    const all = program("data --help");
    expect(all.code).toBe(0);
    for (const { name } of dataCommands) expect(all.out).toMatch(new RegExp(`^ {2}${name.slice(5)} `, "m"));
    const one = program("data combine --help");
    expect(one.code).toBe(0);
    expect(one.out).toMatch(/^Usage: pix2pix data combine \[options\]/);
    expect(one.out).toContain("--fold-A <FOLDER>");
    expect(program("data")).toMatchObject({
      code: 2,
      out: "",
      err: expect.stringContaining("Usage: pix2pix data COMMAND"),
    });
  });

  it.each([
    ["data combin", /unknown command data combin; did you mean data combine\?\nSee: pix2pix data --help/],
    ["data --fold-A x", /--fold-A stands before the command; expected pix2pix data combine/],
    [
      "data combine --fold_a x --fold_c y",
      /unknown option --fold_c; did you mean --fold-A\?\nSee: pix2pix data combine --help/,
    ],
    ["data resize --input demo --out x --size 0x3", /--size: got "0x3", expected a number of pixels or WxH/],
    [
      "data resize --input demo --out x --size 16384",
      /--size: got "16384", 268435456 pixels; a picture has at most 268402689/,
    ],
  ])("%s", (line, message) => {
    const { code, out, err } = program(line);
    expect(err).toMatch(message);
    expect([code, out]).toEqual([2, ""]);
  });
});

describe("combine", () => {
  const folders = { foldA: "@demo/trainA", foldB: "@demo/trainB" };

  it("joins pictures of one name, byte for byte, and leaves those alone that are there", async () => {
    const { code, out } = await run("combine", { ...folders, foldAB: "@joined/train" });
    expect([code, out]).toEqual([0, expect.stringMatching(/^6 of 6 pairs combined in /)]);
    const [a, b, both] = [
      await decode("demo/trainA/facade_0001.png"),
      await decode("demo/trainB/facade_0001.png"),
      await decode("joined/train/facade_0001.png"),
    ];
    expect([both.width, both.height]).toEqual([64, 32]);
    const row = (p: typeof a, y: number) => [...p.data.subarray(y * p.width * 3, (y + 1) * p.width * 3)];
    for (const y of [0, 17, 31]) expect(row(both, y)).toEqual([...row(a, y), ...row(b, y)]);

    writeFileSync(at("joined/train/facade_0001.png"), "mine");
    rmSync(at("joined/train/facade_0002.png"));
    const again = await run("combine", { ...folders, foldAB: "@joined/train" });
    expect(again.out).toMatch(/^1 of 6 pairs combined in .*5 were there already/);
    expect(readFileSync(at("joined/train/facade_0001.png"), "utf8")).toBe("mine");
    await run("combine", { ...folders, foldAB: "@joined/train", overwrite: true });
    expect((await decode("joined/train/facade_0001.png")).data).toEqual(both.data);
  });

  it("takes the first pairs of each subfolder, as combine_A_and_B.py does with --num_imgs", async () => {
    const picture = readFileSync(at("demo/trainA/facade_0001.png"));
    for (const name of ["test/1", "test/2", "train/1", "train/2", "train/3", "top"]) {
      for (const side of "AB") await files.write(at(`split/${side}/${name}.png`), picture);
    }
    const { out } = await run("combine", { foldA: "@split/A", foldB: "@split/B", foldAB: "@firstTwo", numImgs: "2" });
    expect(out).toMatch(/^5 of 5 pairs combined in /);
    const written = ["top", "test/1", "test/2", "train/1", "train/2"];
    expect(written.filter((name) => !existsSync(at(`firstTwo/${name}.png`)))).toEqual([]);
  });

  it("refuses one folder for both sides", async () => {
    await expect(run("combine", { foldA: "@split/A", foldB: "@split/A/", foldAB: "@twice" })).rejects.toThrow(
      /^--fold-B: got the folder of --fold-A, .*, expected that of the other side; --use-AB pairs name_A and name_B/,
    );
  });

  it("keeps folders, takes name_A with name_B, and writes JPEG where asked", async () => {
    for (const [i, side] of [..."AB"].entries()) {
      const picture = readFileSync(at(`demo/train${side}/facade_0001.png`));
      await files.write(at(`mixed/val/deep/one_${side}.png`), picture);
      if (i === 0) await files.write(at("mixed/val/two_A.png"), picture);
    }
    const line = { foldA: "@mixed", foldB: "@mixed", foldAB: "@fromMixed", useAB: true, format: "jpeg" } as const;
    await expect(run("combine", line)).rejects.toThrow(
      /without a partner. A without B \(1\): val\/two_A.png.*--skip-unpaired/,
    );
    expect(existsSync(at("fromMixed"))).toBe(false);
    const { notes } = await run("combine", { ...line, skipUnpaired: true });
    expect(notes).toBe("left out: A without B (1): val/two_A.png");
    expect(listed("fromMixed")).toEqual(["val/deep/one.jpg"]);
    expect([...readFileSync(at("fromMixed/val/deep/one.jpg")).subarray(0, 2)]).toEqual([0xff, 0xd8]);
    expect(await decode("fromMixed/val/deep/one.jpg")).toMatchObject({ width: 64, height: 32, channels: 3 });
  });

  it("keeps transparency in PNG, and says where JPEG does not", async () => {
    const data = Uint8Array.from({ length: 8 * 8 * 4 }, (_, i) => (i % 4 === 3 ? 100 : 200));
    const picture = await images.encodePng({ width: 8, height: 8, channels: 4, data });
    for (const side of "AB") await files.write(at(`glass/${side}/x.png`), picture);
    const line = { foldA: "@glass/A", foldB: "@glass/B" };
    expect((await run("combine", { ...line, foldAB: "@glass/png" })).notes).toBe("");
    expect([
      ...(await images.decode(readFileSync(at("glass/png/x.png")), { alpha: true })).data.subarray(0, 4),
    ]).toEqual([200, 200, 200, 100]);
    const { notes } = await run("combine", { ...line, foldAB: "@glass/jpeg", format: "jpeg" });
    expect(notes).toBe("note: 1 pair had transparency, which JPEG does not keep; --format png does");
    expect((await decode("glass/jpeg/x.jpg")).channels).toBe(3);
  });

  it("names pairs of two sizes and pictures that are none, and joins the others", async () => {
    await run("resize", { input: "@demo/trainB", out: "@uneven", size: "32" });
    await run("resize", { input: "@demo/trainB/facade_0002.png", out: "@uneven", size: "16", overwrite: true });
    writeFileSync(at("uneven/facade_0003.png"), "no picture");
    const given = { foldA: "@demo/trainA", foldB: "@uneven", foldAB: "@even" };
    const notes: string[] = [];
    const combine = dataCommands.find(({ name }) => name === "data combine")!;
    const placed = { foldA: at("demo/trainA"), foldB: at("uneven"), foldAB: at("even") };
    await expect(combine.run(placed, { print: () => {}, note: (line) => notes.push(line) })).rejects.toThrow(
      /2 of 6 pairs could not be used/,
    );
    expect(notes[0]).toMatch(/^facade_0002: A is 32x32, B is 16x16/);
    expect(notes[1]).toMatch(/^facade_0003: not a readable picture/);
    expect(listed("even").length).toBe(4);
    expect((await run("combine", { ...given, skipUnpaired: true })).code).toBe(0);
  });

  it("keeps alpha and 16 bits, whichever side has them", async () => {
    const picture = (channels: number, data: number[] | Uint16Array) =>
      images.encodePng({
        width: 1,
        height: 2,
        channels,
        data: data instanceof Uint16Array ? data : Uint8Array.from(data),
      });
    await files.write(at("clear/A/x.png"), await picture(4, [1, 2, 3, 128, 4, 5, 6, 0]));
    await files.write(at("clear/B/x.png"), await picture(1, [7, 8]));
    await files.write(at("clear/A/y.png"), await picture(1, Uint16Array.of(1000, 2000)));
    await files.write(at("clear/B/y.png"), await picture(4, [1, 2, 3, 128, 4, 5, 6, 0]));
    const folders = { foldA: "@clear/A", foldB: "@clear/B", foldAB: "@clear/AB" };
    expect((await run("combine", folders)).code).toBe(0);
    const joined = (name: string) => images.decodeDeep(readFileSync(at(`clear/AB/${name}.png`)), { alpha: true });
    const x = await joined("x");
    expect([x.width, x.channels, ...x.data]).toEqual([2, 4, 1, 2, 3, 128, 7, 7, 7, 255, 4, 5, 6, 0, 8, 8, 8, 255]);
    const y = await joined("y");
    const clear = [1, 2, 3, 128, 4, 5, 6, 0].map((value) => value * 257);
    const [one, two] = [Array(3).fill(1000), Array(3).fill(2000)];
    expect([...y.data]).toEqual([...one, 65535, ...clear.slice(0, 4), ...two, 65535, ...clear.slice(4)]);
    await run("combine", { ...folders, foldAB: "@clear/jpeg", format: "jpeg" });
    expect(await decode("clear/jpeg/x.jpg")).toMatchObject({ width: 2, channels: 3 });
  });

  it("fails where --skip-unpaired leaves no pair", async () => {
    await run("resize", { input: "@demo/trainB", out: "@smaller", size: "16" });
    const given = { foldA: "@demo/trainA", foldB: "@smaller", foldAB: "@none", skipUnpaired: true } as const;
    await expect(run("combine", given)).rejects.toThrow(
      /^6 of 6 pairs could not be used \(named above\), so no pair is left\. .*data resize/,
    );
  });

  it("names pictures that cannot be read, as all data commands do", async () => {
    for (const side of ["A", "B"]) {
      await files.write(at(`forms/${side}/1.png`), readFileSync(at("demo/trainA/facade_0001.png")));
      await files.write(at(`forms/${side}/2.heic`), "");
      await files.write(at(`forms/photos${side}/3.AVIF`), "");
    }
    const left = (count: string) =>
      `left out, because their format cannot be read: ${count}. Convert them to PNG to use them.`;
    const combined = await run("combine", { foldA: "@forms/A", foldB: "@forms/B", foldAB: "@forms/AB" });
    expect(combined.notes).toBe(`note: --fold-A: ${left("1 .heic")}\nnote: --fold-B: ${left("1 .heic")}`);
    const gray = await run("grayscale", { input: "@forms/A", out: "@forms/grey" });
    expect(gray.notes).toBe(`note: --input: ${left("1 .heic")}`);
    const none = { foldA: "@forms/photosA", foldB: "@forms/photosB", foldAB: "@forms/AB" };
    await expect(run("combine", none)).rejects.toThrow(/no picture in .*; left out, .*: 1 \.avif\./);
    const resize = run("resize", { input: "@forms/photosA", out: "@forms/x", size: "16" });
    await expect(resize).rejects.toThrow(/no picture .*; left out, .*: 1 \.avif\./);
  });

  it("does not write into what it reads", async () => {
    await expect(run("combine", { ...folders, foldAB: "@demo/trainB/both" })).rejects.toThrow(/lies in/);
    symlinkSync(at("demo/trainB"), at("other-trainB"), "junction");
    const linked = run("combine", { ...folders, foldAB: "@other-trainB" });
    await expect(linked).rejects.toThrow(/other-trainB lies in .*trainB, which is read/);
  });
});

describe("split", () => {
  it("deals aligned pictures out, the same for the same seed, to be found again as phases", async () => {
    await run("combine", { foldA: "@demo/trainA", foldB: "@demo/trainB", foldAB: "@whole" });
    const { out } = await run("split", { input: "@whole", out: "@parts", trainFrac: "0.5", testFrac: "0.17" });
    expect(out).toContain("6 pairs (aligned): 3 train, 2 val, 1 test; 6 files copied");
    await run("split", { input: "@whole", out: "@again", trainFrac: "0.5", testFrac: "0.17" });
    expect(listed("again")).toEqual(listed("parts"));
    expect((await findPairs(files, at("parts"), { phase: "val" })).pairs.length).toBe(2);
    expect(
      listed("parts")
        .map((path) => path.replace(/.*\//, ""))
        .sort(),
    ).toEqual(listed("whole"));
    expect(readFileSync(at("parts", listed("parts")[0]!))).toEqual(
      readFileSync(at("whole", listed("parts")[0]!.replace(/.*\//, ""))),
    );
    const other = run("split", { input: "@whole", out: "@parts", trainFrac: "0.5", testFrac: "0.17", seed: "5" });
    await expect(other).rejects.toThrow(/is of another split/);
    await expect(run("split", { input: "@whole", out: "@parts/../whole" })).rejects.toThrow(
      /got the input folder .*whole, expected another one; --mode move splits it where it is/,
    );
    await expect(run("split", { input: "@parts", out: "@more" })).rejects.toThrow(
      `has phases already (train, val, test; aligned). Give one of them, such as --input ${at("parts/train")}, or`,
    );
    expect((await run("split", { input: "@parts/train", out: "@more" })).out).toContain("3 pairs (aligned)");
  });

  it("says how pairs in trainA and trainB can be split", async () => {
    for (const side of "AB") {
      const picture = await files.read(at(`demo/train${side}/${readdirSync(at(`demo/train${side}`))[0]}`));
      for (const name of "xy") await files.write(at(`once/train${side}/${name}.png`), picture);
    }
    await expect(run("split", { input: "@once", out: "@anew" })).rejects.toThrow(
      /once has phases already \(train; folders\)\. To split the pairs anew, move .* into one folder A and .* folder B\.$/,
    );
    for (const side of "AB") renameSync(at(`once/train${side}`), at(`once/${side}`));
    expect((await run("split", { input: "@once", out: "@anew", trainFrac: "0.5" })).out).toContain("1 train, 1 val");
  });

  it("names what is wrong with its folders by its own options", async () => {
    const split = (input: string, out = "@wrong") => expect(run("split", { input, out })).rejects;
    await split("@whol").toThrow(`--input: there is no folder ${at("whol")}; did you mean ${at("whole")}?`);
    await files.write(at("words/readme.txt"), "no picture");
    await split("@words/readme.txt").toThrow(/^--input: .*readme\.txt is a file, expected a folder of pictures$/);
    await split("@words").toThrow(/^--input: no picture in .*words or a folder below it$/);
    await split("@whole", "@words/readme.txt").toThrow(
      /^cannot copy .* to .*readme\.txt\/train\/.*: a part of the path is a file, not a folder \(ENOTDIR\)$/,
    );
  });

  it("says where plain photos are taken as pairs, and splits them", async () => {
    for (const name of listed("demo/trainB")) {
      await files.write(at("photos", name), readFileSync(at("demo/trainB", name)));
    }
    const { notes, out } = await run("split", { input: "@photos", out: "@photosSplit" });
    expect(notes.replace(at("photos"), "photos")).toMatch(
      /^note: each picture is taken as two halves, A left and B right \(photos\/facade_0001\.png: 32x32 as two of 16x32\)\. .*If they are pairs, give --dataset-mode aligned, and this note no longer appears\.$/,
    );
    expect(out).toContain("6 pairs (aligned)");
    expect((await run("split", { input: "@photos", out: "@named", datasetMode: "aligned" })).notes).toBe("");
    expect((await run("split", { input: "@whole", out: "@wide" })).notes).toBe("");
  });

  it("a move that was interrupted is completed by the same plan", async () => {
    const line = { out: "@moved", trainFrac: "0.5", testFrac: "0.17", mode: "move" } as const;
    for (const name of listed("whole")) await files.write(at("toMove", name), readFileSync(at("whole", name)));
    await run("split", { ...line, input: "@toMove" });
    const [moved, plan] = [listed("moved"), [] as { from: string; to: string }[]];
    for (const [i, to] of moved.entries()) {
      const from = to.replace(/.*\//, "");
      plan.push({ from, to });
      if (i % 2 === 0) await files.rename(at("moved", to), at("toMove", from));
    }
    writeFileSync(at("moved/.split.json"), JSON.stringify(plan));
    const { out } = await run("split", { ...line, input: "@toMove", seed: "7" });
    expect(out).toBe(`The split that was interrupted is complete: the last 3 of 6 files moved to ${at("moved")}`);
    expect([listed("moved"), listed("toMove")]).toEqual([moved, []]);
    expect(existsSync(at("moved/.split.json"))).toBe(false);
    writeFileSync(at("moved/.split.json"), JSON.stringify([{ from: "../x", to: "y" }]));
    await expect(run("split", { ...line, input: "@toMove" })).rejects.toThrow(/\.split\.json is damaged\./);
  });

  it("keeps the two files of a pair together, by hard links and by moving", async () => {
    for (const side of "AB") {
      for (const name of listed(`demo/train${side}`)) {
        await files.write(at("two", side, name), readFileSync(at(`demo/train${side}`, name)));
      }
    }
    await run("split", { input: "@two", out: "@linked", trainFrac: "0.5", sort: true, mode: "link" });
    expect(listed("linked/trainA")).toEqual(["facade_0001.png", "facade_0002.png", "facade_0003.png"]);
    expect(listed("linked/valB")).toEqual(["facade_0004.png", "facade_0005.png", "facade_0006.png"]);
    expect(statSync(at("linked/valB/facade_0004.png")).ino).toBe(statSync(at("two/B/facade_0004.png")).ino);
    await run("split", { input: "@two", out: "@two", trainFrac: "0.5", mode: "move" });
    expect(listed("two/A")).toEqual([]);
    expect(listed("two/trainA")).toEqual(listed("two/trainB"));
    expect(listed("two/trainA").length + listed("two/valA").length).toBe(6);
  });

  it("symbolic links lead to the same pictures afterwards, in each mode", async () => {
    const names = listed("whole");
    for (const mode of ["copy", "move", "link"]) {
      const set = `links-${mode}`;
      mkdirSync(at(set, "in"), { recursive: true });
      for (const [i, name] of names.entries()) {
        symlinkSync(i === 0 ? at("whole", name) : `../../whole/${name}`, at(set, "in", name));
      }
      await run("split", { input: `@${set}/in`, out: `@${set}/out/deep`, trainFrac: "0.5", mode });
      const found = listed(`${set}/out/deep`);
      expect(found.length, mode).toBe(6);
      for (const path of found) {
        const [placed, own] = [at(set, "out/deep", path), at("whole", path.replace(/.*\//, ""))];
        expect(readFileSync(placed).equals(readFileSync(own)), `${mode} ${path}`).toBe(true);
      }
      expect(listed(`${set}/in`), mode).toEqual(mode === "move" ? [] : names);
    }
  });
});

describe("one picture for each", () => {
  it("resize, blank and grayscale keep paths and make PNGs", async () => {
    expect((await run("resize", { input: "@demo", out: "@small", size: "24x16", pad: true })).out).toMatch(
      /^16 of 16 pictures brought to 24x16/,
    );
    expect(await decode("small/testB/facade_0002.png")).toMatchObject({ width: 24, height: 16, channels: 3 });
    await run("blank", { input: "@demo/testB", out: "@holes" });
    const hole = await decode("holes/facade_0001.png");
    expect([...hole.data.subarray((16 * 32 + 16) * 3, (16 * 32 + 16) * 3 + 3)]).toEqual([255, 255, 255]);
    await run("grayscale", { input: "@demo/testB/facade_0001.png", out: "@grey.png" });
    const [grey, rgb] = [await decode("grey.png"), await decode("demo/testB/facade_0001.png")];
    expect(grey.channels).toBe(1);
    const [r, g, b] = rgb.data.subarray(300, 303) as unknown as [number, number, number];
    expect(Math.abs(grey.data[100]! - (0.299 * r + 0.587 * g + 0.114 * b))).toBeLessThan(0.51);
  });
});

it("a picture that fails while a larger one is under way is named after it, and the others are done", async () => {
  const large = { width: 1500, height: 1500, channels: 3 as const, data: new Uint8Array(1500 * 1500 * 3).fill(200) };
  await files.write(at("slow/a.png"), await images.encodePng(large));
  for (const name of ["b", "d"]) writeFileSync(at(`slow/${name}.png`), "no picture");
  writeFileSync(at("slow/c.png"), readFileSync(at("demo/trainA/facade_0001.png")));
  const { code, out, err } = program("data resize --input slow --out in-turn --size 16");
  expect(code).toBe(1);
  expect(err).toMatch(/slow\/b\.png: .*\n.*slow\/d\.png: .*\n.*2 of 4 pictures could not be used/);
  expect(out).toContain("2 of 4 pictures brought to 16x16");
  expect(listed("in-turn")).toEqual(["a.png", "c.png"]);
});

it("edges takes the strengths of a model that is named", async () => {
  // The picture's own brightness stands for strengths: its crests are drawn.
  const graph = new Graph();
  const brightness = mean(graph.input("data", [1, 3, 40, 40]), [1]);
  await files.write(at("tiny.onnx"), encode(graph.program([{ name: "strengths", tensor: brightness }])));
  const given = { input: "@demo/testB/facade_0001.png", hed: "@tiny.onnx", hedInput: "unit" } as const;
  await expect(run("edges", { ...given, out: "@hed" })).rejects.toThrow(/1 of 1 pictures could not be used/);
  await run("edges", { ...given, out: "@hed", border: "4", threshold: "50" });
  const { width, height, data } = await decode("hed/facade_0001.png");
  const photo = await decode("demo/testB/facade_0001.png");
  expect([width, height]).toEqual([32, 32]);
  const drawn = [...data.keys()].filter((i) => data[i] === 0);
  expect(drawn.length).toBeGreaterThan(20);
  for (const i of drawn) {
    expect(photo.data.subarray(i * 3, i * 3 + 3).reduce((sum, v) => sum + v, 0)).toBeGreaterThanOrEqual(150);
  }
});

it("edges draws black lines on white, and names a model that is none", async () => {
  expect((await run("edges", { input: "@demo/testA", out: "@lines" })).code).toBe(0);
  const { channels, data } = await decode("lines/facade_0001.png");
  expect([channels, [...new Set(data)].sort((a, b) => a - b)]).toEqual([1, [0, 255]]);
  expect(data.filter((value) => value === 0).length).toBeLessThan(data.length / 3);
  const bad = run("edges", { input: "@demo/testA", out: "@lines2", hed: "@demo/testA/facade_0001.png" });
  await expect(bad).rejects.toThrow(/is no model that ONNX Runtime can run/);
  await expect(run("edges", { input: "@demo/testA", out: "@lines2", low: "0.5" })).rejects.toThrow(/at most --high/);
});
