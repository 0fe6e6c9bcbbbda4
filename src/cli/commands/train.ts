/** pix2pix train */

import { parseOptions } from "../../config/options.ts";
import { type Config, configSchema, parseCommandLine, resumeCommandLine } from "../../config/schema.ts";
import { shellOption } from "../../text.ts";
import type { TrainResult } from "../../training/train.ts";
import type { Command, Output } from "../command.ts";
import { storedConfig } from "../runs.ts";
import { place, trainShown } from "../training.ts";

export const train: Command = {
  name: "train",
  summary: "train a generator on pairs of pictures, or go on with a run",
  schema: configSchema,
  examples: [
    "npx pix2pix train --dataroot data/facades --direction BtoA --name facades",
    "npx pix2pix train --name facades --continue-train",
    "npx pix2pix train --dataroot data/maps --netG unet_128 --ngf 32 --crop-size 128 --load-size 143 --name small",
    "npx pix2pix train --dataroot data/cmp --direction BtoA --profile article --name article",
  ],
  async run(given, output) {
    const config = await configOf(given);
    const end = await trainShown(config, output);
    if (end.stopped) return end.code;
    if (end.steps === 0) {
      output.print(
        `Nothing left to do: the run is at step ${end.step}, its end. ` +
          "To train on, give a larger --max-steps, --n-epochs or --n-epochs-decay.",
      );
      return 0;
    }
    finish(output, config, end);
    return 0;
  },
};

function finish(output: Output, config: Config, end: TrainResult): void {
  const { name, checkpointsDir } = config;
  const folder = checkpointsDir === "runs" ? "" : ` ${shellOption("--checkpoints-dir", checkpointsDir)}`;
  const run = `${shellOption("--name", name)}${folder}`;
  output.print(`Done (${place(end)}). Losses and pictures: ${end.runDir}/index.html`);
  output.print(`  npx pix2pix test ${run}`);
  output.print(`  npx pix2pix translate ${run} --input FILE|FOLDER --out FOLDER`);
}

async function configOf(given: Readonly<Record<string, unknown>>): Promise<Config> {
  if (given.continueTrain !== true) return parseCommandLine(given);
  const { name, checkpointsDir } = parseOptions(configSchema.pick({ name: true, checkpointsDir: true }), {
    name: given.name,
    checkpointsDir: given.checkpointsDir,
  });
  return resumeCommandLine(await storedConfig(checkpointsDir, name), { ...given, name, checkpointsDir });
}
