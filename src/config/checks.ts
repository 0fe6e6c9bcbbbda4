/**
 * Combinations of options that cannot work, each with the reason and what to do, and combinations that work but may not be
 * meant. Rules of data are in data/rules.ts; a loss, a generator, a discriminator or a schedule declares its own.
 */
import { dataProblems } from "../data/rules.ts";
import { sideForms } from "../data/sides.ts";
import { crops } from "../data/sizes.ts";
import { refuse } from "../errors.ts";
import type { ValidationMetric } from "../metrics/pictures.ts";
import { type Discriminator, discriminators } from "../networks/discriminators.ts";
import type { Generator, GeneratorSwitch } from "../networks/generator.ts";
import { generators } from "../networks/generators.ts";
import { type GanLoss, ganLosses } from "../nn/losses.ts";
import { norms } from "../nn/norms.ts";
import { schedules } from "../nn/schedules.ts";
import { visible } from "../text.ts";
import { networkOptions } from "./groups/networks.ts";
import { listed } from "./options.ts";
import { type Profile, profiles } from "./profiles.ts";
import type { Config } from "./types.ts";

/** Every combination that cannot work, one line each. */
export function problemsOf(config: Config): string[] {
  return [dataChecks, sizeChecks, objectiveChecks, scheduleChecks, runChecks].flatMap((check) => check(config));
}

/** The rules of data, and --replacement with --serial-batches: the loader would ignore --replacement. */
function dataChecks(config: Config): string[] {
  const problems = dataProblems(config);
  if (config.replacement && config.serialBatches) {
    problems.push("--replacement draws pairs at random, --serial-batches takes them in order; give one of them");
  }
  return problems;
}

/** Both networks have to take the crop. */
function sizeChecks(config: Config): string[] {
  const { cropSize, cropHeight } = config;
  if (!crops(config)) return [];
  const size =
    cropHeight === cropSize ? `--crop-size ${cropSize}` : `a crop of ${cropSize}x${cropHeight} (width x height)`;
  return [
    ...generatorSize(config, cropHeight, cropSize, size),
    ...discriminatorSize(config, cropHeight, cropSize, size),
  ];
}

function objectiveChecks(config: Config): string[] {
  const { ganMode, lambdaGan, lambdaL1, lambdaFeat, netD, numD } = config;
  const problems: string[] = [];
  const { problem }: GanLoss = ganLosses[ganMode];
  const wrong = lambdaGan > 0 ? problem?.(config) : undefined;
  if (wrong) problems.push(`--gan-mode ${ganMode}: ${wrong}`);
  const { lambdaLpips, lambdaDistill } = config;
  if ([lambdaGan, lambdaL1, lambdaFeat, lambdaLpips, lambdaDistill].every((weight) => weight === 0)) {
    problems.push("--lambda-gan, --lambda-l1 and all other weights of G's loss are 0: there is nothing to learn from");
  }
  if (lambdaFeat > 0 && lambdaGan === 0) {
    problems.push("--lambda-feat compares maps of a trained discriminator, so --lambda-gan has to be above 0");
  }
  if (config.lambdaR1 > 0 && config.batchSize > 1 && norms[config.norm].mixesBatch) {
    problems.push(
      `--lambda-r1: its penalty is computed for each picture separately, and ${config.norm} norm mixes the pictures of a ` +
        "batch; use --batch-size 1, --norm instance or --norm none",
    );
  }
  if (config.spectralNorm && config.updateOrder === "stale") {
    problems.push(
      "--spectral-norm scales weights anew at each use, so the backward pass cannot take other weights than the forward pass: " +
        "use --update-order updated or simultaneous",
    );
  }
  if (config.accumulate > 1 && config.updateOrder !== "updated") {
    problems.push(
      `--accumulate ${config.accumulate} updates the discriminator before the generator sees its first batch, so it needs ` +
        `--update-order updated, got ${config.updateOrder}`,
    );
  }
  if ((config.distill === undefined) !== (config.lambdaDistill === 0)) {
    problems.push("--distill NAME and --lambda-distill belong together, such as --distill large --lambda-distill 100");
  }
  problems.push(...perceptualChecks(config));
  if (config.drawTwice && (config.updateOrder !== "updated" || lambdaGan === 0)) {
    problems.push(
      "--draw-twice draws for the generator's step after the discriminator's update, so it needs a discriminator and " +
        `--update-order updated, got ${lambdaGan === 0 ? "--lambda-gan 0" : config.updateOrder}`,
    );
  }
  problems.push(...separableChecks(config));
  const { mostScales }: Discriminator = discriminators[netD];
  if (mostScales !== undefined && numD > mostScales) {
    problems.push(
      `--num-d: got ${numD}, but --netD ${netD} has at most ${mostScales} scale${mostScales > 1 ? "s" : ""}`,
    );
  }
  return problems;
}

