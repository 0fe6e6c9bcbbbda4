/** `pix2pix data audit` on sets that are sound, and on the same with known faults. */
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { audit as command } from "../../src/cli/commands/data/audit.ts";
import { writeDemo } from "../../src/demo/write.ts";
import { files } from "../../src/node/files.ts";
import { images } from "../../src/node/images.ts";
import type { Picture } from "../../src/platform.ts";
import { Random } from "../../src/random.ts";
import { Alignment, type Move, moved, suspects } from "../../src/tools/audit/alignment.ts";
import { audit } from "../../src/tools/audit/audit.ts";
import { features, look } from "../../src/tools/audit/features.ts";
import { realData } from "../paths.ts";

const work = mkdtempSync(join(tmpdir(), "pix2pix-audit-"));
afterAll(() => rmSync(work, { recursive: true }));
const at = (...path: string[]) => join(work, ...path);
const platform = { files, images };

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
    expect(look(flat).busy).toBe(0);
    flat.data.fill(255, 0, 30);
    expect(look(flat).busy).toBeCloseTo(10 / 4096, 10);
    expect(look(B).busy).toBeGreaterThan(0.2);
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
      ["pairs: 40 (36 train, 4 test), layout folders", "size of A: 64x64", "lining up: checked"].join("\n") +
        `\nNothing found; ${at("sound.html")}`,
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

  it("says what is wrong with a folder without pairs", async () => {
    await expect(run({ dataroot: at("nowhere") })).rejects.toThrow(/does not exist/);
    expect(existsSync("audit.html")).toBe(false);
  });

  const real = join(realData, "cmp-base");
  it.skipIf(!existsSync(real))(`has no complaint about real facades (skipped where ${real} is absent)`, async () => {
    const { findings, judged } = await audit(platform, real);
    expect(readdirSync(real).length).toBe(48);
    expect(findings).toEqual([]);
    expect(judged.length).toBeGreaterThan(0);
  });
});
