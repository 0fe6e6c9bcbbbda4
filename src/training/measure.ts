/** Times a few steps before a run is begun. It reads no pictures and stores nothing. */
import type { Config } from "../config/schema.ts";
import { chooseDevice } from "../engines/device.ts";
import { inits } from "../nn/init.ts";
import type { Platform } from "../platform.ts";
import { Random } from "../random.ts";
import { median } from "../statistics.ts";
import { type StepBatch, Trainer } from "./trainer.ts";

/** How long a step of a training takes on this machine. */
export interface StepTime {
  /** Of a step, without the time that its pictures take to be read. */
  seconds: number;
  /** Until the first step has ended: building and loading the graphs. */
  preparation: number;
  /** Steps that were timed. */
  steps: number;
  /** The device's label. */
  device: string;
}

/** Seconds for which steps are timed, where they are short. */
const patience = 2;
const mostSteps = 20;

/**
 * Trains networks from their first weights on noise for a few steps, and discards them. A step takes as long as one on pictures,
 * because its graph is static. Options that compare outputs with other networks (`distill`, `lambdaLpips`) are left out.
 * @param config pictures are of its crop size
 * @param signal ends it after the step under way
 * @throws UserError for a device that is not there, or networks that do not fit into memory
 */
export async function measureStep(config: Config, platform: Platform, signal?: AbortSignal): Promise<StepTime> {
  const began = performance.now();
  const { cropSize: width, cropHeight: height, batchSize: n, seed, lr } = config;
  const device = await chooseDevice(platform, config.device);
  const model = { ...config, lambdaDistill: 0, lambdaLpips: 0 };
  const options = { model, seed, threads: config.threads ?? platform.cores, device };
  const trainer = new Trainer(platform, options, { n, height, width });
  try {
    for (const net of [trainer.netG, trainer.netD]) net.initialise(inits[config.initType], config.initGain, seed);
    trainer.netG.startAverage();
    const batches = new Array<StepBatch>(config.accumulate).fill(noise(config, { n, height, width }));
    const step = async (at: number) => {
      await trainer.step(batches, { step: at, lr });
      // `losses` waits until the device has finished the step.
      await trainer.losses();
    };
    await step(1);
    const preparation = (performance.now() - began) / 1000;
    const times: number[] = [];
    const from = performance.now();
    while (
      !signal?.aborted &&
      times.length < mostSteps &&
      (times.length < 1 || performance.now() - from < 1000 * patience)
    ) {
      const start = performance.now();
      await step(times.length + 2);
      times.push((performance.now() - start) / 1000);
    }
    const seconds = times.length > 0 ? median(times) : preparation;
    return { seconds, preparation, steps: times.length, device: device.label };
  } finally {
    await trainer.close();
  }
}

/** A batch of noise in place of pictures: what a step costs does not depend on its pictures. */
export function noise(
  { inputNc, outputNc, seed }: Config,
  shape: { n: number; height: number; width: number },
): StepBatch {
  const { n, height, width } = shape;
  const random = new Random(seed, "measured pictures", 0);
  const side = (channels: number) =>
    Float32Array.from({ length: n * channels * height * width }, () => 2 * random.float() - 1);
  return { A: side(inputNc), B: side(outputNc), ...shape };
}
