/**
 * Outputs of a generator beside their targets: pictures and scores. This is the only loop from loader to output
 * picture.
 */
import { Loader, type LoaderOptions, wholePictures } from "../data/loader.ts";
import { type DatasetMode, derivedSides, type FoundPairs, findPairs } from "../data/pairs.ts";
import { classesFirst, collectPalette, nearestColours, type Palette, paint } from "../data/palette.ts";
import { inputPicture, outputPicture, type SideOptions, showsColour } from "../data/sides.ts";
import type { Preprocess } from "../data/sizes.ts";
import { DatasetError } from "../errors.ts";
import { FeatureScorer, type FeatureScores, type FeatureScoring } from "../features/scorer.ts";
import { finiteMean, type Metrics, mean, measure, type PairMetrics, spread } from "../metrics/pictures.ts";
import { type ClassScores, Confusion, LabHistograms, type LabScores } from "../metrics/scores.ts";
import type { Picture, Platform } from "../platform.ts";
import type { Fit } from "./fit.ts";
import type { Translator } from "./translator.ts";

// ---- Pairs ----------------------------------------------------------------------------------------------------------

/** The choice of the pairs of a test set. */
export interface TestSetOptions {
  /** The folder of the pairs. Default: the run's. */
  dataroot?: string | undefined;
  /** Subfolder of the dataroot: "test" (default), "val", "train", ... */
  phase?: string | undefined;
  /** Layout of the dataroot. Default: the run's; for another dataroot the first layout that fits. */
  datasetMode?: DatasetMode | undefined;
  /** Only the first so many pairs. Default: all. */
  count?: number | undefined;
  skipUnpaired?: boolean | undefined;
  /** Leave out pairs that cannot be decoded. */
  skipBadImages?: boolean | undefined;
  /** Default: the run's. */
  preprocess?: Fit["preprocess"];
  /** Bytes of memory for decoded pictures, for a set that is read several times. Default 0. */
  cacheBytes?: number | undefined;
}

/** Pairs to compare outputs with. */
export interface TestSet extends FoundPairs {
  dataroot: string;
  phase: string;
  preprocess: Preprocess;
  /** Gives each pair whole and once, one a batch, in the order of `pairs`. */
  loader: Loader;
}

/**
 * Finds the pairs of a data set, prepared as a run takes them.
 * @param config the options of the run; `Translator.config` has them
 * @throws DatasetError when there are no pairs, or the data set has no such phase
 */
export async function openTestSet(
  config: LoaderOptions & { dataroot: string },
  options: TestSetOptions,
  platform: Pick<Platform, "files" | "images">,
): Promise<TestSet> {
  const { phase = "test", count, skipUnpaired, skipBadImages = false, cacheBytes = 0 } = options;
  const dataroot = options.dataroot ?? config.dataroot;
  // Layouts that derive a side from plain pictures cannot be recognised from the files.
  const derived = Object.keys(derivedSides(config.datasetMode)).length > 0;
  const datasetMode = options.datasetMode ?? (options.dataroot && !derived ? "auto" : config.datasetMode);
  const found = await findPairs(platform.files, dataroot, { phase, datasetMode, skipUnpaired, maxDatasetSize: count });
  const whole = wholePictures({ ...config, preprocess: options.preprocess ?? config.preprocess });
  const loader = new Loader(found.pairs, { ...config, ...whole, skipBadImages, cacheBytes }, platform);
  return { ...found, dataroot, phase, preprocess: whole.preprocess, loader };
}

/** The colours of the first targets of a loader; none where the targets are no label maps of few colours. */
export async function paletteOfTargets(options: SideOptions, loader: Loader): Promise<Palette> {
  const targets: Picture[] = [];
  for (let index = 0; index < Math.min(50, loader.batchesPerEpoch); index++) {
    const { A, B, height, width } = await loader.batch(1, index);
    targets.push(outputPicture(B, A, options, height, width));
  }
  return collectPalette(targets);
}

// ---- Outputs --------------------------------------------------------------------------------------------------------

/** A pair with the outputs for its input, as 8-bit pictures. */
export interface TranslatedPair {
  index: number;
  name: string;
  /** Whether this is another pair than the one at `index`, which could not be decoded (`skipBadImages`). */
  replaced: boolean;
  input: Picture;
  /** One for each sample. */
  outputs: Picture[];
  target: Picture;
  /** Duration of the generator for each output. */
  seconds: number[];
}

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
      ...{ index, name, replaced, outputs, seconds },
      ...{ input: inputPicture(A, config, height, width), target: picture(B) },
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

