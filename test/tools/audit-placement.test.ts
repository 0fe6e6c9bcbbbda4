/** `pix2pix data audit` on sets whose sides were cropped, mirrored or exchanged throughout. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { audit as command } from "../../src/cli/commands/data/audit.ts";
import { listAll } from "../../src/data/listing.ts";
import { resize } from "../../src/data/resize.ts";
import { crop } from "../../src/data/transforms.ts";
import { demoSet } from "../../src/demo/facades.ts";
import { files } from "../../src/node/files.ts";
import { images } from "../../src/node/images.ts";
import type { Picture } from "../../src/platform.ts";
import { Random } from "../../src/random.ts";
import { moved } from "../../src/tools/audit/alignment.ts";
import { sampleOf } from "../../src/tools/audit/audit.ts";
import {
  correlations,
  flips,
  outlineGrid,
  outlinePlanes,
  reach,
  shifts,
  spectrumOf,
} from "../../src/tools/audit/correlation.ts";
import { outlines } from "../../src/tools/audit/features.ts";
import { ofPlacement } from "../../src/tools/audit/findings.ts";
import { type Placement, PlacementTest } from "../../src/tools/audit/placement.ts";
import { isMoved, placed } from "../../src/tools/audit/pose.ts";
import { readPair } from "../../src/tools/audit/read.ts";
import { wholeSet } from "../../src/tools/layout.ts";
import { realData } from "../paths.ts";
import { workFolder } from "../work-folder.ts";

const work = workFolder("placement");
const at = (...path: string[]) => join(work, ...path);

interface Pair {
  A: Picture;
  B: Picture;
}

/** 286 to 256, as training crops. */
const [load, size] = [143, 128];
const demo: Pair[] = demoSet(40, load, 11).map(({ label, photo }) => ({ A: label, B: photo }));

interface Damage {
  flip?: boolean;
  crop?: boolean;
}

/** Each side with a crop and a flip of its own, as in the post that this project began with. */
function damaged(pairs: readonly Pair[], { flip, crop: cropped }: Damage): Pair[] {
  const random = new Random(1, "damage", 0);
  const side = (picture: Picture) => {
    const [x, y] = cropped ? [random.int(load - size + 1), random.int(load - size + 1)] : [7, 7];
    const part = crop(picture, x, y, size, size);
    return flip && random.int(2) === 1 ? moved(part, "mirrored left to right") : part;
  };
  return pairs.map(({ A, B }) => ({ A: side(A), B: side(B) }));
}

function judge(pairs: readonly Pair[]): Placement {
  const test = new PlacementTest();
  for (const { A, B } of pairs) test.add({ a: outlines(A), b: outlines(B) });
  return test.judge();
}

const next = (pairs: readonly Pair[]) => pairs.map(({ A }, i) => ({ A, B: pairs[(i + 1) % pairs.length]!.B }));

describe("correlations", () => {
  it("are those of the overlapping parts, for each flip and shift", () => {
    const random = new Random(5, "correlations", 0);
    const draw = () => Float32Array.from({ length: outlinePlanes * outlineGrid ** 2 }, () => random.normal());
    const [a, b] = [draw(), draw()];
    const found = correlations(spectrumOf(a), spectrumOf(b));
    const value = (from: Float32Array, plane: number, x: number, y: number) =>
      from[(plane * outlineGrid + y) * outlineGrid + x]!;
    for (const [f, { flipX, flipY }] of flips.entries()) {
      for (const [dx, dy] of [
        [0, 0],
        [3, -5],
        [-reach, reach],
        [reach, 1],
      ] as const) {
        let [sum, squareA, squareB] = [0, 0, 0];
        for (let y = Math.max(0, -dy); y < Math.min(outlineGrid, outlineGrid - dy); y++) {
          for (let x = Math.max(0, -dx); x < Math.min(outlineGrid, outlineGrid - dx); x++) {
            const [u, v] = [x + dx, y + dy];
            for (let plane = 0; plane < outlinePlanes; plane++) {
              const p = value(a, plane, x, y);
              const q = value(b, plane, flipX ? outlineGrid - 1 - u : u, flipY ? outlineGrid - 1 - v : v);
              sum += p * q;
              squareA += p * p;
              squareB += q * q;
            }
          }
        }
        const at = (f * shifts + dy + reach) * shifts + dx + reach;
        expect(found[at]).toBeCloseTo(sum / Math.sqrt(squareA * squareB), 6);
      }
    }
  });
});

