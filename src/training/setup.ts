/** Prepares a training: data, device, networks with their first or restored weights, logs. */
import { type Config, checkSize } from "../config/schema.ts";
import { checkInstanceSizes } from "../data/instance-sizes.ts";
import { Loader } from "../data/loader.ts";
import { type FoundPairs, findPairs } from "../data/pairs.ts";
import { sampleNotes } from "../data/sample.ts";
import { chooseDevice } from "../engines/device.ts";
import { CheckpointError, ConfigError } from "../errors.ts";
import { initialiseFrom } from "../exchange/load.ts";
import { perceptualLoss } from "../features/loss.ts";
import { storeDrawing } from "../inference/examples.ts";
import type { PerceptualLoss } from "../model/losses.ts";
import { type Init, inits } from "../nn/init.ts";
import type { Collective, Device, Files, Platform } from "../platform.ts";
import { DataRecord } from "../run/data-record.ts";
import { rewind } from "../run/rewind.ts";
import { type Progress, Run } from "../run/run.ts";
import type { RunStatus } from "../run/status.ts";
import { type RunSteps, stepsOf } from "../run/steps.ts";
import { describe, type RunDescription } from "./description.ts";
import { LossLog, type LossLogOptions } from "./loss-log.ts";
import { type EpochReport, Reporter, type StepReport } from "./reporter.ts";
import { Teacher } from "./teacher.ts";
import { Together } from "./together.ts";
import { Trainer } from "./trainer.ts";
import { Validation } from "./validation.ts";
import { Watch } from "./watch.ts";

/** What `train` reports while it runs. Handlers are called, not waited for. */
export interface TrainEvents {
  /** Once, before the first step. */
  start?: ((description: RunDescription) => void) | undefined;
  /** After each step; on a GPU the reports of several steps come together. */
  step?: ((report: StepReport) => void) | undefined;
  /** After each whole epoch, before its scores and its sample. */
  epoch?: ((report: EpochReport) => void) | undefined;
  /** A sentence for the user: scores, weights that are kept, and so on. */
  message?: ((text: string) => void) | undefined;
}

/** A training under way. */
export interface Training {
  readonly run: Run;
  readonly config: Config;
  readonly platform: Platform;
  readonly events: TrainEvents;
  readonly loader: Loader;
  /** The number of pairs in the data set. */
  readonly pairs: number;
  /** The files of the pairs. */
  readonly record: DataRecord;
  readonly trainer: Trainer;
  readonly teacher: Teacher | undefined;
  readonly steps: Readonly<RunSteps>;
  readonly log: LossLog;
  readonly validation: Validation | undefined;
  /** Undefined where this process trains alone. */
  readonly together: Together | undefined;
  readonly reporter: Reporter;
  readonly watch: Watch;
  /** Releases the lock of the run: until then no other process may train it. */
  readonly release: () => Promise<void>;
  /** As in the status of the run, while its folder is that of this training. */
  readonly id: string;
  /** The step before the first that Adam's moments have seen. */
  readonly momentsFrom: number;
  /** The step at which this training began. */
  readonly first: number;
  /** Steps done, counted from the run's first. */
  step: number;
  /** When the last checkpoint was saved, or the training began: performance.now(). */
  savedAt: number;
  /** When the folder of the run was last found in place, or the training began: performance.now(). */
  foundAt: number;
  /** How many of the loader's `skipped` files were reported; undefined before the first. */
  leftOut?: number;
}

/**
 * Finds the data, locks the run, and brings it to the step at which training begins.
 * @throws UserError for data, checkpoints and sizes that do not fit, a device that is not there, and a run that is in
 *   use
 */
export async function setUp(config: Config, platform: Platform, events: TrainEvents): Promise<Training> {
  const run = new Run(platform.files, config);
  await refuseExisting(run, config);
  const found = await findPairs(platform.files, config.dataroot, config);
  if (!config.continueTrain) found.notes.push(...(await sampleNotes(found, config, platform)));
  if (!config.continueTrain || config.allowChangedData) await checkInstanceSizes(found.pairs, config, platform);
  const device = await chooseDevice(platform, config.device);
  const record = await DataRecord.of(platform.files, config.dataroot, found.pairs);
  const cacheBytes = roomForPairs(device, platform);
  const recording = { files: record.recording(), images: platform.images };
  const loader = new Loader(found.pairs, { ...config, cacheBytes }, recording);
  const { file, ...size } = await loader.size();
  checkSize(config, size.height, size.width, file);
  // From here on files of the run are changed.
  const release = await run.lock();
  const parts: Part[] = [];
  try {
    // Another process may have trained it meanwhile.
    await refuseExisting(run, config);
    return await open({
      run,
      config,
      platform,
      events,
      found,
      record,
      device,
      loader,
      size,
      release,
      parts,
    });
  } catch (error) {
    await closeParts(parts);
    await release();
    throw error;
  }
}

/** What has sessions. */
interface Part {
  close(): Promise<void>;
}

