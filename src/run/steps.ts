/** The steps of a run, from its options and the number of its pairs. */
import type { Config } from "../config/schema.ts";
import { batchesPerEpoch } from "../data/loader.ts";

export interface RunSteps {
  perEpoch: number;
  /** The last step; within an epoch with --max-steps. */
  last: number;
  /** The last epoch may be incomplete. */
  epochs: number;
}

/** The steps of an epoch of so many pairs. */
export function stepsPerEpoch(pairs: number, options: Pick<Config, "batchSize" | "accumulate" | "dropLast">): number {
  return Math.max(1, Math.ceil(batchesPerEpoch(pairs, options) / options.accumulate));
}

/** The steps of a run on so many pairs. */
export function stepsOf(config: Config, pairs: number): RunSteps {
  const perEpoch = stepsPerEpoch(pairs, config);
  const all = (config.nEpochs + config.nEpochsDecay) * perEpoch;
  const last = Math.min(all, config.maxSteps ?? all);
  return { perEpoch, last, epochs: Math.ceil(last / perEpoch) };
}
