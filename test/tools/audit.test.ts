/** `pix2pix data audit` on sets that are sound, and on the same with known faults. */
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { audit as command } from "../../src/cli/commands/data/audit.ts";
import { offCommonest } from "../../src/data/content.ts";
import { writeDemo } from "../../src/demo/write.ts";
import { files } from "../../src/node/files.ts";
import { images } from "../../src/node/images.ts";
import type { Picture } from "../../src/platform.ts";
import { Random } from "../../src/random.ts";
import { Alignment, type Move, moved, suspects } from "../../src/tools/audit/alignment.ts";
import { audit } from "../../src/tools/audit/audit.ts";
import { duplicates } from "../../src/tools/audit/duplicates.ts";
import { features, type Look, look } from "../../src/tools/audit/features.ts";
import { realData } from "../paths.ts";
import { workFolder } from "../work-folder.ts";

const work = workFolder("audit");
const at = (...path: string[]) => join(work, ...path);
const platform = { files, images };

const even = { width: 16, height: 16, channels: 1 };

/** Blots of random colours; B is made of them by `paint`. */
function blots(index: number, paint: (rgb: number[]) => number[]): { A: Picture; B: Picture } {
  const random = new Random(3, "blots", index);
  const size = 64;
  const [a, b] = [new Uint8Array(size * size * 3).fill(90), new Uint8Array(size * size * 3).fill(200)];
  for (let k = 0; k < 12; k++) {
    const colour = [0, 1, 2].map(() => random.int(256));
    const [x0, y0, w, h] = [random.int(size - 8), random.int(size - 8), 5 + random.int(18), 5 + random.int(18)];
    for (let y = y0; y < Math.min(size, y0 + h); y++) {
      for (let x = x0; x < Math.min(size, x0 + w); x++) {
        a.set(colour, (y * size + x) * 3);
        b.set(paint(colour), (y * size + x) * 3);
      }
    }
  }
  const form = { width: size, height: size, channels: 3 };
  return { A: { ...form, data: a }, B: { ...form, data: b } };
}

describe("Alignment", () => {
  const pairs = Array.from({ length: 40 }, (_, i) => blots(i, ([r, g, b]) => [255 - g!, r! / 2, b! > 128 ? 255 : 0]));
  const tried: Move[] = ["mirrored left to right", "mirrored top to bottom", "turned by 180 degrees", "shifted up"];

  it("tells which move was undone, and nothing of sound pairs", () => {
    // A move upwards mends a B that was shifted down.
    const damage = { "shifted up": "shifted down" } as Partial<Record<Move, Move>>;
    const wrong = new Map<number, Move>(tried.map((move, k) => [5 + 8 * k, move]));
    const sample = pairs.map(({ A, B }, i) => {
      const move = wrong.get(i);
      return { a: features(A), b: features(move ? moved(B, damage[move] ?? move) : B) };
    });
    const alignment = new Alignment(sample);
    const { suspected, judged } = suspects(sample.map((each) => alignment.evidence(each)));
    expect(judged.length).toBe(8);
    expect(suspected.map((move, i) => [i, move]).filter(([, move]) => move)).toEqual([...wrong]);
  });

  it("judges nothing where the sides have nothing to do with each other", () => {
    const sample = pairs.map(({ A }, i) => ({ a: features(A), b: features(pairs[(i + 7) % pairs.length]!.B) }));
    const alignment = new Alignment(sample);
    const { suspected, judged } = suspects(sample.map((each) => alignment.evidence(each)));
    expect(judged).toEqual([]);
    expect(suspected.some(Boolean)).toBe(false);
  });
});

describe("look", () => {
  const { A, B } = blots(1, ([r]) => [r!, r!, r!]);
  const far = (a: Picture, b: Picture) => {
    const [x, y] = [look(a).hash, look(b).hash];
    return [0, 1].reduce((sum, k) => sum + (x[k]! ^ y[k]!).toString(2).replace(/[^1]/g, "").length, 0);
  };

  it("hashes what a picture looks like, whatever its size and compression", async () => {
    const raw = { raw: { width: 64, height: 64, channels: 3 } } as const;
    const worse = await images.decode(await sharp(A.data, raw).jpeg({ quality: 40 }).toBuffer());
    const larger = await images.decode(await sharp(A.data, raw).resize(150, 90, { fit: "fill" }).png().toBuffer());
    expect(far(A, worse)).toBeLessThan(6);
    expect(far(A, larger)).toBeLessThan(6);
    expect(far(A, moved(A, "mirrored left to right"))).toBeGreaterThan(15);
    expect(far(A, blots(2, (rgb) => rgb).A)).toBeGreaterThan(15);
  });

  it("knows equal pixels and flat pictures", () => {
    const changed = { ...A, data: A.data.map((value, i) => (i === 777 ? value ^ 1 : value)) };
    expect(look(A).content).toBe(look({ ...A, data: A.data.slice() }).content);
    expect(look(A).content).not.toBe(look(changed).content);
    expect(look(A).content).not.toBe(look({ ...A, width: 32, height: 128 }).content);
    const flat = { ...A, data: new Uint8Array(A.data.length).fill(7) };
    expect(offCommonest(flat)).toBe(0);
    flat.data.fill(255, 0, 30);
    expect(offCommonest(flat)).toBeCloseTo(10 / 4096, 10);
    expect(offCommonest(B)).toBeGreaterThan(0.2);
  });
});

