/** Where a run stands: its steps by its options, and whether training is over. */
import type { Config } from "../config/schema.ts";
import type { Progress } from "./checkpoint.ts";
import { type Score, stopsEarly } from "./logs.ts";
import type { RunStatus } from "./status.ts";
import { type RunSteps, stepsOf } from "./steps.ts";

export interface Standing {
  /** Undefined where the number of pairs is not known: nothing was saved yet. */
  steps: RunSteps | undefined;
  /** The last step; undefined where neither the number of pairs nor --max-steps is known. */
  lastStep: number | undefined;
  /** Whether nothing is left to train: the last step is done, or --early-stop ends the run. */
  finished: boolean;
}

/**
 * @param config the options of now: the run may have got more epochs since it was trained
 * @param found.progress of the last checkpoint, from which the run goes on: a kill loses the steps after it, which the logs have
 */
export function standingOf(
  config: Config,
  found: { status: RunStatus | undefined; progress: Progress | undefined; scores: readonly Score[] },
): Standing {
  const { status, progress, scores } = found;
  const pairs = status?.pairs ?? progress?.pairs;
  const steps = pairs === undefined ? undefined : stepsOf(config, pairs);
  const lastStep = steps?.last ?? config.maxSteps;
  if (progress === undefined || lastStep === undefined) return { steps, lastStep, finished: false };
  const saved = scores.filter(({ step }) => step <= progress.step);
  return { steps, lastStep, finished: progress.step >= lastStep || stopsEarly(saved, config) };
}
