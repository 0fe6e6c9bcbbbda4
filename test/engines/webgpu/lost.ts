/**
 * Trains on WebGPU and loses the device in the middle: ONNX Runtime gives the adapter up with its last session, so all are
 * released after a step. Prints what training says. Arguments: data, folder of runs, step after which the device is lost.
 */
import { parseConfig } from "../../../src/config/schema.ts";
import { nodePlatform } from "../../../src/node/index.ts";
import type { InferenceSession, Ort } from "../../../src/platform.ts";
import { train } from "../../../src/training/train.ts";

const [dataroot, checkpointsDir, last] = process.argv.slice(2) as [string, string, string];
const platform = await nodePlatform({ threads: 1 });
const sessions: InferenceSession[] = [];
const create: Ort["InferenceSession"]["create"] = async (model, options) => {
  const session = await platform.ort.InferenceSession.create(model, options);
  sessions.push(session);
  return session;
};
const ort: Ort = { Tensor: platform.ort.Tensor, InferenceSession: { create } };
const config = parseConfig({
  dataroot,
  checkpointsDir,
  name: "lost",
  device: "webgpu",
  netG: "unet_32",
  ngf: 2,
  ndf: 2,
  cropSize: 32,
  loadSize: 32,
  saveLatestFreq: 1,
  maxSteps: 5,
});
let released = Promise.resolve();
const release = async (at: number) => {
  if (at === Number(last)) for (const session of sessions) await session.release();
};
const step = (report: { step: number }) => {
  released = released.then(() => release(report.step));
};
try {
  await train(config, { ...platform, ort }, { step });
  console.log("it went on");
} catch (error) {
  console.log((error as Error).name, (error as Error).message);
}
await released;
