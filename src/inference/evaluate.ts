/**
 * Outputs of a generator beside their targets: pictures and scores. This is the only loop from loader to output
 * picture.
 */
import { checkInstanceSizes } from "../data/instance-sizes.ts";
import { checkLabelMaps } from "../data/label-maps.ts";
import { Loader, type LoaderOptions, wholePictures } from "../data/loader.ts";
import { type DatasetMode, derivedSides, type FoundPairs, findPairs } from "../data/pairs.ts";
import { collectPalette, type Palette } from "../data/palette.ts";
import { plainNotes } from "../data/sample.ts";
import { inputPicture, outputPicture, type SideOptions, showsColour } from "../data/sides.ts";
import type { Preprocess } from "../data/sizes.ts";
import type { FeatureScoring } from "../features/scorer.ts";
import type { Picture, Platform } from "../platform.ts";
import type { Fit } from "./fit.ts";
import { type Evaluation, type ScoredPair, Tally, type TranslatedPair } from "./tally.ts";
import type { Translator } from "./translator.ts";

export type { ClassEvaluation, Evaluation, ScoredPair, TranslatedPair } from "./tally.ts";

// ---- Pairs ----------------------------------------------------------------------------------------------------------

/** Which pairs a test set has, and how they are prepared. */
export interface TestSetOptions {
  /** The folder of the pairs. Default: the run's. */
  dataroot?: string | undefined;
  /** Subfolder of the dataroot: "test" (default), "val", "train", ... */
  phase?: string | undefined;
  /** The option that names the phase, for messages. Default: "--phase". */
  phaseOption?: string | undefined;
  /** Layout of the dataroot. Default: the run's; for another dataroot the first layout that fits. */
  datasetMode?: DatasetMode | undefined;
  /** Only the first so many pairs. Default: all. */
  count?: number | undefined;
  skipUnpaired?: boolean | undefined;
  /** Leave out pairs that cannot be decoded. */
  skipBadImages?: boolean | undefined;
  /** Default: the run's. */
  preprocess?: Fit["preprocess"] | undefined;
  /** Bytes of memory for decoded pictures, for a set that is read several times. Default 0. */
  cacheBytes?: number | undefined;
}

/** Pairs to compare outputs with. */
export interface TestSet extends FoundPairs {
  dataroot: string;
  phase: string;
  preprocess: Preprocess;
  /** Batches of one pair, not cropped, each pair once and in the order of `pairs`. */
  loader: Loader;
  /** Such a loader for some of the pairs. */
  loaderOf(pairs: TestSet["pairs"]): Loader;
}

type Access = Pick<Platform, "files" | "images">;

/**
 * Finds the pairs of a data set, to be prepared as for a run.
 * @param config the options of the run; `Translator.config` has them
 * @throws DatasetError when there are no pairs, the data set has no such phase, instance maps have other sizes than their label maps, or label
 *   maps have other values than class numbers
 */
export async function openTestSet(
  config: LoaderOptions & { dataroot: string },
  options: TestSetOptions,
  platform: Access,
): Promise<TestSet> {
  const set = await listTestSet(config, options, platform);
  await checkInstanceSizes(set.pairs, config, platform);
  set.notes.push(...(await checkLabelMaps(set.pairs, config, platform)));
  // For the run's own pictures training has printed these notes.
  if (options.dataroot !== undefined) {
    set.notes.push(...(await plainNotes(set, options.datasetMode ?? "auto", platform)));
  }
  return set;
}

/** As `openTestSet`, but reads only the names of files: no picture is decoded or checked. */
export async function listTestSet(
  config: LoaderOptions & { dataroot: string },
  options: TestSetOptions,
  platform: Access,
): Promise<TestSet> {
  const { phase = "test", phaseOption, count, skipUnpaired, skipBadImages = false, cacheBytes = 0 } = options;
  const dataroot = options.dataroot ?? config.dataroot;
  // Layouts that derive a side from plain pictures cannot be recognised from the files.
  const derived = Object.keys(derivedSides(config.datasetMode)).length > 0;
  const datasetMode = options.datasetMode ?? (options.dataroot && !derived ? "auto" : config.datasetMode);
  const { inputInstances } = config;
  const choice = { phase, phaseOption, datasetMode, skipUnpaired, maxDatasetSize: count, inputInstances };
  const found = await findPairs(platform.files, dataroot, choice);
  const whole = wholePictures({ ...config, preprocess: options.preprocess ?? config.preprocess });
  const loaderOf: TestSet["loaderOf"] = (pairs) =>
    new Loader(pairs, { ...config, ...whole, skipBadImages, cacheBytes }, platform);
  const loader = loaderOf(found.pairs);
  return { ...found, dataroot, phase, preprocess: whole.preprocess, loader, loaderOf };
}

