/** The training loop: for each epoch its steps, then scores, checkpoints and samples. */
import { type Config, checkSize } from "../config/schema.ts";
import type { Batch } from "../data/loader.ts";
import { DeviceError, DeviceLostError, UserError } from "../errors.ts";
import { validationMetrics } from "../metrics/pictures.ts";
import { type Schedule, schedules } from "../nn/schedules.ts";
import type { Platform } from "../platform.ts";
import { Run, weightsFile } from "../run/run.ts";
import { shellOption } from "../text.ts";
import { closeParts, setUp, type TrainEvents, type Training } from "./setup.ts";

export type { RunDescription } from "./description.ts";
export type { EpochReport, StepReport } from "./reporter.ts";
export type { TrainEvents } from "./setup.ts";

/** The state of a run when `train` returns. */
export interface TrainResult {
  /** The folder of the run. */
  runDir: string;
  /** The last step, counted from the run's first. */
  step: number;
  /** The epoch of that step, from 1. */
  epoch: number;
  /** Whether `signal` ended it before its last step. */
  stopped: boolean;
}

/**
 * Trains a run, or goes on with it (`continueTrain`), to its last epoch or to `maxSteps`. Files are written to the
 * folder `<checkpointsDir>/<name>`. A run that is stopped and continued has the weights of one that was not, to the
 * byte.
 *
 * @param config from `parseConfig`, or `resumeConfig` for a run that goes on
 * @param signal abort it to finish the current step, save, and return with `stopped`
 * @throws UserError for data, checkpoints and sizes that do not fit, a full disk, losses that are not finite, and a
 *   device that is not there, is too small or fails. The last checkpoint stays.
 *
 * @example
 * ```ts
 * import { parseConfig, train } from "pix2pix";
 * import { nodePlatform } from "pix2pix/node";
 *
 * const options = { netG: "unet_64", loadSize: 72, cropSize: 64, ngf: 8, ndf: 8, maxSteps: 4 } as const;
 * const config = parseConfig({ dataroot: "pictures", name: "small", ...options });
 * const { runDir, step } = await train(config, await nodePlatform(), {
 *   start: ({ netG, device }) => console.log(`${netG.name}: ${netG.parameters} parameters, on ${device.label}`),
 *   step: ({ step, losses }) => console.log(step, losses.G_L1),
 * });
 * console.log(`${step} steps; weights, losses and a page are in ${runDir}`);
 * ```
 */
export async function train(
  config: Config,
  platform: Platform,
  events: TrainEvents = {},
  signal?: AbortSignal,
): Promise<TrainResult> {
  let training: Training | undefined;
  try {
    training = await setUp(config, platform, events);
    // With --display-freq, the first sample is drawn with the first weights.
    const showsFirstWeights = training.step === 0 && config.displayFreq !== undefined && !signal?.aborted;
    if (showsFirstWeights) await training.watch.sample(1, 0, { within: true });
    await scoreMissedEpoch(training, signal);
    while (!isComplete(training) && !stops(training, signal)) await trainEpoch(training, signal);
    return await finish(training);
  } catch (error) {
    throw error instanceof DeviceLostError ? await withAdvice(error, new Run(platform.files, config)) : error;
  } finally {
    await closeParts([training?.trainer, training?.teacher, training?.validation]);
    await training?.release();
  }
}

/** Whether `signal` stops the training. Processes that train together stop at the same step, where one of them is to stop. */
const stops = ({ together }: Training, signal: AbortSignal | undefined): boolean =>
  together?.any(signal?.aborted ?? false) ?? signal?.aborted ?? false;

/** Whether the run has done its last step, or `earlyStop` ends it. */
const isComplete = ({ step, steps, validation }: Training): boolean =>
  step >= steps.last || (validation?.exhausted ?? false);

/** Trains to the end of the current epoch, the last step of the run, or the stop by `signal`. */
async function trainEpoch(training: Training, signal: AbortSignal | undefined): Promise<void> {
  const { trainer, steps, log, reporter, watch } = training;
  const epoch = Math.floor(training.step / steps.perEpoch) + 1;
  const end = Math.min(epoch * steps.perEpoch, steps.last);
  const rates = learningRates(training, epoch);
  while (training.step < end && !stops(training, signal)) {
    await lookForFolder(training);
    const began = performance.now();
    const batches = await nextBatches(training, epoch);
    training.step++;
    const { step } = training;
    watch.inputs(batches);
    const images = await trainer.step(batches, { step, ...rates, momentsFrom: training.momentsFrom });
    await log.add({ epoch, step, lr: rates.lr, images }, (performance.now() - began) / 1000);
    if (step === end) await endEpoch(training, epoch, signal);
    else await withinEpoch(training, epoch);
    await watch.endStep();
    await reporter.writePageIfDue();
  }
}

