import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { configTypes } from "../../src/cli/config-types.ts";
import { namesOf } from "../../src/config/names.ts";
import { expectedOf, listed, type OptionSpec, optionsOf, valueWords } from "../../src/config/options.ts";
import {
  type Config,
  checkSize,
  configSchema,
  parseCommandLine,
  parseConfig,
  profiles,
  readConfig,
  resumeCommandLine,
  resumeConfig,
  warningsOf,
} from "../../src/config/schema.ts";
import { CheckpointError, ConfigError } from "../../src/errors.ts";
import { generators } from "../../src/networks/generators.ts";
import { plainName } from "../../src/text.ts";
import { objectiveOf } from "../../src/training/description.ts";

const data = { dataroot: "data" };

/** The message that a wrong configuration gives. */
function problem(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  throw new Error("expected a ConfigError");
}

describe("parseConfig", () => {
  it("takes typed options: a misspelt name or choice is an error of types", () => {
    const config = parseConfig({ dataroot: "data", netG: "unet_128", cropSize: 128, loadHeight: 150 });
    expect(config).toEqual(parseCommandLine({ dataroot: "data", net_g: "unet_128", cropSize: "128", loadHeight: 150 }));
    // @ts-expect-error: lambda_l1 is no key
    expect(problem(() => parseConfig({ dataroot: "data", lambda_l1: 10 }))).toBe(
      '"lambda_l1" is no option; did you mean lambdaL1?',
    );
    // @ts-expect-error: unet_265 is no generator
    expect(problem(() => parseConfig({ dataroot: "data", netG: "unet_265" }))).toMatch(/did you mean unet_256\?$/);
    // @ts-expect-error: a number is no text
    expect(problem(() => parseConfig({ dataroot: "data", ngf: "8" }))).toMatch(/^--ngf: got "8", expected a whole/);
    // @ts-expect-error: the dataroot has to be given
    expect(problem(() => parseConfig({}))).toMatch(/^--dataroot is missing/);
    // @ts-expect-error: as parseConfig
    expect(problem(() => resumeConfig(config, { max_steps: 10 }))).toMatch(/did you mean maxSteps/);
  });

  it("sets the heights: those of squares, unless they are given", () => {
    expect(parseConfig({ dataroot: "data" })).toMatchObject({ loadHeight: 286, cropHeight: 256 });
    const wide = { ...data, netG: "unet_64", cropSize: 128, cropHeight: 64, loadSize: 143 } as const;
    expect(parseConfig(wide)).toMatchObject({ loadSize: 143, loadHeight: 143, cropSize: 128, cropHeight: 64 });
  });

  it("has upstream's defaults (options/base_options.py and train_options.py, models/pix2pix_model.py)", () => {
    expect(parseCommandLine(data)).toMatchObject({
      direction: "AtoB",
      preprocess: "resize_and_crop",
      loadSize: 286,
      cropSize: 256,
      batchSize: 1,
      inputNc: 3,
      outputNc: 3,
      netG: "unet_256",
      ngf: 64,
      netD: "basic",
      ndf: 64,
      nLayersD: 3,
      norm: "batch",
      noDropout: false,
      initType: "normal",
      initGain: 0.02,
      ganMode: "vanilla",
      lambdaL1: 100,
      lr: 0.0002,
      beta1: 0.5,
      nEpochs: 100,
      nEpochsDecay: 100,
      lrPolicy: "linear",
      printFreq: 100,
      saveEpochFreq: 5,
    });
  });

  it("takes keys in any spelling and numbers as text", () => {
    const config = parseCommandLine({
      ...data,
      lambda_L1: "10",
      "n-layers-d": "2",
      NGF: 8,
      no_flip: "true",
      lr: "1e-3",
    });
    expect(config).toMatchObject({ lambdaL1: 10, nLayersD: 2, ngf: 8, noFlip: true, lr: 0.001 });
  });

  it("gives every numeric option back as it went in, in any spelling", () => {
    const spellings = [
      (key: string) => key,
      (key: string) => key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`),
      (key: string) => key.replace(/[A-Z]/g, (c) => `_${c}`),
      (key: string) => key.toUpperCase(),
    ];
    const numeric = optionsOf(configSchema).filter(({ type }) => type === "integer");
    fc.assert(
      fc.property(fc.constantFrom(...numeric), fc.constantFrom(...spellings), fc.nat(1000), (spec, spell, offset) => {
        const value = Math.min((spec.minimum ?? 0) + offset, spec.maximum ?? 2000);
        const size = { netG: "unet_32", preprocess: "none", dataroot: "data", valFreq: 1 };
        expect(parseCommandLine({ ...size, [spell(spec.key)]: String(value) })[spec.key as keyof Config]).toBe(value);
      }),
    );
  });

  it("lists every problem with what it got, what it expected and the nearest choice", () => {
    const wrong = { lambda_l2: 3, netG: "unet_265", inputNc: 257, lr: "fast", nEpochs: 1.5, norm: "", maxSteps: 0 };
    expect(problem(() => parseCommandLine(wrong)).split("\n")).toEqual([
      "8 options are wrong:",
      '  "lambda_l2" is no option; did you mean --lambda-l1?',
      "  --dataroot is missing (folder of the pairs: pictures with A left and B right, folders A and B, or x.jpg with x.png)",
      "  --input-nc: got 257, expected a whole number from 1 to 256",
      `  --netG: got "unet_265", expected ${listed(namesOf(generators))}; did you mean unet_256?`,
      '  --norm: got "", expected batch, instance or none',
      "  --n-epochs: got 1.5, expected a whole number of at least 0",
      "  --max-steps: got 0, expected a whole number of at least 1",
      '  --lr: got "fast", expected a number above 0',
    ]);
  });

  it("refuses empty text, ranges and NaN", () => {
    for (const bad of [
      { ngf: "" },
      { ngf: "8px" },
      { lr: 0 },
      { lr: Number.NaN },
      { beta1: 1 },
      { seed: -1 },
      { name: "../elsewhere" },
      { name: "" },
      { nLayersD: 7 },
      { outputNc: 0 },
      { direction: "BtoC" },
      { dataroot: "" },
      { nEpochs: 0, nEpochsDecay: 0 },
    ]) {
      expect(() => parseCommandLine({ ...data, ...bad }), JSON.stringify(bad)).toThrow(ConfigError);
    }
  });

  it("sets the article's networks and schedule with its profile, and lets options override them", () => {
    const article = { netG: "article", netD: "article", norm: "instance", lrPolicy: "constant", nEpochsDecay: 0 };
    expect(parseCommandLine({ ...data, profile: "article" })).toMatchObject({
      ...article,
      nEpochs: 200,
      lambdaL1: 100,
    });
    expect(parseCommandLine({ ...data, profile: "article", "n-epochs": "3", norm: undefined })).toMatchObject({
      ...article,
      nEpochs: 3,
    });
    expect(parseCommandLine({ ...data, profile: "article", net_d: "basic" })).toMatchObject({
      ...article,
      netD: "basic",
    });
  });
});

describe("profiles", () => {
  const specs = optionsOf(configSchema);
  const each = namesOf(profiles).flatMap((profile) =>
    Object.keys(profiles[profile].sets).map((key) => ({ profile, key })),
  );

  it.each(each)("let go of what they set: $profile without its $key", ({ profile, key }) => {
    const { default: initial, absent } = specs.find((spec) => spec.key === key)!;
    const config = parseCommandLine({ ...data, profile, [key]: String(initial ?? absent) });
    expect(config[key as keyof Config]).toEqual(initial ?? absent);
  });

  it("without --diff-augment have no augmentation in the objective", () => {
    const config = parseCommandLine({ ...data, profile: "modern", diffAugment: "none" });
    expect(objectiveOf(config)).toBe("hinge GAN + 100 x L1, spectral norm in D");
    expect(objectiveOf(parseCommandLine({ ...data, profile: "modern" }))).toContain(
      "D sees color, translation, cutout",
    );
  });
});

describe("sizes", () => {
  it("names the nearest sizes and the nearest U-Net when the crop cannot be halved", () => {
    expect(problem(() => parseCommandLine({ ...data, cropSize: 320, loadSize: 350 }))).toMatchInlineSnapshot(
      `"--crop-size 320: unet_256 halves the picture 8 times, expected a multiple of 256 (nearest 256 or 512); or take --netG unet_64, which fits"`,
    );
    expect(problem(() => parseCommandLine({ ...data, cropSize: 100 }))).toMatchInlineSnapshot(
      `"--crop-size 100: unet_256 halves the picture 8 times, expected a multiple of 256 (nearest 256)"`,
    );
    expect(problem(() => parseCommandLine({ ...data, profile: "article", cropSize: 128 }))).toMatchInlineSnapshot(
      `"--crop-size 128: article halves the picture 8 times, expected a multiple of 256 (nearest 256); or take --netG unet_128, which fits"`,
    );
  });

  it("takes every multiple of N for unet_N and nothing else", () => {
    for (const size of [32, 64, 128, 256, 512, 1024]) {
      for (const side of [size, 3 * size]) {
        expect(parseCommandLine({ ...data, netG: `unet_${size}`, cropSize: side, loadSize: side }).cropSize).toBe(side);
      }
      const wrong = { ...data, netG: `unet_${size}`, cropSize: 1.5 * size, loadSize: 2 * size };
      expect(() => parseCommandLine(wrong)).toThrow(`multiple of ${size} (nearest ${size} or ${2 * size})`);
    }
  });

  it("asks for a load size of at least the crop only where it resizes", () => {
    const values = { ...data, cropSize: 512, netG: "unet_512" };
    expect(problem(() => parseCommandLine(values))).toMatchInlineSnapshot(
      `"--load-size: got 286, expected at least --crop-size 512; 572 keeps the usual jitter, 512 means none"`,
    );
    expect(parseCommandLine({ ...values, preprocess: "crop" }).cropSize).toBe(512);
    expect(parseCommandLine({ ...values, loadSize: 512 }).loadSize).toBe(512);
  });

  it("asks for a discriminator that leaves a map: 2x2 at 256 with 6 layers, nothing at 128", () => {
    const values = { ...data, netG: "unet_32", netD: "n_layers", nLayersD: 6 };
    expect(parseCommandLine(values).nLayersD).toBe(6);
    expect(problem(() => parseCommandLine({ ...values, cropSize: 128 }))).toMatchInlineSnapshot(
      `"--netD n_layers: its map is empty for --crop-size 128; expected pictures of at least 192, or --n-layers-d of at most 5"`,
    );
    expect(parseCommandLine({ ...values, netD: "pixel", cropSize: 32 }).netD).toBe("pixel");
  });

  it("checks that the discriminator leaves a map of the data's size; the generator pads its input", () => {
    const config = parseCommandLine({ ...data, preprocess: "none", netG: "unet_64" });
    checkSize(config, 128, 200);
    expect(problem(() => checkSize(config, 20, 200))).toMatchInlineSnapshot(
      `"--netD basic: its map is empty for pictures of 200x20 (width x height); expected pictures of at least 24, or --netD n_layers with --n-layers-d of at most 2"`,
    );
  });

  it("takes rectangles", () => {
    const wide = { ...data, netG: "unet_64", cropSize: 192, cropHeight: 64, loadSize: 200, loadHeight: 70 };
    expect(parseCommandLine(wide)).toMatchObject({ cropSize: 192, cropHeight: 64 });
    expect(problem(() => parseCommandLine({ ...wide, cropHeight: 65 }))).toMatchInlineSnapshot(
      `"a crop of 192x65 (width x height): unet_64 halves the picture 6 times, expected a multiple of 64 (nearest 64 or 128)"`,
    );
    expect(problem(() => parseCommandLine({ ...wide, loadHeight: 60 }))).toMatchInlineSnapshot(
      `"--load-height: got 60, expected at least --crop-height 64; 72 keeps the usual jitter, 64 means none"`,
    );
    expect(problem(() => parseCommandLine({ ...wide, rotate90: true }))).toMatchInlineSnapshot(
      `"--rotate90: a quarter turn needs square crops, got 192x64; leave it out, or make --crop-size and --crop-height equal"`,
    );
  });
});

describe("combinations", () => {
  it.each([
    [{ ganMode: "wgangp" }, /--gan-mode wgangp: .*batch norm.*--norm instance/],
    [{ lambdaGan: 0, lambdaL1: 0 }, /nothing to learn from/],
    [{ lambdaGan: 0, lambdaFeat: 10 }, /--lambda-feat .*--lambda-gan has to be above 0/],
    [{ lrPolicy: "plateau" }, /--lr-policy plateau follows a validation score; give --val-freq 1/],
    [{ earlyStop: 3 }, /--early-stop follows a validation score/],
    [
      { numD: 2, netG: "article", netD: "article", norm: "instance" },
      /--num-d: got 2, but --netD article has at most 1 scale/,
    ],
    [{ netD: "patch_286", numD: 4 }, /--netD patch_286: .*halved 3 times by --num-d 4; .*--n-layers-d of at most 3/],
    [{ rotate90: true, preprocess: "scale_width" }, /--rotate90: .*square crops/],
    [{ replacement: true, serialBatches: true }, /--replacement .*--serial-batches/],
    [{ datasetMode: "colorization", inputNc: 3 }, /colorization .*--input-nc 3/],
    [{ preprocess: "scale_width_and_crop", loadSize: 200 }, /--load-size: got 200.*--crop-size 256/],
    [{ spectralNorm: true, updateOrder: "stale" }, /--spectral-norm .*--update-order updated/],
    [{ drawTwice: true, updateOrder: "simultaneous" }, /--draw-twice .*--update-order updated, got simultaneous/],
    [{ drawTwice: true, lambdaGan: 0 }, /--draw-twice .*got --lambda-gan 0/],
    [{ distill: "large" }, /--distill NAME and --lambda-distill belong together/],
    [{ lambdaDistill: 5 }, /--distill NAME and --lambda-distill belong together/],
    [{ lambdaLpips: 1, features: "net" }, /--lambda-lpips needs --lpips FILE/],
    [
      { lambdaLpips: 1, features: "net", lpips: "lin", outputNc: 4 },
      /--lambda-lpips compares grey or RGB pictures, .* 4 channels/,
    ],
    [{ inputLabels: 12, inputNc: 3 }, /--input-labels 12: .* got --input-nc 3/],
    [{ separableConv: true, netG: "resnet_9blocks" }, /--separable-conv: --netG resnet_9blocks has plain .* U-Net/],
    [{ separableConv: true, upsample: "resize" }, /--separable-conv .* leave out --upsample resize/],
    [{ separableConv: true, padding: "reflect" }, /--separable-conv: .* leave out --padding reflect/],
    [{ inputInstances: true }, /--input-instances: .* give --input-labels N, too/],
    [{ inputLabels: 12, inputInstances: true, inputNc: 12 }, /one of edges, got --input-nc 12/],
    [{ inputLabels: 12, colorJitter: 0.2 }, /--color-jitter: class numbers/],
    [{ inputLabels: 12, datasetMode: "colorization" }, /--input-labels: --dataset-mode colorization/],
    [{ lambdaR1: 1, batchSize: 2 }, /--lambda-r1: .* batch norm mixes/],
    [
      { diffAugment: "color,shift" },
      /--diff-augment: got "color,shift", expected some of color, translation and cutout/,
    ],
    [{ accumulate: 2, updateOrder: "stale" }, /--accumulate .*--update-order updated/],
  ])("%o cannot work", (options, message) => {
    expect(problem(() => parseCommandLine({ ...data, ...options }))).toMatch(message);
  });

  it("that work: every profile, WGAN-GP with instance norm, L1 alone with any norm", () => {
    for (const profile of Object.keys(profiles)) expect(parseCommandLine({ ...data, profile }).profile).toBe(profile);
    expect(parseCommandLine({ ...data, ganMode: "wgangp", norm: "instance" }).lambdaGp).toBe(10);
    expect(parseCommandLine({ ...data, ganMode: "wgangp", lambdaGan: 0 }).lambdaGan).toBe(0);
    expect(parseCommandLine({ ...data, datasetMode: "colorization" })).toMatchObject({ inputNc: 1, outputNc: 2 });
    expect(parseCommandLine({ ...data, datasetMode: "colorization", direction: "BtoA" })).toMatchObject({ inputNc: 2 });
  });

  it("that may not be meant give a warning", () => {
    const warnings = (options: object) => warningsOf(parseCommandLine({ ...data, ...options }));
    expect(warnings({})).toEqual([]);
    expect(warnings({ lrPolicy: "cosine" })[0]).toMatch(/no separate phase of decay: .*= 200 epochs/);
    expect(warnings({ lrPolicy: "cosine", nEpochsDecay: 0 })).toEqual([]);
    expect(warnings({ profile: "hesse" })[0]).toMatch(/--bottleneck-norm with --batch-size 1 /);
    const bottleneck = (options: object) => warnings({ bottleneckNorm: true, ...options });
    expect(bottleneck({ norm: "instance", batchSize: 4 })).toEqual([
      "--bottleneck-norm with --norm instance sets the innermost map to zero where it is 1x1 (erratum of the paper)",
    ]);
    for (const options of [{ batchSize: 4 }, { norm: "none" }]) expect(bottleneck(options)).toEqual([]);
    expect(bottleneck({ netG: "resnet_9blocks" })).toEqual([expect.stringMatching(/^--bottleneck-norm: no effect/)]);
    expect(warnings({ accumulate: 4 })[0]).toMatch(/batch norm still sees one batch at a time/);
    expect(warnings({ lambdaGan: 0 })[0]).toMatch(/no discriminator/);
    expect(warnings({ netG: "resnet_9blocks", skip: "leaky" })[0]).toMatch(
      /--skip: no effect, because --netG resnet_9blocks has no such/,
    );
  });
});

describe("a run's stored options", () => {
  const stored = parseCommandLine({ ...data, name: "facades", netG: "unet_64", cropSize: 64, seed: 7, maxSteps: 10 });

  it("survive JSON", () => {
    expect(readConfig(JSON.stringify(stored), "runs/facades/config.json")).toEqual(stored);
  });

  it("give a CheckpointError with the file when they are damaged or another program's", () => {
    for (const text of ["", "{", "[]", "null", '{"model":"cyclegan"}', JSON.stringify({ ...stored, ngf: "many" })]) {
      expect(() => readConfig(text, "runs/facades/config.json")).toThrow(CheckpointError);
      expect(() => readConfig(text, "runs/facades/config.json")).toThrow(/^runs\/facades\/config\.json/);
    }
  });

  it("continue with the name alone, and with changes of options that may change", () => {
    expect(resumeCommandLine(stored, { name: "facades" })).toEqual({ ...stored, continueTrain: true });
    const changes = {
      maxSteps: 12,
      nEpochs: 3,
      nEpochsDecay: 4,
      lr: 0.001,
      saveLatestFreq: 1,
      printFreq: 5,
      threads: 1,
    };
    const moved = { dataroot: "elsewhere", checkpointsDir: "moved", device: "cpu" };
    expect(resumeCommandLine(stored, { ...changes, ...moved })).toMatchObject({ ...changes, ...moved, seed: 7 });
  });

  it("may be given again unchanged", () => {
    expect(resumeCommandLine(stored, { seed: "7", "net-g": "unet_64" }).seed).toBe(7);
  });

  it("are kept: networks, data draws and objective cannot change", () => {
    expect(problem(() => resumeCommandLine(stored, { netG: "unet_32", seed: 8 }))).toMatchInlineSnapshot(`
      "2 options are wrong:
        --netG: got unet_32, but the run "facades" has unet_64 and must keep it; leave the option out, or start another run with --name
        --seed: got 8, but the run "facades" has 7 and must keep it; leave the option out, or start another run with --name"
    `);
    for (const change of [{ ngf: 8 }, { batchSize: 2 }, { noFlip: true }, { direction: "BtoA" }, { lambdaL1: 1 }]) {
      expect(() => resumeCommandLine(stored, change)).toThrow(/must keep it/);
    }
    // With the run's --load-size this crop cannot work: to change that, too, would not help.
    expect(problem(() => resumeCommandLine(stored, { cropSize: 2 * stored.loadSize }))).toMatch(
      /^--crop-size: got \d+, but the run "facades" has \d+ and must keep it/,
    );
    expect(problem(() => resumeCommandLine(stored, { ngf: 0 }))).toMatch(/^--ngf: got 0, expected/);
  });
});

describe("config.json", () => {
  it("has the same keys in the same order, whether its options were given, implied or stored", () => {
    const given = parseConfig({ dataroot: "x", loadHeight: 286, cropHeight: 256 });
    const implied = parseConfig({ dataroot: "x" });
    const stored = readConfig(JSON.stringify(implied), "config.json");
    const resumed = resumeConfig(stored, { continueTrain: true });
    for (const config of [given, stored, resumed]) expect(Object.keys(config)).toEqual(Object.keys(implied));
  });
});

describe("the schema", () => {
  it("has help, a group and a distinct plain name for every option", () => {
    const specs = optionsOf(configSchema);
    const groups = ["data", "networks", "objective", "schedule", "validation", "features", "run", "watching", "device"];
    expect(specs.every(({ help, group }) => help.length > 10 && groups.includes(group))).toBe(true);
    expect(new Set(specs.map(({ flag }) => plainName(flag))).size).toBe(specs.length);
    expect(specs.every(({ flag, key }) => plainName(flag) === plainName(key))).toBe(true);
  });

  it("is the source of config/types.ts, which `npm run docs` writes", () => {
    for (const [path, text] of configTypes()) expect(readFileSync(path, "utf8"), path).toBe(text);
  });

  it("says ranges in words", () => {
    const words = Object.fromEntries(optionsOf(configSchema).map((spec) => [spec.key, expectedOf(spec)]));
    expect(words).toMatchObject({
      inputNc: "a whole number from 1 to 256",
      ngf: "a whole number from 1 to 4096",
      nEpochs: "a whole number of at least 0",
      lr: "a number above 0",
      beta1: "a number of at least 0 and below 1",
      norm: "batch, instance or none",
      noFlip: "true or false",
      dataroot: "a folder",
    });
  });
});

it("the value of a text option in words: placeholders in small letters, but for letters that stand for numbers", () => {
  const words = (value?: string) => valueWords({ ...(value !== undefined && { value }) } as OptionSpec);
  expect(["FOLDER", "auto|FILE|cityscapes", "I/N", "N|WxH", undefined].map(words)).toEqual([
    ...["folder", "auto|file|cityscapes", "I/N", "N|WxH", "text"],
  ]);
});

it("a pattern that has words for what it expects is told in these words", () => {
  expect(() => parseConfig({ dataroot: "data", displayFreq: "often" })).toThrow(
    '--display-freq: got "often", expected a number of steps, such as 400, or of seconds, such as 60s',
  );
});
