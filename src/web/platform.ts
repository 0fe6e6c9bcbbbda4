/** Everything that the core needs, from a browser. */
import type { Platform } from "../platform.ts";
import { type Capabilities, capabilities, devicesOf } from "./capabilities.ts";
import { files } from "./files.ts";
import { images } from "./images.ts";
import { loadOrt, runInto } from "./ort.ts";

export interface WebPlatformOptions {
  /** What the runtime is loaded for. Default "wasm". */
  device?: "wasm" | "webgpu" | undefined;
  /** Of WASM; default what the page may use. */
  threads?: number | undefined;
  /** See RuntimeOptions.base. */
  runtimeBase?: string | undefined;
  /** Where they are known already. */
  found?: Capabilities | undefined;
}

/** The settings of ONNX Runtime hold for all platforms of a page or worker: those of the first session that it makes. */
export async function webPlatform(options: WebPlatformOptions = {}): Promise<Platform> {
  const found = options.found ?? (await capabilities());
  const threads = Math.min(options.threads ?? found.threads, found.threads);
  const ort = await loadOrt(options.device ?? "wasm", { threads, base: options.runtimeBase });
  return {
    files,
    images,
    ort,
    runInto,
    cores: threads,
    base: "wasm",
    devices: async (names) => devicesOf(found, names),
  };
}
