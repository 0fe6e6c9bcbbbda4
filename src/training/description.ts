/** Describes a run: as data for the page and the library, and as lines for a terminal. */
import { optionsOf } from "../config/options.ts";
import type { Profile } from "../config/profiles.ts";
import { type Config, configSchema, profiles, warningsOf } from "../config/schema.ts";
import type { FoundPairs } from "../data/pairs.ts";
import type { MemoryNeed } from "../engines/memory.ts";
import { discriminators, receptiveField } from "../networks/discriminators.ts";
import { diffAugmentNames } from "../nn/diff-augment.ts";
import { type GanLoss, ganLosses } from "../nn/losses.ts";
import { countParameters } from "../nn/parameters.ts";
import type { Device } from "../platform.ts";
import { byteCount, counted } from "../text.ts";
import type { Trainer } from "./trainer.ts";

/** Sent by `TrainEvents.start`. Plain data, so it can be sent between threads. */
export interface RunDescription {
  /** The folder of the run. */
  runDir: string;
  data: {
    dataroot: string;
    layout: string;
    pairs: number;
    direction: Config["direction"];
    /** Of a batch, in pixels; with --preprocess none of the first pair. */
    height: number;
    width: number;
    /** Sentences for the user about the data set, such as which pairs were left out. */
    notes: string[];
  };
  /** The steps of the run. */
  steps: {
    /** Already done; 0 for a new run. */
    done: number;
    perEpoch: number;
    last: number;
    epochs: number;
  };
  netG: { name: string; ngf: number; inputNc: number; outputNc: number; norm: string; parameters: number };
  /** Absent where no discriminator is trained (--lambda-gan 0). */
  netD?: {
    name: string;
    ndf: number;
    /** How many sizes of the picture it judges. */
    scales: number;
    /** Whether it sees the input beside the output. */
    conditional: boolean;
    parameters: number;
    /** Height and width of the map of judgements at full size. */
    outputMap: { height: number; width: number };
    /** The side of the patch that one value of the map depends on, in pixels. */
    receptiveField: number;
  };
  /** The loss, such as "vanilla GAN + 100 x L1". */
  objective: string;
  optimiser: {
    lr: number;
    lrD?: number | undefined;
    ema: number;
    batchSize: number;
    accumulate: number;
    clipGrad: number;
  };
  /** Options that the profile has set; absent for the default profile. */
  profile?: { name: string; options: string };
  /** Combinations of options that work but may not be what was meant. */
  warnings: string[];
  device: Device;
  threads: number;
  /** Memory of a device that has its own, in bytes; absent on a CPU. */
  memory?: MemoryNeed;
}

/** @param found the pairs of the data set, and the size of a batch's pictures */
export function describe(
  config: Config,
  trainer: Trainer,
  found: FoundPairs & { height: number; width: number },
  { runDir, threads, steps }: Pick<RunDescription, "runDir" | "threads" | "steps">,
): RunDescription {
  const { layout, pairs, notes, height, width } = found;
  const { netG, ngf, inputNc, outputNc, norm, lr, lrD, ema, batchSize, accumulate, clipGrad } = config;
  const netD = discriminatorOf(config, trainer);
  const profile = profileOf(config);
  const memory = trainer.memoryNeed({ n: batchSize, height, width });
  return {
    runDir,
    data: { dataroot: config.dataroot, layout, pairs: pairs.length, direction: config.direction, height, width, notes },
    steps,
    netG: { name: netG, ngf, inputNc, outputNc, norm, parameters: countParameters(trainer.netG.specs) },
    ...(netD && { netD }),
    objective: objectiveOf(config),
    optimiser: { lr, lrD, ema, batchSize, accumulate, clipGrad },
    ...(profile && { profile }),
    warnings: warningsOf(config),
    device: trainer.device,
    threads,
    ...(memory && { memory }),
  };
}

function discriminatorOf(config: Config, { netD, outputMap }: Trainer): RunDescription["netD"] {
  if (!outputMap) return undefined;
  const [, , height, width] = outputMap as [number, number, number, number];
  return {
    name: config.netD,
    ndf: config.ndf,
    scales: config.numD,
    conditional: !config.noCondition,
    parameters: countParameters(netD.specs),
    outputMap: { height, width },
    receptiveField: receptiveField(discriminators[config.netD].geometry(config)),
  };
}

/** The options that have the values of the profile, where it is not the default profile. */
function profileOf(config: Config): RunDescription["profile"] {
  const { sets }: Profile = profiles[config.profile];
  const set = sets as Readonly<Record<string, unknown>>;
  const kept = optionsOf(configSchema).filter(({ key }) => key in set && config[key as keyof Config] === set[key]);
  if (kept.length === 0) return undefined;
  const options = kept.map(({ flag, key, type }) => (type === "boolean" ? flag : `${flag} ${set[key]}`)).join(" ");
  return { name: config.profile, options };
}

