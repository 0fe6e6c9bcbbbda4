/** Everything that the core needs, from a browser. */
import type { Platform } from "../platform.ts";
import { files } from "./files.ts";
import { images } from "./images.ts";
import { loadOrt, type RuntimeOptions, runInto } from "./ort.ts";

/** The settings of ONNX Runtime hold for all platforms of a page or worker: those of the first session that it makes. */
export async function webPlatform(device: "wasm" | "webgpu", options: RuntimeOptions): Promise<Platform> {
  return { files, images, ort: await loadOrt(device, options), runInto, cores: options.threads };
}
