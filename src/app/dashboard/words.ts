/** Facts of a run in words. */
import { duration } from "../../text.ts";
import type { RunSummary } from "./board.ts";

export const stateText: Readonly<Record<RunSummary["state"], string>> = {
  training: "training",
  finished: "finished",
  stopped: "stopped",
  started: "nothing saved yet",
  imported: "imported",
  damaged: "cannot be read",
};

export function progressText({ step, lastStep, epoch, epochs, state, secondsLeft }: RunSummary): string {
  if (state === "imported" && step === 0) return "weights from a file, without losses and samples";
  const steps = lastStep === undefined ? `step ${step}` : `step ${step} of ${lastStep}`;
  const left = state === "training" && secondsLeft !== undefined ? `, ${duration(secondsLeft)} left` : "";
  return `epoch ${epoch} of ${epochs}, ${steps}${left}`;
}

export function bestText({ best, metric }: RunSummary): string | undefined {
  const value = best?.[metric as "L1"];
  return best && value !== undefined ? `best ${metric} ${value.toPrecision(4)} in epoch ${best.epoch}` : undefined;
}
