/** Times whole training steps and the generator's forward pass with the classes that `train` and `translate` use, on any platform. */
import { env } from "onnxruntime-common";
import { chooseDevice, type DeviceChoice } from "../src/engines/device.ts";
import { Translator } from "../src/inference/translator.ts";
import { inits } from "../src/nn/init.ts";
import type { Platform } from "../src/platform.ts";
import { Random } from "../src/random.ts";
import { median } from "../src/statistics.ts";
import { Trainer } from "../src/training/trainer.ts";
import { benchConfig, workOf } from "./work.ts";

export interface StepOptions {
  /** Width and height in pixels. The network is `unet_<size>`. */
  size: number;
  ngf: number;
  batch: number;
  steps: number;
  /** The same choices as `pix2pix train --device`. */
  device: DeviceChoice;
}

/**
 * `step_s`, `step_min_s`: seconds of a step that is awaited; `step_cpu_s`: of the processor, all threads. `first_step_s`: of the first
 * step, which compiles the graphs and creates the sessions. `steps_per_s` and `gflop_per_s`: over steps that are queued, of which only the last is awaited, as
 * in training. `forward_s`, `forward_cpu_s`: of the generator's forward pass. `rss_mb`: peak memory of the process in training, in 10^6
 * bytes. Medians, but for the minimum and the first step.
 */
export interface StepTimes {
  step_s: number;
  step_min_s: number;
  step_cpu_s: number;
  first_step_s: number;
  steps_per_s: number;
  gflop_per_s: number;
  forward_s: number;
  forward_cpu_s: number;
  rss_mb: number;
  threads: number;
  device: string;
  runtime: string;
}

/** CPU time and peak memory of this process. A browser offers neither to a page. */
export interface Meter {
  /** Seconds of the processor that this process has used, in all threads. */
  cpu(): number;
  /** The most memory that this process has held, in bytes. */
  peak(): number;
}

const noMeter: Meter = { cpu: () => Number.NaN, peak: () => Number.NaN };

/** Untimed runs before the timed ones: the first runs of a session are slower because they allocate memory and fill caches. */
const warmUp = 2;

export async function timeSteps(platform: Platform, options: StepOptions, meter = noMeter): Promise<StepTimes> {
  const { size, ngf, batch, steps, device: wanted } = options;
  const config = benchConfig(size, ngf);
  const shape = { n: batch, height: size, width: size };
  const device = await chooseDevice(platform, wanted);
  const trainer = new Trainer(platform, { model: config, seed: 0, threads: platform.cores, device }, shape);
  for (const net of [trainer.netG, trainer.netD]) net.initialise(inits.normal, config.initGain, 0);
  const random = new Random(0, "bench", 0);
  const picture = () => Float32Array.from({ length: batch * 3 * size * size }, () => 2 * random.float() - 1);
  const data = { A: picture(), B: picture(), ...shape };

  const { first, ...step } = await times(meter, steps, async (i) => {
    await trainer.step(data, { step: i + 1, lr: config.lr });
    await trainer.losses();
  });
  const began = performance.now();
  for (let i = 0; i < steps; i++) await trainer.step(data, { step: warmUp + steps + i + 1, lr: config.lr });
  await trainer.losses();
  const perSecond = (1000 * steps) / (performance.now() - began);
  await trainer.toHost();
  const peak = meter.peak();
  const translator = new Translator({ config, state: trainer.netG, platform, device, weights: "fixed" });
  const forward = await times(meter, Math.max(steps, 8), () => translator.run(data.A, batch, size, size));
  await translator.close();
  return {
    step_s: rounded(median(step.wall)),
    step_min_s: rounded(Math.min(...step.wall)),
    step_cpu_s: rounded(median(step.cpu)),
    first_step_s: rounded(first),
    steps_per_s: rounded(perSecond),
    gflop_per_s: Math.round(perSecond * workOf({ size, ngf, batch }).step),
    forward_s: rounded(median(forward.wall)),
    forward_cpu_s: rounded(median(forward.cpu)),
    rss_mb: Math.round(peak / 1e6),
    threads: platform.cores,
    device: device.label,
    runtime: env.versions.common ?? "",
  };
}

/** Seconds of each timed run, and of the first untimed one. */
async function times({ cpu }: Meter, count: number, work: (i: number) => Promise<unknown>) {
  const seconds: { wall: number; cpu: number }[] = [];
  for (let i = 0; i < count + warmUp; i++) {
    const [wall, before] = [performance.now(), cpu()];
    await work(i);
    seconds.push({ wall: (performance.now() - wall) / 1000, cpu: cpu() - before });
  }
  const timed = seconds.slice(warmUp);
  return { first: seconds[0]!.wall, wall: timed.map(({ wall }) => wall), cpu: timed.map(({ cpu }) => cpu) };
}

const rounded = (seconds: number): number => Number(seconds.toFixed(4));
