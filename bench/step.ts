/** Times whole training steps and the generator's forward pass with the classes that `train` and `translate` use. */
import { chooseDevice, type DeviceChoice } from "../src/engines/device.ts";
import { Translator } from "../src/inference/translator.ts";
import { inits } from "../src/nn/init.ts";
import { nodePlatform } from "../src/node/index.ts";
import { Random } from "../src/random.ts";
import { Trainer } from "../src/training/trainer.ts";
import { benchConfig, workOf } from "./work.ts";

export interface StepOptions {
  /** Width and height in pixels. The network is `unet_<size>`. */
  size: number;
  ngf: number;
  batch: number;
  steps: number;
  threads?: number | undefined;
  /** The same choices as `pix2pix train --device`. */
  device: DeviceChoice;
}

/**
 * `step_s_*`: seconds of a step that is awaited. `steps_per_s` and `gflop_per_s`: over steps that are queued, of which only the
 * last is awaited, as in training. `forward_s_median`: seconds of the generator's forward pass. `rss_mb`: peak memory of the
 * process in training, in 10^6 bytes.
 */
export interface StepTimes {
  step_s_median: number;
  step_s_min: number;
  steps_per_s: number;
  gflop_per_s: number;
  forward_s_median: number;
  rss_mb: number;
  threads: number;
  device: string;
}

/** Untimed runs before the timed ones: the first runs of a session are slower because they allocate memory and fill caches. */
const warmUp = 2;

export async function timeSteps({ size, ngf, batch, steps, threads, device: wanted }: StepOptions): Promise<StepTimes> {
  const platform = await nodePlatform({ threads });
  const config = benchConfig(size, ngf);
  const shape = { n: batch, height: size, width: size };
  const device = await chooseDevice(platform, wanted);
  const trainer = new Trainer(platform, { model: config, seed: 0, threads: platform.cores, device }, shape);
  for (const net of [trainer.netG, trainer.netD]) net.initialise(inits.normal, config.initGain, 0);
  const random = new Random(0, "bench", 0);
  const picture = () => Float32Array.from({ length: batch * 3 * size * size }, () => 2 * random.float() - 1);
  const data = { A: picture(), B: picture(), ...shape };

  const step = await times(steps, async (i) => {
    await trainer.step(data, { step: i + 1, lr: config.lr });
    await trainer.losses();
  });
  const began = performance.now();
  for (let i = 0; i < steps; i++) await trainer.step(data, { step: warmUp + steps + i + 1, lr: config.lr });
  await trainer.losses();
  const perSecond = (1000 * steps) / (performance.now() - began);
  await trainer.toHost();
  const peak = process.resourceUsage().maxRSS * 1024;
  const translator = Translator.of(config, trainer.netG, platform, {}, device, "fixed");
  const forward = await times(Math.max(steps, 8), () => translator.run(data.A, batch, size, size));
  await translator.close();
  return {
    step_s_median: rounded(median(step)),
    step_s_min: rounded(Math.min(...step)),
    steps_per_s: rounded(perSecond),
    gflop_per_s: Math.round(perSecond * workOf({ size, ngf, batch }).step),
    forward_s_median: rounded(median(forward)),
    rss_mb: Math.round(peak / 1e6),
    threads: platform.cores,
    device: device.label,
  };
}

async function times(count: number, work: (i: number) => Promise<unknown>): Promise<number[]> {
  const seconds: number[] = [];
  for (let i = 0; i < count + warmUp; i++) {
    const began = performance.now();
    await work(i);
    if (i >= warmUp) seconds.push((performance.now() - began) / 1000);
  }
  return seconds;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const rounded = (seconds: number): number => Number(seconds.toFixed(4));
