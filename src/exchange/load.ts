/** Networks of files in memory, ready to run, to train or to be written as a run. */
import type { Config } from "../config/schema.ts";
import { NetworkState } from "../engines/state.ts";
import { CheckpointError } from "../errors.ts";
import type { StoredTensor } from "../formats/safetensors.ts";
import { float32Tensor, type SourceTensor } from "../formats/tensors.ts";
import { openWeights, type WeightsFile } from "../formats/weights-file.ts";
import { generatorGraph, trainingStep } from "../model/pix2pix.ts";
import { generators } from "../networks/generators.ts";
import type { Files } from "../platform.ts";
import { loadWeights } from "../run/run.ts";
import { type Described, describe, nameOf, optionsShown } from "./describe.ts";
import { type FoundNetwork, networksIn } from "./networks-in.ts";

/** Copies the tensors of a found network into one of the same architecture. @throws CheckpointError with both shapes */
export async function fill(
  state: NetworkState,
  { tensors, path }: Pick<FoundNetwork, "tensors" | "path">,
): Promise<void> {
  loadWeights(state, await stored(tensors, path), path);
}

/** All tensors as F32; counts of batches stay integers. */
async function stored(tensors: ReadonlyMap<string, SourceTensor>, path: string): Promise<Record<string, StoredTensor>> {
  const values: Record<string, StoredTensor> = Object.create(null);
  for (const [name, source] of tensors) {
    values[name] = name.endsWith("num_batches_tracked") ? await source.read() : await float32Tensor(source, name, path);
  }
  return values;
}

/**
 * Copies the weights of a file (--init-g, --init-d) into a network: safetensors, or PyTorch's .pth.
 * @throws CheckpointError for a file of another network or another architecture, with the tensor and both shapes
 */
export async function initialiseFrom(state: NetworkState, files: Files, path: string): Promise<void> {
  const network = state.network === "netG" ? "G" : "D";
  const file = await openWeights(files, path);
  // A file of this program may hold a network that `networksIn` does not recognise by its tensors.
  const own = state.specs.every(({ name }) => file.tensors.has(name));
  try {
    await fill(state, own ? file : theNetwork(networksIn(file), network, path));
  } catch (error) {
    const shown = error instanceof CheckpointError ? recognised(file, network) : undefined;
    throw shown ? new CheckpointError(`${(error as Error).message} Its tensors show ${optionsShown(shown)}.`) : error;
  }
}

/** The network of this kind in a file; undefined where `networksIn` does not recognise it. */
function recognised(file: WeightsFile, network: "G" | "D"): FoundNetwork | undefined {
  try {
    return networksIn(file).find((each) => each.network === network);
  } catch (error) {
    if (error instanceof CheckpointError) return undefined;
    throw error;
  }
}

/** @throws CheckpointError where the file has only the other network */
function theNetwork(found: readonly FoundNetwork[], network: "G" | "D", path: string): FoundNetwork {
  const wanted = found.find((each) => each.network === network);
  if (wanted) return wanted;
  const [first] = found[0]?.facts ?? [];
  const names = { G: "a generator", D: "a discriminator" };
  throw new CheckpointError(
    `${path} holds ${names[network === "G" ? "D" : "G"]} (${first?.key} ${first?.value}: ${first?.from}), expected ${names[network]}. ` +
      `Give the other file, such as latest_net_${network}.pth.`,
  );
}

/** The generator of a file, with the options that it needs. */
export interface LoadedGenerator extends Described {
  state: NetworkState;
}

/**
 * Reads the generator of a file of weights: its architecture is read off the tensors.
 * @param given options of the user, as text, for what the tensors do not show
 * @throws CheckpointError for a file that cannot be read or holds no generator
 * @throws ConfigError for an option that the tensors contradict
 */
export async function loadGenerator(
  path: string,
  files: Files,
  given: Readonly<Record<string, unknown>> = {},
): Promise<LoadedGenerator> {
  const found = theNetwork(networksIn(await openWeights(files, path)), "G", path);
  const described = describe([found], { ...given, name: nameOf(path) });
  const state = generatorState(described.config);
  await fill(state, found);
  return { ...described, state };
}

/** A generator of these options, with zeros. */
export function generatorState(config: Config): NetworkState {
  const side = generators[config.netG].multiple;
  return new NetworkState(generatorGraph(config, { n: 1, height: side, width: side }).netG);
}

/** Both networks of these options, with zeros. */
export function statesOf(config: Config): { netG: NetworkState; netD: NetworkState } {
  const { netG, netD } = trainingStep(
    { ...config, lambdaGan: config.lambdaGan || 1 },
    { n: 1, height: config.cropHeight, width: config.cropSize },
  );
  return { netG: new NetworkState(netG, { averaged: config.ema > 0 }), netD: new NetworkState(netD) };
}
