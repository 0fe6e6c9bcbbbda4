/** pix2pix train */

import { optionsOf, parseOptions } from "../config/options.ts";
import { type Config, configSchema, parseConfig, resumeConfig } from "../config/schema.ts";
import type { TrainEvents, TrainResult } from "../training/train.ts";
import type { Command, Output } from "./command.ts";
import { Progress } from "./progress.ts";
import { storedConfig } from "./runs.ts";
import { listenForStop } from "./stop.ts";

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

/**
 * Trains with progress on standard output; Ctrl-C saves, and says how to go on.
 * @param quiet print nothing but that
 * @returns where it ended, the steps it took, and in `code` the exit code when a signal stopped it
 */
export async function trainShown(
  config: Config,
  output: Output,
  { quiet = false, again = continueCommand(config) }: { quiet?: boolean; again?: string } = {},
): Promise<TrainResult & { steps: number; code: number }> {
  const { nodePlatform } = await import("../node/index.ts");
  const { train: trainRun } = await import("../training/train.ts");
  const platform = await nodePlatform({ threads: config.threads });
  const progress = new Progress(process.stdout, config.printFreq);
  const stop = listenForStop(() => {
    progress.end();
    output.note("Stopping: this step is finished and saved first. Press Ctrl-C again to end at once.");
  });
  let steps = 0;
  const events: TrainEvents = {
    start: ({ lines }) => {
      if (!quiet) for (const line of lines) progress.line(line);
    },
    step: (report) => {
      steps++;
      if (!quiet) progress.step(report);
    },
    message: (text) => {
      if (!quiet) progress.line(text);
    },
  };
  try {
    const end = await trainRun(config, platform, events, stop.signal);
    progress.end();
    if (end.stopped) output.print(`Stopped and saved in ${end.runDir} (${place(end)}). Go on with:\n  ${again}`);
    return { ...end, steps, code: stop.code() };
  } catch (error) {
    progress.end();
    throw error;
  } finally {
    stop.release();
  }
}

const place = ({ step, epoch }: TrainResult) => `step ${step}, epoch ${epoch}`;

function finish(output: Output, config: Config, end: TrainResult): void {
  const runs = config.checkpointsDir === "runs" ? "" : ` --checkpoints-dir ${quoted(config.checkpointsDir)}`;
  output.print(
    [
      `Done (${place(end)}). Losses and pictures: ${end.runDir}/index.html`,
      `  npx pix2pix test --name ${quoted(config.name)}${runs}`,
      `  npx pix2pix translate --name ${quoted(config.name)}${runs} --input FILE|FOLDER --out FOLDER`,
    ].join("\n"),
  );
}

async function configOf(given: Readonly<Record<string, unknown>>): Promise<Config> {
  if (given.continueTrain !== true) return parseConfig(given);
  const { name, checkpointsDir } = parseOptions(configSchema.pick({ name: true, checkpointsDir: true }), {
    name: given.name,
    checkpointsDir: given.checkpointsDir,
  });
  return resumeConfig(await storedConfig(checkpointsDir, name), { ...given, name, checkpointsDir });
}

/** The command that goes on with a run: the place of the run is all it needs. */
function continueCommand(config: Config): string {
  const place = optionsOf(configSchema)
    .filter(({ key }) => key === "name" || key === "checkpointsDir")
    .filter(({ key, default: initial }) => config[key as keyof Config] !== initial)
    .map(({ key, flag }) => ` ${flag} ${quoted(String(config[key as keyof Config]))}`);
  return `npx pix2pix train${place.join("")} --continue-train`;
}

function quoted(word: string): string {
  return /^[\w./=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
