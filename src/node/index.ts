/**
 * Files, pictures and ONNX Runtime on Node.
 *
 * Importing this module loads onnxruntime-node, with its telemetry off. It throws a UserError where that package is not
 * installed or has no binary for the platform, and an Error in a worker thread whose main thread has not imported it.
 *
 * @module
 */
import { availableParallelism, cpus, totalmem } from "node:os";
import { checkCount } from "../errors.ts";
import type { Platform } from "../platform.ts";
import { devices } from "./devices.ts";
import { files } from "./files.ts";
import { images } from "./images.ts";
import { ort, runInto } from "./ort.ts";

export interface NodePlatformOptions {
  /** Threads of a step on the CPU. Default: as many as this process may use. */
  threads?: number | undefined;
}

/**
 * Everything that the core needs, from Node. Nothing has to be closed.
 * @returns files by path (relative ones from the working directory), pictures by sharp, ONNX Runtime by onnxruntime-node
 * @throws ConfigError for a number of threads that is no whole number from 1
 *
 * @example
 * ```ts
 * import { nodePlatform } from "pix2pix/node";
 *
 * const { files, images, devices } = await nodePlatform({ threads: 2 });
 * const { width, height, channels } = await images.decode(await files.read("new/label.png"));
 * console.log(`${width} x ${height}, ${channels} channels`);
 * for (const { label, present } of await devices()) console.log(label, present ? "is here" : "is not here");
 * ```
 */
export async function nodePlatform({ threads }: NodePlatformOptions = {}): Promise<Platform> {
  const cores = threads ?? availableParallelism();
  checkCount("threads", cores);
  const processor = cpus()[0]?.model;
  return { files, images, ort, runInto, memory: memoryOfProcess(), cores, processor, base: "cpu", devices };
}

/** Bytes: those of the machine, or of the container where it has fewer. */
function memoryOfProcess(): number {
  return Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
}
