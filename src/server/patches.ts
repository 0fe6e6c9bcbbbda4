/** What a run's discriminator takes for real, patch by patch, in the pictures of a sample. */
import { type JudgedSamples, judgeSamples } from "../inference/judge.ts";
import type { Platform } from "../platform.ts";
import type { Run } from "../run/run.ts";
import type { Generators } from "./generators.ts";
import { Refusal } from "./problem.ts";

interface JudgeServices {
  checkpointsDir: string;
  /** Of the discriminator on a CPU. Default: the run's, or all cores. */
  threads?: number | undefined;
  platform: Platform;
  generators: Generators;
}

/**
 * @param file of the sample, in the folder of the run. Default: the newest
 * @throws Refusal 404 where there is no such sample, 429 or 503 by the queue
 * @throws UserError where the run keeps no discriminator
 */
export async function patchesOf(
  run: Run,
  file: string | undefined,
  { checkpointsDir, threads, platform, generators }: JudgeServices,
  signal: AbortSignal,
): Promise<JudgedSamples> {
  const samples = await run.samples();
  const sample = file === undefined ? samples.at(-1) : samples.find((each) => each.file === file);
  if (!sample) throw new Refusal(404, `the run "${run.name}" has no sample ${file ?? ""}`.trim());
  return generators.inTurn(async () => {
    const strip = await platform.images.decode(await platform.files.read(run.path(sample.file)));
    return judgeSamples({ checkpointsDir, name: run.name, threads }, strip, platform);
  }, signal);
}
