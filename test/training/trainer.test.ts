/**
 * Runs that end early, in every way that runs do, and go on: the final weights, moments and losses are those of a run
 * that was not interrupted, byte for byte. A full disk costs nothing that was saved.
 */

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { parseConfig } from "../../src/config/schema.ts";
import { decode } from "../../src/formats/safetensors.ts";
import { files } from "../../src/node/files.ts";
import { images } from "../../src/node/images.ts";
import { Random } from "../../src/random.ts";
import { Run } from "../../src/run/run.ts";
import { type TrainEvents, train } from "../../src/training/train.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { expectSame, latest, ownRuns, patience, platform, small, stepOf } from "./runs.ts";

const { checkpointsDir, cli, dataroot, dirOf, flags, read, resume, start, work } = ownRuns();

describe("a run", () => {
  it("takes the smaller last batch of an epoch, and counts the batches of every norm", async () => {
    expect(
      read("whole", "loss_log.jsonl")
        .toString()
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).epoch),
    ).toEqual([...[1, 1, 1, 2, 2, 2, 3]]);
    const counts = (file: string) =>
      Object.entries(decode(read("whole", file)).tensors)
        .filter(([name]) => name.endsWith("num_batches_tracked"))
        .map(([, { data }]) => Number(data[0]));
    // D judges three times a step: a fake pair, a real one, and the fake one again for G.
    expect(new Set(counts(latest[0]!))).toEqual(new Set([7]));
    expect(new Set(counts(latest[1]!))).toEqual(new Set([21]));
    expect(readdirSync(dirOf("whole")).filter((file) => /^\d/.test(file))).toEqual([
      ...[1, 2].flatMap((epoch) => ["D", "G"].map((net) => `${epoch}_net_${net}.safetensors`)),
    ]);
  });

  it("depends on the seed, and on dropout", async () => {
    await start("other-seed", { maxSteps: 2, seed: 6 });
    await start("no-dropout", { maxSteps: 2, noDropout: true });
    await start("same", { maxSteps: 2 });
    const weights = ["other-seed", "no-dropout", "same"].map((name) => read(name, latest[0]!).toString("base64"));
    expect(new Set(weights).size).toBe(3);
    await resume("same", { maxSteps: 7 });
    expectSame(dirOf("same"), dirOf("whole"));
  });

  it("needs no handlers of events: the page has its losses all the same", async () => {
    await train(parseConfig({ dataroot, checkpointsDir, name: "silent", ...small, maxSteps: 2 }), platform);
    expect(read("silent", "index.html").toString()).toMatch(/>2 of 2</);
  });

  it("without D tells no losses of D, neither in its log nor on its page", async () => {
    const shown: string[] = [];
    const config = parseConfig({ dataroot, checkpointsDir, name: "l1", ...small, lambdaGan: 0, maxSteps: 2 });
    await train(config, platform, { step: ({ losses }) => shown.push(...Object.keys(losses)) });
    expect(new Set(shown)).toEqual(new Set(["G_L1"]));
    const [line] = await new Run(files, config).losses.read();
    expect(Object.keys(line!).sort()).toEqual(["G_L1", "L1", "epoch", "lr", "seconds", "step"]);
    expect(read("l1", "index.html").toString()).not.toMatch(/G_GAN|D_real/);
  });

  it("saves by time with --save-latest-seconds, also where every step is the end of an epoch", async () => {
    const times = { batchSize: 5, saveEpochFreq: 1000, saveLatestSeconds: 1, maxSteps: 2 };
    const config = parseConfig({ dataroot, checkpointsDir, name: "timed", ...small, ...times });
    const saved: boolean[] = [];
    const step = () => {
      saved.push(existsSync(join(dirOf("timed"), latest[2]!)));
      const from = performance.now();
      while (saved.length === 1 && performance.now() - from < 1100);
    };
    await train(config, platform, { step });
    expect(saved).toEqual([false, true]);
  });

  it("stopped and continued after every single step", async () => {
    await start("steps", { maxSteps: 1 });
    for (let step = 2; step <= 7; step++) expect(await resume("steps", { maxSteps: step })).toMatchObject({ step });
    expectSame(dirOf("steps"), dirOf("whole"));
  });

  it("stopped by a signal after any step, more than once", async () => {
    let count = 0;
    const stops = fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 2 });
    const examples: [number[]][] = [[[3]], [[2, 4]]];
    await fc.assert(
      fc.asyncProperty(stops, async (unordered) => {
        const [first, second = 0] = unordered.sort();
        const name = `stopped-${count++}`;
        expect(await start(name, { maxSteps: 7 }, { stopAfter: first })).toMatchObject({ step: first, stopped: true });
        if (second)
          expect(await resume(name, {}, { stopAfter: second })).toMatchObject({ step: second, stopped: true });
        expect(await resume(name)).toMatchObject({ step: 7, stopped: false });
        expectSame(dirOf(name), dirOf("whole"));
      }),
      { numRuns: 3, examples },
    );
  });

  it("at its end has nothing left to do, and changes nothing", async () => {
    cpSync(dirOf("whole"), dirOf("ended"), { recursive: true });
    expect(await resume("ended")).toMatchObject({ step: 7, stopped: false });
    expect(await resume("ended", { maxSteps: 3 })).toMatchObject({ step: 7, stopped: false });
    expectSame(dirOf("ended"), dirOf("whole"));
  });

  it("stores no end before its step, so it goes on as before when that end is left out", async () => {
    await start("early", { maxSteps: 4 });
    const stored = read("early", "config.json").toString();
    for (const end of [
      { maxSteps: 2 },
      { nEpochs: 1, nEpochsDecay: 0 },
      { maxSteps: 9, nEpochs: 0, nEpochsDecay: 1 },
    ]) {
      expect(await resume("early", end)).toMatchObject({ step: 4, stopped: false });
      const { maxSteps, nEpochs, nEpochsDecay } = JSON.parse(read("early", "config.json").toString());
      expect({ maxSteps, nEpochs, nEpochsDecay }).toEqual({ maxSteps: 4, nEpochs: 100, nEpochsDecay: 100 });
    }
    // An earlier version stored such an end.
    writeFileSync(join(dirOf("early"), "config.json"), stored.replace('"maxSteps": 4', '"maxSteps": 2'));
    expect(await resume("early")).toMatchObject({ step: 4 });
    expect(await resume("early", {}, { stopAfter: 5 })).toMatchObject({ step: 5, stopped: true });
  });

  it("keeps the weights of each checkpoint by its step with --save-by-iter, also after a stop", async () => {
    const options = { maxSteps: 7, saveByIter: true, saveLatestFreq: 2 };
    await start("kept", options, { stopAfter: 3 });
    await resume("kept");
    const kept = await new Run(files, { checkpointsDir, name: "kept" }).keptWeights();
    expect(kept.sort()).toEqual(["1", "2", "iter_2", "iter_4", "iter_6", "latest"]);
    const tensors = (file: string) => Object.values(decode(read("kept", file)).tensors).map(({ data }) => data);
    // Step 6 is the end of epoch 2.
    expect(tensors("iter_6_net_G.safetensors")).toEqual(tensors("2_net_G.safetensors"));
    expect(tensors("iter_4_net_D.safetensors")).not.toEqual(tensors("2_net_D.safetensors"));
  });
});