/** The loss of both networks, such as "vanilla GAN + 100 x L1". */
export function objectiveOf(config: Config): string {
  const { ganMode, lambdaGan, lambdaL1, lambdaFeat, lambdaGp, lambdaLpips, lambdaR1 } = config;
  const { gradientPenalty }: GanLoss = ganLosses[ganMode];
  const terms: string[] = [];
  const weighted = (weight: number, name: string) => (weight === 1 ? name : `${weight} x ${name}`);
  if (lambdaGan > 0) terms.push(weighted(lambdaGan, `${ganMode} GAN`));
  if (lambdaL1 > 0) terms.push(weighted(lambdaL1, "L1"));
  if (lambdaFeat > 0) terms.push(weighted(lambdaFeat, "feature matching"));
  if (config.distill !== undefined) terms.push(weighted(config.lambdaDistill, `L1 to ${config.distill}`));
  if (lambdaLpips > 0) terms.push(weighted(lambdaLpips, "LPIPS"));
  const ofD: string[] = [];
  if (gradientPenalty) ofD.push(`penalty ${lambdaGp}`);
  if (lambdaR1 > 0) ofD.push(`R1 ${lambdaR1}`);
  if (config.spectralNorm) ofD.push("spectral norm in D");
  const augments = diffAugmentNames(config.diffAugment ?? "none") ?? [];
  if (augments.length > 0) ofD.push(`D sees ${augments.join(", ")}`);
  return [terms.join(" + "), ...(lambdaGan > 0 ? ofD : [])].join(", ");
}

// ---- Lines for a terminal -------------------------------------------------------------------------------------------

/** A description as lines: a fact a line, with its name in front. */
export function descriptionLines(run: RunDescription): string[] {
  const { data, steps, objective, profile, warnings, device, threads, memory } = run;
  const sides = data.direction === "AtoB" ? "A -> B" : "B -> A";
  return [
    `data    ${counted(data.pairs, "pair")} in ${data.dataroot} (${data.layout}), ${sides}, ${data.width}x${data.height} px, ` +
      `${counted(steps.perEpoch, "step")} an epoch`,
    ...data.notes.map((note) => `        ${note}`),
    `netG    ${generatorText(run)}`,
    `netD    ${discriminatorText(run)}`,
    `loss    ${objective}, ${optimiserText(run)}`,
    ...(profile ? [`profile ${profile.name}: ${profile.options}`] : []),
    ...warnings.map((warning) => `note    ${warning}`),
    `device  ${deviceText(device, threads)}`,
    ...(memory ? [`memory  ${memoryText(memory)}`] : []),
  ];
}

/** "cpu, 2 threads" */
export const deviceText = ({ label }: Device, threads: number): string => `${label}, ${counted(threads, "thread")}`;

function generatorText({ netG: { name, ngf, inputNc, outputNc, norm, parameters } }: RunDescription): string {
  return `${name}, ngf ${ngf}, ${inputNc} -> ${outputNc} channels, norm ${norm}: ${parametersText(parameters)}`;
}

/** The output map and the receptive field are two things: a 30x30 map may judge patches of 70x70 px. */
function discriminatorText({ netD }: RunDescription): string {
  if (!netD) return "none";
  const { name, ndf, scales, conditional, parameters, outputMap, receptiveField: field } = netD;
  return (
    `${name}${scales > 1 ? ` at ${scales} scales` : ""}, ndf ${ndf}: ${parametersText(parameters)}; ` +
    (conditional ? "" : "sees the output alone; ") +
    `each of its ${outputMap.height}x${outputMap.width} outputs judges a patch of ${field}x${field} px (receptive field)`
  );
}

const optimiserText = ({ optimiser: { lr, lrD, ema, batchSize, accumulate, clipGrad } }: RunDescription): string =>
  `Adam ${lr}${lrD === undefined ? "" : ` (D ${lrD})`}, ${ema > 0 ? `EMA of G ${ema}, ` : ""}batch ${batchSize}` +
  (accumulate > 1 ? ` x ${accumulate}` : "") +
  (clipGrad > 0 ? `, gradients up to ${clipGrad}` : "");

const parametersText = (count: number): string => `${count.toLocaleString("en").replaceAll(",", " ")} parameters`;

const memoryText = ({ networks, carried, working, total }: MemoryNeed): string =>
  `${byteCount(total)} of the device's or more: networks with gradients and moments ${byteCount(networks)}, ` +
  `kept activations ${byteCount(carried)}, working memory ${byteCount(working)}`;
