/** The training loop: pairs in, losses, pictures and checkpoints out. */
import { type Config, checkSize } from "../config/schema.ts";
import { type Batch, Loader } from "../data/loader.ts";
import { findPairs } from "../data/pairs.ts";
import { chooseDevice } from "../engines/device.ts";
import { CheckpointError, DeviceLostError, UserError } from "../errors.ts";
import { decode } from "../formats/safetensors.ts";
import { validationMetrics } from "../metrics/pictures.ts";
import { type Init, inits } from "../nn/init.ts";
import { type Schedule, schedules } from "../nn/schedules.ts";
import type { Device, Platform } from "../platform.ts";
import { loadWeights, Run, weightsFile } from "../run/run.ts";
import { LossLog } from "./loss-log.ts";
import { describe, Reporter, type StepReport } from "./reporter.ts";
import { Trainer } from "./trainer.ts";
import { Validation } from "./validation.ts";

export type { StepReport };

export interface TrainEvents {
  /** Networks, parameter counts, receptive field, data and device, one fact a line. */
  start?(info: { lines: string[]; runDir: string }): void;
  step?(report: StepReport): void;
  message?(text: string): void;
}

export interface TrainResult {
  runDir: string;
  step: number;
  epoch: number;
  /** True when `signal` ended it before its last step. */
  stopped: boolean;
}

/**
 * Trains a run, or goes on with it (`continueTrain`), to its last epoch or `maxSteps`.
 * @param signal abort it to finish the step at hand, save and return with `stopped`
 * @throws UserError for data, checkpoints and sizes that do not fit, a full disk, losses that are not finite, and a device that
 *   is not there, is too small or fails; the last checkpoint is intact
 *
 * @example
 * ```ts
 * import { parseConfig, train } from "pix2pix";
 * import { nodePlatform } from "pix2pix/node";
 *
 * const options = { netG: "unet_64", loadSize: 72, cropSize: 64, ngf: 8, ndf: 8, maxSteps: 4 } as const;
 * const config = parseConfig({ dataroot: "pictures", name: "small", ...options });
 * const { runDir, step } = await train(config, await nodePlatform(), {
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
  const run = new Run(platform.files, config);
  try {
    return await trainRun(run, config, platform, events, signal);
  } catch (error) {
    if (!(error instanceof DeviceLostError)) throw error;
    const kept = (await run.exists())
      ? `The last checkpoint in ${run.dir} is intact: go on from it with --continue-train, also on another --device.`
      : "Nothing was saved yet: start again, also on another --device.";
    throw new DeviceLostError(`${error.message} ${kept}`);
  }
}

async function trainRun(
  run: Run,
  config: Config,
  platform: Platform,
  events: TrainEvents,
  signal?: AbortSignal,
): Promise<TrainResult> {
  const { files, images } = platform;
  if (!config.continueTrain && (await run.exists())) {
    throw new CheckpointError(
      `The run ${run.dir} exists already. Go on with it by --continue-train, choose another --name, or remove the folder.`,
    );
  }
  const data = await findPairs(files, config.dataroot, config);
  const device = await chooseDevice(platform, config.device);
  const loader = new Loader(data.pairs, { ...config, cacheBytes: roomForPairs(device, platform) }, { files, images });
  const { height, width } = await loader.size();
  checkSize(config, height, width);

  const threads = config.threads ?? platform.cores;
  const shape = { n: Math.min(config.batchSize, data.pairs.length), height, width };
  const trainer = new Trainer(platform, { model: config, seed: config.seed, threads, device }, shape);
  const progress = config.continueTrain ? await run.restore(trainer) : await begin(config, platform, trainer, events);
  if (config.continueTrain && progress.pairs !== data.pairs.length) {
    throw new CheckpointError(
      `The run ${run.dir} was trained on ${progress.pairs} pairs, ${config.dataroot} has ${data.pairs.length}: the order of ` +
        "the data would differ. Restore the data, or start another run with --init-g and --init-d.",
    );
  }

  const { accumulate } = config;
  const perEpoch = Math.ceil(loader.batchesPerEpoch / accumulate);
  const allSteps = (config.nEpochs + config.nEpochsDecay) * perEpoch;
  const lastStep = Math.min(allSteps, config.maxSteps ?? allSteps);
  const epochs = Math.ceil(lastStep / perEpoch);
  const losses = await run.losses.cutAfter(progress.step);
  await run.saveConfig(config);
  events.start?.({ lines: describe(config, trainer, data, { height, width, threads, perEpoch }), runDir: run.dir });
  const report = new Reporter(run, config, platform, trainer, losses, { perEpoch, epochs, lastStep });

  const validation = await Validation.open(config, run, platform, trainer, progress.step);
  const log = new LossLog(run, trainer, report, config, (line) => events.step?.(line));

  if (validation) report.scores = validation.scores;

  let step = progress.step;
  log.saved = step;
  const save = async () => {
    await toHost();
    await run.saveLatest(trainer, { step, epoch: Math.ceil(step / perEpoch), pairs: data.pairs.length });
    log.saved = step;
  };
  /** Before anything looks at the weights: what the device has made of them. */
  const toHost = async () => {
    await log.settle();
    await trainer.toHost();
  };
  const score = async (epoch: number) => {
    if (!validation?.due(epoch)) return;
    await toHost();
    const line = await validation.score(epoch, step);
    events.message?.(line);
  };

  await trainer.prepare(shape);
  // A run that was stopped at the end of an epoch, between its last step and its score.
  if (step > 0 && step % perEpoch === 0) await score(step / perEpoch);
  while (step < lastStep && !signal?.aborted && !validation?.exhausted) {
    const began = performance.now();
    step++;
    const epoch = Math.ceil(step / perEpoch);
    const index = (step - 1) % perEpoch;
    const batches = await batchesOf(loader, epoch, index, accumulate).catch(async (error) => {
      step--;
      if (log.saved !== step) await save();
      throw error;
    });
    const schedule: Schedule = schedules[config.lrPolicy];
    const history = validation?.history(epoch) ?? [];
    const { better } = validationMetrics[config.valMetric];
    const lr = config.lr * schedule.factor(epoch, { ...config, history, better });
    await trainer.step(batches, { step, lr });
    const images = batches.reduce((n, batch) => n + batch.n, 0);
    await log.add({ epoch, step, lr, images }, (performance.now() - began) / 1000);

    const epochDone = index + 1 === perEpoch;
    const kept = epochDone && epoch % config.saveEpochFreq === 0;
    if (epochDone) await score(epoch);
    if (step % config.saveLatestFreq === 0 || kept) await save();
    if (kept) {
      await run.saveWeights(epoch, trainer, epoch);
      events.message?.(`epoch ${epoch}: weights kept as ${run.path(weightsFile(epoch, "G"))}`);
    }
    if (epochDone || step === lastStep) {
      await toHost();
      // A picture to look at is not worth a run: what is wrong with the sample pairs is said, and training goes on.
      await report.sample(epoch).catch((error) => {
        if (!(error instanceof UserError)) throw error;
        events.message?.(`epoch ${epoch}: no samples: ${error.message}`);
      });
    }
    await report.page("training");
  }
  if (log.saved !== step || step === progress.step) await save();
  await validation?.close();
  const enough = validation?.exhausted ?? false;
  if (enough && step < lastStep) {
    const { epoch } = validation!.best!;
    events.message?.(
      `No better ${config.valMetric} since epoch ${epoch}: stopped by --early-stop ${config.earlyStop}.`,
    );
  }
  const finished = step === lastStep || enough;
  await report.page(finished ? "finished" : "stopped", true);
  return { runDir: run.dir, step, epoch: Math.ceil(step / perEpoch), stopped: !finished };
}

