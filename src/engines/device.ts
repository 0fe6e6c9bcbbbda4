/** Which device computes, and the session options for it. */
import type { InferenceSession } from "onnxruntime-common";
import { DeviceError } from "../errors.ts";
import type { Device, DeviceName, Platform } from "../platform.ts";

/** The choices of --device. */
export const deviceChoices = ["auto", "cpu", "webgpu", "cuda", "wasm"] as const;
export type DeviceChoice = (typeof deviceChoices)[number];

/**
 * Without ORT's arena, which grows in powers of two (300 MB more for unet_256), and without its memory pattern, which asks
 * the system for one block of hundreds of megabytes at every run: each page of it is faulted in anew.
 */
export function onCpu(threads: number): InferenceSession.SessionOptions {
  return {
    executionProviders: ["cpu"],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: "all",
    enableCpuMemArena: false,
    enableMemPattern: false,
    // A step runs two sessions in turn: threads that wait busily for more of one would keep a core from the other.
    extra: { session: { force_spinning_stop: "1" } },
  };
}

export function sessionOptions({ name }: Device, threads: number): InferenceSession.SessionOptions {
  const host = onCpu(threads);
  if (name === "cpu") return host;
  // Graphs are NCHW; in ORT's default layout, NHWC, a quarter of a step's kernels are transposes.
  if (name === "webgpu")
    return { executionProviders: [{ name, preferredLayout: "NCHW" }], graphOptimizationLevel: "all" };
  return { ...host, executionProviders: [name] };
}

/** Whether the networks' memory is the device's own: for webgpu; the others take and give the host's. */
export const keepsState = ({ name }: Device): boolean => name === "webgpu";

/**
 * The device of a `--device`. `auto` takes webgpu where there is a real GPU behind it, else what computes on the CPU.
 * @throws DeviceError for one that is not there, saying what is and how to get it.
 */
export async function chooseDevice(platform: Platform, wanted: DeviceChoice): Promise<Device> {
  const base: Device = { name: platform.base, label: platform.base };
  if (wanted === base.name) return base;
  const name: DeviceName = wanted === "auto" ? "webgpu" : wanted;
  const device = (await platform.devices([name], { hardware: wanted === "auto" })).find((each) => each.name === name);
  if (wanted === "auto") return device?.present && !device.adapter?.software ? device : base;
  if (device?.present) return device;
  const present = (await platform.devices()).filter((each) => each.present);
  throw new DeviceError(
    `--device ${wanted} is not there: ${device?.missing ?? "this platform has no such device"}. ` +
      `What is here: ${present.map(({ label }) => label).join(", ")} (pix2pix devices says more).`,
  );
}
