/** The types of a run's options. Made by `npm run docs` from the groups of options; do not edit. */
import type { DataInput } from "./input/data.ts";
import type { FeatureInput } from "./input/features.ts";
import type { NetworkInput } from "./input/networks.ts";
import type { ObjectiveInput } from "./input/objective.ts";
import type { RunInput } from "./input/run.ts";
import type { ScheduleInput } from "./input/schedule.ts";

/** The options that `parseConfig` takes. Only the dataroot has to be given. */
export interface ConfigInput extends DataInput, FeatureInput, NetworkInput, ObjectiveInput, RunInput, ScheduleInput {}

/** Options that have no default: where they are absent, the run has no such limit, file or validation. */
type Open =
  | "inputLabels"
  | "maxDatasetSize"
  | "features"
  | "lpips"
  | "initG"
  | "initD"
  | "diffAugment"
  | "distill"
  | "epoch"
  | "saveLatestSeconds"
  | "displayFreq"
  | "threads"
  | "maxSteps"
  | "lrD"
  | "valFreq"
  | "earlyStop";

type Complete<Options> = { [Key in keyof Options]-?: Exclude<Options[Key], undefined> };

/** All options of a run, complete and checked. Stored as runs/<name>/config.json. */
export interface Config extends Complete<Omit<ConfigInput, Open>>, Pick<ConfigInput, Open> {}
