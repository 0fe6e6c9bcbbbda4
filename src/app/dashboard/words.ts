/** Facts of a run in words. */
import type { RunSummary } from "./api.ts";

/** Time left, rounded because it is an estimate: "48 s", "12 min", "6 h 20 min". */
function roughDuration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${Math.floor(minutes / 1440)} days`;
}

export const stateText: Readonly<Record<RunSummary["state"], string>> = {
  training: "training",
  finished: "finished",
  stopped: "stopped",
  started: "nothing saved yet",
  damaged: "cannot be read",
};

export function progressText({ step, lastStep, epoch, epochs, state, secondsLeft }: RunSummary): string {
  const steps = lastStep === undefined ? `step ${step}` : `step ${step} of ${lastStep}`;
  const left = state === "training" && secondsLeft !== undefined ? `, ${roughDuration(secondsLeft)} left` : "";
  return `epoch ${epoch} of ${epochs}, ${steps}${left}`;
}

export function bestText({ best, metric }: RunSummary): string | undefined {
  const value = best?.[metric as "L1"];
  return best && value !== undefined ? `best ${metric} ${value.toPrecision(4)} in epoch ${best.epoch}` : undefined;
}
