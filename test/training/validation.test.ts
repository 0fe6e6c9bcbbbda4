/** Scores of validation: those that `pix2pix test` gives. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Config, parseConfig } from "../../src/config/schema.ts";
import { evaluate, openTestSet } from "../../src/inference/evaluate.ts";
import { Translator } from "../../src/inference/translator.ts";
import { inits } from "../../src/nn/init.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { Random } from "../../src/random.ts";
import { Run } from "../../src/run/run.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { Validation } from "../../src/training/validation.ts";
import { workFolder } from "../work-folder.ts";

const work = workFolder("validation");
const platform = await nodePlatform({ threads: 1 });
const side = 32;
const sizes = { netG: "unet_32", ngf: 2, ndf: 2, cropSize: side, loadSize: side, threads: 1 } as const;
const place = { checkpointsDir: join(work, "runs"), dataroot: join(work, "data") };
const given = { ...place, ...sizes, valFreq: 1, noDropout: true };

it("PSNR is the mean over pairs whose output does not equal the target", async () => {
  const random = new Random(1, "validation", 0);
  for (const [name, draw] of [
    ["noise", () => random.int(256)],
    ["white", () => 255],
  ] as const) {
    const data = Uint8Array.from({ length: 3 * side * side }, draw);
    const png = await platform.images.encodePng({ width: side, height: side, channels: 3, data });
    for (const folder of ["valA", "valB", "trainA", "trainB"]) {
      await platform.files.write(join(work, "data", folder, `${name}.png`), png);
    }
  }
  const config = parseConfig({ ...given, name: "white" });
  const trainer = whiteGenerator(config);

  const validation = (await Validation.open(config, new Run(platform.files, config), platform, trainer, 0))!;
  await validation.score(1, 1);
  const [score] = validation.scores;
  await validation.close();

  const translator = new Translator({ config, state: trainer.netG, platform });
  const { loader } = await openTestSet(config, { phase: "val" }, platform);
  const { mean, pairs } = await evaluate(translator, loader);
  await translator.close();
  await trainer.close();
  expect(pairs.map(({ metrics }) => Number.isFinite(metrics.psnr))).toEqual([true, false]);
  expect(score).toEqual({ epoch: 1, step: 1, L1: mean.l1, PSNR: mean.psnr, SSIM: mean.ssim, phase: "val", pairs: 2 });
});

/** A generator of white pictures for these options. */
function whiteGenerator(model: Config): Trainer {
  const trainer = new Trainer(platform, { model, seed: 0, threads: 1 }, { n: 1, height: side, width: side });
  for (const net of [trainer.netG, trainer.netD]) net.initialise(inits.normal, 0.02, 0);
  trainer.netG.get(trainer.netG.specs.findLast(({ role }) => role === "bias")!).fill(20);
  return trainer;
}

it("outputs that equal their targets have the best PSNR, also when the run goes on", async () => {
  const png = await platform.images.encodePng({
    width: side,
    height: side,
    channels: 3,
    data: new Uint8Array(3 * side * side).fill(255),
  });
  for (const folder of ["equalA", "equalB"]) await platform.files.write(join(work, "data", folder, "white.png"), png);
  const own = { ...given, name: "equal", valPhase: "equal", valMetric: "PSNR", earlyStop: 2 } as const;
  const config = parseConfig(own);
  const run = new Run(platform.files, config);
  const trainer = whiteGenerator(config);
  await run.scores.append({ epoch: 1, step: 1, L1: 0.1, PSNR: 30, SSIM: 0.9, phase: "equal", pairs: 1 });
  const said: (string | undefined)[] = [];
  for (const epoch of [2, 3, 4]) {
    const validation = (await Validation.open(config, run, platform, trainer, epoch))!;
    expect(validation.scores.length).toBe(epoch - 1);
    expect(validation.exhausted).toBe(false);
    said.push(await validation.score(epoch, epoch));
    expect(validation.exhausted).toBe(epoch === 4);
    await validation.close();
  }
  expect(await run.bestEpoch()).toBe(2);
  expect(said[0]).toMatch(/: L1 0\.0000, PSNR infinite .*; the best PSNR so far, kept as best/);
  expect(said[2]).toMatch(/; the best PSNR was Infinity in epoch 2$/);
  expect(await run.scores.read()).toHaveLength(4);
  // An earlier version stored null.
  const log = run.path("val_log.jsonl");
  const text = (await platform.files.read(log)).toString().replaceAll('"L1":0,', '"L1":0,"PSNR":null,');
  await platform.files.write(log, text);
  expect(await run.scores.cutAfter(3)).toEqual([
    expect.objectContaining({ PSNR: 30 }),
    ...[2, 3].map((epoch) => ({ epoch, step: epoch, L1: 0, SSIM: 1, phase: "equal", pairs: 1 })),
  ]);
  await trainer.close();
});

