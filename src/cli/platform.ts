/** Loads Node's platform for commands. It is loaded on demand: sharp and ONNX Runtime take about a second to start. */
import { availableParallelism } from "node:os";
import type { images as nodeImages } from "../node/images.ts";
import type { NodePlatformOptions } from "../node/index.ts";
import type { Platform } from "../platform.ts";

/** Node's pictures for a command. sharp is set up for the whole process, which a command may do. */
export async function loadImages(): Promise<typeof nodeImages> {
  const { images, tuneSharpForTraining } = await import("../node/images.ts");
  tuneSharpForTraining();
  return images;
}

/** The platform of a command; see `nodePlatform`. */
export async function loadPlatform(options?: NodePlatformOptions): Promise<Platform> {
  await loadImages();
  const { nodePlatform } = await import("../node/index.ts");
  return nodePlatform(options);
}

/** A note where there are more threads than cores: threads then wait for those that have no core. */
export function threadsNote(threads: number | undefined, cores: number = availableParallelism()): string[] {
  if (threads === undefined || threads <= cores) return [];
  const has = cores === 1 ? "1 core" : `${cores} cores`;
  return [`--threads ${threads}: this machine has ${has}, and more threads than cores are slower, up to 30 times`];
}
