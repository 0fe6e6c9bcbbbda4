/** Node's parts as the commands load them: late, since sharp and ONNX Runtime take a second to start, and tuned. */
import type { images as nodeImages } from "../node/images.ts";
import type { NodePlatformOptions } from "../node/index.ts";
import type { Platform } from "../platform.ts";

/** Pictures for a command. The process is the command's, so sharp's settings for the whole process are too. */
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
