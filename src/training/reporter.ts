/** The progress of a run: speed and time left for each step, and the run's page. */
import type { Config } from "../config/schema.ts";
import { type Losses, lossesIn, totalLosses } from "../model/losses.ts";
import { ganLosses } from "../nn/losses.ts";
import { runPage } from "../report/run-page.ts";
import type { AlarmLine } from "../run/alarms.ts";
import type { LossLine, Run, Score } from "../run/run.ts";
import { mean } from "../statistics.ts";
import { objectiveOf } from "./description.ts";

/** A step that is done. */
export interface StepReport {
  /** From 1. */
  epoch: number;
  epochs: number;
  /** From 1, counted from the run's first step. */
  step: number;
  lastStep: number;
  /** Before the update of the step. */
  losses: Losses;
  lr: number;
  /** Duration of the step, with the time it waited for its pictures. */
  seconds: number;
  /** Moving averages. */
  imagesPerSecond: number;
  secondsLeft: number;
}

/** An epoch that is done. */
export interface EpochReport {
  /** From 1. */
  epoch: number;
  epochs: number;
  lr: number;
  /** Its steps together, without samples, scores and checkpoints. */
  seconds: number;
  /** Means over its steps. */
  losses: Losses;
  /** The mean of what G's update minimises. */
  lossG: number;
  /** The mean of what D's update minimises; undefined without D. */
  lossD: number | undefined;
}

/** The page is written at most this often while a run trains. */
const pageSeconds = 20;

export interface ReporterOptions {
  run: Run;
  config: Config;
  /** The losses of earlier steps. */
  lines: LossLine[];
  /** Scores of validation, oldest first; the page shows them. */
  scores: readonly Score[];
  steps: { epochs: number; last: number };
}

/** A step counts as at most this many average steps, so that the sleep of a laptop does not turn an hour left into days. */
const mostPaces = 5;
/** Steps before the average is good enough to compare with. */
const firstSteps = 10;

/** Turns lines of the log into reports of steps and epochs, and writes the page of the run. */
export class Reporter {
  readonly #options: ReporterOptions;
  /** The alarms that the page shows. */
  alarms: () => readonly AlarmLine[] = () => [];
  #pageAt = Number.NEGATIVE_INFINITY;
  /** Moving average of the seconds of a step: its weights fall by 0.95 a step. */
  #pace = 0;
  #paceWeight = 0;
  /** Steps of this training. */
  #count = 0;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /** @param images pictures of the step */
  add(line: LossLine, images: number): StepReport {
    const { lines, steps } = this.#options;
    lines.push(line);
    this.#count++;
    const usual = this.#count > firstSteps ? Math.min(line.seconds, mostPaces * this.#pace) : line.seconds;
    this.#paceWeight = 0.95 * this.#paceWeight + 1;
    this.#pace += (usual - this.#pace) / this.#paceWeight;
    const { epoch, step, lr, seconds } = line;
    return {
      epoch,
      epochs: steps.epochs,
      step,
      lastStep: steps.last,
      losses: lossesOf(line),
      lr,
      seconds,
      imagesPerSecond: images / this.#pace,
      secondsLeft: (steps.last - step) * this.#pace,
    };
  }

  /** The report of an epoch of which all steps are in the log, also those before a stop. */
  epoch(epoch: number): EpochReport {
    const { config, lines, steps } = this.#options;
    const own = lines.slice(lines.findLastIndex((line) => line.epoch < epoch) + 1);
    const meanOf = (name: keyof LossLine) => mean(own.map((line) => line[name]!));
    const { lr } = own[0]!;
    const losses = Object.fromEntries(lossesIn(own[0]!).map((name) => [name, meanOf(name)])) as Losses;
    const seconds = own.length * meanOf("seconds");
    return { epoch, epochs: steps.epochs, lr, seconds, losses, ...totalLosses(losses, config) };
  }

  /** Writes the page of a run that trains, unless it was written a moment ago. */
  async writePageIfDue(): Promise<void> {
    if (performance.now() - this.#pageAt >= pageSeconds * 1000) await this.writePage("training");
  }

  async writePage(state: "training" | "finished" | "stopped"): Promise<void> {
    this.#pageAt = performance.now();
    const { run, config, lines, scores, steps } = this.#options;
    const { epoch, step } = lines.at(-1) ?? { epoch: 1, step: 0 };
    const page = runPage({
      name: config.name,
      state,
      config: factsOf(config),
      adversarial: config.lambdaGan > 0 ? ganLosses[config.ganMode].chart : undefined,
      lambdaL1: config.lambdaL1,
      epoch,
      epochs: steps.epochs,
      step,
      lastStep: steps.last,
      secondsPerStep: this.#pace,
      secondsLeft: (steps.last - step) * this.#pace,
      losses: lines,
      validation: { metric: config.valMetric, scores },
      samples: await run.samples(),
      alarms: this.alarms(),
      updated: new Date(),
    });
    await run.writePage(page);
  }
}

/** The losses of a line, in the order in which they are shown. */
const lossesOf = (line: LossLine) => Object.fromEntries(lossesIn(line).map((name) => [name, line[name]])) as Losses;

/** The options that the page shows. */
function factsOf(config: Config): [label: string, value: string][] {
  const { dataroot, direction, netG, ngf, norm, netD, ndf, lr, batchSize, seed } = config;
  return [
    ["data", `${dataroot}, ${direction}`],
    ["generator", `${netG}, ngf ${ngf}, norm ${norm}`],
    ["discriminator", `${netD}, ndf ${ndf}`],
    ["objective", objectiveOf(config)],
    ["optimiser", `Adam ${lr}, batch ${batchSize}`],
    ["seed", String(seed)],
  ];
}