/** The learning rates of both networks. They are constant within an epoch. */
function learningRates({ config, validation }: Training, epoch: number): { lr: number; lrD: number } {
  const schedule: Schedule = schedules[config.lrPolicy];
  const history = validation?.history(epoch) ?? [];
  const { better } = validationMetrics[config.valMetric];
  const factor = schedule.factor(epoch, { ...config, history, better });
  return { lr: config.lr * factor, lrD: (config.lrD ?? config.lr) * factor };
}

/**
 * The batches of the next step: the next `accumulate` batches of the epoch, or those that are left of it. Of processes that train
 * together each gets its share. Where a batch cannot be read, the steps before it are saved.
 */
async function nextBatches(training: Training, epoch: number): Promise<Batch[]> {
  const { config, loader, steps, log, teacher, trainer, together } = training;
  const first = (training.step % steps.perEpoch) * config.accumulate;
  const count = Math.min(config.accumulate, loader.batchesPerEpoch - first);
  try {
    const { from, to } = together?.own(count) ?? { from: 0, to: count };
    const own = Array.from({ length: to - from }, (_, i) => loader.batch(epoch, first + from + i));
    const batches = await Promise.all(own);
    tellLeftOut(training);
    // Sizes that come from the data may differ from the first pair's.
    for (const batch of batches) {
      checkSize(config, batch.height, batch.width, batch.files[0]);
      await trainer.prepare(batch).catch((error) => {
        const isLost = error instanceof DeviceLostError;
        throw error instanceof DeviceError && !isLost ? new DeviceError(`${batch.files[0]}: ${error.message}`) : error;
      });
    }
    if (!teacher) return batches;
    const taught: Batch[] = [];
    for (const batch of batches) taught.push(await teacher.taught(batch));
    return taught;
  } catch (error) {
    if (log.saved !== training.step) await save(training);
    throw error;
  }
}

/** With `skipBadImages` names each file that could not be decoded, once. */
function tellLeftOut(training: Training): void {
  const { loader, leftOut = 0 } = training;
  const { skipped } = loader;
  if (skipped.size === leftOut) return;
  for (const [file, reason] of [...skipped].slice(leftOut)) {
    training.events.message?.(`left out: ${file}: ${reason}`);
  }
  training.leftOut = skipped.size;
}

/** After a step that is not the last of its epoch: a sample and a checkpoint, where they are due. */
async function withinEpoch(training: Training, epoch: number): Promise<void> {
  const { step, watch } = training;
  if (watch.sampleDue(step)) {
    await toHost(training);
    await watch.sample(epoch, step, { within: true });
  }
  if (!saveIsDue(training)) return;
  if (await isInPlace(training)) await keepStep(training, epoch);
  await save(training);
}

/**
 * The end of an epoch, or of a run within one: score, kept weights, sample, checkpoint. The checkpoint comes last:
 * after a kill before it, the epoch is trained again and writes the same files; after a kill after it, nothing of the
 * epoch is missing.
 */
async function endEpoch(training: Training, epoch: number, signal: AbortSignal | undefined): Promise<void> {
  const { config, run, steps, step, events, log, reporter } = training;
  const whole = step % steps.perEpoch === 0;
  const kept = whole && epoch % config.saveEpochFreq === 0;
  // Before weights are kept: they would replace those of another run.
  if (!(await isInPlace(training))) await save(training);
  await log.settle();
  if (whole) events.epoch?.(reporter.epoch(epoch));
  // A picture of the validation may be damaged. The epoch is saved all the same, and scored when the run goes on.
  const scored = whole ? scoreEpoch(training, epoch, signal) : Promise.resolve();
  const failure = await scored.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  await toHost(training);
  if (kept) {
    await keep(training, epoch, epoch);
    events.message?.(`epoch ${epoch}: weights kept as ${run.path(weightsFile(epoch, "G"))}`);
  }
  await keepStep(training, epoch);
  await training.watch.sample(epoch, step, { within: false });
  if (whole) await training.watch.endEpoch(epoch, step);
  if (kept || saveIsDue(training) || failure) await save(training);
  if (failure) throw failure.error;
}

/** Whether a checkpoint is due, by the number of the step or by the time since the last one. */
function saveIsDue({ config: { saveLatestFreq, saveLatestSeconds }, step, savedAt }: Training): boolean {
  const late = saveLatestSeconds !== undefined && performance.now() - savedAt > 1000 * saveLatestSeconds;
  return step % saveLatestFreq === 0 || late;
}

/** With --save-by-iter keeps the weights of every step of --save-latest-freq. It comes before the checkpoint: see `endEpoch`. */
async function keepStep(training: Training, epoch: number): Promise<void> {
  const { config, step } = training;
  if (!config.saveByIter || step % config.saveLatestFreq !== 0) return;
  await toHost(training);
  await keep(training, `iter_${step}`, epoch);
}