describe("a run that ended before its first checkpoint", () => {
  const options = { maxSteps: 4, valFreq: 1, valPhase: "test", saveEpochFreq: 1000 };
  const early = "early-best";
  beforeAll(async () => {
    await start("best", options);
    // As a kill in the second epoch leaves it: the best weights so far, and no checkpoint.
    cpSync(dirOf("best"), dirOf(early), { recursive: true });
    for (const file of latest) rmSync(join(dirOf(early), file));
  }, patience);

  it("is not taken back to weights of an epoch, nor begun anew without being asked", async () => {
    await expect(resume(early, { epoch: "best" })).rejects.toThrow(
      /no.* checkpoint yet.* --continue-train, without --epoch/,
    );
    await expect(start(early, options)).rejects.toThrow(
      /exists already\. Continue it with --continue-train, choose another/,
    );
    expect(existsSync(join(dirOf(early), latest[2]!))).toBe(false);
  });

  it("begins again by --continue-train if-present, as a job that is started anew", async () => {
    cpSync(dirOf(early), dirOf("early-job"), { recursive: true });
    const own = ["--max-steps=4", "--val-freq=1", "--val-phase=test", "--save-epoch-freq=1000"];
    const job = ["train", ...flags.filter((flag) => !flag.startsWith("--save-epoch-freq")), ...own, "--name=early-job"];
    expect(await cli([...job, "--continue-train=if-present"])).toMatchObject({ code: 0, err: "" });
    expectSame(dirOf("early-job"), dirOf("best"));
  });

  it("begins again, also where it has kept its best weights", async () => {
    expect(await resume(early, { epoch: "latest" })).toMatchObject({ step: 4, stopped: false });
    expectSame(dirOf(early), dirOf("best"));
  });
});

