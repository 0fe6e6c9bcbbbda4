/** What a training writes at its start for servers and pages: facts that the other files do not have. */
import { readText } from "../formats/read-text.ts";
import type { Files } from "../platform.ts";
import type { RunSteps } from "./steps.ts";

export interface RunStatus {
  /** Differs between any two trainings, also of one run. Runs of older versions have none. */
  training?: string;
  pairs: number;
  steps: RunSteps;
  /** The device that computes, and its threads. */
  device: string;
  threads: number;
  /** The loss in words, such as "vanilla GAN + 100 x L1". */
  objective: string;
  /** The number of the generator's trained values. */
  parameters: number;
  /** Pixels of a picture of the samples. */
  sample: { width: number; height: number };
}

export const statusFile = "status.json";

/** The status in a run's folder; undefined where there is none (a run of an older version) or it is damaged. */
export async function readStatus(files: Files, path: string): Promise<RunStatus | undefined> {
  try {
    const found = JSON.parse(await readText(files, path)) as RunStatus | null;
    return typeof found?.steps?.last === "number" ? found : undefined;
  } catch {
    return undefined;
  }
}
