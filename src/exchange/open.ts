/** Translates pictures with the generator of a file of weights, without a run. */

import { chooseDevice } from "../engines/device.ts";
import type { OpenOptions } from "../inference/open.ts";
import { Translator } from "../inference/translator.ts";
import type { Platform } from "../platform.ts";
import { type LoadedGenerator, loadGenerator } from "./load.ts";

/** How the generator is used, and options of the user for what its tensors do not show. */
export interface OpenWeightsOptions extends Omit<OpenOptions, "name" | "checkpointsDir" | "epoch"> {
  /** As text, by key: direction, noDropout, cropSize and others. */
  given?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Opens the generator of a file of weights, such as a PyTorch .pth. Its architecture is found from the tensors; what they do
 * not show are the defaults of the file's system unless `given` says otherwise.
 * @throws CheckpointError for a file that cannot be read or holds no generator
 * @throws ConfigError for an option that the tensors contradict
 *
 * @example
 * ```ts
 * import { openWeightsFile } from "pix2pix";
 * import { nodePlatform } from "pix2pix/node";
 *
 * const platform = await nodePlatform();
 * const given = { direction: "BtoA" };
 * // Or a .pth of PyTorch.
 * const translator = await openWeightsFile("runs/mine/latest_net_G.safetensors", { given }, platform);
 * const picture = await platform.images.decode(await platform.files.read("new/label.png"));
 * const output = await translator.translate(picture);
 * await platform.files.write("out.png", await platform.images.encodePng(output));
 * await translator.close();
 * ```
 */
export async function openWeightsFile(
  path: string,
  options: OpenWeightsOptions,
  platform: Platform,
): Promise<Translator> {
  return translatorOf(await loadGenerator(path, platform.files, options.given), options, platform);
}

/** A translator for a loaded generator. */
export async function translatorOf(
  { config, state }: LoadedGenerator,
  options: OpenWeightsOptions,
  platform: Platform,
): Promise<Translator> {
  const threads = options.threads ?? config.threads;
  const device = await chooseDevice(platform, options.device ?? config.device);
  return new Translator({
    config: { ...config, threads },
    state,
    platform,
    settings: options,
    device,
    weights: "fixed",
  });
}
