/**
 * Files for PyTorch in PyTorch itself: load_state_dict with strict, a training that moves there and comes back, and the networks of
 * the widely used PyTorch repository, where PIX2PIX_UPSTREAM names a checkout of it.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { parseConfig, resumeConfig } from "../../src/config/schema.ts";
import { exportModel } from "../../src/exchange/export.ts";
import { importRun } from "../../src/exchange/import.ts";
import { modelOfRun } from "../../src/exchange/model.ts";
import { decode, type StoredTensor } from "../../src/formats/safetensors.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { Random } from "../../src/random.ts";
import { Run } from "../../src/run/run.ts";
import { train } from "../../src/training/train.ts";
import { given } from "../options.ts";
import { missingInPython, runPython } from "../python.ts";
import { workFolder } from "../work-folder.ts";
import { storedRun } from "./stored-run.ts";

const work = workFolder("torch");
const at = (...path: string[]) => join(work, ...path);
const platform = await nodePlatform({ threads: 1 });
const { files } = platform;
const checkpointsDir = at("runs");
const missing = missingInPython("torch", "PIL", "numpy");
const script = fileURLToPath(new URL("continue.py", import.meta.url));
const python = (from: string, out: string, first: number, steps: number) =>
  runPython(script, [at(from), at(out), at("data/train"), String(first), String(steps)]);

const options = given({
  dataroot: at("data"),
  checkpointsDir,
  netG: "unet_32",
  ngf: 4,
  ndf: 4,
  preprocess: "none",
  noFlip: true,
  serialBatches: true,
  noDropout: true,
  nEpochs: 100,
  nEpochsDecay: 0,
  device: "cpu",
  threads: 1,
  saveLatestFreq: 1000,
});

async function tensorsOf(run: string, file: string): Promise<Record<string, StoredTensor>> {
  const path = at("runs", run, `latest_${file}.safetensors`);
  return decode(await files.read(path), path).tensors;
}

/** The largest difference of the values of two runs. */
async function difference(one: string, two: string, file: string): Promise<number> {
  const [a, b] = [await tensorsOf(one, file), await tensorsOf(two, file)];
  expect(Object.keys(a)).toEqual(Object.keys(b));
  let largest = 0;
  for (const [name, { data }] of Object.entries(a)) {
    for (let i = 0; i < data.length; i++)
      largest = Math.max(largest, Math.abs(Number(data[i]) - Number(b[name]!.data[i])));
  }
  return largest;
}

const trainTo = async (name: string, maxSteps: number, continueTrain = true) => {
  const config = continueTrain
    ? resumeConfig(await new Run(files, { name, checkpointsDir }).config(), {
        name,
        checkpointsDir,
        maxSteps,
        continueTrain,
      })
    : parseConfig({ ...options, name, maxSteps });
  await train(config, platform);
};

async function exported(name: string, out: string): Promise<void> {
  const model = await modelOfRun({ name, checkpointsDir }, "latest", files);
  await exportModel(model, "pth", { optimizer: true }, { out: at(out) }, platform);
}

const back = (from: string, name: string) =>
  importRun(
    {
      from: ["latest_net_G.pth", "latest_net_D.pth", "latest_optimizers.pth"].map((file) => at(from, file)),
      name,
      checkpointsDir,
    },
    files,
  );

describe.skipIf(missing)(`a training moves to PyTorch and back${missing ? ` (skipped: ${missing})` : ""}`, () => {
  beforeAll(async () => {
    mkdirSync(at("data/train"), { recursive: true });
    for (let i = 0; i < 3; i++) {
      const data = new Uint8Array(32 * 64 * 3);
      const random = new Random(1, "pictures", i);
      // Smooth enough to learn from: a wave of another frequency for each picture, and noise.
      for (let p = 0; p < data.length; p++)
        data[p] = 128 + 80 * Math.sin(p / (20 + 7 * i)) + 40 * (random.float() - 0.5);
      writeFileSync(
        at(`data/train/${i}.png`),
        await platform.images.encodePng({ width: 64, height: 32, channels: 3, data }),
      );
    }
    await trainTo("origin", 5, false);
    await exported("origin", "moved");
  }, 120_000);

  it("a state_dict loads with weights_only and strict, and comes back as it was", async () => {
    python("moved", "same", 5, 0);
    const { progress } = await back("same", "same");
    expect(progress).toMatchObject({ step: 5, epoch: 2, pairs: 3 });
    for (const file of ["net_G", "net_D", "state"]) expect(await difference("origin", "same", file), file).toBe(0);
  });

  it("step 6 after moving equals step 6 without", async () => {
    python("moved", "six", 5, 1);
    await back("six", "six");
    await back("moved", "here");
    await trainTo("here", 6);
    // Rounding: Adam's step is lr whatever the size of a gradient, and some gradients are zero but for rounding.
    expect(await difference("here", "six", "state")).toBeLessThan(2e-5);
    expect(await difference("here", "six", "net_G")).toBeLessThan(2e-5);
    expect(await difference("here", "six", "net_D")).toBeLessThan(2e-5);
  });

  it("goes on here after steps there", async () => {
    python("moved", "eight", 5, 3);
    const { progress } = await back("eight", "eight");
    expect(progress).toMatchObject({ step: 8, epoch: 3 });
    await trainTo("eight", 9);
    python("moved", "nine", 5, 4);
    await back("nine", "nine");
    expect(await difference("eight", "nine", "net_G")).toBeLessThan(1e-4);
  });
});

const upstream = process.env.PIX2PIX_UPSTREAM;
const absent =
  missing ??
  (upstream && existsSync(join(upstream, "models/networks.py"))
    ? undefined
    : "PIX2PIX_UPSTREAM names no checkout of pytorch-CycleGAN-and-pix2pix");

describe.skipIf(absent)(`the PyTorch repository's own networks${absent ? ` (skipped: ${absent})` : ""}`, () => {
  const cases = [
    { netG: "unet_128", norm: "batch", ngf: 4 },
    { netG: "unet_256", norm: "instance", ngf: 2 },
    { netG: "resnet_9blocks", norm: "instance", ngf: 4 },
    { netG: "resnet_6blocks", norm: "batch", ngf: 4, noDropout: true },
    { netG: "unet_128", norm: "none", ngf: 4, netD: "pixel" },
    { netG: "unet_128", norm: "batch", ngf: 4, netD: "n_layers", nLayersD: 5, inputNc: 1, outputNc: 2 },
  ] as const;

  it.each(cases)("$netG $norm", async (changes) => {
    const name = JSON.stringify(changes).replace(/\W/g, "");
    const config = await storedRun(checkpointsDir, name, { cropSize: 256, loadSize: 256, ...changes });
    const model = await modelOfRun({ name, checkpointsDir }, "latest", files);
    await exportModel(model, "pth", {}, { out: at(name) }, platform);
    writeFileSync(at(`${name}.json`), JSON.stringify(config));
    expect(
      runPython(fileURLToPath(new URL("upstream.py", import.meta.url)), [upstream!, at(name), at(`${name}.json`)]),
    ).toMatch(/^ok/m);
    const from = ["G", "D"].map((network) => at(name, `upstream_latest_net_${network}.pth`));
    const again = await importRun({ from, name: `${name}-again`, checkpointsDir }, files);
    expect(again.config).toMatchObject(changes);
    for (const file of ["net_G", "net_D"]) expect(await difference(name, `${name}-again`, file)).toBe(0);
  });
});