it("a run whose checkpoint is gone does not begin again over its kept weights", async () => {
  await start("lost", { maxSteps: 1 });
  const weights = join(dirOf("lost"), "latest_net_G.safetensors");
  for (const epoch of [1, 2, 3]) cpSync(weights, join(dirOf("lost"), `${epoch}_net_G.safetensors`));
  for (const file of latest) rmSync(join(dirOf("lost"), file));
  await expect(resume("lost", {})).rejects.toThrow(
    /has kept the weights 1, 2, 3, but its last checkpoint is gone\. Copy the latest_\* files back/,
  );
  expect(existsSync(join(dirOf("lost"), latest[2]!))).toBe(false);
});

it("--epoch of a run without any weights is refused", async () => {
  await start("bare", { maxSteps: 1 });
  for (const file of readdirSync(dirOf("bare"))) if (file.endsWith(".safetensors")) rmSync(join(dirOf("bare"), file));
  await expect(resume("bare", { epoch: "3" })).rejects.toThrow(/no.* checkpoint yet/);
});

describe("in other processes", () => {
  // The process is ended long before step 1000.
  const long = ["train", ...flags, "--print-freq=1", "--save-epoch-freq=1000", "--max-steps=1000"];
  const again = (name: string) => [
    "train",
    `--name=${name}`,
    `--checkpoints-dir=${checkpointsDir}`,
    "--continue-train",
  ];

  /** Trains a run for a few more steps in another process, and compares it with one that was not interrupted. */
  async function expectWhole(name: string): Promise<void> {
    const maxSteps = stepOf(dirOf(name)) + 4;
    expect(await cli([...again(name), `--max-steps=${maxSteps}`])).toMatchObject({ code: 0, err: "" });
    await start(`${name}-whole`, { maxSteps, saveEpochFreq: 1000 });
    expectSame(dirOf(name), dirOf(`${name}-whole`));
  }

  it("two halves are the whole", async () => {
    expect(await cli(["train", ...flags, "--name=halves", "--max-steps=3"])).toMatchObject({ code: 0, err: "" });
    expect(await cli([...again("halves"), "--max-steps=7"])).toMatchObject({ code: 0, err: "" });
    expectSame(dirOf("halves"), dirOf("whole"));
  });

  it("killed twice, once while it saves after every step", async () => {
    const killed = { code: null };
    const signal = "SIGKILL";
    const first = await cli([...long, "--name=killed", "--save-latest-freq=3"], { at: /step: 8\//, signal });
    expect(first).toMatchObject(killed);
    const saved = stepOf(dirOf("killed"));
    const last = Number([...first.out.matchAll(/step: (\d+)\//g)].at(-1)![1]);
    expect(saved % 3).toBe(0);
    expect(last - saved, "steps that are lost").toBeLessThanOrEqual(3);
    const at = new RegExp(`step: ${saved + 6}/`);
    expect(await cli([...again("killed"), "--save-latest-freq=1"], { at, signal })).toMatchObject(killed);
    expect(stepOf(dirOf("killed"))).toBeGreaterThanOrEqual(saved + 5);
    await expectWhole("killed");
  });

  it("interrupted by Ctrl-C: exit code 130, and how to go on", async () => {
    const { code, out, err } = await cli([...long, "--name=interrupted"], { at: /step: 5\//, signal: "SIGINT" });
    expect(code).toBe(130);
    const [, step] = /Stopped and saved in .*interrupted \(step (\d+), epoch \d+\)\. Go on with:/.exec(out)!;
    expect(out).toMatch(/npx pix2pix train --name interrupted --checkpoints-dir .* --continue-train/);
    expect(err).toMatch(/Stopping/);
    expect(stepOf(dirOf("interrupted"))).toBe(Number(step));
    await expectWhole("interrupted");
  });

  it("on a disk that fills up: exit code 1, the checkpoint before stays, and the run goes on from it", async (context) => {
    const disk = join(work, "disk");
    mkdirSync(disk);
    // Room for one checkpoint (about 400 KB) and a part of the next.
    const mount = (...args: string[]) =>
      execFileSync("mount", ["-t", "tmpfs", ...args, "tmpfs", disk], { stdio: "pipe" });
    try {
      mount("-o", "size=640k");
    } catch {
      context.skip("a small file system needs the right to mount one");
    }
    try {
      const args = flags.filter((flag) => !flag.startsWith("--checkpoints-dir")).concat(`--checkpoints-dir=${disk}`);
      const { code, err } = await cli(["train", ...args, "--name=full", "--max-steps=7", "--save-latest-freq=2"]);
      expect(err).toMatch(/^error: cannot write .*full\/.*: the disk is full\. Free some space.*\(ENOSPC\)\./);
      expect(code).toBe(1);
      const dir = join(disk, "full");
      expect(stepOf(dir)).toBe(2);
      expect(readdirSync(dir).filter((file) => /\.(next|part)$/.test(file))).toEqual([]);
      mount("-o", "remount,size=16m");
      expect(await resume("full", { saveLatestFreq: 500 }, { at: disk })).toMatchObject({ step: 7, stopped: false });
      expectSame(dir, dirOf("whole"));
    } finally {
      execFileSync("umount", [disk]);
    }
  });

  it("with a learning rate that is far too high: exit code 1, and what to do", async () => {
    const { code, err } = await cli(["train", ...flags, "--name=diverged", "--max-steps=7", "--lr=1e30"]);
    expect(err).toMatch(/^error: Step \d: a loss is not finite, so training stopped\. .*smaller --lr \(now 1e\+30\)/);
    expect(err).not.toMatch(/^ +at /m);
    expect(code).toBe(1);
  });
});

describe("a save that a kill cuts short", () => {
  const shape = { n: 2, height: 64, width: 64 };
  let trainer: Trainer;
  beforeAll(async () => {
    await start("old", { maxSteps: 3 });
    cpSync(dirOf("old"), dirOf("new"), { recursive: true });
    await resume("new", { maxSteps: 4 });
    trainer = new Trainer(platform, { model: parseConfig({ dataroot, ...small }), seed: 5, threads: 1 }, shape);
  }, patience);

  // Under their final names: the old (o) or new (n) files of G, D and state. Beside: those that exist as `.next`.
  it.each([
    ["ooo", "", "old"],
    ["ooo", "G", "old"],
    ["ooo", "GD", "old"],
    ["ooo", "GDS", "new"],
    ["noo", "DS", "new"],
    ["nno", "S", "new"],
    ["nnn", "", "new"],
    ["ooo", "D", "old"],
    ["---", "", "none"],
    ["---", "GD", "none"],
    ["---", "GDS", "new"],
    ["n--", "DS", "new"],
  ])("in place %s, beside %s: the %s set is whole", async (inPlace, beside, expected) => {
    const name = `cut-${inPlace}-${beside}`;
    mkdirSync(dirOf(name));
    latest.forEach((file, i) => {
      const from = { o: "old", n: "new" }[inPlace[i]!];
      if (from) cpSync(join(dirOf(from), file), join(dirOf(name), file));
      if (beside.includes("GDS"[i]!)) cpSync(join(dirOf("new"), file), join(dirOf(name), `${file}.next`));
      writeFileSync(join(dirOf(name), `${file}.next.part`), "half a file");
    });
    const run = new Run(files, { checkpointsDir, name });
    if (expected === "none") {
      await expect(run.restore(trainer)).rejects.toThrow(/has not saved a checkpoint yet/);
      return;
    }
    const progress = await run.restore(trainer);
    expect(progress).toMatchObject({ step: expected === "old" ? 3 : 4, epoch: expected === "old" ? 1 : 2, pairs: 5 });
    expect(readdirSync(dirOf(name)).filter((file) => file.endsWith(".next"))).toEqual([]);
    await run.saveLatest(trainer, progress);
    for (const file of latest) expect(read(name, file).equals(read(expected, file)), file).toBe(true);
  });
});

describe("validation", () => {
  const scored = { valFreq: 1, valPhase: "test", valMetric: "SSIM", lrPolicy: "plateau", nEpochsDecay: 0 } as const;
  const scores = (name: string) => read(name, "val_log.jsonl").toString();

  it(
    "scores every epoch as a run stopped anywhere goes on, with the same rates and the same best weights",
    async () => {
      await start("scored", { ...scored, nEpochs: 3 });
      expect(scores("scored").match(/"epoch":\d+/g)).toEqual(['"epoch":1', '"epoch":2', '"epoch":3']);
      // Steps 2 and 4 are within an epoch, 3 is the end of the first.
      for (const stopAfter of [2, 3, 4]) {
        const name = `scored-${stopAfter}`;
        await start(name, { ...scored, nEpochs: 3 }, { stopAfter });
        await resume(name);
        expectSame(dirOf(name), dirOf("scored"));
        expect(scores(name)).toBe(scores("scored"));
      }
    },
    patience,
  );

  it("keeps the best weights under their own name, the same bytes as those of their epoch", async () => {
    const lines = scores("scored")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { epoch: number; SSIM: number });
    const best = lines.reduce((a, b) => (b.SSIM > a.SSIM ? b : a));
    const tensors = (file: string) => decode(read("scored", file)).tensors;
    expect(tensors("best_net_G.safetensors")).toEqual(tensors(`${best.epoch}_net_G.safetensors`));
  });

  it("keeps the best weights before it logs their score, so that no score is without them", async () => {
    const config = parseConfig({ dataroot, checkpointsDir, name: "cut-score", ...small, ...scored, nEpochs: 1 });
    // A folder in place of the log: the score of the epoch cannot be written.
    const step = () => void mkdirSync(join(dirOf("cut-score"), "val_log.jsonl"), { recursive: true });
    await expect(train(config, platform, { step })).rejects.toThrow(/val_log/);
    expect(readdirSync(dirOf("cut-score"))).toContain("best_net_G.safetensors");
  });

  it(
    "stops early, and says so",
    async () => {
      // At a rate of almost nothing the first score stays the best but for dropout's sake, which is off.
      const options = {
        ...scored,
        lrPolicy: "constant",
        lr: 1e-30,
        noDropout: true,
        norm: "none",
        earlyStop: 2,
        nEpochs: 9,
      };
      const result = await start("enough", options);
      expect(result).toMatchObject({ epoch: 3, stopped: false });
      expect((await resume("enough")).epoch).toBe(3);
      expect((await resume("enough", { earlyStop: 4 })).epoch).toBe(5);
    },
    patience,
  );

  it(
    "that meets a damaged picture ends the run, which goes on as if nothing had been once the picture is whole",
    async () => {
      const data = join(work, "damaged");
      cpSync(dataroot, data, { recursive: true });
      const folder = join(data, "testB");
      const picture = join(folder, readdirSync(folder)[0]!);
      const whole = readFileSync(picture);
      writeFileSync(picture, whole.subarray(0, 200));
      const options = { ...scored, dataroot: data, nEpochs: 2, saveEpochFreq: 9 };
      await expect(start("met", options)).rejects.toThrow(/truncated/);
      expect(stepOf(dirOf("met"))).toBe(3);
      await expect(resume("met")).rejects.toThrow(/truncated/);
      writeFileSync(picture, whole);
      await resume("met");
      await start("not-met", options);
      expectSame(dirOf("met"), dirOf("not-met"));
      expect(scores("met")).toBe(scores("not-met"));
    },
    patience,
  );

  it("needs its pairs", async () => {
    await expect(start("unscored", { valFreq: 1, valPhase: "val" })).rejects.toThrow(
      /no phase "val"; there is test, train .*Use --val-phase test\.$/,
    );
    expect(existsSync(dirOf("unscored"))).toBe(false);
    await start("refused", { ...scored, maxSteps: 1 });
    const stored = read("refused", "config.json");
    await expect(resume("refused", { valPhase: "val", maxSteps: 2 })).rejects.toThrow(/no phase "val"/);
    expect(read("refused", "config.json").equals(stored)).toBe(true);
    expect(await resume("refused", { maxSteps: 2 })).toMatchObject({ step: 2 });
  });

  it("says so where its pairs are those that are trained on", async () => {
    for (const side of ["A", "B"])
      cpSync(join(dataroot, `train${side}`), join(work, "flat", side), { recursive: true });
    const said: string[] = [];
    const events: TrainEvents = {
      start: ({ data }) => void said.push(...data.notes),
      message: (text) => void said.push(text),
    };
    const options = { ...small, dataroot: join(work, "flat"), nEpochs: 1, nEpochsDecay: 0, valFreq: 1 };
    await train(parseConfig({ checkpointsDir, name: "flat", ...options }), platform, events);
    expect(said).toContainEqual(expect.stringMatching(/no folder for the phase "val".*that are trained on/));
    expect(said).toContainEqual(expect.stringMatching(/^epoch 1: 5 pairs of train: L1/));
  });
});

it(
  "accumulates over an epoch's end and goes on in the middle, to the same bytes",
  async () => {
    const options = { accumulate: 2, batchSize: 1, norm: "instance", ganMode: "wgangp", clipGrad: 1, maxSteps: 5 };
    await start("summed", options);
    const lines = read("summed", "loss_log.jsonl").toString().trim().split("\n");
    // Five pairs in steps of two: two and two and one.
    expect(lines.map((line) => (JSON.parse(line) as { epoch: number }).epoch)).toEqual([1, 1, 1, 2, 2]);
    await start("summed-2", options, { stopAfter: 2 });
    await resume("summed-2");
    expectSame(dirOf("summed-2"), dirOf("summed"));
  },
  patience,
);

it(
  "takes pictures of any size as they are, more sizes than it keeps programs for, and goes on to the same bytes",
  async () => {
    const root = join(work, "sizes");
    const random = new Random(1, "sizes", 0);
    for (let i = 0; i < 6; i++) {
      const [width, height] = [2 * (33 + 5 * i), 90 - 7 * i];
      const data = Uint8Array.from({ length: width * height * 3 }, () => random.int(256));
      await files.write(join(root, `train/${i}.png`), await images.encodePng({ width, height, channels: 3, data }));
    }
    const options = { dataroot: root, preprocess: "none", netG: "unet_32", batchSize: 1, maxSteps: 9 };
    await start("sizes", options);
    expect(stepOf(dirOf("sizes"))).toBe(9);
    await start("sizes-2", options, { stopAfter: 5 });
    await resume("sizes-2");
    expectSame(dirOf("sizes-2"), dirOf("sizes"));
  },
  patience,
);
