/** Makes a run from files of weights. */

import type { NetworkState } from "../engines/state.ts";
import { CheckpointError } from "../errors.ts";
import { encode } from "../formats/safetensors.ts";
import { openWeights } from "../formats/weights-file.ts";
import type { Files } from "../platform.ts";
import { dataFile } from "../run/paths.ts";
import { type Progress, Run, weightsFile } from "../run/run.ts";
import { notFinite, weightTensors } from "../run/weights.ts";
import { type Described, describe } from "./describe.ts";
import { fill, generatorState, statesOf } from "./load.ts";
import { type FoundNetwork, networksIn } from "./networks-in.ts";
import { fillMoments, type Optimizers, optimizersIn } from "./optimizers.ts";

/** The files, and the run to make. */
export interface ImportOptions {
  /** Paths of files of weights: a generator, and a discriminator if there is one. */
  from: readonly string[];
  name: string;
  checkpointsDir: string;
  /** Options of the user, as text, for what the tensors do not show. */
  given?: Readonly<Record<string, unknown>> | undefined;
}

/** A run that was made. */
export interface ImportedRun extends Described {
  run: Run;
  networks: readonly FoundNetwork[];
  /** How far its training has come. Present where the files have the optimizers' moments, so that it can be continued. */
  progress?: Progress;
}

/**
 * Writes a run folder with the networks of files. The architecture is found from the tensors; what they do not show (direction,
 * dropout, sizes) are the defaults of the files' system unless `given` says otherwise.
 * @throws CheckpointError for files that cannot be read or hold no generator, for weights that are not finite, and for a run that exists
 * @throws ConfigError for an option that the tensors contradict
 * @throws UserError for a run that another process trains or imports
 */
export async function importRun(options: ImportOptions, files: Files): Promise<ImportedRun> {
  const run = new Run(files, options);
  return run.locked(() => importInto(run, options, files));
}

async function importInto(run: Run, options: ImportOptions, files: Files): Promise<ImportedRun> {
  const { from, name, checkpointsDir, given } = options;
  if (await run.isStarted()) {
    throw new CheckpointError(`The run ${run.dir} exists already. Choose another --name, or remove the folder.`);
  }
  const networks: FoundNetwork[] = [];
  let optimizers: Optimizers | undefined;
  for (const path of from) {
    const file = await openWeights(files, path);
    const found = await optimizersIn(file);
    if (found) optimizers = found;
    else networks.push(...networksIn(file));
  }
  const [g, d] = (["G", "D"] as const).map((network) => onlyOne(networks, network));
  if (!g) {
    throw new CheckpointError(
      from.length === 0
        ? "from: got no file, expected the path of a generator's file of weights, and of a discriminator's if there is one."
        : `${from.join(", ")}: there is no generator, only a discriminator. Add the generator's file.`,
    );
  }
  const described = describe(networks, { ...given, name, checkpointsDir }, optimizers?.config);
  const { config } = described;
  const states = d ? statesOf(config) : { netG: generatorState(config) };
  await fillFinite(states.netG, g);
  if (d && "netD" in states) await fillFinite(states.netD, d);
  if (optimizers) {
    if (!("netD" in states))
      throw new CheckpointError(`${optimizers.path} needs the discriminator, too. Add its file.`);
    for (const net of [states.netG, states.netD]) await fillMoments(net, optimizers);
    states.netG.startAverage();
  }
  if (optimizers && "netD" in states) {
    if (optimizers.record !== "") await files.write(run.path(dataFile), optimizers.record);
    await run.saveLatest(states, optimizers.progress);
  } else {
    await files.write(run.path(weightsFile("latest", "G")), encode(weightTensors(states.netG)));
    if ("netD" in states) await files.write(run.path(weightsFile("latest", "D")), encode(weightTensors(states.netD)));
  }
  // The options come last, because a folder counts as a run as soon as it has them.
  await run.saveConfig(config);
  return { ...described, run, networks, ...(optimizers && { progress: optimizers.progress }) };
}

/** Fills a network. @throws CheckpointError for weights that are not finite */
async function fillFinite(state: NetworkState, found: FoundNetwork): Promise<void> {
  await fill(state, found);
  const damaged = notFinite(weightTensors(state));
  if (damaged === undefined) return;
  throw new CheckpointError(
    `${found.path} cannot be imported: ${damaged} holds values that are not finite, so the network would give empty pictures. ` +
      "Its training has failed; take the weights of an earlier epoch.",
  );
}

/** @throws CheckpointError where two files hold the same kind of network */
function onlyOne(networks: readonly FoundNetwork[], network: "G" | "D"): FoundNetwork | undefined {
  const [one, two] = networks.filter((each) => each.network === network);
  if (one && two) {
    const name = network === "G" ? "generators" : "discriminators";
    throw new CheckpointError(`${one.path} and ${two.path} are both ${name}; a run has one of them. Give one.`);
  }
  return one;
}
