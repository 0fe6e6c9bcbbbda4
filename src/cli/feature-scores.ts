/** KID and FID of commands: options, files, and how the scores are reported. */
import * as z from "zod";
import { option } from "../config/options.ts";
import { ConfigError } from "../errors.ts";
import { FeatureExtractor } from "../features/extractor.ts";
import type { FeatureResizeName } from "../features/resizes.ts";
import { type FeatureScores, type FeatureScoring, figureNames } from "../features/scorer.ts";
import { readStatistics } from "../features/statistics.ts";
import type { Evaluation } from "../inference/evaluate.ts";
import type { Platform } from "../platform.ts";
import type { SetScore } from "../report/results-page.ts";
import type { Output } from "./command.ts";

/** Options of commands that score outputs, beside those of the network. */
export const featureTestOptions = {
  reference: option(z.string().min(1).optional(), {
    group: "features",
    value: "FILE",
    absent: "the targets of the test",
    help: "compare the outputs with this set, a file of pix2pix data statistics",
  }),
  kidSubsets: option(z.int().min(1).max(100_000).default(100), {
    group: "features",
    unit: "subsets",
    help: "subsets of KID, where a set has more pictures than --kid-subset-size",
  }),
  kidSubsetSize: option(z.int().min(2).optional(), {
    group: "features",
    unit: "pictures",
    absent: "1000, or all pictures of a smaller set",
    help: "pictures of each set in a subset of KID",
  }),
  kidSeed: option(z.int().min(0).max(0xffffffff).default(2020), {
    group: "features",
    help: "seed of KID's subsets; the same seed gives those of torch-fidelity",
  }),
};

/** The options that a command with feature scores has. */
interface Given {
  features?: string | undefined;
  lpips?: string | undefined;
  featureResize: FeatureResizeName;
  reference?: string | undefined;
  kidSubsets: number;
  kidSubsetSize?: number | undefined;
  kidSeed: number;
  threads?: number | undefined;
}

/**
 * Opens the feature network of --features and the set of --reference, and prints notes on both.
 * @returns undefined without --features
 * @throws ConfigError for options that need --features, CheckpointError for files of other networks
 */
export async function openFeatures(
  given: Given,
  platform: Platform,
  output: Output,
): Promise<FeatureScoring | undefined> {
  const { features, lpips, featureResize: resize, reference: path, threads } = given;
  if (features === undefined) {
    const [flag] = [lpips && "--lpips", path && "--reference"].filter(Boolean);
    if (flag) throw new ConfigError(`${flag} needs --features FILE, the weights of a feature network`);
    return undefined;
  }
  const extractor = await FeatureExtractor.open({ features, lpips, resize, threads }, platform);
  const { label, published } = extractor.file;
  output.note(`features: ${label}, ${published ?? "not a published file, so figures carry the network's name"}`);
  const reference = path === undefined ? undefined : await readStatistics(platform.files, path, extractor.identity);
  if (reference) output.note(`reference: ${reference.rows.count} pictures, ${reference.source}`);
  const { kidSubsets: subsets, kidSubsetSize: subsetSize, kidSeed: seed } = given;
  return { extractor, reference, subsets, subsetSize, seed };
}

/**
 * Refuses sets that are too small before anything is scored.
 * @param pictures of the test @param samples outputs for each
 * @throws ConfigError
 */
export function checkSetSizes({ reference, subsetSize = 2 }: FeatureScoring, pictures: number, samples: number): void {
  if (pictures < 2) {
    throw new ConfigError(`--features: KID and FID compare sets of at least two pictures; the test has ${pictures}`);
  }
  const [outputs, targets] = [pictures * samples, reference?.rows.count ?? pictures];
  if (subsetSize <= Math.min(outputs, targets)) return;
  throw new ConfigError(
    `--kid-subset-size: got ${subsetSize}, expected 2 to ${Math.min(outputs, targets)}: there are ${outputs} outputs and ${targets} targets`,
  );
}

/** Facts about the feature network for a page and metrics.json. */
export function featureFacts(scoring: FeatureScoring | undefined): Record<string, string> {
  if (!scoring) return {};
  const { extractor, reference } = scoring;
  const { file, linear, resize } = extractor;
  return {
    features: `${file.label}, ${resize}`,
    ...(linear && {
      lpips: linear.published ? `LPIPS v0.1 ${linear.published}` : `layers ${linear.weights.slice(0, 8)}`,
    }),
    ...(reference && { reference: `${reference.rows.count} pictures, ${reference.source}` }),
  };
}

/** Below this number of pictures the bias of FID, which depends on the number, is large (Binkowski et al. 2018). */
const enoughForFid = 2048;

/** KID first: it is unbiased, so that small sets can be compared. */
export function featureScores({ features }: Pick<Evaluation, "features">): SetScore[] {
  if (!features) return [];
  const { kid, fid, outputs, targets } = features;
  const names = figureNames(features);
  const least = Math.min(outputs, targets);
  const sets = `${outputs} outputs, ${targets} targets, resized as ${features.resize}`;
  const subsets = kid.subsets > 1 ? `; ${kid.subsets} subsets of ${kid.subsetSize}, std ${digits(kid.std)}` : "";
  const biased =
    least < enoughForFid
      ? `: biased upwards with ${least} pictures, so compare it with sets of this size only, and prefer KID`
      : "";
  return [
    {
      label: names.kid,
      value: `${digits(kid.mean)} \u00b1 ${digits(kid.error)}`,
      meaning: `distance of all outputs from all targets, about 0 for alike sets, \u00b1 standard error; ${sets}${subsets}`,
    },
    { label: names.fid, value: digits(fid), meaning: `the same by mean and covariance${biased}` },
  ];
}

const digits = (value: number): string => (Number.isFinite(value) ? String(Number(value.toPrecision(4))) : "\u2013");

/** The scores in metrics.json. */
export function storedScores({ rows: _, ...scores }: FeatureScores): Omit<FeatureScores, "rows"> {
  return scores;
}
