/** The platform of a browser: files, pictures and ONNX Runtime. */
import type { Platform } from "../platform.ts";
import { type Capabilities, capabilities, devicesOf } from "./capabilities.ts";
import { files } from "./files.ts";
import { gpuKernel } from "./gpu-kernel.ts";
import { images } from "./images.ts";
import { loadOrt, memoryOfRuntime, runInto } from "./ort.ts";

/** The device of a platform, and the threads of WASM. */
export interface WebPlatformOptions {
  /** The device that the runtime is loaded for. Default "wasm". */
  device?: "wasm" | "webgpu" | undefined;
  /** Threads of WASM. Default: as many as the page may use. */
  threads?: number | undefined;
  /** See RuntimeOptions.base. */
  runtimeBase?: string | undefined;
  /** See RuntimeOptions.compressed. */
  compressed?: boolean | undefined;
  /** The result of `capabilities`, where it is known. */
  found?: Capabilities | undefined;
}

/**
 * The platform for the functions of the core, on a page or in a worker. `Client` needs none: its worker has its own.
 *
 * ONNX Runtime takes its settings at the first session; later platforms of the same page or worker cannot change them.
 */
export async function webPlatform(options: WebPlatformOptions = {}): Promise<Platform> {
  const found = options.found ?? (await capabilities());
  const threads = Math.min(options.threads ?? found.threads, found.threads);
  const ort = await loadOrt(options.device ?? "wasm", {
    threads,
    base: options.runtimeBase,
    compressed: options.compressed,
  });
  return {
    files,
    images,
    ort,
    runInto,
    runtimeMemory: () => memoryOfRuntime(ort),
    captures: true,
    gpuKernel: async (code) => gpuKernel(await ort.env.webgpu.device, code),
    cores: threads,
    base: "wasm",
    devices: async (names) => devicesOf(found, names),
  };
}
