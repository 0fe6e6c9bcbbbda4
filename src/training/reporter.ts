/** What a run tells: its networks and data in words, speed and time left, a strip of samples an epoch, and its page. */

import { optionsOf } from "../config/options.ts";
import type { Profile } from "../config/profiles.ts";
import { type Config, configSchema, profiles, warningsOf } from "../config/schema.ts";
import { Loader, still } from "../data/loader.ts";
import { type FoundPairs, findPairs, type Pair } from "../data/pairs.ts";
import { inputPicture, outputPicture } from "../data/sides.ts";
import { inBytes, type MemoryNeed } from "../engines/memory.ts";
import { Translator } from "../inference/translator.ts";
import type { Losses } from "../model/losses.ts";
import { discriminators, receptiveField } from "../networks/discriminators.ts";
import { type GanLoss, ganLosses } from "../nn/losses.ts";
import { countParameters } from "../nn/parameters.ts";
import type { Platform } from "../platform.ts";
import { stack, strip } from "../report/compose.ts";
import { runPage } from "../report/run-page.ts";
import { type LossLine, type Run, type Score, sampleFile } from "../run/run.ts";
import type { Trainer } from "./trainer.ts";

export interface StepReport {
  epoch: number;
  epochs: number;
  /** From 1, counted from the run's first step. */
  step: number;
  lastStep: number;
  losses: Losses;
  lr: number;
  /** Of this step, waiting for its pictures included. */
  seconds: number;
  imagesPerSecond: number;
  secondsLeft: number;
}

/** Pictures of the strip that each epoch adds to samples/. */
const samplePairs = 3;
/** The page is written at most this often between epochs. */
const pageSeconds = 20;

/** What a run is made of, in lines: data, networks with their sizes, D's map and receptive field (two different things). */
export function describe(
  config: Config,
  trainer: Trainer,
  { layout, pairs, notes }: FoundPairs,
  { height, width, threads, perEpoch }: { height: number; width: number; threads: number; perEpoch: number },
): string[] {
  const count = (net: Trainer["netG"]) =>
    `${countParameters(net.specs).toLocaleString("en").replaceAll(",", " ")} parameters`;
  const { netG, netD, outputMap, device } = trainer;
  const { lambdaGan, numD } = config;
  const field = receptiveField(discriminators[config.netD].geometry(config));
  const [, , h, w] = outputMap ?? [];
  const patch = `each of its ${h}x${w} outputs judges a patch of ${field}x${field} px (receptive field)`;
  const scales = numD > 1 ? ` at ${numD} scales` : "";
  const sees = config.noCondition ? "sees the output alone; " : "";
  const sides = config.direction === "AtoB" ? "A -> B" : "B -> A";
  return [
    `data    ${pairs.length} pairs in ${config.dataroot} (${layout}), ${sides}, ${width}x${height} px, ${perEpoch} steps an epoch`,
    ...notes.map((note) => `        ${note}`),
    `netG    ${config.netG}, ngf ${config.ngf}, ${config.inputNc} -> ${config.outputNc} channels, norm ${config.norm}: ${count(netG)}`,
    lambdaGan === 0
      ? "netD    none"
      : `netD    ${config.netD}${scales}, ndf ${config.ndf}: ${count(netD)}; ${sees}${patch}`,
    `loss    ${objective(config)}, Adam ${config.lr}, batch ${config.batchSize}${batches(config)}`,
    ...profileLine(config),
    ...warningsOf(config).map((warning) => `note    ${warning}`),
    `device  ${device.label}, ${threads} ${threads === 1 ? "thread" : "threads"}`,
    ...memory(trainer.memoryNeed({ n: config.batchSize, height, width })),
  ];
}

/** What a step takes of the memory of a device that has its own. */
function memory(need: MemoryNeed | undefined): string[] {
  if (!need) return [];
  const { networks, carried, working, total } = need;
  return [
    `memory  ${inBytes(total)} of the device's or more: networks with gradients and moments ${inBytes(networks)}, ` +
      `kept activations ${inBytes(carried)}, working memory ${inBytes(working)}`,
  ];
}

/** What the profile has set, where it is not the default one. */
function profileLine(config: Config): string[] {
  const { sets }: Profile = profiles[config.profile];
  const set = sets as Readonly<Record<string, unknown>>;
  const kept = optionsOf(configSchema).filter(({ key }) => key in set && config[key as keyof Config] === set[key]);
  const text = kept.map(({ flag, key, type }) => (type === "boolean" ? flag : `${flag} ${set[key]}`));
  return text.length > 0 ? [`profile ${config.profile}: ${text.join(" ")}`] : [];
}

/** "vanilla GAN + 100 x L1", with what else is part of it. */
function objective({ ganMode, lambdaGan, lambdaL1, lambdaFeat, lambdaGp }: Config): string {
  const { gradientPenalty }: GanLoss = ganLosses[ganMode];
  const terms: string[] = [];
  const weighted = (weight: number, name: string) => (weight === 1 ? name : `${weight} x ${name}`);
  if (lambdaGan > 0) terms.push(weighted(lambdaGan, `${ganMode} GAN`));
  if (lambdaL1 > 0) terms.push(weighted(lambdaL1, "L1"));
  if (lambdaFeat > 0) terms.push(weighted(lambdaFeat, "feature matching"));
  return terms.join(" + ") + (gradientPenalty && lambdaGan > 0 ? `, penalty ${lambdaGp}` : "");
}

const batches = ({ accumulate, clipGrad }: Config): string =>
  (accumulate > 1 ? ` x ${accumulate}` : "") + (clipGrad > 0 ? `, gradients up to ${clipGrad}` : "");

