/** The choice of the device that computes, and its session options. */
import type { InferenceSession } from "onnxruntime-common";
import { checkCount, DeviceError } from "../errors.ts";
import type { Device, DeviceName, Platform } from "../platform.ts";

/** The choices of --device. */
export const deviceChoices = ["auto", "cpu", "webgpu", "cuda", "wasm"] as const;
export type DeviceChoice = (typeof deviceChoices)[number];

/**
 * Session options for the CPU. The arena is off because it grows in powers of two (300 MB more for unet_256). The
 * memory pattern is off because it allocates one block of hundreds of megabytes at every run, whose pages all fault.
 * @throws ConfigError for a number of threads that is no whole number from 1
 */
export function onCpu(threads: number): InferenceSession.SessionOptions {
  checkCount("threads", threads);
  return {
    executionProviders: ["cpu"],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: "all",
    enableCpuMemArena: false,
    enableMemPattern: false,
    // A step runs two sessions in turn. Threads of one that spin while they wait would take cores from the other.
    extra: { session: { force_spinning_stop: "1" } },
  };
}

/** Session options for a device. @param threads of a device that computes on the CPU */
export function sessionOptions({ name }: Device, threads: number): InferenceSession.SessionOptions {
  const host = onCpu(threads);
  if (name === "cpu") return host;
  // Graphs are NCHW. In ORT's default layout, NHWC, a quarter of a step's kernels would be transposes.
  if (name === "webgpu")
    return { executionProviders: [{ name, preferredLayout: "NCHW" }], graphOptimizationLevel: "all" };
  // With prepacked constants a matrix product would round otherwise than with inputs (inference/compiler.ts makes constants).
  const extra = { session: { ...(host.extra?.session as object), disable_prepacking: "1" } };
  return { ...host, ...(name === "wasm" ? { extra } : {}), executionProviders: [name] };
}

/**
 * Whether the networks' values stay in the device's memory (webgpu). Other devices read and write the host's memory.
 */
export const keepsState = ({ name }: Device): boolean => name === "webgpu";

/** The device that every platform has. */
export const baseDevice = ({ base }: Pick<Platform, "base">): Device => ({ name: base, label: base });

/**
 * The device for a choice of --device. `auto` is webgpu if there is a hardware adapter, else the platform's base device
 * (cpu on Node, wasm in a browser).
 * @throws DeviceError for a device that this machine lacks; the message says why, how to get it, and which devices are
 *   there
 *
 * @example
 * ```ts
 * import { chooseDevice } from "pix2pix";
 * import { nodePlatform } from "pix2pix/node";
 *
 * const device = await chooseDevice(await nodePlatform(), "auto");
 * console.log(device.label);
 * ```
 */
export async function chooseDevice(platform: Platform, wanted: DeviceChoice): Promise<Device> {
  const base = baseDevice(platform);
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