it("pairs that cannot be scored are refused before the first epoch", async () => {
  const open = async (options: object) => {
    const config = parseConfig({ ...given, ...options, name: "refused" });
    const trainer = whiteGenerator(config);
    const opening = Validation.open(config, new Run(platform.files, config), platform, trainer, 0);
    return opening.finally(() => trainer.close());
  };
  const small = { netG: "resnet_6blocks", netD: "pixel", cropSize: 8, loadSize: 8 };
  await expect(open(small)).rejects.toThrow(
    "--val-freq: SSIM needs pictures of at least 11x11, the pairs of val are 8x8; take a larger --crop-size",
  );
  await expect(open({ valMetric: "KID", features: "any.safetensors", valSize: 1 })).rejects.toThrow(
    "--val-metric KID compares sets of at least two pictures, and one pair of val is scored; give more pairs (--val-size)",
  );
});

describe("the best weights of a run that goes on", () => {
  /** Scores epoch 3 of a run with these scores, whose best weights are of epoch `kept`. `off` is added to the PSNR of epoch 3. */
  async function goOn(name: string, kept: number | undefined, off: { 1: number; 2: number }) {
    const config = parseConfig({ ...given, name, valMetric: "PSNR" });
    const trainer = new Trainer(platform, { model: config, seed: 0, threads: 1 }, { n: 1, height: side, width: side });
    for (const net of [trainer.netG, trainer.netD]) net.initialise(inits.normal, 0.02, 0);
    const run = new Run(platform.files, config);
    const open = async () => (await Validation.open(config, run, platform, trainer, 3))!;
    const first = await open();
    await first.score(3, 3);
    await first.close();
    const { L1, PSNR, SSIM } = first.scores[0]!;
    for (const file of ["val_log.jsonl", "best_net_G.safetensors"]) await platform.files.remove(run.path(file));
    // By L1 the first epoch is the best.
    for (const [epoch, l1] of [
      [1, 0.01],
      [2, 1],
    ] as const) {
      await run.scores.append({ epoch, step: epoch, L1: l1, PSNR: PSNR! + off[epoch], SSIM });
    }
    if (kept !== undefined) await run.saveWeights("best", trainer, { epoch: kept, step: kept });
    const validation = await open();
    const said = await validation.score(3, 3);
    const { notes } = validation;
    await validation.close();
    await trainer.close();
    expect(L1).toBeGreaterThan(0.01);
    return { said, notes, best: await run.bestEpoch() };
  }

  it.each([
    ["worse than those of epoch 3 by the metric of now: are replaced", 1, { 1: -1, 2: 1 }, 3],
    ["better: stay, also where another epoch was better still", 1, { 1: 1, 2: 2 }, 1],
    ["gone, as after --epoch: the next ones are kept", undefined, { 1: 1, 2: 2 }, 3],
    [
      "of an epoch whose score a kill has prevented: stay where an earlier epoch was better than this",
      9,
      { 1: 1, 2: -1 },
      9,
    ],
  ])("%s", async (name, kept, off, best) => {
    expect((await goOn(name.replaceAll(/\W/g, "-"), kept, off)).best).toBe(best);
  });

  it("a metric by which others would have been kept: the user is told", async () => {
    const { notes } = await goOn("told", 1, { 1: 1, 2: 2 });
    expect(notes).toEqual([
      expect.stringMatching(
        /^--val-metric PSNR: the best so far, L1 1\.0000, .* in epoch 2, was not kept as best; best_net_G\.safetensors is of epoch 1 /,
      ),
    ]);
    expect((await goOn("not told", 2, { 1: 1, 2: 2 })).notes).toEqual([]);
  });
});

it("scores of other pairs are not compared: for the best weights, --early-stop and the rate", async () => {
  const own = { ...given, name: "other pairs", earlyStop: 2 };
  const config = parseConfig(own);
  const trainer = new Trainer(platform, { model: config, seed: 0, threads: 1 }, { n: 1, height: side, width: side });
  for (const net of [trainer.netG, trainer.netD]) net.initialise(inits.normal, 0.02, 0);
  const run = new Run(platform.files, config);
  // Two scores that no later one reaches.
  for (const epoch of [1, 2]) {
    await run.scores.append({ epoch, step: epoch, L1: 0.001 * epoch, PSNR: 99, SSIM: 1, phase: "val", pairs: 2 });
  }
  await run.saveWeights("best", trainer, { epoch: 1, step: 1 });
  const open = async (valSize: number) =>
    (await Validation.open(parseConfig({ ...own, valSize }), run, platform, trainer, 9))!;
  const same = await open(2);
  expect(same.notes).toEqual([]);
  expect(await same.score(3, 3)).toContain("the best L1 was 0.001000 in epoch 1");
  expect(same.exhausted).toBe(true);
  await same.close();
  const other = await open(1);
  expect(other.notes).toEqual([
    expect.stringMatching(
      /^--val-phase, --val-size: the scores so far are those of 2 pairs of val, the next ones of 1 pair of val, so they are not compared/,
    ),
  ]);
  expect(await other.score(4, 4)).toMatch(/^epoch 4: 1 pair of val: .*; the best L1 so far, kept as best/);
  expect(other.notes).toEqual([]);
  expect(other.exhausted).toBe(false);
  expect(await run.bestEpoch()).toBe(4);
  expect(other.history(4)).toEqual([[0.001, 0.002, same.scores[2]!.L1]]);
  expect(other.history(5)).toEqual([[0.001, 0.002, same.scores[2]!.L1], [other.scores[3]!.L1]]);
  await other.close();
  await trainer.close();
});
