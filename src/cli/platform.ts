/** Loads Node's platform for commands. It is loaded on demand: sharp and ONNX Runtime take about a second to start. */
import type { images as nodeImages } from "../node/images.ts";
import type { NodePlatformOptions } from "../node/index.ts";
import type { Platform } from "../platform.ts";

/** Pictures for a command. The process belongs to the command, so it sets sharp up for training. */
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
