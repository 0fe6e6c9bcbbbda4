/** The training loop: pairs in, losses, pictures and checkpoints out. */
import { type Config, checkSize } from "./config.ts";
import { Loader } from "./data/loader.ts";
import { findPairs } from "./data/pairs.ts";
import { chooseDevice } from "./device.ts";
import { CheckpointError, UserError } from "./errors.ts";
import { decode } from "./formats/safetensors.ts";
import { inits } from "./nn/init.ts";
import { schedules } from "./nn/schedules.ts";
import type { Platform } from "./platform.ts";
import { describe, Reporter, type StepReport } from "./reporter.ts";
import { fill, Run } from "./run.ts";
import { Trainer } from "./session.ts";

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
 * @throws UserError for data, checkpoints and sizes that do not fit, a full disk, and losses that are not finite
 */
export async function train(
  config: Config,
  platform: Platform,
  events: TrainEvents = {},
  signal?: AbortSignal,
): Promise<TrainResult> {
  const { files, images } = platform;
  const run = new Run(files, config);
  if (!config.continueTrain && (await run.exists())) {
    throw new CheckpointError(
      `The run ${run.dir} exists already. Go on with it by --continue-train, choose another --name, or remove the folder.`,
    );
  }
  const data = await findPairs(files, config.dataroot, config);
  const loader = new Loader(data.pairs, config, { files, images });
  const { height, width } = await loader.size();
  checkSize(config, height, width);

  const threads = config.threads ?? platform.cores;
  const shape = { n: Math.min(config.batchSize, data.pairs.length), height, width };
  const device = await chooseDevice(platform, config.device);
  const trainer = new Trainer(platform, { model: config, seed: config.seed, threads, device }, shape);
  const progress = config.continueTrain ? await run.restore(trainer) : await begin(config, platform, trainer);
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
  const losses = await run.losses(progress.step);
  await run.saveConfig(config);
  events.start?.({ lines: describe(config, trainer, data, { height, width, threads, perEpoch }), runDir: run.dir });
  const report = new Reporter(run, config, platform, trainer, losses, { perEpoch, epochs, lastStep });

  let step = progress.step;
  let saved = step;
  const save = async () => {
    await settle();
    await trainer.toHost();
    await run.saveLatest(trainer, { step, epoch: Math.ceil(step / perEpoch), pairs: data.pairs.length });
    saved = step;
  };

  // A device is not waited for at every step: its losses are read together, and the time is shared out among their steps.
  let waiting: { line: { epoch: number; step: number }; lr: number; images: number }[] = [];
  let busy = 0;
  let settled = performance.now();
  const settle = async () => {
    if (waiting.length === 0) return;
    const began = performance.now();
    const losses = await trainer.losses();
    settled = performance.now();
    const seconds = Number(((busy + settled - began) / 1000 / waiting.length).toFixed(4));
    const steps = waiting;
    waiting = [];
    busy = 0;
    for (const [i, { line, lr, images }] of steps.entries()) {
      if (!Object.values(losses[i]!).every(Number.isFinite)) throw notFinite(line.step, saved, run, config);
      const logged = { ...line, ...losses[i]!, lr, seconds };
      await run.appendLosses(logged);
      events.step?.(report.add(logged, images));
    }
  };

  await trainer.prepare(shape);
  while (step < lastStep && !signal?.aborted) {
    const began = performance.now();
    step++;
    const epoch = Math.ceil(step / perEpoch);
    const index = (step - 1) % perEpoch;
    const taken = Math.min(accumulate, loader.batchesPerEpoch - index * accumulate);
    const batches = Array.from({ length: taken }, (_, i) => loader.batch(epoch, index * accumulate + i));
    const batch = await Promise.all(batches).catch(async (error) => {
      step--;
      if (saved !== step) await save();
      throw error;
    });
    const lr = config.lr * schedules[config.lrPolicy](epoch, { ...config, history: [] });
    await trainer.step(batch, { step, lr });
    waiting.push({ line: { epoch, step }, lr, images: batch.reduce((n, each) => n + each.n, 0) });
    busy += performance.now() - began;
    if (waiting.length >= trainer.capacity || performance.now() - settled > unreadSeconds * 1000) await settle();

    const epochDone = index + 1 === perEpoch;
    if (step % config.saveLatestFreq === 0 || (epochDone && epoch % config.saveEpochFreq === 0)) await save();
    if (epochDone && epoch % config.saveEpochFreq === 0) {
      await run.saveEpoch(epoch, trainer);
      events.message?.(`epoch ${epoch}: weights kept as ${run.path(`${epoch}_net_G.safetensors`)}`);
    }
    if (epochDone || step === lastStep) {
      await settle();
      await trainer.toHost();
      // A picture to look at is not worth a run: what is wrong with the sample pairs is said, and training goes on.
      await report.sample(epoch).catch((error) => {
        if (!(error instanceof UserError)) throw error;
        events.message?.(`epoch ${epoch}: no samples: ${error.message}`);
      });
    }
    await report.page("training");
  }
  if (saved !== step || step === progress.step) await save();
  await report.page(step < lastStep ? "stopped" : "finished", true);
  return { runDir: run.dir, step, epoch: Math.ceil(step / perEpoch), stopped: step < lastStep };
}

/** Losses that a device has computed are read, logged and shown at least this often. */
const unreadSeconds = 1;

function notFinite(step: number, saved: number, run: Run, { lr }: Config): UserError {
  const kept =
    saved > 0
      ? `The checkpoint of step ${saved} is intact in ${run.dir}: continue from it with a smaller --lr (now ${lr})`
      : `Nothing was saved yet: start again with a smaller --lr (now ${lr})`;
  return new UserError(
    `Step ${step}: a loss is not finite, so training stopped. ${kept}, or look for damaged pictures with pix2pix inspect.`,
  );
}

/** First weights: drawn, then replaced by --init-g and --init-d where given. */
async function begin({ initType, initGain, seed, initG, initD }: Config, { files }: Platform, trainer: Trainer) {
  for (const [net, file] of [
    [trainer.netG, initG],
    [trainer.netD, initD],
  ] as const) {
    net.initialise(inits[initType], initGain, seed);
    if (file) fill(net, decode(await files.read(file), file).tensors, file);
  }
  return { step: 0, epoch: 0, pairs: 0 };
}
