/** pix2pix train */

import { parseOptions } from "../../config/options.ts";
import { type Config, configSchema, parseCommandLine, resumeCommandLine } from "../../config/schema.ts";
import { ConfigError } from "../../errors.ts";
import { files } from "../../node/files.ts";
import type { Listening } from "../../node/http.ts";
import type { Collective } from "../../platform.ts";
import { Run, weightsFile } from "../../run/run.ts";
import { translateCommand } from "../../text.ts";
import type { TrainResult } from "../../training/train.ts";
import type { Command, Output } from "../command.ts";
import { runFlags, storedConfig } from "../runs.ts";
import { openServer, serverOf } from "../server.ts";
import { place, trainShown } from "../training.ts";

/** The options of --help; --help-all lists the others, too. */
const common: readonly (keyof Config)[] = [
  ...(["dataroot", "direction", "datasetMode", "preprocess", "loadSize", "cropSize", "noFlip", "batchSize"] as const),
  ...(["netG", "ngf", "norm", "lambdaL1", "nEpochs", "nEpochsDecay", "lr", "valFreq"] as const),
  ...(["name", "continueTrain", "profile", "device", "serve"] as const),
];

export const train: Command = {
  name: "train",
  summary: "train a generator on pairs of pictures, or continue a run",
  schema: configSchema,
  common,
  examples: [
    "npx pix2pix train --dataroot data/facades --direction BtoA --name facades",
    "npx pix2pix train --name facades --continue-train",
    "npx pix2pix train --dataroot data/maps --netG unet_128 --ngf 32 --crop-size 128 --load-size 143 --name small",
    "npx pix2pix train --dataroot data/cmp --direction BtoA --profile article --name article",
  ],
  async run(given, output) {
    const collective = await openTogether();
    if (collective && collective.rank > 0) return trainAlong(given, collective);
    const config = await configOf(given, collective);
    const watched = await announceServer(config, output);
    const end = await trainShown(config, output, { collective }).finally(() => watched?.close());
    collective?.close();
    if (end.stopped) return end.code;
    if (end.steps === 0) {
      output.print(nothingLeft(config, end.step));
      return 0;
    }
    await finish(output, config, end);
    return 0;
  },
};

/**
 * Prints the address at which the run can be watched: that of a running server of its folder, else with --serve that of
 * a server that it starts and returns.
 */
async function announceServer({ name, checkpointsDir, serve }: Config, output: Output): Promise<Listening | undefined> {
  const running = await serverOf(checkpointsDir);
  const watch = (url: string) => output.print(`watch   ${url}#/runs/${encodeURIComponent(name)}`);
  if (running !== undefined) {
    watch(running);
    return undefined;
  }
  if (!serve) return undefined;
  const served = await openServer({ checkpointsDir, host: "127.0.0.1", port: 8080, readOnly: false }, output);
  watch(served.url);
  return served;
}

/** @param step the step of the run, which is at or beyond the end that the options set */
function nothingLeft({ maxSteps, earlyStop }: Pick<Config, "maxSteps" | "earlyStop">, step: number): string {
  const at = `Nothing left to do: the run is at step ${step}`;
  const larger = `a larger one, such as --max-steps ${2 * step}`;
  if (maxSteps === undefined || maxSteps > step) {
    const early = earlyStop === undefined ? "" : " or --early-stop";
    return `${at}, its end. To train on, give a larger --n-epochs, --n-epochs-decay${early}.`;
  }
  if (maxSteps === step) return `${at}, the limit of --max-steps. To train on, give ${larger}.`;
  return `${at}, beyond --max-steps ${maxSteps}, which is not stored in the run. To train on, leave it out, or give ${larger}.`;
}

async function finish(output: Output, config: Config, end: TrainResult): Promise<void> {
  const run = runFlags(config);
  output.print(`Done (${place(end)}). Losses and pictures: ${end.runDir}/index.html`);
  output.print(`  npx pix2pix test ${run}`);
  if (await files.exists(`${end.runDir}/${weightsFile("best", "G")}`))
    output.print(`  npx pix2pix test ${run} --epoch best    # the weights with the best ${config.valMetric}`);
  output.print(`  ${translateCommand(run, config)}`);
}

/** Connects the processes that MPI has started with this one. A failure of one ends all of them. */
async function openTogether(): Promise<Collective | undefined> {
  const { openCollective } = await import("../../node/mpi.ts");
  const collective = await openCollective();
  if (!collective) return undefined;
  let closed = false;
  process.on("exit", (code) => closed || collective.abort(code || 1));
  const close = () => {
    closed = true;
    collective.close();
  };
  return { ...collective, close };
}

/** Milliseconds before an error of this process is reported: mostly the first process has the same error, and reports it first. */
const errorDelay = 1000;

/** Trains as one of the processes that do not write files. It prints nothing but an error that the first process does not have. */
async function trainAlong(line: Given, collective: Collective): Promise<number> {
  const silent: Output = { print: () => {}, note: () => {} };
  try {
    const { code } = await trainShown(await configOf(line, collective), silent, { quiet: true, collective });
    collective.close();
    return code;
  } catch (error) {
    await new Promise((resolve) => setTimeout(resolve, errorDelay));
    throw error;
  }
}

type Given = Readonly<Record<string, unknown>>;

/** @param collective its number of processes is the default of --accumulate: each process computes one batch of a step */
async function configOf(line: Given, collective: Collective | undefined): Promise<Config> {
  const alone = await configOfOne(line);
  if (!collective || line.accumulate !== undefined || alone.continueTrain) return alone;
  return configOfOne({ ...line, accumulate: String(collective.size) });
}

async function configOfOne(line: Given): Promise<Config> {
  const place = { name: line.name, checkpointsDir: line.checkpointsDir };
  const asked = line.continueTrain;
  const given: typeof line = { ...line, continueTrain: asked === "if-present" ? await isPresent(place) : asked };
  if (given.continueTrain !== true) {
    if (given.dataroot === undefined) await suggestContinuing(place);
    return parseCommandLine(given);
  }
  const { name, checkpointsDir } = parseOptions(placeOptions, place);
  return resumeCommandLine(await storedConfig(checkpointsDir, name), { ...given, name, checkpointsDir });
}

/** Whether there is a run to go on with: a checkpoint, or weights kept before the first; undefined leaves the option out. */
async function isPresent(given: { name: unknown; checkpointsDir: unknown }): Promise<true | undefined> {
  return (await new Run(files, parseOptions(placeOptions, given)).hasWeights()) || undefined;
}

const placeOptions = configSchema.pick({ name: true, checkpointsDir: true });

/** @throws ConfigError for a run that exists: a user who names it without --dataroot probably wants to continue it */
async function suggestContinuing(given: { name: unknown; checkpointsDir: unknown }): Promise<void> {
  const { name, checkpointsDir } = parseOptions(placeOptions, given);
  if (given.name === undefined || !(await new Run(files, { name, checkpointsDir }).isStarted())) return;
  throw new ConfigError(
    `--dataroot is missing. The run "${name}" exists already: go on with it by --continue-train, or give --dataroot and ` +
      "another --name",
  );
}