function separableChecks({ separableConv, netG, upsample, padding }: Config): string[] {
  if (!separableConv) return [];
  const { switches = [] }: Generator = generators[netG];
  const problems: string[] = [];
  if (!switches.includes("separableConv")) {
    problems.push(`--separable-conv: --netG ${netG} has plain convolutions only; take a U-Net, such as unet_256`);
  }
  if (upsample !== "transpose") {
    problems.push(`--separable-conv doubles maps in its own way; leave out --upsample ${upsample}`);
  }
  if (padding !== "zero") {
    problems.push(`--separable-conv: its convolutions pad with zeros; leave out --padding ${padding}`);
  }
  return problems;
}

const featureFlag = "--features FILE, the weights of a feature network";
/** The files that a score of the validation needs. */
const validationNeeds: Partial<Record<ValidationMetric, Partial<Record<"features" | "lpips", string>>>> = {
  KID: { features: featureFlag },
  LPIPS: { features: featureFlag, lpips: "--lpips FILE, the linear layers for that network" },
};

function perceptualChecks(config: Config): string[] {
  const { lambdaLpips, outputNc } = config;
  if (lambdaLpips === 0) return [];
  const missing = Object.entries(validationNeeds.LPIPS!).filter(
    ([key]) => config[key as "features" | "lpips"] === undefined,
  );
  const problems = missing.map(([, flag]) => `--lambda-lpips needs ${flag}`);
  const { target } = sideForms(config);
  if ((outputNc !== 1 && outputNc !== 3) || target.derive) {
    problems.push(
      `--lambda-lpips compares grey or RGB pictures, but the output has ${outputNc} channels of another kind`,
    );
  }
  return problems;
}

function scheduleChecks(config: Config): string[] {
  const { nEpochs, nEpochsDecay, lrPolicy, valFreq, valMetric, earlyStop } = config;
  const problems: string[] = [];
  if (nEpochs + nEpochsDecay === 0) problems.push("--n-epochs and --n-epochs-decay: got 0 and 0, expected one above 0");
  if (valFreq === undefined) {
    const needs = "follows a validation score; give --val-freq 1 (and --val-phase), for a score every epoch";
    if (schedules[lrPolicy].followsValidation) problems.push(`--lr-policy ${lrPolicy} ${needs}`);
    if (earlyStop !== undefined) problems.push(`--early-stop ${needs}`);
  }
  for (const [key, flag] of Object.entries(validationNeeds[valMetric] ?? {})) {
    if (config[key as "features" | "lpips"] === undefined) problems.push(`--val-metric ${valMetric} needs ${flag}`);
  }
  if (config.lpips !== undefined && config.features === undefined) {
    problems.push("--lpips gives the linear layers of a network: give the network with --features");
  }
  return problems;
}

function runChecks({ epoch, continueTrain }: Config): string[] {
  if (epoch === undefined || epoch === "latest" || continueTrain) return [];
  return [
    `--epoch ${epoch} continues a run from weights that it has kept; give --continue-train and the --name of the run`,
  ];
}

/** Combinations that work but may not be meant, one line each; `train` prints them. */
export function warningsOf(config: Config): string[] {
  const { lrPolicy, nEpochs, nEpochsDecay, accumulate, lambdaGan, norm } = config;
  const warnings: string[] = [];
  if (!schedules[lrPolicy].secondPart && nEpochsDecay > 0) {
    warnings.push(
      `--lr-policy ${lrPolicy} has no separate phase of decay: it runs over all --n-epochs + --n-epochs-decay = ` +
        `${nEpochs + nEpochsDecay} epochs`,
    );
  }
  warnings.push(...emptyBottleneck(config));
  if (accumulate > 1 && norms[norm].mixesBatch) {
    warnings.push(
      `--accumulate ${accumulate} averages gradients of ${accumulate} batches; ${norm} norm still sees one batch at a time`,
    );
  }
  warnings.push(...idleSwitches(config));
  if (lambdaGan === 0) warnings.push("--lambda-gan 0: no discriminator is trained, outputs will be blurred");
  return warnings;
}

