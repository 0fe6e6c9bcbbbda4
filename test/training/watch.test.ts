/** What a training shows while it runs: D's accuracy, alarms in words, samples within an epoch, event files. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type ConfigInput, parseConfig } from "../../src/config/schema.ts";
import { writeDemo } from "../../src/demo/write.ts";
import { inits } from "../../src/nn/init.ts";
import { files } from "../../src/node/files.ts";
import { images } from "../../src/node/images.ts";
import { nodePlatform } from "../../src/node/index.ts";
import type { Picture } from "../../src/platform.ts";
import { alarmsNow } from "../../src/run/alarms.ts";
import { type LossLine, Run, type Score } from "../../src/run/run.ts";
import { Alarms } from "../../src/training/alarms.ts";
import { train } from "../../src/training/train.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { given } from "../options.ts";
import { workFolder } from "../work-folder.ts";

const work = workFolder("watch");
const platform = await nodePlatform({ threads: 1 });
const small = given({ netG: "unet_32", ngf: 2, ndf: 2, cropSize: 32, loadSize: 32, threads: 1 });

describe("a step measures", () => {
  const shape = { n: 1, height: 32, width: 32 };
  const picture = (value: number) => new Float32Array(3 * 32 * 32).fill(value);

  /** The measures of a step whose D says the same everywhere. */
  async function measured(ganMode: "vanilla" | "lsgan" | "wgangp", logit: number) {
    const norm = ganMode === "wgangp" ? "instance" : "batch";
    const model = parseConfig({ dataroot: "none", ...small, ganMode, norm, lambdaL1: 10 });
    const trainer = new Trainer(platform, { model, seed: 0, threads: 1 }, shape);
    for (const net of [trainer.netG, trainer.netD]) net.initialise(inits.normal, 0.02, 0);
    const last = trainer.netD.specs.filter(({ name }) => name.endsWith(".weight")).at(-1)!;
    trainer.netD.get(last).fill(0);
    trainer.netD.get(trainer.netD.specs.find(({ name }) => name === last.name.replace("weight", "bias"))!).fill(logit);
    await trainer.step({ A: picture(0.2), B: picture(0.5), ...shape }, { step: 1, lr: 0 });
    const [losses] = await trainer.losses();
    const output = await trainer.fakeB();
    await trainer.close();
    const l1 = output.reduce((sum, value) => sum + Math.abs(value - 0.5), 0) / output.length;
    return { ...losses!, l1 };
  }

  it("L1 without its lambda, and the share of D's map on the right side of the boundary", async () => {
    const real = await measured("vanilla", 3);
    expect([real.D_right_real, real.D_right_fake]).toEqual([1, 0]);
    expect(real.L1).toBeCloseTo(real.l1, 5);
    expect(real.G_L1).toBeCloseTo(10 * real.l1, 4);
    const fake = await measured("vanilla", -3);
    expect([fake.D_right_real, fake.D_right_fake]).toEqual([0, 1]);
    // Half way between the targets 0 and 1 of lsgan.
    const [below, above] = [await measured("lsgan", 0.4), await measured("lsgan", 0.6)];
    expect([below.D_right_real, below.D_right_fake]).toEqual([0, 1]);
    expect([above.D_right_real, above.D_right_fake]).toEqual([1, 0]);
    // A Wasserstein distance has no boundary.
    expect((await measured("wgangp", 3)).D_right_real).toBeUndefined();
  });
});

