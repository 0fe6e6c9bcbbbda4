/** The pure functions behind `pix2pix data`: pictures cut and joined, names matched, pairs dealt out. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ConfigError, DatasetError, UserError } from "../../src/errors.ts";
import { decode } from "../../src/formats/safetensors.ts";
import type { Picture } from "../../src/platform.ts";
import { blanked, resized, sideBySide } from "../../src/tools/frame.ts";
import { completeSet, wholeSet } from "../../src/tools/layout.ts";
import { matchFolders, unmatched } from "../../src/tools/pairing.ts";
import { deal, placements, sharesOf } from "../../src/tools/split.ts";
import { fixture } from "../paths.ts";

const { tensors } = decode(readFileSync(fixture("tools.safetensors")));

function picture(name: string): Picture {
  const { shape, data } = tensors[name]!;
  const [height, width, channels] = shape as [number, number, number];
  return { width, height, channels, data: data as Uint8Array };
}

const flat = (width: number, height: number, ...pixel: number[]): Picture => ({
  width,
  height,
  channels: pixel.length,
  data: Uint8Array.from({ length: width * height * pixel.length }, (_, i) => pixel[i % pixel.length]!),
});

describe("resized, as Pillow", () => {
  it.each(Object.keys(tensors).filter((name) => name.includes(" ")))("%s", (name) => {
    const [, source, how, fill, size, filter] = /^(\w+) (\w+)(?: ([a-z]+))? (\w+) (\w+)$/.exec(name)!;
    const [width, height] = size!.split("x").map(Number) as [number, number];
    const options = {
      width,
      height,
      pad: how === "pad",
      fill: (fill ?? "black") as "black",
      filter: filter as "nearest",
    };
    expect(resized(picture(source!), options)).toEqual(picture(name));
  });

  it("keeps 16 bits, and pads them with white", () => {
    const deep = { width: 1, height: 2, channels: 1, data: Uint16Array.of(1000, 60000) };
    const options = { width: 2, height: 2, pad: true, fill: "white", filter: "auto" } as const;
    expect(resized(deep, options).data).toEqual(Uint16Array.of(1000, 65535, 60000, 65535));
  });

  it("shrinks without aliases by default, and keeps what fits", () => {
    const stripes = { ...flat(64, 64, 0), data: Uint8Array.from({ length: 64 * 64 }, (_, i) => (i % 2) * 255) };
    const options = { pad: false, fill: "black", filter: "auto" } as const;
    const small = resized(stripes, { ...options, width: 16, height: 16 });
    expect(Math.min(...small.data)).toBeGreaterThan(100);
    expect(Math.max(...small.data)).toBeLessThan(155);
    expect(resized(stripes, { ...options, width: 64, height: 64 })).toEqual(stripes);
  });
});

describe("sideBySide", () => {
  it("puts A left and B right, and grey beside colour", () => {
    const joined = sideBySide(flat(1, 2, 9), flat(1, 2, 1, 2, 3));
    expect(joined).toEqual({
      width: 2,
      height: 2,
      channels: 3,
      data: Uint8Array.of(9, 9, 9, 1, 2, 3, 9, 9, 9, 1, 2, 3),
    });
    expect(sideBySide(flat(1, 1, 9), flat(1, 1, 7)).channels).toBe(1);
    const deep = { width: 1, height: 1, channels: 1, data: Uint16Array.of(4660) };
    expect(sideBySide(deep, flat(1, 1, 255)).data).toEqual(Uint16Array.of(4660, 65535));
  });

  it("refuses two sizes", () => {
    expect(() => sideBySide(flat(4, 3, 0), flat(3, 4, 0))).toThrow(/A is 4x3, B is 3x4/);
    expect(() => sideBySide(flat(4, 3, 0), flat(4, 4, 0))).toThrow(UserError);
  });
});

it("blanked leaves a white hole in the middle: Hesse's 76 of 256 pixels from 90 on, the paper's 128 from 64 on", () => {
  for (const [share, from, side] of [
    [0.3, 90, 76],
    [0.5, 64, 128],
  ] as const) {
    const { data } = blanked(flat(256, 256, 7, 8, 9), share);
    const white = (x: number, y: number) =>
      data.subarray((y * 256 + x) * 3, (y * 256 + x) * 3 + 3).join() === "255,255,255";
    expect(data.filter((value) => value === 255).length).toBe(side * side * 3);
    expect([white(from, from), white(from - 1, from), white(from, from - 1)]).toEqual([true, false, false]);
    expect([white(from + side - 1, from + side - 1), white(from + side, from)]).toEqual([true, false]);
  }
});

describe("matchFolders", () => {
  it("takes equal stems of any ending, folders included, and tells the rest", () => {
    const found = matchFolders(["train/1.png", "train/2.png", "val/1.jpg"], ["train/1.jpg", "val/1.JPG", "val/3.png"]);
    expect(found.pairs).toEqual([
      { name: "train/1", A: "train/1.png", B: "train/1.jpg" },
      { name: "val/1", A: "val/1.jpg", B: "val/1.JPG" },
    ]);
    expect([found.onlyA, found.onlyB]).toEqual([["train/2.png"], ["val/3.png"]]);
    expect(unmatched(found)).toBe("A without B (1): train/2.png; B without A (1): val/3.png");
    expect(matchFolders(["e\u0301.png"], ["\u00e9.png"]).pairs).toHaveLength(1);
  });

  it("with use_AB takes name_A and name_B, also of one folder", () => {
    const names = ["x/1_A.png", "x/1_B.jpg", "x/2_A.png", "x/note.png"];
    const found = matchFolders(names, names, { useAB: true });
    expect(found.pairs).toEqual([{ name: "x/1", A: "x/1_A.png", B: "x/1_B.jpg" }]);
    expect(unmatched(found)).toBe("A without B (1): x/2_A.png; neither _A nor _B (1): x/note.png");
  });

  it("refuses stems that are not clear, and folders without a pair", () => {
    expect(() => matchFolders(["1.png", "1.jpg"], ["1.png"])).toThrow(/stem "1"/);
    expect(() => unmatched(matchFolders(["1_A.png"], ["1_B.png"]))).toThrow(/no two pictures share a stem.*--use-AB/);
    expect(() => unmatched(matchFolders([], []))).toThrow(DatasetError);
  });
});

describe("deal", () => {
  const share = (train: number, test: number, val?: number) => sharesOf(train, test, val);
  const count = (dealt: string[]) => ["train", "val", "test"].map((phase) => dealt.filter((p) => p === phase).length);

  it("gives each phase its share, and val the rest", () => {
    expect(count(deal(100, share(0.8, 0.1), { seed: 0, sort: false }))).toEqual([80, 10, 10]);
    expect(count(deal(7, share(0.8, 0), { seed: 0, sort: false }))).toEqual([6, 1, 0]);
    expect(count(deal(7, share(0.5, 0.5, 0), { seed: 0, sort: false }))).toEqual([4, 0, 3]);
    expect(count(deal(5, share(1, 0), { seed: 0, sort: false }))).toEqual([5, 0, 0]);
    expect(count(deal(1, share(0, 0, 1), { seed: 0, sort: true }))).toEqual([0, 1, 0]);
  });

  it("is random by seed, or keeps the order", () => {
    const first = deal(50, share(0.6, 0.2), { seed: 1, sort: false });
    expect(deal(50, share(0.6, 0.2), { seed: 1, sort: false })).toEqual(first);
    expect(deal(50, share(0.6, 0.2), { seed: 2, sort: false })).not.toEqual(first);
    expect(deal(5, share(0.6, 0.2), { seed: 1, sort: true })).toEqual(["train", "train", "train", "val", "test"]);
  });

  it("refuses shares that are not a whole", () => {
    expect(() => share(0.8, 0.3)).toThrow(/add up to 1.1, expected 1/);
    expect(() => share(0.8, 0.1, 0.2)).toThrow(ConfigError);
  });

  it("keeps both files of a pair together, in the layout that they had", () => {
    const aligned = { name: "1", A: { file: "1.jpg", half: "left" }, B: { file: "1.jpg", half: "right" } } as const;
    const folders = { name: "d/1", A: { file: "A/d/1.jpg" }, B: { file: "B/d/1.png" } };
    const cmp = { name: "1", A: { file: "1.jpg" }, B: { file: "1.png" } };
    const to = placements([aligned, folders, cmp], ["train", "val", "test"]).map((each) => each.to);
    expect(to).toEqual(["train/1.jpg", "valA/d/1.jpg", "valB/d/1.png", "test/1.jpg", "test/1.png"]);
  });
});

describe("wholeSet", () => {
  it("knows all phases of each layout", () => {
    const phases = (pictures: string[]) => {
      const whole = wholeSet(pictures);
      return [whole?.layout, whole?.phases.map(({ phase, found }) => `${phase}:${found.pairs.length}`).join(" ")];
    };
    expect(phases(["train/1.jpg", "train/2.jpg", "val/1.jpg"])).toEqual(["aligned", "train:2 val:1"]);
    expect(phases(["A/1.png", "B/1.png"])).toEqual(["folders", ":1"]);
    expect(phases(["trainA/1.png", "trainB/1.png", "valA/1.png", "valB/1.png"])).toEqual(["folders", "train:1 val:1"]);
    expect(phases(["1.jpg", "1.png"])).toEqual(["cmp", ":1"]);
    expect(phases([])).toEqual([undefined, undefined]);
  });
});

describe("completeSet", () => {
  const sides = ["photos/1.png", "photos/2.png", "labels/1.png", "labels/2.png"];
  const inPhase = (phase: string) => sides.map((path) => `${phase}/${path}`);

  it.each([
    ["the folder itself", "", sides],
    [
      "two folders with phases in them",
      "",
      ["photos/train/1.png", "photos/test/2.png", "labels/train/1.png", "labels/test/2.png"],
    ],
    ["a phase beside one of aligned pictures", "test/", ["train/1.png", ...inPhase("test")]],
    ["a phase beside one with A and B", "val/", ["train/A/1.png", "train/B/1.png", ...inPhase("val")]],
    ["train beside a test with A and B", "train/", [...inPhase("train"), "testA/1.png", "testB/1.png"]],
  ])("refuses two sides of unknown names: %s", (_, inside, pictures) => {
    const sorted = [...pictures].sort();
    expect(() => completeSet("set", sorted)).toThrow(
      `${inside}labels/ and ${inside}photos/ in set hold pictures of the same`,
    );
    expect(wholeSet(sorted)).toBeDefined();
    expect(completeSet("set", sorted, "aligned")).toEqual(wholeSet(sorted, "aligned"));
  });

  it("is the whole set otherwise, whatever lies beside it", () => {
    const pictures = ["results/fake/1.png", "results/real/1.png", "trainA/1.png", "trainB/1.png"];
    expect(completeSet("set", pictures)).toEqual(wholeSet(pictures));
    expect(completeSet("set", pictures)?.layout).toBe("folders");
    expect(completeSet("set", [])).toBeUndefined();
  });
});
