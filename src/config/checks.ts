/** Combinations of options that cannot work, each with the reason and the way out; and those that only surprise. */

import { discriminators } from "../networks/discriminators.ts";
import { generators } from "../networks/generators.ts";
import { listed, refuse } from "./options.ts";
import type { Config } from "./schema.ts";

/** Every combination that cannot work, one line each. */
export function problemsOf(config: Config): string[] {
  return [...sizeChecks(config), ...dataChecks(config), ...objectiveChecks(config), ...scheduleChecks(config)];
}

function sizeChecks(config: Config): string[] {
  const { preprocess, loadSize, cropSize, loadHeight = loadSize, cropHeight = cropSize } = config;
  const problems: string[] = [];
  if (preprocess === "resize_and_crop") {
    for (const [flag, load, least] of [
      ["--load-size", loadSize, cropSize],
      ["--load-height", loadHeight, cropHeight],
    ] as const) {
      if (load >= least || (flag === "--load-height" && loadHeight === loadSize && cropHeight === cropSize)) continue;
      const jitter = Math.round((least * 286) / 256);
      problems.push(
        `${flag}: got ${load}, expected at least ${flag.replace("load", "crop")} ${least}; ` +
          `${jitter} keeps the usual jitter, ${least} means none`,
      );
    }
  }
  if (preprocess === "scale_width_and_crop" && loadSize < cropSize) {
    problems.push(
      `--load-size: got ${loadSize}, expected at least --crop-size ${cropSize} for --preprocess ${preprocess}`,
    );
  }
  if (crops(config)) {
    const what =
      cropHeight === cropSize ? `--crop-size ${cropSize}` : `a crop of ${cropSize}x${cropHeight} (width x height)`;
    problems.push(
      ...generatorSize(config, cropHeight, cropSize, what),
      ...patchSize(config, cropHeight, cropSize, what),
    );
  }
  return problems;
}

function dataChecks(config: Config): string[] {
  const {
    rotate90,
    cropSize,
    cropHeight = cropSize,
    datasetMode,
    inputNc,
    outputNc,
    direction,
    serialBatches,
  } = config;
  const problems: string[] = [];
  if (rotate90 && (cropHeight !== cropSize || !crops(config))) {
    problems.push("--rotate90: a quarter turn needs square crops; leave it out, or crop squares");
  }
  const [l, ab] = direction === "AtoB" ? [inputNc, outputNc] : [outputNc, inputNc];
  if (datasetMode === "colorization" && (l !== 1 || ab !== 2)) {
    problems.push(
      `--dataset-mode colorization turns lightness (1 channel) into colour (2 channels), got --input-nc ${inputNc} and ` +
        `--output-nc ${outputNc}; leave them out`,
    );
  }
  if (config.replacement && serialBatches) {
    problems.push("--replacement draws pairs at random, --serial-batches takes them in order; give one of them");
  }
  return problems;
}

function objectiveChecks(config: Config): string[] {
  const { ganMode, norm, lambdaGan, lambdaL1, lambdaFeat, netD } = config;
  const problems: string[] = [];
  if (ganMode === "wgangp" && norm === "batch" && lambdaGan > 0) {
    problems.push(
      "--gan-mode wgangp: its penalty bounds the gradient of each picture's judgement by itself, and batch norm mixes the " +
        "pictures of a batch; use --norm instance or --norm none",
    );
  }
  if (lambdaGan === 0 && lambdaL1 === 0 && lambdaFeat === 0) {
    problems.push("--lambda-gan, --lambda-l1 and --lambda-feat are all 0: there is nothing to learn from");
  }
  if (lambdaFeat > 0 && lambdaGan === 0) {
    problems.push("--lambda-feat compares maps of a trained discriminator, so --lambda-gan has to be above 0");
  }
  if (config.accumulate > 1 && config.updateOrder !== "updated") {
    problems.push(
      `--accumulate ${config.accumulate} updates the discriminator before the generator sees its first batch, so it needs ` +
        `--update-order updated, got ${config.updateOrder}`,
    );
  }
  if (config.numD > 1 && netD === "article") problems.push("--num-d: the article's discriminator has one scale");
  return problems;
}

function scheduleChecks(config: Config): string[] {
  const { nEpochs, nEpochsDecay, lrPolicy, valFreq, earlyStop } = config;
  const problems: string[] = [];
  if (nEpochs + nEpochsDecay === 0) problems.push("--n-epochs and --n-epochs-decay: got 0 and 0, expected one above 0");
  if (valFreq === undefined) {
    const needs = "follows a validation score; give --val-freq 1 (and --val-phase), for a score every epoch";
    if (lrPolicy === "plateau") problems.push(`--lr-policy plateau ${needs}`);
    if (earlyStop !== undefined) problems.push(`--early-stop ${needs}`);
  }
  return problems;
}

