/**
 * Trains two steps on WebGPU and prints the kernels that ONNX Runtime's profile has for the second, as JSON: those of all
 * programs, and those of Adam's. Arguments: folder for the profiles, generator, side of the pictures, channels of the first
 * layers.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseConfig } from "../../../src/config/schema.ts";
import { inits } from "../../../src/nn/init.ts";
import { nodePlatform } from "../../../src/node/index.ts";
import type { InferenceSession, Ort } from "../../../src/platform.ts";
import { Trainer } from "../../../src/training/trainer.ts";

const [folder, netG, side, channels] = process.argv.slice(2) as [string, "unet_256", string, string];
const size = Number(side);
const platform = await nodePlatform({ threads: 1 });

/** Sessions with the number of their runs in all and in the counted step. */
interface Profiled {
  session: InferenceSession;
  prefix: string;
  runs: number;
  counted: number;
}
const profiled: Profiled[] = [];
let counting = false;
const create: Ort["InferenceSession"]["create"] = async (model, options) => {
  const prefix = `session${profiled.length}_`;
  const profile = { enableProfiling: true, profileFilePrefix: join(folder, prefix) };
  const session = await platform.ort.InferenceSession.create(model, { ...options, ...profile });
  const one: Profiled = { session, prefix, runs: 0, counted: 0 };
  profiled.push(one);
  const run = session.run.bind(session) as (...args: unknown[]) => ReturnType<InferenceSession["run"]>;
  session.run = (...args: unknown[]) => {
    one.runs++;
    if (counting) one.counted++;
    return run(...args);
  };
  return session;
};

/** Kernels of a session's step: each has an event of the category Api. A session launches the same ones at every run. */
function kernelsOf({ prefix, runs, counted }: Profiled): number {
  const file = readdirSync(folder).find((name) => name.startsWith(prefix));
  if (counted === 0 || !file) return 0;
  const events = JSON.parse(readFileSync(join(folder, file), "utf8")) as { cat: string }[];
  return (events.filter(({ cat }) => cat === "Api").length / runs) * counted;
}

const ort: Ort = { Tensor: platform.ort.Tensor, InferenceSession: { create } };
const given = { netG, cropSize: size, loadSize: size, ngf: Number(channels), ndf: Number(channels) };
const model = parseConfig({ dataroot: "none", ...given });
const shape = { n: 1, height: size, width: size };
const device = { name: "webgpu", label: "webgpu" } as const;
const trainer = new Trainer({ ...platform, ort }, { model, seed: 0, threads: 1, device }, shape);
for (const net of [trainer.netG, trainer.netD]) net.initialise(inits.normal, model.initGain, 0);
const picture = () => Float32Array.from({ length: 3 * size * size }, (_, i) => Math.sin(i));
const batch = { A: picture(), B: picture(), ...shape };
await trainer.step(batch, { step: 1, lr: 2e-4 });
await trainer.losses();
counting = true;
await trainer.step(batch, { step: 2, lr: 2e-4 });
counting = false;
await trainer.losses();
for (const { session } of profiled) session.endProfiling();
const ofAdam = ({ session }: Profiled) => session.inputNames.includes("slope");
const sum = (sessions: Profiled[]) => sessions.reduce((total, each) => total + kernelsOf(each), 0);
console.log(JSON.stringify({ all: sum(profiled), adam: sum(profiled.filter(ofAdam)) }));
await trainer.close();
