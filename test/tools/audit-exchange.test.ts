/** `pix2pix data audit` on sets in a part of which A and B are exchanged, and on sets in which it would be wrong to say so. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { pairsOf } from "../../bench/audit-sets.ts";
import { audit as command } from "../../src/cli/commands/data/audit.ts";
import { exchange } from "../../src/cli/commands/data/exchange.ts";
import { drawFacade } from "../../src/demo/facades.ts";
import { files } from "../../src/node/files.ts";
import { images } from "../../src/node/images.ts";
import type { Picture } from "../../src/platform.ts";
import { Random } from "../../src/random.ts";
import { audit } from "../../src/tools/audit/audit.ts";
import { ExchangeTest, type Styles } from "../../src/tools/audit/exchange.ts";
import { styleOf } from "../../src/tools/audit/style.ts";
import { realData } from "../paths.ts";
import { workFolder } from "../work-folder.ts";

const work = workFolder("audit-exchange");

interface Sides {
  A: Picture;
  B: Picture;
}

const drawn = (count: number, size = 48): Sides[] =>
  Array.from({ length: count }, (_, i) => {
    const { label, photo } = drawFacade(new Random(7, "exchange", i), size);
    return { A: label, B: photo };
  });

/** Every so many-th pair is exchanged. */
const exchanged = (pairs: readonly Sides[], every: number): Sides[] =>
  pairs.map(({ A, B }, i) => (i % every === every - 1 ? { A: B, B: A } : { A, B }));

const styles = (pairs: readonly Sides[]): Styles[] => pairs.map(({ A, B }) => ({ a: styleOf(A), b: styleOf(B) }));

/** The places of the pairs that are said to be exchanged. */
function told(pairs: readonly Sides[]): number[] {
  const all = styles(pairs);
  const test = new ExchangeTest(all);
  return all.flatMap((each, i) => (test.exchanged(each) ? [i] : []));
}

/** A picture as it were darker or brighter, each channel by its own factor. */
const lit = (picture: Picture, gains: readonly number[]): Picture => ({
  ...picture,
  data: picture.data.map((value, i) => Math.min(255, value * gains[i % 3]!)),
});

describe("styleOf", () => {
  it("is what its definition says, of a picture of two colours in stripes", () => {
    // Columns of 2 pixels: (255, 0, 0) and (0, 0, 0); of the 7 left neighbours 3 have the other colour.
    const row = [0, 0, 255, 255, 0, 0, 255, 255].flatMap((red) => [red, 0, 0]);
    const data = Uint8Array.from([...row, ...row]);
    const style = styleOf({ width: 8, height: 2, channels: 3, data });
    // Of 7 columns in each row 4 are red.
    const red = 4 / 7;
    const entropy = -(red * Math.log2(red) + (1 - red) * Math.log2(1 - red)) / 12;
    const expected = [
      red,
      0,
      0,
      Math.sqrt(red - red ** 2),
      0,
      0,
      red,
      4 / 7,
      Math.log1p((3 / 7) * 255) / Math.log(256),
      entropy,
    ];
    expect([...style].map((value) => value.toFixed(9))).toEqual(expected.map((value) => value.toFixed(9)));
  });

  it("takes grey for three equal channels", () => {
    const grey = Uint8Array.from({ length: 64 }, (_, i) => (i * 37) % 256);
    const rgb = Uint8Array.from({ length: 192 }, (_, i) => grey[Math.floor(i / 3)]!);
    const form = { width: 8, height: 8 };
    expect(styleOf({ ...form, channels: 1, data: grey })).toEqual(styleOf({ ...form, channels: 3, data: rgb }));
  });
});

