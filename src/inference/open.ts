/** Opens the generator of a run. */
import type { Config } from "../config/schema.ts";
import { chooseDevice } from "../engines/device.ts";
import { checkMemory, memoryNeed } from "../engines/memory.ts";
import { NetworkState } from "../engines/state.ts";
import { generatorGraph } from "../model/pix2pix.ts";
import { generators } from "../networks/generators.ts";
import type { Platform } from "../platform.ts";
import { loadWeights, Run } from "../run/run.ts";
import { type TestTime, Translator } from "./translator.ts";

/** The run, the choice of its weights, and the device. */
export interface OpenOptions extends TestTime {
  /** The name of the run. */
  name: string;
  /** The folder of the runs; `train` writes to "runs" unless the config says otherwise. */
  checkpointsDir: string;
  /** Which weights: "latest" (default), "best", or the number of a kept epoch. */
  epoch?: string | undefined;
  /** The weights as they were trained, where the run also keeps their running average (--ema). Default false. */
  rawWeights?: boolean | undefined;
  /** Default: the run's. */
  device?: Config["device"] | undefined;
  /** Threads of the CPU. Default: the run's, or all cores. */
  threads?: number | undefined;
}

/**
 * Opens the generator of a run.
 * @throws CheckpointError when the run or its weights do not exist or are damaged
 * @throws DeviceError when the device is not there, or the memory of the machine is too small
 *
 * @example
 * ```ts
 * import { openTranslator } from "pix2pix";
 * import { nodePlatform } from "pix2pix/node";
 *
 * const platform = await nodePlatform();
 * const translator = await openTranslator({ name: "mine", checkpointsDir: "runs" }, platform);
 * const picture = await platform.images.decode(await platform.files.read("new/label.png"));
 * const output = await translator.translate(picture);
 * await platform.files.write("out.png", await platform.images.encodePng(output));
 * await translator.close();
 * ```
 */
export async function openTranslator(options: OpenOptions, platform: Platform): Promise<Translator> {
  const { epoch = "latest", threads } = options;
  const run = new Run(platform.files, options);
  const stored = await run.config();
  const config = { ...stored, threads: threads ?? stored.threads };
  const device = await chooseDevice(platform, options.device ?? stored.device);
  const { tensors, path } = await run.generator(epoch, { raw: options.rawWeights });
  const side = generators[config.netG].multiple;
  const { netG } = generatorGraph(config, { n: 1, height: side, width: side });
  const advice = "Use a machine with more memory, or restore the config.json that the run was trained with.";
  checkMemory(
    memoryNeed([], [netG]),
    platform.memory,
    `The run ${run.dir} (netG ${config.netG}, ngf ${config.ngf})`,
    advice,
  );
  const state = new NetworkState(netG);
  loadWeights(state, tensors, path);
  return new Translator({ config, state, platform, settings: options, device, weights: "fixed" });
}
