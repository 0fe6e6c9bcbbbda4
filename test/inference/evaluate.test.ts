/** Scores of a run on pairs: those of its outputs, whatever can be decoded, with samples and with palettes. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parseConfig } from "../../src/config/schema.ts";
import { writeDemo } from "../../src/demo/write.ts";
import { NetworkState } from "../../src/engines/state.ts";
import { DatasetError } from "../../src/errors.ts";
import {
  type Evaluation,
  evaluate,
  openTestSet,
  paletteOfTargets,
  type ScoredPair,
  translatePairs,
} from "../../src/inference/evaluate.ts";
import { type TestTime, Translator } from "../../src/inference/translator.ts";
import { l1, mean, measure, psnr } from "../../src/metrics/pictures.ts";
import { generatorGraph } from "../../src/model/pix2pix.ts";
import { inits } from "../../src/nn/init.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { workFolder } from "../work-folder.ts";

const platform = await nodePlatform({ threads: 1 });
const { files, images } = platform;
const work = workFolder("evaluate");
const dataroot = join(work, "data");

/** unet_64 is the smallest with dropout. */
const config = parseConfig({
  dataroot,
  netG: "unet_64",
  ngf: 2,
  norm: "none",
  cropSize: 64,
  loadSize: 64,
  threads: 1,
  direction: "AtoB",
});
const state = new NetworkState(generatorGraph(config, { n: 1, height: 64, width: 64 }).netG);
state.initialise(inits.normal, 0.2, 1);
const open = (settings: TestTime = {}, options: object = {}) =>
  new Translator({ config: { ...config, ...options }, state, platform, settings });
const decode = async (file: string) => images.decode(await files.read(join(dataroot, file)));
const namesOf = ({ pairs }: Evaluation) => pairs.map(({ name }) => name);

beforeAll(() => writeDemo({ files, images }, dataroot, { train: 2, test: 4, size: 64, seed: 1 }));

