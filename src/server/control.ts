/** Starts, stops and deletes runs: the interface that a runtime implements, and the checks before each call. */
import type { Config } from "../config/schema.ts";
import { quoted } from "../errors.ts";
import type { LockHolder } from "../platform.ts";
import type { Run } from "../run/run.ts";
import type { RunDetail, Runs } from "../run/summaries.ts";
import { Refusal } from "./problem.ts";

/** Processes that train, and the deletion of folders. */
export interface RunControl {
  /** Starts `pix2pix train` with these options in a process of its own. @returns when it trains, or an Error of it */
  train(options: Readonly<Record<string, string | true>>): Promise<{ pid: number }>;
  /** Why the last training of a run has failed, in words that follow "The training"; undefined where it has not. */
  failureOf(name: string): string | undefined;
  /** Asks a process on this machine to save and end. */
  stop(holder: LockHolder): Promise<void>;
  /** Deletes the folder of a run. */
  remove(dir: string): Promise<void>;
  /** The absolute path of a file or folder, with all links followed; undefined where there is none. */
  realPath(path: string): Promise<string | undefined>;
  /** Processes that this server has started and that train now. */
  readonly running: number;
}

/** Trainings that a server starts at a time: each uses all cores. */
const mostTrainings = 1;

/** @throws Refusal 409 while a training of this server runs: to be called right before `train`, which counts its own at once */
export function refuseSecondTraining({ running }: RunControl): void {
  if (running < mostTrainings) return;
  throw new Refusal(
    409,
    "this server trains another run now; stop it first, or start this one by npx pix2pix train",
    60,
  );
}

/** @throws Refusal 501 where the server cannot train */
export function requireControl(control: RunControl | undefined): RunControl {
  if (control) return control;
  throw new Refusal(501, "this server only shows runs; train with npx pix2pix train --continue-train");
}

/**
 * Goes on with a run, to its end or for some more epochs or steps.
 * @param more as a client sends it: {}, { epochs } or { steps }
 */
export async function continueRun(
  runs: Runs,
  run: Run,
  more: Readonly<Record<string, unknown>>,
  control: RunControl,
): Promise<{ pid: number }> {
  const detail = await runs.detail(run);
  if (detail.trainer)
    throw new Refusal(409, `the run "${run.name}" is being trained already, by process ${detail.trainer.pid}`);
  // A run without a checkpoint begins again.
  if (await run.isImported()) {
    throw new Refusal(
      409,
      `the run "${run.name}" has weights and no state of a training, such as an imported one; begin another by --init-g and --init-d`,
    );
  }
  const added = longer(detail, more);
  if (detail.state === "finished" && Object.keys(added).length === 0) {
    throw new Refusal(409, `the run "${run.name}" is at its end; say how much more: {"epochs": 10} or {"steps": 1000}`);
  }
  refuseSecondTraining(control);
  return control.train({
    "--name": run.name,
    "--checkpoints-dir": runs.checkpointsDir,
    "--continue-train": true,
    ...added,
  });
}

/**
 * The options of a longer run. Epochs are added to those of the decay where the run has some, so that the learning rate
 * goes on near where it ended.
 * @throws Refusal 422 for both, for wrong numbers, and for anything else, which must not become a training to the end
 */
function longer(
  { config, status, step, lastStep }: RunDetail,
  { epochs, steps, ...others }: Readonly<Record<string, unknown>>,
): Record<string, string> {
  const [other] = Object.keys(others);
  if (other !== undefined) throw new Refusal(422, `"${other.slice(0, 40)}" is not known; expected epochs or steps`);
  if (epochs === undefined && steps === undefined) return {};
  if (epochs !== undefined && steps !== undefined) throw new Refusal(422, "epochs and steps: give one of them");
  const count = epochs ?? steps;
  if (typeof count !== "number" || !Number.isInteger(count) || count < 1 || count > 1e7) {
    throw new Refusal(422, `epochs, steps: got ${quoted(count, 40)}, expected a whole number from 1 to 10000000`);
  }
  const perEpoch = status?.steps.perEpoch;
  const from = Math.max(step, lastStep ?? step);
  if (epochs !== undefined && config.maxSteps === undefined) return moreEpochs(config, count);
  if (perEpoch === undefined) {
    throw new Refusal(
      409,
      "the steps of an epoch are not known for this older run; go on by npx pix2pix train --continue-train",
    );
  }
  const last = from + (epochs !== undefined ? count * perEpoch : count);
  const missing = Math.ceil(last / perEpoch) - config.nEpochs - config.nEpochsDecay;
  return { "--max-steps": String(last), ...(missing > 0 ? moreEpochs(config, missing) : {}) };
}

function moreEpochs({ nEpochs, nEpochsDecay }: Config, count: number): Record<string, string> {
  return nEpochsDecay > 0
    ? { "--n-epochs-decay": String(nEpochsDecay + count) }
    : { "--n-epochs": String(nEpochs + count) };
}

/** Asks whoever trains the run to save and end. @throws Refusal 409 where nobody does, or on another machine */
export async function stopRun(runs: Runs, run: Run, control: RunControl): Promise<void> {
  const { holder } = await runs.training(run);
  if (!holder) throw new Refusal(409, `nobody trains the run "${run.name}"`);
  if (!holder.here) {
    throw new Refusal(409, `the run "${run.name}" is trained on ${holder.host}, process ${holder.pid}; stop it there`);
  }
  await control.stop(holder);
}

/** @throws Refusal 409 while it is trained */
export async function deleteRun(runs: Runs, run: Run, control: RunControl): Promise<void> {
  if ((await runs.training(run)).now) throw new Refusal(409, `the run "${run.name}" is being trained; stop it first`);
  // A training that begins meanwhile finds the run in use.
  await run.locked(() => control.remove(run.dir));
}
