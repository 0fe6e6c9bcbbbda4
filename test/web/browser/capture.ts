/** Trains the same networks with and without captured kernels (src/engines/gpu.ts), on a page of its own. */
import { type Platform, parseConfig, Trainer } from "../../../src/index.ts";
import { inits } from "../../../src/nn/init.ts";
import { webPlatform } from "../../../src/web/index.ts";

/** What the page answers: sessions that capture, and the tensors whose values differ in any bit. */
export interface Captures {
  sessions: { captured: number; plain: number };
  tensors: number;
  differ: string[];
  losses: { captured: string; plain: string };
}

declare global {
  var capture: (steps: number) => Promise<Captures>;
}

const [side, netG] = [64, "unet_64"] as const;

globalThis.capture = async (steps) => {
  const runtimeBase = new URL("ort/", location.href).href;
  const platform = await webPlatform({ device: "webgpu", threads: 1, runtimeBase });
  const captured = await trained(platform, steps);
  const plain = await trained({ ...platform, captures: false }, steps);
  const names = Object.keys(plain.values);
  const same = (name: string) => plain.values[name]!.every((value, i) => Object.is(value, captured.values[name]![i]));
  return {
    sessions: { captured: captured.sessions, plain: plain.sessions },
    tensors: names.length,
    differ: names.filter((name) => !same(name)),
    losses: { captured: captured.losses, plain: plain.losses },
  };
};

/** Weights, moments, statistics and running averages after some steps with dropout, the second of them on two pairs. */
async function trained(platform: Platform, steps: number) {
  const [, device] = await platform.devices();
  let sessions = 0;
  const create: Platform["ort"]["InferenceSession"]["create"] = async (model, options) => {
    const session = await platform.ort.InferenceSession.create(model, options);
    if (options?.enableGraphCapture) sessions++;
    return session;
  };
  const counted = { ...platform, ort: { ...platform.ort, Tensor: platform.ort.Tensor, InferenceSession: { create } } };
  const model = parseConfig({ dataroot: "none", netG, cropSize: side, loadSize: side, ngf: 4, ndf: 4, ema: 0.9 });
  const usual = { n: 1, height: side, width: side };
  const trainer = new Trainer(counted, { model, seed: 0, threads: 1, device: device! }, usual);
  for (const net of [trainer.netG, trainer.netD]) net.initialise(inits.normal, model.initGain, 0);
  const picture = (n: number, seed: number) =>
    Float32Array.from({ length: n * 3 * side * side }, (_, i) => Math.sin(i * (1 + (seed % 5)) + seed));
  const losses: string[] = [];
  for (let step = 1; step <= steps; step++) {
    const n = step === 2 ? 2 : 1;
    const batch = { ...usual, n, A: picture(n, step), B: picture(n, step + 9) };
    const began = performance.now();
    await trainer.step(batch, { step, lr: 2e-4 });
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
  return { values, losses: losses.join("\n"), sessions };
}
