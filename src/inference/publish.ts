/**
 * A run as files for a page: its options, the weights of its generator in few bytes, the palette of its inputs, and examples. The
 * page opens them as it opens any run (`web/published.ts`), so its outputs are those of Node with the same weights.
 */
import type { Config } from "../config/schema.ts";
import type { DrawingKit } from "../data/drawing.ts";
import { NetworkState } from "../engines/state.ts";
import { compactWeights, expandWeights, type Precision } from "../formats/compact.ts";
import { decode, encode, type StoredTensor } from "../formats/safetensors.ts";
import { joined } from "../formats/streams.ts";
import { generatorGraph } from "../model/pix2pix.ts";
import { norms } from "../nn/norms.ts";
import type { Picture, Platform } from "../platform.ts";
import { configFile, weightsFile } from "../run/paths.ts";
import { loadWeights } from "../run/run.ts";
import { Translator } from "./translator.ts";

/** index.json in the folder of published runs. */
export interface PublishedIndex {
  runs: PublishedRun[];
}

/** The facts of a generator that the studio needs. */
export interface StudioFacts {
  /** The size of pictures in training. */
  width: number;
  height: number;
  /** Whether the generator has dropout, so that samples differ. */
  stochastic: boolean;
  /** Whether its norms are batch norms. */
  batchNorms: boolean;
}

export interface PublishedRun extends StudioFacts {
  name: string;
  title: string;
  drawing: DrawingKit;
  /** PNG files, relative to the folder of the run. The first has an output, to show before the generator is loaded. */
  examples: readonly { name: string; input: string; target?: string; output?: string }[];
  /** Further examples are drawn by the rules of the built-in data set. */
  drawn?: "facades";
}

/** A generator: its name, its options, and its weights by their PyTorch names. */
export interface PublishSource {
  name: string;
  config: Config;
  tensors: Readonly<Record<string, StoredTensor>>;
}

export interface PublishOptions {
  precision: Precision;
  /** Default: the name of the run. */
  title?: string | undefined;
  drawing: DrawingKit;
  /** Inputs to show, with their targets. The output of the first is computed. */
  examples: readonly { name: string; input: Picture; target?: Picture }[];
  drawn?: PublishedRun["drawn"];
}

export interface Published {
  entry: PublishedRun;
  /** By their paths, relative to the folder of the run. */
  files: ReadonlyMap<string, Uint8Array>;
}

/**
 * The files of a run for a page, and its entry in index.json.
 * @throws CheckpointError for weights of another network than the config's
 */
export async function publishRun(
  { name, config: stored, tensors }: PublishSource,
  options: PublishOptions,
  platform: Platform,
): Promise<Published> {
  const { precision, title = name, drawing, drawn } = options;
  // Options that name folders or devices of this machine are not published.
  const config: Config = { ...stored, name, dataroot: "none", device: "auto", threads: undefined };
  const compact = compactWeights(tensors, precision);
  const weights = joined(encode(compact));
  const files = new Map<string, Uint8Array>();
  files.set(configFile, new TextEncoder().encode(JSON.stringify(config)));
  files.set(weightsFile("latest", "G"), weights);
  const examples = await exampleFiles(options.examples, platform, files);
  const [first] = options.examples;
  if (first) {
    const output = `${stem(0)}_output.png`;
    files.set(output, await platform.images.encodePng(await translated(config, weights, first, platform)));
    examples[0] = { ...examples[0]!, output };
  }
  const entry: PublishedRun = {
    name,
    title,
    ...studioFacts(config),
    drawing,
    examples,
    ...(drawn && { drawn }),
  };
  return { entry, files };
}

/** The facts of a generator with these options. */
export function studioFacts(config: Config): StudioFacts {
  const { cropSize: width, cropHeight: height, norm } = config;
  // The options do not tell: with `--dropout-levels second` a small U-Net has no dropout. The graph's masks do.
  const { netG } = generatorGraph(config, { n: 1, height, width });
  return { width, height, stochastic: netG.masks.length > 0, batchNorms: !norms[norm].perPicture };
}

const stem = (index: number) => `example_${index + 1}`;

async function exampleFiles(
  examples: PublishOptions["examples"],
  { images }: Platform,
  files: Map<string, Uint8Array>,
): Promise<PublishedRun["examples"][number][]> {
  const entries: PublishedRun["examples"][number][] = [];
  for (const [i, { name, input, target }] of examples.entries()) {
    const entry = { name, input: `${stem(i)}.png`, ...(target && { target: `${stem(i)}_target.png` }) };
    files.set(entry.input, await images.encodePng(input));
    if (target && entry.target) files.set(entry.target, await images.encodePng(target));
    entries.push(entry);
  }
  return entries;
}

/** The output of the published weights, which differ a little from the run's. */
async function translated(
  config: Config,
  weights: Uint8Array,
  { name, input }: PublishOptions["examples"][number],
  platform: Platform,
): Promise<Picture> {
  const { netG } = generatorGraph(config, { n: 1, height: config.cropHeight, width: config.cropSize });
  const state = new NetworkState(netG);
  loadWeights(state, decode(expandWeights(weights, "weights")).tensors, "weights");
  const translator = new Translator({ config, state, platform });
  try {
    return await translator.translate(input, { name }, { preprocess: "none" });
  } finally {
    await translator.close();
  }
}