/** A norm of one value gives zero: that of a 1 x 1 map over one picture. */
function emptyBottleneck({ bottleneckNorm, netG, norm, batchSize }: Config): string[] {
  const { switches = [] }: Generator = generators[netG];
  const { mixesBatch, perPicture } = norms[norm];
  if (!bottleneckNorm || !switches.includes("bottleneckNorm")) return [];
  if (!perPicture && !(mixesBatch && batchSize === 1)) return [];
  const over = perPicture ? `--norm ${norm}` : "--batch-size 1";
  return [`--bottleneck-norm with ${over} sets the innermost map to zero where it is 1x1 (erratum of the paper)`];
}

/** The flags of switches that have no effect where the generator does not read them. `separableChecks` refuses --separable-conv there. */
const idleFlags: Readonly<Record<Exclude<GeneratorSwitch, "separableConv">, string>> = {
  skip: "--skip",
  dropoutLevels: "--dropout-levels",
  bottleneckNorm: "--bottleneck-norm",
};

/** Switches that were given, by an option and not by the profile, and that the generator does not read. */
function idleSwitches(config: Config): string[] {
  const { netG, profile } = config;
  const { switches = [] }: Generator = generators[netG];
  const { sets }: Profile = profiles[profile];
  const idle = (Object.entries(idleFlags) as [keyof typeof idleFlags, string][])
    .filter(([key]) => !switches.includes(key))
    .filter(([key]) => config[key] !== (sets[key] ?? networkOptions[key].parse(undefined)));
  if (idle.length === 0) return [];
  const flags = idle.map(([, flag]) => flag);
  return [`${listed(flags, "and")}: no effect, because --netG ${netG} has no such switch`];
}

/**
 * Checks pictures whose size comes from the data. The generator pads them to its own multiple; the discriminator needs a
 * map of at least one value.
 * @param height in pixels, as `width`
 * @param file one of that size, for the message
 * @throws ConfigError with the least size
 */
export function checkSize(config: DiscriminatorChoice, height: number, width: number, file?: string): void {
  const which = file === undefined ? "" : `, such as ${visible(file)}`;
  refuse(discriminatorSize(config, height, width, `pictures of ${width}x${height} (width x height)${which}`));
}

function generatorSize({ netG }: Pick<Config, "netG">, height: number, width: number, size: string): string[] {
  const { multiple }: Generator = generators[netG];
  const fits = (side: number, of: number) => side % of === 0;
  if (fits(height, multiple) && fits(width, multiple)) return [];
  const sides = [width, height].filter((side) => !fits(side, multiple));
  const near = [...new Set(sides.flatMap((side) => around(side, multiple)))].sort((a, b) => a - b);
  const other = Object.entries<Generator>(generators)
    .filter(([, { recommended, multiple: of }]) => recommended && fits(height, of) && fits(width, of))
    .at(-1)?.[0];
  const halvings = Math.log2(multiple);
  const why = Number.isInteger(halvings) ? `${netG} halves the picture ${halvings} times` : netG;
  return [
    `${size}: ${why}, expected a multiple of ${multiple} (nearest ${listed(near.map(String))})` +
      (other ? `; or take --netG ${other}, which fits` : ""),
  ];
}

/** The multiples next to a value, below and above, without 0. */
function around(value: number, multiple: number): number[] {
  const below = Math.floor(value / multiple) * multiple;
  return below === 0 ? [multiple] : [below, below + multiple];
}

/** The options that determine the least size of pictures for D. */
type DiscriminatorChoice = Pick<Config, "netD" | "nLayersD" | "numD" | "lambdaGan">;

function discriminatorSize(config: DiscriminatorChoice, height: number, width: number, size: string): string[] {
  const { netD, numD, lambdaGan } = config;
  if (lambdaGan === 0) return [];
  const { least, remedy }: Discriminator = discriminators[netD];
  const needed = least(config);
  const side = Math.ceil(Math.min(height, width) / 2 ** (numD - 1));
  if (side >= needed) return [];
  const halved = numD > 1 ? `, halved ${numD - 1} times by --num-d ${numD}` : "";
  const instead = remedy?.(side);
  return [
    `--netD ${netD}: its map is empty for ${size}${halved}; expected pictures of at least ` +
      `${needed * 2 ** (numD - 1)}${instead ? `, or ${instead}` : ""}`,
  ];
}