describe("alarms", () => {
  let runs = 0;
  const line = (epoch: number, step: number, values: Partial<LossLine> = {}): LossLine => ({
    epoch,
    step,
    G_GAN: 1,
    G_L1: 30,
    D_real: 0.7,
    D_fake: 0.7,
    L1: 0.3,
    lr: 1e-4,
    seconds: 0.1,
    D_right_real: 0.7,
    D_right_fake: 0.7,
    ...values,
  });
  async function watched(lines: readonly LossLine[], options: Partial<ConfigInput> = {}) {
    const said: string[] = [];
    const run = new Run(files, { checkpointsDir: join(work, "alarms"), name: `run${runs++}` });
    const config = parseConfig({ dataroot: "none", ...small, ...options });
    const alarms = await Alarms.open({ run, files, config, lines, say: (text) => said.push(text) }, 0);
    return { alarms, said, run };
  }
  const epochOf = (epoch: number, values: Partial<LossLine>) =>
    Array.from({ length: 20 }, (_, i) => line(epoch, (epoch - 1) * 20 + i + 1, values));

  it("say that D wins or guesses, once, and when it is over", async () => {
    const lines = epochOf(1, { D_right_real: 0.97, D_right_fake: 0.95 });
    const { alarms, said, run } = await watched(lines);
    await alarms.endEpoch(1, 20, []);
    lines.push(...epochOf(2, { D_right_real: 0.98, D_right_fake: 0.97 }));
    await alarms.endEpoch(2, 40, []);
    expect(said).toEqual([
      expect.stringMatching(/D wins: it was right on 97 % of real and 95 % of fake pairs.*--lr-d/),
    ]);
    expect(alarmsNow(await run.alarms()).map(({ kind }) => kind)).toEqual(["D wins"]);
    lines.push(...epochOf(3, { D_right_real: 0.94, D_right_fake: 0.95 }));
    await alarms.endEpoch(3, 60, []);
    expect(alarmsNow(await run.alarms())).toEqual([]);
    lines.push(...epochOf(4, { D_right_real: 0.5, D_right_fake: 0.54 }));
    await alarms.endEpoch(4, 80, []);
    expect(said.at(-1)).toMatch(/D guesses/);
    const first = await watched(epochOf(1, { D_right_real: 0.5, D_right_fake: 0.54 }));
    await first.alarms.endEpoch(1, 20, []);
    expect(first.said).toEqual([]);
  });

  it("are kept up to the step at which a run goes on; a line that a full disk has cut short is removed", async () => {
    const lines = epochOf(1, { D_right_real: 0.97, D_right_fake: 0.95 });
    const { alarms, run } = await watched(lines);
    await alarms.endEpoch(1, 20, []);
    const whole = readFileSync(run.path("alarms.jsonl"), "utf8");
    const later = whole.replace('"step":20', '"step":21');
    for (const content of [whole + later.slice(0, 40), whole.slice(0, -1), whole + later]) {
      writeFileSync(run.path("alarms.jsonl"), content);
      const options = { run, files, config: parseConfig({ dataroot: "none", ...small }), say: () => {} };
      const again = await Alarms.open({ ...options, lines: [...lines, ...epochOf(2, {})] }, 20);
      await again.endEpoch(2, 40, []);
      expect((await run.alarms()).map(({ kind, epoch, over }) => [kind, epoch, over])).toEqual([
        ["D wins", 1, undefined],
        ["D wins", 2, true],
      ]);
    }
  });

  it("say that inputs leave their range, or hardly fill it", async () => {
    const { alarms, said } = await watched([]);
    alarms.inputs(Float32Array.of(-1, 0, 0, 0, 0, 0, 0, 1));
    await alarms.endEpoch(1, 1, []);
    expect(said).toEqual([]);
    alarms.inputs(new Float32Array(70).fill(3));
    await alarms.endEpoch(2, 2, []);
    expect(said.at(-1)).toMatch(/reach from 3.000 to 3.000, expected -1 to 1/);
    await alarms.endEpoch(3, 3, []);
    alarms.inputs(new Float32Array(70).fill(-0.96));
    await alarms.endEpoch(4, 4, []);
    expect(said.at(-1)).toMatch(/nearly blank/);
  });

  it("say that L1 stands still, and that validation turns", async () => {
    const { alarms, said } = await watched(
      Array.from({ length: 25 }, (_, i) => epochOf(i + 1, { L1: i < 9 ? 1 - i / 10 : 0.2 })).flat(),
    );
    await alarms.endEpoch(20, 400, []);
    expect(said).toEqual([]);
    await alarms.endEpoch(25, 500, []);
    expect(said).toEqual([]);
    const flat = await watched(Array.from({ length: 20 }, (_, i) => epochOf(i + 1, { L1: 0.2 - i * 1e-5 })).flat());
    await flat.alarms.endEpoch(20, 400, []);
    expect(flat.said).toEqual([expect.stringMatching(/L1 no longer falls: 0.200 on average over the last 10 epochs/)]);
    const score = (epoch: number, L1: number): Score => ({ epoch, step: epoch, L1, PSNR: 10, SSIM: 0.5 });
    const scores = [0.4, 0.3, 0.31, 0.31, 0.32, 0.33, 0.34].map((L1, i) => score(i + 1, L1));
    await flat.alarms.endEpoch(20, 400, scores.slice(0, 6));
    expect(flat.said.length).toBe(1);
    await flat.alarms.endEpoch(20, 400, scores);
    expect(flat.said.at(-1)).toMatch(/L1 was best in epoch 2 \(0.3000\) and is 0.3400 now.*--early-stop/);
  });

  it("name scores with their sign, also a KID below 0", async () => {
    const turned = async (valMetric: "KID" | "PSNR", values: readonly number[]) => {
      const features = { features: "network.safetensors" };
      const { alarms, said } = await watched([], { valMetric, valFreq: 1, ...features });
      const scores = values.map((value, i) => ({
        epoch: i + 1,
        step: i + 1,
        L1: 1,
        PSNR: 10,
        SSIM: 0.5,
        [valMetric]: value,
      }));
      await alarms.endEpoch(values.length, values.length, scores);
      return said;
    };
    expect(await turned("KID", [-0.0005, 0.0003, 0.0003, -0.0001, 0.0002, 0.0004])).toEqual([
      expect.stringMatching(/KID was best in epoch 1 \(-0\.0005000\) and is 0\.0004000 now/),
    ]);
    expect(await turned("PSNR", [20, 15, 15, 15, 15, 14])).toEqual([
      expect.stringMatching(/PSNR was best in epoch 1 \(20\.00\) and is 14\.00 now/),
    ]);
  });

  it("say that outputs are flat or alike", async () => {
    const plain = (value: number, stripe = 0): Picture => ({
      width: 16,
      height: 16,
      channels: 3,
      data: Uint8Array.from({ length: 768 }, (_, i) => value + (i % 2 ? stripe : 0)),
    });
    const { alarms, said } = await watched([]);
    await alarms.sample(
      [
        { input: plain(10), output: plain(20, 90) },
        { input: plain(90), output: plain(60, 90) },
      ],
      1,
      1,
    );
    expect(said).toEqual([]);
    await alarms.sample(
      [
        { input: plain(10), output: plain(20, 90) },
        { input: plain(90), output: plain(20, 90) },
      ],
      2,
      2,
    );
    expect(said.at(-1)).toMatch(/same for different inputs/);
    await alarms.sample([], 3, 3);
    await alarms.sample([{ input: plain(10), output: plain(20) }], 4, 4);
    expect(said.at(-1)).toMatch(/one flat colour/);
  });
});