describe("ExchangeTest", () => {
  const pairs = drawn(60);
  const places = (every: number) => pairs.flatMap((_, i) => (i % every === every - 1 ? [i] : []));

  it("tells exactly the pairs that are exchanged: none, one, a tenth, a third", () => {
    expect(told(pairs)).toEqual([]);
    for (const every of [60, 10, 3]) expect(told(exchanged(pairs, every))).toEqual(places(every));
  });

  it("tells one half or the other where it is half of the pairs", () => {
    const half = told(exchanged(pairs, 2));
    expect(half.length).toBe(30);
    expect(new Set(half.map((i) => i % 2)).size).toBe(1);
  });

  it("is silent about few pairs", () => {
    expect(told(exchanged(pairs.slice(0, 15), 5))).toEqual([]);
  });

  it("is silent about photographs that differ within a pair only: brighter in some pairs, darker in others", () => {
    const random = new Random(4, "light", 0);
    const photos = pairs.map(({ B }) => B);
    const gain = () => 0.6 + random.int(800) / 1000;
    const anyhow = photos.map((B): Sides => ({ A: lit(B, [gain(), gain(), gain()]), B }));
    expect(told(anyhow)).toEqual([]);
    const exposure = photos.map((B, i): Sides => ({ A: lit(B, i % 2 ? [1.5, 1.5, 1.5] : [0.5, 0.5, 0.5]), B }));
    expect(told(exposure)).toEqual([]);
    const dusk = photos.map((A): Sides => ({ A, B: lit(A, [0.9, 0.92, 1]) }));
    expect(told(dusk)).toEqual([]);
    expect(told(exchanged(dusk, 3))).toEqual([]);
  });
});

describe("data audit", () => {
  const name = (i: number) => `${String(i).padStart(2, "0")}.png`;

  async function written(root: string, pairs: readonly Sides[]): Promise<string> {
    for (const [i, { A, B }] of pairs.entries()) {
      await files.write(join(work, root, "trainA", name(i)), await images.encodePng(A));
      await files.write(join(work, root, "trainB", name(i)), await images.encodePng(B));
    }
    return join(work, root);
  }

  it("names the pairs, judges the placement of each as if it were put right, and counts them on its page", async () => {
    const root = await written("mixed", exchanged(drawn(40, 64), 4));
    const { findings, judged, judgesSides } = await audit({ files, images }, root);
    expect(findings.map(({ kind, files }) => `${kind} ${files.join(" ")}`)).toEqual(
      Array.from({ length: 10 }, (_, k) => `sides trainA/${name(4 * k + 3)} trainB/${name(4 * k + 3)}`),
    );
    expect(judgesSides).toBe(true);
    expect(judged.length).toBeGreaterThan(4);
    const lines: string[] = [];
    const output = { print: (line: string) => lines.push(line), note: (line: string) => lines.push(line) };
    const page = join(work, "mixed.html");
    expect(await command.run({ dataroot: root, out: page, strict: true }, output)).toBe(1);
    expect(lines.join("\n")).toContain(
      "Pairs with A and B exchanged: 10\n  trainA/03.png, trainB/03.png: A looks like B of most other pairs, and B like their A\n",
    );
    expect(lines.at(-2)).toBe(`  npx pix2pix data exchange --dataroot ${root} --out FOLDER exchanges them`);
    expect(new TextDecoder().decode(await files.read(page))).toContain("pix2pix data exchange writes the set");

    const out = join(work, "right");
    expect(await exchange.run({ dataroot: root, out }, output)).toBe(0);
    expect(lines).toContain("A and B of 10 of 40 pairs (folders) are exchanged");
    for (const [i, { A, B }] of drawn(40, 64).entries()) {
      const read = async (side: string) => images.decode(await files.read(join(out, `train${side}`, name(i))));
      expect([(await read("A")).data, (await read("B")).data]).toEqual([A.data, B.data]);
    }
  });
});

const real = ["edges2shoes", "cmp-base"].map((set) => join(realData, set));
describe.skipIf(!real.every((root) => existsSync(root)))(`real sets (skipped where ${real[0]} is absent)`, () => {
  it.each(real)("%s: nearly all of a tenth and of a half, and no others", async (root) => {
    const pairs = await pairsOf(root);
    expect(told(pairs)).toEqual([]);
    const tenth = told(exchanged(pairs, 10));
    expect(tenth.every((i) => i % 10 === 9)).toBe(true);
    expect(tenth.length).toBeGreaterThanOrEqual(0.9 * Math.floor(pairs.length / 10));
    const half = told(exchanged(pairs, 2));
    expect(new Set(half.map((i) => i % 2)).size).toBe(1);
    expect(half.length).toBeGreaterThan(0.45 * pairs.length);
  });
});