/** Speed, time left, samples and the page. */
export class Reporter {
  #run: Run;
  #config: Config;
  #platform: Platform;
  #trainer: Trainer;
  #lines: LossLine[];
  #span: { perEpoch: number; epochs: number; lastStep: number };
  /** Scores of validation, oldest first; the page shows them. */
  scores: readonly Score[] = [];
  #samples: number[] = [];
  #listed = false;
  #pageAt = 0;
  /** Moving average of seconds a step, of which the last steps make up most from the first on. */
  #pace = 0;
  #paceWeight = 0;

  constructor(
    run: Run,
    config: Config,
    platform: Platform,
    trainer: Trainer,
    lines: LossLine[],
    span: { perEpoch: number; epochs: number; lastStep: number },
  ) {
    this.#run = run;
    this.#config = config;
    this.#platform = platform;
    this.#trainer = trainer;
    this.#lines = lines;
    this.#span = span;
  }

  add(line: LossLine, images: number): StepReport {
    this.#lines.push(line);
    this.#paceWeight = 0.95 * this.#paceWeight + 1;
    this.#pace += (line.seconds - this.#pace) / this.#paceWeight;
    const { epochs, lastStep } = this.#span;
    const { epoch, step, lr, seconds } = line;
    const { G_GAN, G_L1, D_real, D_fake, G_Feat, D_GP } = line;
    const losses: Losses = { G_GAN, G_L1, D_real, D_fake };
    if (G_Feat !== undefined) losses.G_Feat = G_Feat;
    if (D_GP !== undefined) losses.D_GP = D_GP;
    const secondsLeft = (lastStep - step) * this.#pace;
    return { epoch, epochs, step, lastStep, losses, lr, seconds, imagesPerSecond: images / this.#pace, secondsLeft };
  }

  /** Adds samples/epoch_NNN.png: input, output and target of the same few pairs every time. */
  async sample(epoch: number): Promise<void> {
    const { images } = this.#platform;
    const pairs = await this.#samplePairs();
    const { cropSize, cropHeight } = this.#config;
    const plain = { ...this.#config, ...still, loadSize: cropSize, loadHeight: cropHeight };
    const loader = new Loader(pairs, plain, this.#platform);
    const translator = Translator.of(this.#config, this.#trainer.netG, this.#platform);
    try {
      const rows = [];
      for (let i = 0; i < loader.batchesPerEpoch; i++) {
        const { A, B, height, width } = await loader.batch(1, i);
        const output = await translator.run(A, 1, height, width, { index: i });
        rows.push(
          strip([
            inputPicture(A, this.#config, height, width),
            outputPicture(output, A, this.#config, height, width),
            outputPicture(B, A, this.#config, height, width),
          ]),
        );
      }
      await this.#run.writeSample(epoch, await images.encodePng(stack(rows)));
      this.#samples.push(epoch);
    } finally {
      await translator.close();
    }
  }

  /** Pairs that are not trained on where the data set has some, else the first of those that are. */
  async #samplePairs(): Promise<Pair[]> {
    for (const phase of ["val", "test", this.#config.phase]) {
      try {
        const { pairs, layout } = await findPairs(this.#platform.files, this.#config.dataroot, {
          ...this.#config,
          phase,
          skipUnpaired: true,
          maxDatasetSize: undefined,
        });
        if (layout) return spread(pairs, samplePairs);
      } catch {
        // This data set has no such phase.
      }
    }
    return [];
  }

  async page(state: "training" | "finished" | "stopped", now = false): Promise<void> {
    if (!now && performance.now() - this.#pageAt < pageSeconds * 1000) return;
    this.#pageAt = performance.now();
    if (!this.#listed) {
      this.#listed = true;
      const before = await this.#run.sampleEpochs();
      this.#samples = [...new Set([...before, ...this.#samples])].sort((a, b) => a - b);
    }
    const {
      netG,
      ngf,
      netD,
      ndf,
      norm,
      ganMode,
      lambdaGan,
      lambdaL1,
      name,
      dataroot,
      direction,
      cropSize,
      batchSize,
      lr,
      seed,
    } = this.#config;
    const { epochs, lastStep } = this.#span;
    const last = this.#lines.at(-1);
    const step = last?.step ?? 0;
    const text = runPage({
      name,
      state,
      config: [
        ["data", `${dataroot}, ${direction}`],
        ["generator", `${netG}, ngf ${ngf}, norm ${norm}`],
        ["discriminator", `${netD}, ndf ${ndf}`],
        ["objective", objective(this.#config)],
        ["optimiser", `Adam ${lr}, batch ${batchSize}`],
        ["seed", String(seed)],
      ],
      adversarial: lambdaGan > 0 ? ganLosses[ganMode].chart : undefined,
      lambdaL1,
      epoch: last?.epoch ?? 1,
      epochs,
      step,
      lastStep,
      secondsPerStep: this.#pace,
      secondsLeft: (lastStep - step) * this.#pace,
      losses: this.#lines,
      validation: { metric: this.#config.valMetric, scores: this.scores },
      samples: this.#samples.map((epoch) => ({ epoch, file: sampleFile(epoch) })),
      sampleSize: cropSize,
      updated: new Date(),
    });
    await this.#run.writePage(text);
  }
}

/** `count` of the items, evenly spread. */
function spread<T>(items: readonly T[], count: number): T[] {
  const n = Math.min(count, items.length);
  return Array.from({ length: n }, (_, i) => items[Math.floor((i * items.length) / n)]!);
}