/** Frees the sessions of a training. Those of a device that was lost cannot be freed. */
export async function closeParts(parts: Iterable<Part | undefined>): Promise<void> {
  for (const part of parts) await part?.close().catch(() => {});
}

/** What `setUp` has found before files of the run are changed. */
interface Opening extends Pick<Training, "run" | "config" | "platform" | "events" | "loader" | "release" | "record"> {
  found: FoundPairs;
  device: Device;
  size: { height: number; width: number };
  /** Gets each part that has to be closed where a later one cannot be opened. */
  parts: Part[];
}

/**
 * The training: networks with their weights, logs cut at the step at which it begins, and the parts that report on it. Options are
 * stored when all that may refuse them is open: a refused one must not become the run's.
 */
async function open({ found, device, size, parts, ...opened }: Opening): Promise<Training> {
  const { run, platform, events, record } = opened;
  // These options apply to this call only, and are not stored in the run.
  const config = { ...opened.config, allowChangedData: false, epoch: undefined, serve: false };
  const together = platform.collective && togetherOn(platform.collective, config, device);
  await run.sweep();
  const threads = config.threads ?? platform.cores;
  const shape = { n: Math.min(config.batchSize, found.pairs.length), ...size };
  const perceptual = await perceptualOf(config, platform.files);
  const teacher = await Teacher.open(config, platform, device);
  if (teacher) parts.push(teacher);
  const trainer = new Trainer(platform, { model: config, seed: config.seed, threads, device, perceptual }, shape);
  parts.push(trainer);
  const steps = stepsOf(config, found.pairs.length);
  const { step, momentsFrom = 0 } = await firstThenOthers<Start>(platform.collective, async () =>
    (await goesOn(run, opened.config, events))
      ? restore(opened, found, trainer, steps.perEpoch)
      : drawWeights(config, platform.files, trainer, events),
  );
  together?.refuseDifferent("data", "pairs", found.pairs.length);
  together?.refuseDifferent("checkpoints of the run", "steps", step);
  const validation = await Validation.open(config, run, platform, trainer, step);
  if (validation) parts.push(validation);
  const lines = await run.losses.cutAfter(step);
  await run.saveConfig(await toStore(run, config, step, steps.last));
  await record.save(run.dir);
  await storeDrawing(run, config, platform);
  const about = { runDir: run.dir, threads, steps: { done: step, ...steps } };
  found.notes.push(...(validation?.notes ?? []));
  const description = describe(config, trainer, { ...found, ...size }, about);
  const id = crypto.randomUUID();
  await run.saveStatus({ training: id, ...statusOf(description) });
  events.start?.(description);
  const scores = validation?.scores ?? [];
  const reporter = new Reporter({ run, config, lines, scores, steps });
  const say = (text: string) => events.message?.(text);
  const watch = await Watch.open({ config, platform, run, trainer, reporter, lines, scores, step, say });
  const onLine: LossLogOptions["onLine"] = (line, images) => {
    const report = reporter.add(line, images);
    watch.line(line);
    events.step?.(report);
  };
  const log = new LossLog({ run, trainer, lr: config.lr, saved: step, onLine });
  await trainer.prepare(shape);
  return {
    ...opened,
    config,
    pairs: found.pairs.length,
    trainer,
    teacher,
    steps,
    log,
    validation,
    together,
    reporter,
    watch,
    id,
    momentsFrom,
    first: step,
    step,
    savedAt: performance.now(),
    foundAt: performance.now(),
  };
}

/** @throws ConfigError for options with which processes cannot train together */
function togetherOn(collective: Collective, config: Config, device: Device): Together {
  const how = `${collective.size} processes train together (${collective.name})`;
  if (device.name !== "cpu") throw new ConfigError(`--device ${device.name}: ${how}, which needs --device cpu`);
  if (config.spectralNorm) {
    throw new ConfigError(`--spectral-norm: ${how}, and its estimate would differ between them; leave it out`);
  }
  return new Together(collective, config.accumulate);
}

/**
 * Does work in the first of the processes that train together, and then in the others. The first changes files that all read: it
 * completes a save that a kill has cut short, and takes the run back (--epoch).
 */
async function firstThenOthers<T>(collective: Collective | undefined, work: () => Promise<T>): Promise<T> {
  if (collective && collective.rank > 0) collective.barrier();
  const result = await work();
  if (collective?.rank === 0) collective.barrier();
  return result;
}

function statusOf({ data, steps, device, threads, objective, netG }: RunDescription): RunStatus {
  const { perEpoch, last, epochs } = steps;
  return {
    pairs: data.pairs,
    steps: { perEpoch, last, epochs },
    device: device.label,
    threads,
    objective,
    parameters: netG.parameters,
    sample: { width: data.width, height: data.height },
  };
}

/** The distance of --lambda-lpips. The options are checked: its files are given. */
async function perceptualOf(
  { lambdaLpips, features, lpips, channelOrder }: Config,
  files: Files,
): Promise<PerceptualLoss | undefined> {
  if (lambdaLpips === 0 || features === undefined || lpips === undefined) return undefined;
  return perceptualLoss(files, { features, lpips, bgr: channelOrder === "BGR" });
}