describe("PlacementTest", () => {
  it("calls a sound set sound, also when both sides are cropped and mirrored together", () => {
    const { verdict, telling, moved: share } = judge(damaged(demo, {}));
    expect([verdict, telling]).toEqual(["sound", 40]);
    expect(share.value).toBeCloseTo(0, 10);
    expect(share.to).toBeLessThan(0.1);
    const random = new Random(1, "together", 0);
    const together = demo.map(({ A, B }) => {
      const [x, y, flip] = [random.int(16), random.int(16), random.int(2) === 1];
      const side = (picture: Picture) => {
        const part = crop(picture, x, y, size, size);
        return flip ? moved(part, "mirrored left to right") : part;
      };
      return { A: side(A), B: side(B) };
    });
    expect(judge(together).verdict).toBe("sound");
  });

  it("finds sides that were mirrored on their own, and how many", () => {
    const { verdict, mirrored, shifted } = judge(damaged(demo, { flip: true }));
    expect(verdict).toBe("moved");
    expect(mirrored.value).toBeGreaterThan(0.3);
    expect(mirrored.value).toBeLessThan(0.7);
    expect(mirrored.from).toBeLessThan(mirrored.value);
    expect(shifted.value).toBeLessThan(0.05);
  });

  it("finds sides that were cropped on their own, and by how much", () => {
    const { verdict, mirrored, shifted, spread } = judge(damaged(demo, { crop: true }));
    expect(verdict).toBe("moved");
    expect(shifted.value).toBeGreaterThan(0.6);
    expect(mirrored.value).toBeLessThan(0.05);
    // The difference of two offsets of 0 to 15 of 128 pixels has a standard deviation of 6.5 pixels, 5.1 %.
    expect(spread).toBeGreaterThan(0.035);
    expect(spread).toBeLessThan(0.065);
  });

  it("finds both, and moves B to where it fits", () => {
    const pairs = damaged(demo, { flip: true, crop: true });
    const { verdict, mirrored, shifted, fits } = judge(pairs);
    expect(verdict).toBe("moved");
    expect(Math.min(mirrored.value, shifted.value)).toBeGreaterThan(0.3);
    const mended = pairs.map(({ A, B }, i) => ({ A, B: fits[i] ? placed(B, fits[i]) : B }));
    expect(fits.filter((fit) => fit && isMoved(fit)).length).toBeGreaterThan(25);
    expect(judge(mended).verdict).toBe("sound");
  });

  it("distinguishes a fault that all pairs share from faults of each pair", () => {
    const text = (side: (b: Picture) => Picture) => {
      const placement = judge(demo.map(({ A, B }) => ({ A: crop(A, 7, 7, size, size), B: side(B) })));
      expect(placement.verdict).toBe("moved");
      return ofPlacement(placement, demo.map(pairOf))[0]!.text;
    };
    const pairOf = (_: Pair, i: number) => ({ name: `${i}`, phase: "", A: { file: `a${i}` }, B: { file: `b${i}` } });
    expect(text((B) => moved(crop(B, 7, 7, size, size), "mirrored left to right"))).toMatch(
      /^B seems to be mirrored in all pairs\. In 40 of 40 pairs/,
    );
    expect(text((B) => crop(B, 0, 15, size, size))).toMatch(
      /^B seems to be shifted by the same distance in all pairs\./,
    );
  });

  it("finds partners that are off by one", () => {
    const pairs = next(damaged(demo, {}));
    const { verdict, exchanged, partners } = judge(pairs);
    expect(verdict).toBe("exchanged");
    expect(exchanged).toBeGreaterThan(20);
    for (const [i, partner] of partners.entries()) {
      if (partner !== undefined) expect(partner).toBe((i + 39) % 40);
    }
  });

  it("says that it cannot tell, and why", () => {
    const few = judge(damaged(demo.slice(0, 15), {}));
    expect(few.verdict).toBe("unknown");
    expect(few.reason).toBe("at least 16 readable pairs are needed, and there are 15");
    const [labels, others] = [damaged(demo.slice(0, 20), {}), damaged(demo.slice(20), {})];
    const unrelated = judge(labels.map(({ A }, i) => ({ A, B: others[i]!.B })));
    expect(unrelated.verdict).toBe("unknown");
    expect(unrelated.reason).toMatch(/agree no better within a pair than between pairs/);
    const flat: Picture = { width: 64, height: 64, channels: 1, data: new Uint8Array(4096).fill(9) };
    expect(judge(labels.map(({ A }) => ({ A, B: flat }))).verdict).toBe("unknown");
  });

  it.skipIf(!existsSync(join(realData, "cmp-base")))(
    "judges real facades (skipped where they are absent)",
    async () => {
      const root = join(realData, "cmp-base");
      const whole = wholeSet((await listAll(files, root))!.pictures)!;
      const pairs: Pair[] = [];
      for (const pair of whole.phases.flatMap(({ found }) => found.pairs)) {
        const { A, B } = await readPair({ files, images }, root, pair);
        pairs.push({ A: resize(A, load, load), B: resize(B, load, load) });
      }
      expect(pairs.length).toBe(24);
      expect(judge(damaged(pairs, {})).verdict).toBe("sound");
      for (const damage of [{ flip: true }, { crop: true }, { flip: true, crop: true }]) {
        expect(judge(damaged(pairs, damage)).verdict).toBe("moved");
      }
    },
  );
});

