/** The runs of a folder as servers and pages show them: what each is, where it stands, and how it has come there. */
import { type Config, configSchema } from "../config/schema.ts";
import { trainedSize } from "../data/sizes.ts";
import type { Files, LockHolder } from "../platform.ts";
import { median } from "../statistics.ts";
import { type AlarmLine, alarmsNow } from "./alarms.ts";
import { FollowedLog } from "./follow.ts";
import { bestScore } from "./logs.ts";
import { lockFile, lossFile, weightsFile } from "./paths.ts";
import { listRuns, type Progress, Run, type SampleEntry, type Score } from "./run.ts";
import { standingOf } from "./standing.ts";
import type { RunStatus } from "./status.ts";

/**
 * The state of a run. "started": it has no checkpoint and nobody trains it; "imported": its weights were trained elsewhere, and it
 * cannot be continued.
 */
export const runStates = ["training", "finished", "stopped", "started", "imported", "damaged"] as const;
export type RunState = (typeof runStates)[number];

/** A run in a list. */
export interface RunSummary {
  name: string;
  state: RunState;
  /** Steps done, by the log. */
  step: number;
  /** The last step of the run; undefined where the number of its pairs is not known. */
  lastStep?: number | undefined;
  /** Whether it has weights to translate with. */
  usable: boolean;
  epoch: number;
  epochs: number;
  /** Of a step, a mean over the last ones. */
  secondsPerStep?: number | undefined;
  secondsLeft?: number | undefined;
  imagesPerSecond?: number | undefined;
  /** The losses of the last step. */
  losses: Record<string, number>;
  /** The best score by --val-metric. */
  best?: Score | undefined;
  metric: string;
  sample?: SampleEntry | undefined;
  /** What goes wrong now, in words, with what to do. */
  alarms: Pick<AlarmLine, "kind" | "epoch" | "text" | "advice">[];
  /** The main options in words. */
  about: string;
  /** Where it is trained now. */
  trainer?: LockHolder | undefined;
  /** Why the last training that this server has started failed, in words that follow "The training". */
  failure?: string | undefined;
  /** Why it cannot be read. */
  problem?: string | undefined;
}

/** A run with all that a page shows of it. */
export interface RunDetail extends RunSummary {
  config: Config;
  status?: RunStatus | undefined;
  samples: SampleEntry[];
  scores: Score[];
  /** Weights of the generator: "latest", "best", numbers of epochs, "iter_500". */
  weights: string[];
  /** Pages in the run's folder: its own, those of tests and audits. Relative to the run's address. */
  pages: { title: string; file: string }[];
}

/** Lines over which the speed is taken. */
const paceLines = 50;

/** What the files do not say. */
export interface KnownOfRuns {
  /** Why the last training of a run has failed, in words that follow "The training". */
  failureOf?(name: string): string | undefined;
  /** Whether a lock is held, on a platform whose locks have no holder that could be named. */
  isHeld?(path: string): Promise<boolean>;
}

export class Runs {
  readonly checkpointsDir: string;
  readonly #files: Files;
  readonly #logs = new Map<string, FollowedLog>();
  readonly #known: KnownOfRuns;

  constructor(files: Files, checkpointsDir: string, known: KnownOfRuns = {}) {
    this.#files = files;
    this.checkpointsDir = checkpointsDir;
    this.#known = known;
  }

