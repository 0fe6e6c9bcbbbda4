/** Trains the same networks with and without captured kernels and kernels of our own (src/engines), on a page of its own. */
import { NetworkState } from "../../../src/engines/state.ts";
import { type ConfigInput, type Platform, parseConfig, Trainer } from "../../../src/index.ts";
import { trainingStep } from "../../../src/model/pix2pix.ts";
import { inits } from "../../../src/nn/init.ts";
import { webPlatform } from "../../../src/web/index.ts";

/** What the page answers: sessions that capture, and the tensors whose values differ in any bit. */
export interface Captures {
  sessions: { captured: number; plain: number };
  tensors: number;
  differ: string[];
  losses: { captured: string; plain: string };
}

/**
 * Of all trained values after the first step, the largest error against the formula in float64 on the same float32 values: of the second
 * moment from the first, of the weights from the moments, of the running average from the weights. Relative to the value, or to its change.
 */
export interface UpdateErrors {
  moment: number;
  weight: number;
  average: number;
  /** Values that were compared. */
  count: number;
}

declare global {
  var capture: (steps: number, options?: Partial<ConfigInput>) => Promise<Captures>;
  var firstUpdate: (own: boolean) => Promise<UpdateErrors>;
  var buffersAfter: (trainings: number) => Promise<number[]>;
}

const side = 64;
const options = {
  dataroot: "none",
  netG: "unet_64",
  cropSize: side,
  loadSize: side,
  ngf: 4,
  ndf: 4,
  ema: 0.9,
} as const;
const small = parseConfig(options);
const usual = { n: 1, height: side, width: side };

const platformHere = () =>
  webPlatform({ device: "webgpu", threads: 1, runtimeBase: new URL("ort/", location.href).href });

globalThis.firstUpdate = async (own) => {
  const platform = await platformHere();
  const [beta1, beta2, lr, epsilon] = [0.5, 0.999, 2e-4, 1e-8];
  const { trainer } = await trained(own ? platform : { ...platform, gpuKernel: undefined }, 1);
  const { netG } = trainer;
  const first = new NetworkState(trainingStep(small, usual).netG, { averaged: true });
  first.initialise(inits.normal, small.initGain, 0);
  const errors: UpdateErrors = { moment: 0, weight: 0, average: 0, count: 0 };
  const { m, v, values, average } = netG.adam;
  for (let i = 0; i < m.length; i++) {
    // The size of a step is lr / (1 - beta1), and sqrt(v) is corrected by sqrt(1 - beta2).
    const gradient = m[i]! / (1 - beta1);
    const moment = (1 - beta2) * gradient * gradient;
    // Squares below the smallest normal float32 may be flushed to 0.
    if (moment < 1e-37) continue;
    errors.count++;
    const from = first.adam.values[i]!;
    const weight = from - ((lr / (1 - beta1)) * m[i]!) / (Math.sqrt(v[i]! / (1 - beta2)) + epsilon);
    // The average begins at 0 here; the share of the weights at step 1 is 1 - 2 / 11.
    const mean = (1 - 2 / 11) * values[i]!;
    errors.moment = Math.max(errors.moment, Math.abs(v[i]! - moment) / moment);
    errors.weight = Math.max(errors.weight, Math.abs(values[i]! - weight) / lr);
    errors.average = Math.max(errors.average, Math.abs(average![i]! - mean) / lr);
  }
  return errors;
};

globalThis.capture = async (steps, changes) => {
  const platform = await platformHere();
  const model = parseConfig({ ...options, ...changes });
  const captured = await trained(platform, steps, model);
  const plain = await trained({ ...platform, captures: false }, steps, model);
  const names = Object.keys(plain.values);
  const same = (name: string) => plain.values[name]!.every((value, i) => Object.is(value, captured.values[name]![i]));
  return {
    sessions: { captured: captured.sessions, plain: plain.sessions },
    tensors: names.length,
    differ: names.filter((name) => !same(name)),
    losses: { captured: captured.losses, plain: plain.losses },
  };
};

/** Bytes of the GPU's buffers that are not destroyed, after each of some trainings whose engines are closed. */
globalThis.buffersAfter = async (trainings) => {
  const { createBuffer } = GPUDevice.prototype;
  const { destroy } = GPUBuffer.prototype;
  const live = new Map<GPUBuffer, number>();
  GPUDevice.prototype.createBuffer = function (descriptor) {
    const buffer = createBuffer.call(this, descriptor);
    live.set(buffer, buffer.size);
    return buffer;
  };
  GPUBuffer.prototype.destroy = function () {
    live.delete(this);
    return destroy.call(this);
  };
  const platform = await platformHere();
  const bytes: number[] = [];
  for (let i = 0; i < trainings; i++) {
    await trained(platform, 1);
    bytes.push([...live.values()].reduce((total, size) => total + size, 0));
  }
  return bytes;
};

/** Weights, moments, statistics and running averages after some steps with dropout, the second of them on two pairs. */
async function trained(platform: Platform, steps: number, model = small) {
  const [, device] = await platform.devices();
  let sessions = 0;
  const create: Platform["ort"]["InferenceSession"]["create"] = async (model, options) => {
    const session = await platform.ort.InferenceSession.create(model, options);
    if (options?.enableGraphCapture) sessions++;
    return session;
  };
  const counted = { ...platform, ort: { ...platform.ort, Tensor: platform.ort.Tensor, InferenceSession: { create } } };
  const trainer = new Trainer(counted, { model, seed: 0, threads: 1, device: device! }, usual);
  for (const net of [trainer.netG, trainer.netD]) net.initialise(inits.normal, model.initGain, 0);
  const picture = (n: number, seed: number) =>
    Float32Array.from({ length: n * 3 * side * side }, (_, i) => Math.sin(i * (1 + (seed % 5)) + seed));
  const losses: string[] = [];
  for (let step = 1; step <= steps; step++) {
    const n = step === 2 ? 2 : 1;
    const batches = Array.from({ length: model.accumulate }, (_, i) => {
      return { ...usual, n, A: picture(n, step + 20 * i), B: picture(n, step + 9 + 20 * i) };
    });
    const began = performance.now();
    await trainer.step(batches, { step, lr: 2e-4 });
    console.log(`step ${step}: ${(performance.now() - began).toFixed(1)} ms on the host`);
    losses.push(JSON.stringify(await trainer.losses()));
  }
  await trainer.toHost();
  const values: Record<string, Float32Array> = {};
  for (const net of [trainer.netG, trainer.netD]) {
    for (const spec of net.specs) values[`${net.network}.${spec.name}`] = net.get(spec).slice();
    for (const part of ["m", "v"] as const) values[`${net.network}.${part}`] = net.adam[part].slice();
  }
  values.average = trainer.netG.adam.average!.slice();
  await trainer.close();
  return { trainer, values, losses: losses.join("\n"), sessions };
}