/** Keeps the weights under a label, with --save-state Adam's moments too. */
function keep(training: Training, label: number | `iter_${number}`, epoch: number): Promise<void> {
  const { config, run, trainer, step, momentsFrom } = training;
  return run.saveWeights(label, trainer, { epoch, step, momentsFrom }, { state: config.saveState });
}

/** Scores the last epoch of a run that was stopped after its last step and before its score. */
async function scoreMissedEpoch(training: Training, signal: AbortSignal | undefined): Promise<void> {
  const { step, steps } = training;
  if (step > 0 && step % steps.perEpoch === 0) await scoreEpoch(training, step / steps.perEpoch, signal);
}

/**
 * Scores the weights after an epoch, where validation is due. A stop by `signal` leaves the epoch without a score until the run
 * goes on: `scoreMissedEpoch`.
 */
async function scoreEpoch(training: Training, epoch: number, signal: AbortSignal | undefined): Promise<void> {
  const { validation, events, together } = training;
  if (!validation?.due(epoch)) return;
  await toHost(training);
  // Processes that train together need the same scores.
  const verdict = await validation.score(epoch, training.step, together ? undefined : signal);
  if (verdict !== undefined) events.message?.(verdict);
}

/** Whether the folder of the run is the one in which this training began. Of processes that train together the first looks. */
async function isInPlace({ run, id, platform }: Training): Promise<boolean> {
  return (platform.collective?.rank ?? 0) > 0 || run.isOf(id);
}

/** Ends a training whose folder is no longer in place, within a second: the next losses would go to the log of another run. */
async function lookForFolder(training: Training): Promise<void> {
  const now = performance.now();
  if (now - training.foundAt < 1000) return;
  training.foundAt = now;
  if (!(await isInPlace(training))) await save(training);
}

/**
 * Saves the checkpoint: weights, moments and state of the run.
 * @throws UserError when the folder of the run is no longer where it was. Weights and state are saved there all the same, or, where
 *   another run is there now, as a run beside it
 */
async function save(training: Training): Promise<void> {
  const { config, platform, trainer, steps, step, pairs, record, log, momentsFrom } = training;
  const lost = !(await isInPlace(training));
  if (lost) log.close();
  await toHost(training);
  const replaced = lost && (await training.run.isStarted());
  const name = replaced ? `${config.name}_${training.id.slice(0, 8)}` : config.name;
  const run = replaced ? new Run(platform.files, { ...config, name }) : training.run;
  if (lost) await run.saveConfig({ ...config, name });
  await record.save(run.dir, { anew: lost });
  await run.saveLatest(trainer, {
    step,
    epoch: Math.ceil(step / steps.perEpoch),
    pairs,
    data: record.digest,
    momentsFrom,
  });
  log.saved = step;
  training.savedAt = performance.now();
  if (!lost) return;
  const { dir } = training.run;
  throw new UserError(
    replaced
      ? `The folder ${dir} was replaced while the run trained: another run is in it now, and stays as it is. Training stopped. ` +
          `Options, weights and state of step ${step} are saved as the run ${name}; earlier losses, samples and kept weights ` +
          `went with the old folder. Go on with ${shellOption("--name", name)} --continue-train, or remove ${run.dir}.`
      : `The folder ${dir} was moved or deleted while the run trained, so training stopped. Options, weights and state of ` +
          `step ${step} are saved there again; earlier losses, samples and kept weights went with the folder. Put them together, ` +
          "then go on with --continue-train.",
  );
}

/** Copies the weights from the device, after its losses are checked: after a loss that is not finite they must not be used. */
async function toHost({ log, trainer }: Training): Promise<void> {
  await log.settle();
  await trainer.toHost();
}

/** Saves what is not saved yet, and writes the page for the last time. */
async function finish(training: Training): Promise<TrainResult> {
  const { config, run, steps, step, first, log, validation, reporter, watch, events } = training;
  // A training without a step saves as well: a new run has its first weights then.
  if (log.saved !== step || step === first) await save(training);
  await watch.close();
  const complete = isComplete(training);
  if (complete && step < steps.last) {
    const since = `No better ${config.valMetric} since epoch ${validation!.best!.epoch}`;
    events.message?.(`${since}: stopped by --early-stop ${config.earlyStop}.`);
  }
  await reporter.writePage(complete ? "finished" : "stopped");
  return { runDir: run.dir, step, epoch: Math.ceil(step / steps.perEpoch), stopped: !complete };
}

/** The error with what to do: go on from the last checkpoint, where there is one. */
async function withAdvice({ message }: DeviceLostError, run: Run): Promise<DeviceLostError> {
  const kept = (await run.hasCheckpoint())
    ? `The last checkpoint in ${run.dir} is intact: go on from it with --continue-train, also on another --device.`
    : "Nothing was saved yet: start again, also on another --device.";
  return new DeviceLostError(`${message} ${kept}`);
}
