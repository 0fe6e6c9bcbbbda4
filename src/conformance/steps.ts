/** Compares training steps on a device with those on the platform's base device. */
import { baseDevice } from "../engines/device.ts";
import { messageOf } from "../errors.ts";
import { lossesIn } from "../model/losses.ts";
import { inits } from "../nn/init.ts";
import { isTrainable } from "../nn/parameters.ts";
import type { Device, Platform } from "../platform.ts";
import { Random } from "../random.ts";
import { type StepBatch, Trainer } from "../training/trainer.ts";
import type { Variant } from "./variants.ts";

export interface StepsResult {
  variant: string;
  status: "right" | "wrong" | "fails";
  /** The largest relative difference of a loss in two steps, and of a network's gradients in the first step (L2). */
  losses?: number;
  gradients?: number;
  message?: string;
}

/**
 * For float32 sums in another order. Gradients are compared before the first update: Adam's first step has the same
 * length for a gradient that is only rounding error.
 */
const tolerance = { losses: 1e-4, gradients: 1e-3 };

/** Runs two steps of a variant on a device and on the base device. A step that fails is a result, not an error. */
export async function compareSteps(platform: Platform, device: Device, variant: Variant): Promise<StepsResult> {
  const base = baseDevice(platform);
  const expected = await run(platform, base, variant);
  try {
    const got = await run(platform, device, variant);
    // Without measures: a share of right logits jumps where a logit lies at the boundary.
    const losses = Math.max(
      ...expected.losses.flatMap((want, i) =>
        lossesIn(want).map(
          (name) => Math.abs((got.losses[i]![name] ?? Number.NaN) - want[name]!) / (Math.abs(want[name]!) + 1e-3),
        ),
      ),
    );
    const gradients = Math.max(...expected.moments.map((want, i) => relative(got.moments[i]!, want)));
    const right = losses <= tolerance.losses && gradients <= tolerance.gradients;
    return { variant: variant.name, status: right ? "right" : "wrong", losses, gradients };
  } catch (error) {
    return { variant: variant.name, status: "fails", message: messageOf(error) };
  }
}

/**
 * The losses of each step, and Adam's first moments of all weights after the first step, which are proportional to the
 * gradients.
 */
async function run(platform: Platform, device: Device, { config, shape }: Variant) {
  const trainer = new Trainer(platform, { model: config, seed: 1, threads: platform.cores, device }, shape);
  const step = async (step: number) => {
    const batches = Array.from({ length: config.accumulate }, (_, i) => batch(config, shape, 10 * step + i));
    await trainer.step(batches, { step, lr: config.lr });
  };
  try {
    for (const net of [trainer.netG, trainer.netD]) net.initialise(inits.normal, config.initGain, 1);
    await step(1);
    await trainer.toHost();
    // Without biases: the gradient of a bias before a norm is only rounding error.
    const moments = [trainer.netG, trainer.netD].map((net) => {
      const weights = net.specs.filter((spec) => isTrainable(spec) && spec.shape.length === 4);
      return weights.map((spec) => net.view("m", spec).slice());
    });
    await step(2);
    return { losses: await trainer.losses(), moments };
  } finally {
    await trainer.close();
  }
}

function batch({ inputNc, outputNc }: Variant["config"], shape: Variant["shape"], index: number): StepBatch {
  const random = new Random(1, "conformance", index);
  const picture = (channels: number) =>
    Float32Array.from({ length: shape.n * channels * shape.height * shape.width }, () => 2 * random.float() - 1);
  return { ...shape, A: picture(inputNc), B: picture(outputNc) };
}

/** |got - want| / |want| (L2) over all arrays together; 0 without arrays. */
function relative(got: readonly Float32Array[], want: readonly Float32Array[]): number {
  let [difference, size] = [0, 0];
  for (const [k, values] of want.entries()) {
    for (const [i, value] of values.entries()) {
      difference += (got[k]![i]! - value) ** 2;
      size += value ** 2;
    }
  }
  return size === 0 ? 0 : Math.sqrt(difference / size);
}
