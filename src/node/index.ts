/** Everything that the core needs, from Node. */
import { availableParallelism } from "node:os";
import type { Platform } from "../platform.ts";
import { devices } from "./devices.ts";
import { files } from "./files.ts";
import { images } from "./images.ts";
import { ort, runInto } from "./ort.ts";

/** @param threads threads of a step; by default as many as this process may use. */
export async function nodePlatform({ threads }: { threads?: number | undefined } = {}): Promise<Platform> {
  return { files, images, ort, runInto, cores: threads ?? availableParallelism(), base: "cpu", devices };
}