describe("sampleOf", () => {
  it("takes neighbours together, spread over the whole list", () => {
    const list = Array.from({ length: 1000 }, (_, i) => i);
    const sample = sampleOf(list);
    expect(sample.length).toBe(200);
    expect(new Set(sample).size).toBe(200);
    expect(sample.slice(0, 9)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, sample[8]]);
    expect(sample[8]).toBeGreaterThan(30);
    expect(sample.at(-1)).toBe(999);
    expect(sampleOf(list.slice(0, 200))).toEqual(list.slice(0, 200));
    expect(new Set(sampleOf(list.slice(0, 201))).size).toBe(200);
  });
});

describe("data audit", () => {
  async function run(name: string, pairs: readonly Pair[]) {
    for (const side of ["A", "B"] as const) {
      mkdirSync(at(name, `train${side}`), { recursive: true });
      for (const [i, pair] of pairs.entries()) {
        writeFileSync(at(name, `train${side}`, `${i}.png`), await images.encodePng(pair[side]));
      }
    }
    const lines: string[] = [];
    const output = { print: (line: string) => lines.push(line), note: (line: string) => lines.push(line) };
    const code = await command.run({ dataroot: at(name), out: at(`${name}.html`), strict: true }, output);
    return { code, text: lines.join("\n"), page: readFileSync(at(`${name}.html`), "utf8") };
  }

  it("finds a set whose sides were cropped and mirrored on their own", async () => {
    const { code, text, page } = await run("moved", damaged(demo.slice(0, 24), { flip: true, crop: true }));
    expect(code).toBe(1);
    expect(text).toMatch(/\nlining up: no: \d+ % \(\d+ to \d+ %\) of the pairs fit only when B is moved\n/);
    expect(text).toMatch(/The whole set does not line up: 1\n.* cropped and mirrored independently of each other\./);
    expect(text).toMatch(/fit only with B mirrored, and .* fit only with B shifted \(typically by \d %/);
    expect(text).not.toContain("Nothing found");
    expect(page).toContain("1 finding.");
    expect(page.match(/<figcaption>B where it fits/g)?.length).toBe(8);
  });

  it("does not say that nothing was found where it cannot tell", async () => {
    const few = await run("few", damaged(demo.slice(0, 8), {}));
    expect(few.code).toBe(0);
    expect(few.text).toContain(
      "lining up: could not be judged: at least 16 readable pairs are needed, and there are 8",
    );
    expect(few.text.split("\n").at(-1)).toBe(
      "Nothing else found, but whether the sides line up could not be judged: look at some pairs with pix2pix inspect. " +
        `What was looked for: ${at("few.html")}`,
    );
    expect(few.page).not.toContain("No findings.");
    expect(few.page).toContain("could not be judged");
  });
});