  /** The names of the runs, sorted. */
  names(): Promise<string[]> {
    return listRuns(this.#files, this.checkpointsDir);
  }

  /** The run of a name; undefined where there is none, also for names that would lead out of the folder of the runs. */
  async find(name: string): Promise<Run | undefined> {
    const run = isName(name) ? new Run(this.#files, { checkpointsDir: this.checkpointsDir, name }) : undefined;
    return (await run?.isStarted().catch(() => false)) ? run : undefined;
  }

  /** The losses of a run, read up to now. */
  async losses(run: Run): Promise<FollowedLog> {
    const log = this.#logs.get(run.name) ?? new FollowedLog(this.#files, run.path(lossFile));
    this.#logs.set(run.name, log);
    await log.update();
    return log;
  }

  /** Whether the run is trained now, and by which process where that is known. */
  async training(run: Run): Promise<{ now: boolean; holder?: LockHolder | undefined }> {
    const path = await lockFile(this.#files, run.dir);
    const holder = await this.#files.holder?.(path);
    return { now: holder !== undefined || ((await this.#known.isHeld?.(path)) ?? false), holder };
  }

  /** All runs. A folder whose name no run may have is listed as damaged: it must not hide the others. */
  async summaries(): Promise<RunSummary[]> {
    const all = (await this.names()).map(async (name) => {
      if (!isName(name)) return damaged(name, "no run may have the name of this folder; rename it");
      // A run may be deleted meanwhile.
      const run = await this.find(name);
      return run && this.summary(run);
    });
    return (await Promise.all(all)).filter((summary) => summary !== undefined);
  }

  async summary(run: Run): Promise<RunSummary> {
    try {
      return summaryOf(await this.#facts(run));
    } catch (error) {
      return damaged(run.name, (error as Error).message);
    }
  }

  async detail(run: Run): Promise<RunDetail> {
    const facts = await this.#facts(run);
    const { config, status, samples, scores } = facts;
    const [weights, pages] = await Promise.all([run.keptWeights(), this.#pages(run)]);
    return { ...summaryOf(facts), config, status, samples, scores, weights: weights.sort(byLabel), pages };
  }

  async #facts(run: Run): Promise<Facts> {
    const [config, status, log, training, scores, samples, alarms] = await Promise.all([
      run.config(),
      run.status(),
      this.losses(run),
      this.training(run),
      run.scores.read(),
      run.samples(),
      run.alarms(),
    ]);
    // A run with a damaged checkpoint still has weights to show.
    const progress = await run.progress().catch(() => undefined);
    return {
      name: run.name,
      failure: training.now ? undefined : this.#known.failureOf?.(run.name),
      config,
      status,
      log,
      training: training.now,
      holder: training.holder,
      scores,
      samples,
      alarms,
      progress,
      saved: await run.hasCheckpoint(),
      weights: await this.#files.exists(run.path(weightsFile("latest", "G"))),
    };
  }

  async #pages(run: Run): Promise<RunDetail["pages"]> {
    const pages = [];
    for (const [title, file] of [
      ["page of the run", "index.html"],
      ["results", "results/index.html"],
      ["audit", "audit/index.html"],
    ] as const) {
      if (await this.#files.exists(run.path(file))) pages.push({ title, file });
    }
    return pages;
  }
}

const isName = (name: string): boolean => configSchema.shape.name.safeParse(name).success && !name.includes("\0");

interface Facts {
  name: string;
  failure: string | undefined;
  config: Config;
  status: RunStatus | undefined;
  log: FollowedLog;
  training: boolean;
  holder: LockHolder | undefined;
  scores: Score[];
  samples: SampleEntry[];
  alarms: AlarmLine[];
  progress: Progress | undefined;
  saved: boolean;
  /** An imported run has weights without a checkpoint. */
  weights: boolean;
}

function summaryOf(facts: Facts): RunSummary {
  const { name, failure, config, log, training, holder, scores, samples, alarms, progress, saved, weights } = facts;
  const { epoch = 0, step = 0, ...losses } = log.length > 0 ? log.line(log.length - 1) : (progress ?? {});
  const { steps, lastStep, finished } = standingOf(config, facts);
  const pace = paceOf(log);
  const { batchSize, accumulate, valMetric } = config;
  return {
    name,
    state: stateOf({ training, finished, saved, weights }),
    usable: weights,
    step,
    lastStep,
    epoch,
    epochs: steps?.epochs ?? config.nEpochs + config.nEpochsDecay,
    secondsPerStep: pace,
    secondsLeft: training && steps && pace !== undefined ? Math.max(0, steps.last - step) * pace : undefined,
    imagesPerSecond: pace ? (batchSize * accumulate) / pace : undefined,
    losses: "pairs" in losses ? {} : losses,
    best: bestScore(scores, valMetric),
    metric: valMetric,
    sample: samples.at(-1),
    alarms: alarmsNow(alarms).map(({ kind, epoch, text, advice }) => ({ kind, epoch, text, advice })),
    about: aboutOf(config),
    trainer: holder,
    failure,
  };
}

function stateOf(now: { training: boolean; finished: boolean; saved: boolean; weights: boolean }): RunState {
  if (now.training) return "training";
  if (now.finished) return "finished";
  if (now.saved) return "stopped";
  return now.weights ? "imported" : "started";
}

function damaged(name: string, problem: string): RunSummary {
  const nothing = { usable: false, step: 0, epoch: 0, epochs: 0, losses: {}, metric: "L1", alarms: [], about: "" };
  return { name, state: "damaged", ...nothing, problem };
}

/** The median seconds of the last steps: one that waited must not count. */
function paceOf(log: FollowedLog): number | undefined {
  const seconds = log.columns.get("seconds")?.slice(-paceLines).filter(Number.isFinite);
  return seconds && seconds.length > 0 ? median(seconds) : undefined;
}

function aboutOf(config: Config): string {
  const { dataroot, direction, netG, ngf, norm, netD, ganMode, lambdaL1 } = config;
  return `${dataroot} ${direction}, ${netG} ngf ${ngf} ${norm}, ${netD}, ${ganMode}, L1 x ${lambdaL1}, ${trainedSize(config)}`;
}

/** latest, best, epochs by number, then the others. */
function byLabel(a: string, b: string): number {
  const rank = (label: string) =>
    label === "latest" ? -2 : label === "best" ? -1 : /^\d+$/.test(label) ? Number(label) : Infinity;
  return rank(a) - rank(b) || (a < b ? -1 : 1);
}