/** @throws CheckpointError for a new run whose folder has weights already */
async function refuseExisting(run: Run, { continueTrain }: Config): Promise<void> {
  // Weights may have been kept before the first checkpoint.
  if (continueTrain || !(await run.hasWeights())) return;
  const goOn = (await run.isImported()) ? "Choose" : "Continue it with --continue-train, choose";
  throw new CheckpointError(`The run ${run.dir} exists already. ${goOn} another --name, or remove the folder.`);
}

/** Weights of an epoch and of a step (`iter_500`) may be kept at once. The checkpoint follows, so more of them show that there was one. */
const mostBeforeCheckpoint = 2;

/**
 * Whether the run goes on from a checkpoint. One that ended before its first, by a kill or a crash, begins again with the options
 * that it has stored, also where it has kept weights as "best" or of an epoch. An imported run has none and cannot go on.
 * @throws CheckpointError for a run whose checkpoint was lost: its weights, losses and samples must not be overwritten
 */
async function goesOn(
  run: Run,
  { continueTrain, epoch = "latest" }: Config,
  { message }: TrainEvents,
): Promise<boolean> {
  if (!continueTrain || epoch !== "latest") return continueTrain;
  if ((await run.hasCheckpoint()) || (await run.isImported())) return true;
  const kept = (await run.keptWeights()).filter((label) => label !== "best");
  if (kept.length > mostBeforeCheckpoint) {
    throw new CheckpointError(
      `The run ${run.dir} has kept the weights ${kept.join(", ")}, but its last checkpoint is gone. Copy the latest_* files back ` +
        "from elsewhere; or start another run with --init-g and --init-d.",
    );
  }
  message?.(`${run.dir} has no checkpoint yet: the run begins at step 0, with its stored options.`);
  return false;
}

/**
 * Bytes for pairs that are kept prepared. A GPU's steps are short and leave the host's memory free; steps on a CPU are
 * long and need the memory, and preparing pairs again costs no measurable time there.
 */
function roomForPairs(device: Device, { base }: Platform): number | undefined {
  return device.name === base ? undefined : 256 * 2 ** 20;
}

/**
 * Continues from the last checkpoint, or with --epoch from kept weights.
 * @throws CheckpointError when it does not fit the networks or the data set
 */
async function restore(
  { run, config, platform, record, events }: Pick<Opening, "run" | "config" | "platform" | "record" | "events">,
  { pairs, notes }: FoundPairs,
  trainer: Trainer,
  perEpoch: number,
): Promise<Progress> {
  const { dataroot, allowChangedData, epoch } = config;
  const progress = await run.restore(trainer);
  const compares = (count: number) => {
    events.message?.(`${count} files of pairs were touched since the run read them: comparing their contents.`);
  };
  const change = progress.data === undefined ? undefined : await record.changeSince(run.dir, progress.data, compares);
  if (allowChangedData) record.accept();
  const changed = `The files of the pairs in ${dataroot} have changed since the last checkpoint of the run: ${change}.`;
  const other = "start another run with --init-g and --init-d";
  if (progress.pairs !== pairs.length) {
    throw new CheckpointError(
      `The run ${run.dir} was trained on ${progress.pairs} pairs, ${dataroot} has ${pairs.length}: the order of the data ` +
        `would differ. ${change ? `${changed} ` : ""}Restore the data, or ${other}.`,
    );
  }
  if (change && !allowChangedData) {
    throw new CheckpointError(`${changed} Restore them, accept them with --allow-changed-data, or ${other}.`);
  }
  if (change) notes.push(`${changed} The run goes on with them.`);
  if (epoch === undefined || epoch === "latest") return progress;
  const rewound = await rewind(platform.files, run, trainer, { label: epoch, progress, perEpoch });
  events.message?.(rewound.message);
  return rewound.progress;
}

/** The step at which a training begins, and the one before the first that Adam's moments have seen. */
type Start = Pick<Progress, "step" | "momentsFrom">;

/** Draws the first weights; --init-g and --init-d replace them. */
async function drawWeights(
  { initType, initGain, initBias, seed, initG, initD }: Config,
  files: Files,
  trainer: Trainer,
  { message }: TrainEvents,
): Promise<Start> {
  const init: Init = inits[initType];
  if (init.notice) message?.(init.notice);
  for (const [net, file] of [
    [trainer.netG, initG],
    [trainer.netD, initD],
  ] as const) {
    net.initialise(init, initGain, seed, initBias);
    if (file) await initialiseFrom(net, files, file);
    net.startAverage();
  }
  return { step: 0 };
}

/**
 * The configuration to store. An end before the step that the run has reached is not stored: every later training would
 * stop at once.
 */
async function toStore(run: Run, config: Config, step: number, last: number): Promise<Config> {
  if (!config.continueTrain || last >= step) return config;
  const { maxSteps, nEpochs, nEpochsDecay } = await run.config();
  return {
    ...config,
    nEpochs,
    nEpochsDecay,
    maxSteps: maxSteps !== undefined && maxSteps >= step ? maxSteps : undefined,
  };
}