describe("evaluate", () => {
  it("gives the metrics of translate's outputs against the files of the targets, and their means", async () => {
    const translator = open();
    const set = await openTestSet(config, {}, platform);
    expect([set.phase, set.layout, set.pairs.length]).toEqual(["test", "folders", 4]);
    const seen: ScoredPair[] = [];
    const found = await evaluate(translator, set.loader, { onPair: (pair) => void seen.push(pair) });
    expect(namesOf(found)).toEqual(set.pairs.map(({ name }) => name));
    const expected = [];
    for (const [index, name] of namesOf(found).entries()) {
      const output = await translator.translate(await decode(`testA/${name}.png`), { name });
      const target = await decode(`testB/${name}.png`);
      expect(seen[index]!.outputs).toEqual([output]);
      expect(seen[index]!.target.data).toEqual(target.data);
      expected.push(measure(output, target));
    }
    expect(found.pairs.map(({ metrics }) => metrics)).toEqual(expected);
    expect(found.mean).toEqual(mean(expected));
    expect(found.mean.l1).toBeGreaterThan(0.1);
    expect(Object.keys(found.labIntersection!)).toEqual(["L", "a", "b"]);
    expect([found.classes, seen[0]!.spread, seen[0]!.classes]).toEqual([undefined, undefined, undefined]);
    expect(found.secondsPerImage).toBeGreaterThan(0);
    await translator.close();
  });

  it("takes other phases and the first so many pairs; a phase that is not there is an error", async () => {
    const translator = open();
    const { loader } = await openTestSet(config, { phase: "train", count: 1 }, platform);
    expect(namesOf(await evaluate(translator, loader))).toEqual(["facade_0001"]);
    await expect(openTestSet(config, { phase: "val" }, platform)).rejects.toThrow(DatasetError);
    await translator.close();
  });

  it("of several samples: the means of all outputs, and where they differ", async () => {
    const translator = open();
    const { loader } = await openTestSet(config, { count: 2 }, platform);
    const pairs: ScoredPair[] = [];
    const found = await evaluate(translator, loader, { samples: 3, onPair: (pair) => void pairs.push(pair) });
    for (const [i, { outputs, target, spread }] of pairs.entries()) {
      expect(new Set(outputs.map(({ data }) => Buffer.from(data).toString("base64"))).size).toBe(3);
      const { metrics } = found.pairs[i]!;
      expect(metrics.l1).toBeCloseTo(outputs.reduce((sum, output) => sum + l1(output, target), 0) / 3, 12);
      expect(metrics.psnr).toBeCloseTo(outputs.reduce((sum, output) => sum + psnr(output, target), 0) / 3, 10);
      expect(metrics.spread).toBeGreaterThan(0);
      expect(spread).toMatchObject({ width: 64, height: 64, channels: 1 });
    }
    await translator.close();
  });

  it("of label maps: the share of pixels whose nearest colour of the palette is the target's", async () => {
    // From photos to label maps.
    const translator = open({}, { direction: "BtoA" });
    const { loader } = await openTestSet({ ...config, direction: "BtoA" }, {}, platform);
    const palette = await paletteOfTargets(translator.config, loader);
    expect(palette.length).toBeGreaterThan(3);
    const pairs: ScoredPair[] = [];
    const { classes } = await evaluate(translator, loader, { palette, onPair: (pair) => void pairs.push(pair) });
    expect(classes!.each).toHaveLength(palette.length);
    const shares = pairs.map(({ classes: painted, target, metrics }) => {
      let right = 0;
      for (let i = 0; i < target.data.length; i += 3) {
        if ([0, 1, 2].every((c) => painted!.data[i + c] === target.data[i + c])) right++;
      }
      expect(metrics.pixel).toBeCloseTo(right / (64 * 64), 10);
      return right / (64 * 64);
    });
    expect(classes!.pixel).toBeCloseTo(shares.reduce((sum, share) => sum + share, 0) / shares.length, 10);
    await translator.close();
  });

  it("notes that plain photos of another dataroot are taken as pairs", async () => {
    const root = join(work, "photos");
    for (const i of [1, 2]) {
      const photo = readFileSync(join(work, `data/testB/facade_000${i}.png`));
      await files.write(join(root, `test/${i}.png`), photo);
    }
    const { pairs, notes } = await openTestSet(config, { dataroot: root }, platform);
    expect(pairs.length).toBe(2);
    expect(notes).toEqual([
      expect.stringMatching(
        /^each picture is taken as two halves, A left and B right \(.*1\.png: 64x64 as two of 32x64\)/,
      ),
    ]);
    expect((await openTestSet(config, { dataroot: root, datasetMode: "aligned" }, platform)).notes).toEqual([]);
    expect((await openTestSet({ ...config, dataroot: root }, {}, platform)).notes).toEqual([]);
  });

  it("leaves out pairs that cannot be decoded, where that is asked for", async () => {
    const root = join(work, "broken");
    await writeDemo({ files, images }, root, { train: 0, test: 3, size: 64, seed: 1 });
    const damaged = join(root, "testB/facade_0002.png");
    writeFileSync(damaged, readFileSync(damaged).subarray(0, 100));
    const translator = open();
    const strict = await openTestSet(config, { dataroot: root }, platform);
    await expect(evaluate(translator, strict.loader)).rejects.toThrow(/facade_0002\.png.*--skip-bad-images/);
    const { loader } = await openTestSet(config, { dataroot: root, skipBadImages: true }, platform);
    expect(namesOf(await evaluate(translator, loader))).toEqual(["facade_0001", "facade_0003"]);
    expect([...loader.skipped.keys()]).toEqual([damaged]);
    // The loader gives the next pair instead of the damaged one.
    const all = [];
    for await (const { index, name, replaced } of translatePairs(translator, loader)) all.push([index, name, replaced]);
    expect(all).toEqual([
      [0, "facade_0001", false],
      [1, "facade_0003", true],
      [2, "facade_0003", false],
    ]);
    for (const name of ["facade_0001", "facade_0003"]) rmSync(join(root, `testB/${name}.png`));
    writeFileSync(join(root, "testB/facade_0001.png"), "no picture");
    const none = await openTestSet(config, { dataroot: root, skipBadImages: true, skipUnpaired: true }, platform);
    await expect(evaluate(translator, none.loader)).rejects.toThrow(DatasetError);
    await translator.close();
  });
});