/** What works but may not be what was meant, one line each; `train` prints them. */
export function warningsOf(config: Config): string[] {
  const { lrPolicy, nEpochs, nEpochsDecay, batchSize, bottleneckNorm, accumulate, lambdaGan } = config;
  const warnings: string[] = [];
  if (["cosine", "step", "plateau"].includes(lrPolicy) && nEpochsDecay > 0) {
    warnings.push(
      `--lr-policy ${lrPolicy} knows no second part: it runs over --n-epochs + --n-epochs-decay = ${nEpochs + nEpochsDecay} ` +
        "epochs, and never rises again",
    );
  }
  if (bottleneckNorm && batchSize === 1) {
    warnings.push(
      "a norm on the bottleneck at batch 1 wipes out the innermost map where that is 1x1 (erratum of the paper)",
    );
  }
  if (accumulate > 1 && config.norm === "batch") {
    warnings.push(
      `--accumulate ${accumulate} averages gradients of ${accumulate} batches; batch norm still sees one batch at a time`,
    );
  }
  warnings.push(...idleOptions(config));
  if (lambdaGan === 0) warnings.push("--lambda-gan 0: no discriminator is trained, outputs will be blurred");
  return warnings;
}

/** Switches of the U-Nets that another generator does not have. */
function idleOptions({ netG, skip, dropoutLevels, bottleneckNorm, profile }: Config): string[] {
  const kind = /^(article|resnet|encoder_decoder)/.exec(netG)?.[1];
  if (!kind || profile !== "junyanz") return [];
  const given = {
    "--skip": skip !== "relu",
    ...(kind === "encoder_decoder"
      ? {}
      : { "--dropout-levels": dropoutLevels !== "second", "--bottleneck-norm": bottleneckNorm }),
  };
  const idle = Object.entries(given).flatMap(([flag, differs]) => (differs ? [flag] : []));
  return idle.length > 0 ? [`${listed(idle, "and")}: --netG ${netG} has no such switch, so it changes nothing`] : [];
}

/** Whether every picture that the networks see has the crop's size. */
export function crops({ preprocess }: Pick<Config, "preprocess">): boolean {
  return preprocess === "resize_and_crop" || preprocess === "crop" || preprocess === "scale_width_and_crop";
}

/**
 * Checks pictures whose size comes from the data. The generator pads them itself to what it can halve; the discriminator
 * needs a map to be left.
 * @throws ConfigError with the least size.
 */
export function checkSize(config: Config, height: number, width: number): void {
  refuse(patchSize(config, height, width, `pictures of ${width}x${height} (width x height)`));
}

function generatorSize({ netG }: Config, height: number, width: number, what: string): string[] {
  const multiple = generators[netG]?.multiple ?? 1;
  if (height % multiple === 0 && width % multiple === 0) return [];
  const sizes = [...new Set([width, height].filter((side) => side % multiple !== 0).flatMap(around(multiple)))].sort(
    (a, b) => a - b,
  );
  const fits = Object.keys(generators)
    .filter((name) => name.startsWith("unet_"))
    .filter((name) => [height, width].every((side) => side % (generators[name]?.multiple ?? 1) === 0))
    .pop();
  return [
    `${what}: ${netG} halves the picture ${Math.log2(multiple)} times, expected a multiple of ${multiple} ` +
      `(nearest ${listed(sizes.map(String))})${fits ? `; or take --netG ${fits}, which fits` : ""}`,
  ];
}

function patchSize(config: Config, height: number, width: number, what: string): string[] {
  const { netD, nLayersD, numD, lambdaGan } = config;
  if (lambdaGan === 0 || netD === "article") return [];
  const layers = discriminators[netD]!.geometry({ nLayers: nLayersD }).filter(({ stride }) => stride === 2).length;
  const side = Math.ceil(Math.min(height, width) / 2 ** (numD - 1));
  if (layers === 0 || patchMap(side, layers) >= 1) return [];
  let most = layers;
  while (most > 0 && patchMap(side, most) < 1) most--;
  const scale = numD > 1 ? `, halved ${numD - 1} times by --num-d ${numD},` : "";
  return [
    `--n-layers-d ${layers}: nothing is left of ${what}${scale} after ${layers} strided layers; ` +
      `expected at most ${most}, or pictures of at least ${3 * 2 ** (layers + numD - 1)}`,
  ];
}

/** The side of the output map of a PatchGAN: `layers` strided 4x4 convolutions, then two of stride 1, all with padding 1. */
function patchMap(side: number, layers: number): number {
  return Math.floor(side / 2 ** layers) - 2;
}

/** The multiples next to a value, below and above, without 0. */
function around(multiple: number): (value: number) => number[] {
  return (value) => {
    const below = Math.floor(value / multiple) * multiple;
    return below === 0 ? [multiple] : [below, below + multiple];
  };
}