it("--display-freq draws within an epoch, and --tensorboard writes event files that go on", async () => {
  const dataroot = join(work, "data");
  await writeDemo({ files, images }, dataroot, { train: 4, test: 1, size: 32, seed: 1 });
  const config = parseConfig({
    ...small,
    dataroot,
    checkpointsDir: work,
    name: "shown",
    displayFreq: "3",
    tensorboard: true,
    nEpochs: 2,
    nEpochsDecay: 0,
  });
  await train(config, platform);
  expect(readdirSync(join(work, "shown/samples"))).toEqual([
    "epoch_001.png",
    "epoch_001_step_000000.png",
    "epoch_001_step_000003.png",
    "epoch_002.png",
    "epoch_002_step_000006.png",
  ]);
  const run = new Run(files, config);
  expect((await run.samples()).map(({ epoch, step }) => [epoch, step])).toEqual([
    [1, 0],
    [1, 3],
    [1, undefined],
    [2, 6],
    [2, undefined],
  ]);
  expect(await run.status()).toMatchObject({ pairs: 4, steps: { perEpoch: 4, last: 8, epochs: 2 } });
  const [file] = readdirSync(join(work, "shown/tensorboard"));
  const bytes = readFileSync(join(work, "shown/tensorboard", file!));
  let records = 0;
  for (let at = 0; at < bytes.length; at += 16 + Number(bytes.readBigUInt64LE(at))) records++;
  // The header, the restart, 8 steps and 5 strips.
  expect(records).toBe(15);
});
