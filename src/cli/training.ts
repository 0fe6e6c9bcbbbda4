/** Training on the command line: progress, a clean stop, and the command that continues the run. */
import { optionsOf } from "../config/options.ts";
import { type Config, configSchema } from "../config/schema.ts";
import { WriteError } from "../errors.ts";
import type { Collective, Platform } from "../platform.ts";
import { shellOption } from "../text.ts";
import type { TrainEvents, TrainResult } from "../training/train.ts";
import type { Output } from "./command.ts";
import { loadPlatform, threadsNote } from "./platform.ts";
import { epochLine, Progress } from "./progress.ts";
import { describeProgress, listenForStop } from "./stop.ts";

export interface TrainShownOptions {
  /** Print only the command that continues a stopped run. */
  quiet?: boolean;
  /** That command. Default: `pix2pix train --continue-train` for this run. */
  again?: string;
  /** The processes that train together. */
  collective?: Collective | undefined;
}

/**
 * Trains and prints progress on standard output. Ctrl-C saves and prints the command that continues the run.
 * @returns the result, the number of steps trained now, and the exit code when a signal stopped it (else 0)
 */
export async function trainShown(
  config: Config,
  output: Output,
  { quiet = false, again = continueCommand(config), collective }: TrainShownOptions = {},
): Promise<TrainResult & { steps: number; code: number }> {
  const { train: trainRun } = await import("../training/train.ts");
  const { descriptionLines } = await import("../training/description.ts");
  const progress = new Progress(process.stdout, config.printFreq);
  let steps = 0;
  describeProgress(() => "before the first step");
  const stop = listenForStop(
    () => {
      progress.end();
      output.note("Stopping: this step is finished and saved first. Press Ctrl-C again to end at once.");
    },
    () => steps === 0,
  );
  const platform = await platformFor(config, collective);
  for (const note of threadsNote(config.threads)) output.note(`note: ${note}`);
  const events: TrainEvents = {
    start: (description) => {
      if (!quiet) for (const line of descriptionLines(description)) progress.line(line);
    },
    step: (report) => {
      steps++;
      if (!quiet) progress.step(report);
    },
    epoch: (report) => {
      if (!quiet) progress.line(epochLine(report));
    },
    message: (text) => {
      if (!quiet) progress.line(text);
    },
  };
  try {
    const end = await trainRun(config, platform, events, stop.signal);
    progress.end();
    if (end.stopped) {
      output.print(`Stopped and saved in ${end.runDir} (${place(end)}). Go on with:`);
      output.print(`  ${again}`);
    }
    return { ...end, steps, code: stop.code() };
  } catch (error) {
    progress.end();
    if (!(error instanceof WriteError) || steps === 0) throw error;
    throw new WriteError(`${error.message}\nThe run then goes on from its last checkpoint with:\n  ${again}`);
  } finally {
    stop.release();
    describeProgress(undefined);
  }
}

/** The platform of this process. Where several train together, only the first writes files, and each gets its share of the cores. */
async function platformFor({ threads }: Config, collective: Collective | undefined): Promise<Platform> {
  const platform = await loadPlatform({ threads });
  if (!collective) return platform;
  const { coresForEach, readingOnly } = await import("../node/mpi.ts");
  const files = collective.rank === 0 ? platform.files : readingOnly(platform.files);
  return { ...platform, files, cores: coresForEach(), collective };
}

export const place = ({ step, epoch }: TrainResult) => `step ${step}, epoch ${epoch}`;

/** The command that continues a run. It needs only the run's name and folder. */
function continueCommand(config: Config): string {
  const place = optionsOf(configSchema)
    .filter(({ key }) => key === "name" || key === "checkpointsDir")
    .filter(({ key, default: initial }) => config[key as keyof Config] !== initial)
    .map(({ key, flag }) => ` ${shellOption(flag, String(config[key as keyof Config]))}`);
  return `npx pix2pix train${place.join("")} --continue-train`;
}