describe("duplicates", () => {
  const random = new Random(8, "looks", 0);
  const words = () =>
    [random.int(2 ** 31) * 2 + random.int(2), random.int(2 ** 31) * 2 + random.int(2)] as [number, number];
  const flipBits = ([high, low]: readonly [number, number], bits: number): [number, number] => {
    const at = new Set<number>();
    while (at.size < bits) at.add(random.int(64));
    const mask = (from: number) => [...at].filter((bit) => bit >= from && bit < from + 32);
    const flip = (word: number, from: number) => mask(from).reduce((sum, bit) => sum ^ (1 << (bit - from)), word) >>> 0;
    return [flip(high, 0), flip(low, 32)];
  };
  const small = Uint8Array.from({ length: 768 }, () => random.int(256));
  let number = 0;
  const sideOf = (hash: readonly [number, number]): Look => {
    return { width: 9, height: 9, content: `${number++}`, hash, small, fault: undefined };
  };

  it("finds all hashes within 8 bits on both sides, and no others", () => {
    const pairs = Array.from({ length: 2000 }, () => ({ A: sideOf(words()), B: sideOf(words()) }));
    const expected: { first: number; second: number; kind: string }[] = [];
    for (let bits = 0; bits <= 12; bits++) {
      for (let k = 0; k < 20; k++) {
        const first = 100 * k + bits;
        const { A, B } = pairs[first]!;
        const swap = k % 2 === 0;
        const [a, b] = swap ? [bits, 8 - Math.min(bits, 8)] : [0, bits];
        const second = pairs.push({ A: sideOf(flipBits(A.hash, a)), B: sideOf(flipBits(B.hash, b)) }) - 1;
        if (bits <= 8) expected.push({ first, second, kind: "near" });
      }
    }
    const byFirst = (a: { first: number }, b: { first: number }) => a.first - b.first;
    expect(duplicates(pairs)).toEqual(expected.sort(byFirst));
  });

  it("takes no more time for many pictures that all look the same, and names each with three others at most", () => {
    const hash = words();
    const pairs = Array.from({ length: 5000 }, () => ({ A: sideOf(flipBits(hash, 1)), B: sideOf(flipBits(hash, 1)) }));
    const found = duplicates(pairs);
    expect(found.length).toBeLessThanOrEqual(3 * 5000);
    expect(new Set(found.map(({ second }) => second)).size).toBe(4999);
  });
});