/** The colours of the first targets of a loader; empty where the targets are not label maps of few colours. */
export async function paletteOfTargets(options: SideOptions, loader: Loader): Promise<Palette> {
  const targets: Picture[] = [];
  for (let index = 0; index < Math.min(50, loader.batchesPerEpoch); index++) {
    const { A, B, height, width } = await loader.batch(1, index);
    targets.push(outputPicture(B, A, options, height, width));
  }
  return collectPalette(targets);
}

// ---- Outputs --------------------------------------------------------------------------------------------------------

/**
 * Translates every pair of a loader, in its order.
 * @param loader with batches of one pair, in the order of the names
 * @param samples outputs for each pair, with different dropout masks
 */
export async function* translatePairs(
  translator: Translator,
  loader: Loader,
  samples = 1,
): AsyncGenerator<TranslatedPair, void, void> {
  const { config } = translator;
  for (let index = 0; index < loader.batchesPerEpoch; index++) {
    // Epochs count from 1; a loader that crops at random gives the same crops for the same epoch.
    const { A, B, height, width, names } = await loader.batch(1, index);
    const name = names[0]!;
    const picture = (values: Float32Array) => outputPicture(values, A, config, height, width);
    const outputs: Picture[] = [];
    const seconds: number[] = [];
    for (let sample = 0; sample < samples; sample++) {
      const began = performance.now();
      const values = await translator.run(A, 1, height, width, { name, sample });
      seconds.push((performance.now() - began) / 1000);
      outputs.push(picture(values));
    }
    const replaced = name !== loader.names[index];
    yield {
      index,
      name,
      replaced,
      outputs,
      seconds,
      input: inputPicture(A, config, height, width),
      target: picture(B),
    };
  }
}

// ---- Scores ---------------------------------------------------------------------------------------------------------

/** How pairs are scored, and what is called with each. */
export interface EvaluateOptions {
  /** Outputs for each pair, with different dropout masks; scores are their means. Default 1. */
  samples?: number | undefined;
  /** For label maps: outputs and targets take the nearest of these colours, and their classes are compared. */
  palette?: Palette | undefined;
  /** For FID and KID on the features of a network, and for LPIPS where it has linear layers. */
  features?: FeatureScoring | undefined;
  /** Called with each pair as soon as it is scored, and waited for. */
  onPair?: ((pair: ScoredPair) => Promise<void> | void) | undefined;
}

/**
 * Scores a generator on pairs: L1, PSNR, SSIM and sharpness of each output against its target; on request class scores, LPIPS,
 * KID and FID.
 * @throws DatasetError when no pair can be decoded
 *
 * @example
 * ```ts
 * import { evaluate, openTestSet, openTranslator } from "pix2pix";
 * import { nodePlatform } from "pix2pix/node";
 *
 * const platform = await nodePlatform();
 * const translator = await openTranslator({ name: "mine", checkpointsDir: "runs" }, platform);
 * const { loader } = await openTestSet(translator.config, { phase: "test" }, platform);
 * const { mean, pairs } = await evaluate(translator, loader);
 * console.log(`L1 ${mean.l1}, PSNR ${mean.psnr} dB, SSIM ${mean.ssim} over ${pairs.length} pairs`);
 * await translator.close();
 * ```
 */
export async function evaluate(
  translator: Translator,
  loader: Loader,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  return (await score(translator, loader, options)).evaluation();
}

/** As `evaluate`, but returns the tally: for a part of the pairs, to be merged with the tallies of the others. */
export async function score(
  translator: Translator,
  loader: Loader,
  { samples = 1, palette, features, onPair }: EvaluateOptions = {},
): Promise<Tally> {
  const tally = new Tally({ colours: showsColour(translator.config), palette, features });
  for await (const pair of translatePairs(translator, loader, samples)) {
    if (pair.replaced) continue;
    const scored = await tally.add(pair);
    await onPair?.(scored);
  }
  return tally;
}