/** One pair with its outputs and its scores. */
export interface ScoredPair extends TranslatedPair {
  metrics: PairMetrics;
  /** With several samples: where they differ. */
  spread: Picture | undefined;
  /** With a palette: the first output in its colours. */
  classes: Picture | undefined;
}

/** Scores of the classes of all pairs together. */
export interface ClassEvaluation extends ClassScores {
  /** In the order of the palette. */
  each: ({ name: string } & Omit<ClassScores, "pixel">)[];
}

/** The scores of a run on a test set. */
export interface Evaluation {
  /** In the order of the pairs; those that could not be decoded are left out. */
  pairs: { name: string; metrics: PairMetrics }[];
  /** Means over the pairs, of each metric over those where it is finite; NaN where it is for none. */
  mean: Metrics & Pick<PairMetrics, "lpips">;
  /** With a palette. */
  classes?: ClassEvaluation;
  /**
   * For outputs in colour: how alike the colours of all outputs and of all targets are, 0 to 1 (Isola et al. 2017,
   * 4.1).
   */
  labIntersection?: LabScores;
  /** With `features`. */
  features?: FeatureScores;
  /** Of the generator alone, without the first output, which also compiles it. */
  secondsPerImage: number;
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
  { samples = 1, palette, features, onPair }: EvaluateOptions = {},
): Promise<Evaluation> {
  const scorer = features && new FeatureScorer(features);
  const colours = showsColour(translator.config) ? new LabHistograms() : undefined;
  const classes = palette && new ClassScorer(palette);
  const pairs: Evaluation["pairs"] = [];
  const seconds: number[] = [];
  for await (const pair of translatePairs(translator, loader, samples)) {
    if (pair.replaced) continue;
    for (const output of pair.outputs) colours?.add(output, pair.target);
    const scored = scoredPair(pair, classes);
    const lpips = await scorer?.add(pair.outputs, pair.target, pair.name);
    if (lpips !== undefined) scored.metrics.lpips = lpips;
    pairs.push({ name: pair.name, metrics: scored.metrics });
    seconds.push(...pair.seconds);
    await onPair?.(scored);
  }
  if (pairs.length === 0) throw new DatasetError("none of the pairs can be decoded, so there is nothing to test");
  const lab = colours?.intersection();
  const timed = seconds.length > 1 ? seconds.slice(1) : seconds;
  return {
    pairs,
    mean: meanOf(pairs.map(({ metrics }) => metrics)),
    ...(classes && { classes: classes.evaluation() }),
    ...(lab && { labIntersection: lab }),
    ...(scorer && { features: scorer.scores() }),
    secondsPerImage: timed.reduce((sum, each) => sum + each, 0) / timed.length,
  };
}

function meanOf(all: readonly PairMetrics[]): Evaluation["mean"] {
  const of = (metric: keyof PairMetrics) => finiteMean(all, metric).mean;
  const lpips = all.some((metrics) => metrics.lpips !== undefined) ? { lpips: of("lpips") } : {};
  return { l1: of("l1"), psnr: of("psnr"), ssim: of("ssim"), sharpness: of("sharpness"), ...lpips };
}

function scoredPair(pair: TranslatedPair, classes: ClassScorer | undefined): ScoredPair {
  const { outputs, target } = pair;
  const right = outputs.map((output) => classes?.add(output, target) ?? 0);
  const differences = outputs.length > 1 ? spread(outputs) : undefined;
  const metrics: PairMetrics = {
    ...mean(outputs.map((output) => measure(output, target))),
    ...(classes && { pixel: right.reduce((sum, share) => sum + share, 0) / outputs.length }),
    ...(differences && { spread: differences.mean }),
  };
  return { ...pair, metrics, spread: differences?.picture, classes: classes?.painted(outputs[0]!) };
}

/** Compares label maps by the nearest colours of a palette; colours that are no class are not scored. */
class ClassScorer {
  readonly #palette: Palette;
  readonly #names: string[];
  readonly #confusion: Confusion;

  constructor(palette: Palette) {
    const { colours, classes } = classesFirst(palette);
    this.#palette = colours;
    this.#names = classes;
    this.#confusion = new Confusion(this.#names.length);
  }

  /** @returns the share of pixels of the right class */
  add(output: Picture, target: Picture): number {
    return this.#confusion.add(nearestColours(output, this.#palette), nearestColours(target, this.#palette));
  }

  painted(picture: Picture): Picture {
    return paint(nearestColours(picture, this.#palette), this.#palette, picture);
  }

  evaluation(): ClassEvaluation {
    const each = this.#confusion.perClass().map((scores, i) => ({ name: this.#names[i]!, ...scores }));
    return { ...this.#confusion.scores(), each };
  }
}
