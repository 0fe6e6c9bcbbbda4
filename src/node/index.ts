/** Everything that the core needs, from Node. */
import { availableParallelism } from "node:os";
import * as ort from "onnxruntime-node";
import type { Ort, Platform } from "../platform.ts";
import { files } from "./files.ts";
import { images } from "./images.ts";

/** @param threads threads of a step; by default as many as this process may use. */
export async function nodePlatform({ threads }: { threads?: number | undefined } = {}): Promise<Platform> {
  return { files, images, ort: ort as unknown as Ort, cores: threads ?? availableParallelism() };
}