describe("data audit", () => {
  beforeAll(async () => {
    await writeDemo(platform, at("sound"), { train: 36, test: 4, size: 64, seed: 5 });
    await writeDemo(platform, at("faulty"), { train: 36, test: 4, size: 64, seed: 5 });
  }, 120_000);
  const name = (n: number) => `facade_${String(n).padStart(4, "0")}.png`;
  const faulty = (side: string, n: number) => at("faulty", side, name(n));

  async function run(given: Record<string, string | true>) {
    const lines: string[] = [];
    const code = await command.run(given, { print: (line) => lines.push(line), note: (line) => lines.push(line) });
    return { code, text: lines.join("\n") };
  }

  it("finds nothing in a sound set", async () => {
    const { code, text } = await run({ dataroot: at("sound"), out: at("sound.html"), strict: true });
    expect(text).toBe(
      [
        "pairs: 40 (36 train, 4 test), layout folders",
        "size of A: 64x64",
        "lining up: yes, in 100 % (91 to 100 %) of the pairs; it shows in 40 of 40 that were compared",
        `Nothing found. What was looked for: ${at("sound.html")}`,
      ].join("\n"),
    );
    expect(code).toBe(0);
    expect(readFileSync(at("sound.html"), "utf8")).toContain("No findings.");
  });

  it("finds every fault of a set, and nothing else", async () => {
    const rewrite = async (path: string, change: (image: Sharp) => Sharp) =>
      writeFileSync(
        path,
        await change(sharp(readFileSync(path)))
          .png()
          .toBuffer(),
      );
    await rewrite(faulty("trainB", 3), (image) => image.flop());
    await rewrite(faulty("trainB", 5), (image) => image.resize(48, 64, { fit: "fill" }));
    rmSync(faulty("trainB", 7));
    rmSync(faulty("trainA", 9));
    writeFileSync(faulty("trainA", 11), readFileSync(faulty("trainA", 11)).subarray(0, 300));
    for (const side of "AB") {
      copyFileSync(faulty(`train${side}`, 13), faulty(`test${side}`, 50));
      const worse = await sharp(readFileSync(faulty(`train${side}`, 15)))
        .jpeg({ quality: 70 })
        .toBuffer();
      writeFileSync(faulty(`train${side}`, 51), worse);
    }
    copyFileSync(faulty("trainA", 17), faulty("trainA", 18));
    await rewrite(faulty("trainB", 20), (image) => image.linear(0, 80));

    const result = await audit(platform, at("faulty"));
    const found = result.findings.map(({ kind, files }) =>
      `${kind} ${files.join(" ")}`.replaceAll(/facade_00|\.png/g, ""),
    );
    expect(found).toEqual([
      "unreadable trainA/11",
      "orphan trainA/07",
      "orphan trainB/09",
      "size trainA/05 trainB/05",
      "misaligned trainA/03 trainB/03",
      "misaligned trainA/18 trainB/18", // with the A of 17
      "leak trainA/13 trainB/13 testA/50 testB/50",
      "contradiction trainA/17 trainB/17 trainA/18 trainB/18",
      "duplicate trainA/15 trainB/15 trainA/51 trainB/51",
      "empty trainA/20 trainB/20",
    ]);
    const moves = result.findings.filter(({ kind }) => kind === "misaligned").map(({ move }) => move);
    expect(moves).toEqual(["mirrored left to right", "the picture of another pair"]);

    const { code, text } = await run({ dataroot: at("faulty"), out: at("faulty.html"), shown: "1", strict: true });
    expect(code).toBe(1);
    expect(text).toContain("Sides that do not seem to line up: 2\n  trainA/facade_0003.png, trainB/facade_0003.png");
    const page = readFileSync(at("faulty.html"), "utf8");
    expect(page).toContain("10 findings.");
    expect(page.match(/data:image\/png;base64,/g)?.length).toBe(1 + 2 + 3 + 4 + 4 + 4 + 2);
    expect(page).toContain("<li>trainB/facade_0009.png</li>");
  });

  it("names pairs of which both sides are the same picture, but for flat ones", async () => {
    const { A } = blots(2, (rgb) => rgb);
    const flat = { ...A, data: new Uint8Array(A.data.length).fill(9) };
    for (const [name, picture] of [
      ["1", A],
      ["2", flat],
    ] as const) {
      for (const side of "AB") await files.write(at(`same/train${side}/${name}.png`), await images.encodePng(picture));
    }
    const { findings } = await audit(platform, at("same"));
    expect(findings.map(({ kind, files }) => [kind, ...files])).toEqual([
      ["same", "trainA/1.png", "trainB/1.png"],
      ["empty", "trainA/2.png", "trainB/2.png"],
    ]);
    expect((await run({ dataroot: at("same"), out: at("same.html") })).text).toContain(
      "Both sides are the same picture: 1\n",
    );
  });

  it("names files of a form that cannot be read, class numbers and narrow ranges", async () => {
    const plain = { width: 32, height: 32, channels: 1 };
    const random = new Random(6, "plain", 0);
    for (let i = 0; i < 3; i++) {
      const numbers = Uint8Array.from({ length: 1024 }, (_, k) => (5 * ((k % 32) >> 3) + 4 * (k >> 8) + i) % 12);
      const dark = Uint16Array.from({ length: 1024 }, () => random.int(4096));
      await files.write(at("forms", "trainA", `${i}.png`), await images.encodePng({ ...plain, data: numbers }));
      await files.write(at("forms", "trainB", `${i}.png`), await images.encodePng({ ...plain, data: dark }));
    }
    for (const name of ["IMG_1.HEIC", "IMG_2.HEIC", "new.avif"]) await files.write(at("forms", "trainA", name), "x");
    const { findings } = await audit(platform, at("forms"));
    expect(findings.map(({ kind, text }) => `${kind}: ${text}`)).toEqual([
      "form: left out, because their format cannot be read: 2 .heic, 1 .avif. Convert them to PNG to use them.",
      "classes: A is a map of the numbers 0 to 11 (of 255), which look like class numbers and not like colours (3 of 3 pairs)",
      ...findings
        .slice(2)
        .map(() => expect.stringMatching(/^empty: B is nearly blank: it uses only the values \d+ to 40\d\d of 65535$/)),
    ]);
    expect(findings.length).toBe(5);
    expect(findings[0]!.files).toEqual(["trainA/IMG_1.HEIC", "trainA/IMG_2.HEIC", "trainA/new.avif"]);
    const { code, text } = await run({ dataroot: at("forms"), out: at("forms.html"), strict: true });
    expect(code).toBe(1);
    expect(text).toContain("Pictures of a form that cannot be read: 1\n  trainA/IMG_1.HEIC, trainA/IMG_2.HEIC");
    expect(text).toContain("Label maps of class numbers: 1\n  trainA/0.png");
  });

  it("names pictures that viewers turn by their EXIF orientation", async () => {
    const side = (name: string) => readFileSync(faulty(name, 13));
    await files.write(at("turned", "trainA", "1.png"), side("trainA"));
    await files.write(
      at("turned", "trainB", "1.jpg"),
      await sharp(side("trainB")).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
    );
    const { findings } = await audit(platform, at("turned"));
    expect(findings.map(({ kind, text, files }) => `${kind} ${files}: ${text}`)).toEqual([
      "turned trainB/1.jpg: viewers show it turned by 90 degrees to the right (EXIF orientation 6), training takes it as stored",
    ]);
    const { text } = await run({ dataroot: at("turned"), out: at("turned.html") });
    expect(text).toContain("Pictures that viewers turn: 1\n  trainB/1.jpg: viewers show it turned");
  });

  it("reads a PNG that ends before its last chunk, as training does", async () => {
    const [A, B] = ["trainA", "trainB"].map((name) => new Uint8Array(readFileSync(faulty(name, 13))));
    const lastChunk = 12; // IEND: length, name and check sum
    await files.write(at("no-end", "trainA", "1.png"), A!.subarray(0, -lastChunk));
    await files.write(at("no-end", "trainB", "1.png"), B!);
    expect(await images.decode(await files.read(at("no-end", "trainA", "1.png")))).toEqual(await images.decode(A!));
    expect((await audit(platform, at("no-end"))).findings).toEqual([]);
  });

  it("says of class numbers in a JPEG that their numbers have changed", async () => {
    const numbers = Buffer.from(Array.from({ length: 4096 }, (_, k) => (5 * ((k % 64) >> 4) + 3 * (k >> 10)) % 12));
    const raw = { raw: { width: 64, height: 64, channels: 1 } } as const;
    await files.write(at("jpeg", "trainA", "1.jpg"), await sharp(numbers, raw).jpeg({ quality: 90 }).toBuffer());
    await files.write(at("jpeg", "trainB", "1.png"), await sharp(numbers, raw).linear(20).png().toBuffer());
    const { findings } = await audit(platform, at("jpeg"));
    expect(findings.map(({ kind, text }) => `${kind}: ${text}`)).toEqual([
      expect.stringMatching(
        /^classes: A is a map of the numbers 0 to 1\d .*\(1 of 1 pairs\); trainA\/1\.jpg is a JPEG, whose compression has changed numbers: save them as PNG from their source$/,
      ),
    ]);
  });

  it("tells how far it is from the start", async () => {
    const seen: [number, number][] = [];
    await audit(platform, at("sound"), { progress: (done, total) => seen.push([done, total]) });
    expect(seen).toEqual(Array.from({ length: 41 }, (_, i) => [i, 40]));
  });

  it("says what is wrong with a folder without pairs", async () => {
    await expect(run({ dataroot: at("nowhere") })).rejects.toThrow(/does not exist/);
    expect(existsSync("audit.html")).toBe(false);
    // Before the audit, which may take long.
    await expect(run({ dataroot: at("nowhere"), out: at("sound") })).rejects.toThrow(
      `--out: got the folder ${at("sound")}, expected a file`,
    );
  });

  it("refuses two sides whose names no layout knows, as training does", async () => {
    for (const name of ["photos/1.png", "photos/2.png", "labels/1.png", "labels/2.png"]) {
      await files.write(at("sides", name), await images.encodePng({ ...even, data: new Uint8Array(256) }));
    }
    await expect(audit(platform, at("sides"))).rejects.toThrow(
      /labels\/ and photos\/ in .*sides hold pictures of the same/,
    );
    expect((await audit(platform, at("sides"), { datasetMode: "aligned" })).layout).toBe("aligned");
  });

  const real = join(realData, "cmp-base");
  it.skipIf(!existsSync(real))(`has no complaint about real facades (skipped where ${real} is absent)`, async () => {
    const { findings, judged } = await audit(platform, real);
    expect(readdirSync(real).length).toBe(48);
    expect(findings).toEqual([]);
    expect(judged.length).toBeGreaterThan(0);
  });
});