/**
 * A GPU's steps are short and leave the host its memory, so pairs are kept prepared; steps on a CPU are long and need the memory:
 * there preparing pairs anew costs nothing that can be measured.
 */
const roomForPairs = (device: Device, { base }: Platform) => (device.name === base ? undefined : 256 * 2 ** 20);

/** The batches of one step: `accumulate` of the epoch's, fewer at its end. */
function batchesOf(loader: Loader, epoch: number, index: number, accumulate: number): Promise<Batch[]> {
  const first = index * accumulate;
  const count = Math.min(accumulate, loader.batchesPerEpoch - first);
  return Promise.all(Array.from({ length: count }, (_, i) => loader.batch(epoch, first + i)));
}

/** First weights: drawn, then replaced by --init-g and --init-d where given. */
async function begin(
  { initType, initGain, seed, initG, initD }: Config,
  { files }: Platform,
  trainer: Trainer,
  { message }: TrainEvents,
) {
  const init: Init = inits[initType];
  if (init.notice) message?.(init.notice);
  for (const [net, file] of [
    [trainer.netG, initG],
    [trainer.netD, initD],
  ] as const) {
    net.initialise(init, initGain, seed);
    if (file) loadWeights(net, decode(await files.read(file), file).tensors, file);
  }
  return { step: 0, epoch: 0, pairs: 0 };
}
