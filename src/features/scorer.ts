/** FID, KID and LPIPS of a test set, which is added pair by pair. */
import { UserError } from "../errors.ts";
import { type FeatureRows, featureRows } from "../metrics/features.ts";
import { frechetDistance, moments } from "../metrics/fid.ts";
import { type Kid, type KidOptions, kernelDistance } from "../metrics/kid.ts";
import type { Picture } from "../platform.ts";
import type { FeatureExtractor } from "./extractor.ts";
import type { FeatureFile } from "./file.ts";
import { featureNetworks } from "./networks.ts";
import type { FeatureStatistics } from "./statistics.ts";

/** How outputs are scored on features. */
export interface FeatureScoring extends KidOptions {
  extractor: FeatureExtractor;
  /** The set that outputs are compared with. Default: the targets of the pairs. */
  reference?: FeatureStatistics | undefined;
}

/** The scores of a set of outputs on the features of a network. */
export interface FeatureScores {
  /** The network, in words. */
  network: string;
  resize: string;
  /** Whether these are the figures of papers: the published Inception of 2015. */
  published: boolean;
  kid: Kid;
  fid: number;
  /** Pictures of the outputs and of the set that they are compared with. */
  outputs: number;
  targets: number;
  /** The features themselves. */
  rows: { outputs: FeatureRows; targets: FeatureRows };
}

/** The features of a pair: of each output, and of the target where outputs are compared with targets. */
export interface FeaturePair {
  name: string;
  outputs: readonly Float32Array[];
  target?: Float32Array | undefined;
}

/** Collects the features of outputs and targets. */
export class FeatureScorer {
  readonly #scoring: FeatureScoring;
  /** In the order in which they were added. */
  readonly pairs: FeaturePair[] = [];

  constructor(scoring: FeatureScoring) {
    this.#scoring = scoring;
  }

  /**
   * Adds the outputs of a pair.
   * @returns the mean LPIPS of the outputs against the target; undefined without linear layers
   */
  async add(outputs: readonly Picture[], target: Picture, name: string): Promise<number | undefined> {
    const { extractor, reference } = this.#scoring;
    const rows: Float32Array[] = [];
    for (const output of outputs) rows.push(await extractor.features(output, name));
    this.pairs.push({ name, outputs: rows, target: reference ? undefined : await extractor.features(target, name) });
    if (!extractor.linear) return undefined;
    let sum = 0;
    for (const output of outputs) sum += await extractor.distance(output, target, name);
    return sum / outputs.length;
  }

  /** @throws UserError for fewer than two pictures, and for features that are not finite */
  scores(): FeatureScores {
    const { extractor, reference, ...options } = this.#scoring;
    const outputs = featureRows(this.pairs.flatMap((pair) => pair.outputs));
    const targets = reference?.rows ?? featureRows(this.pairs.flatMap(({ target }) => target ?? []));
    return {
      ...scoresOf(outputs, targets, reference, options),
      network: extractor.file.label,
      resize: extractor.resize,
      published: isPublishedScore(extractor.file),
    };
  }
}

/** Whether FID and KID on these weights are the scores of papers: those of the published Inception of 2015. */
export function isPublishedScore({ network, published }: Pick<FeatureFile, "network" | "published">): boolean {
  return published !== undefined && network === featureNetworks.inception2015;
}

function scoresOf(
  outputs: FeatureRows,
  targets: FeatureRows,
  reference: FeatureStatistics | undefined,
  options: KidOptions,
) {
  if (outputs.count === 0) throw new UserError("there are no outputs to score");
  const kid = kernelDistance(outputs, targets, options);
  const fid = frechetDistance(moments(outputs, "the outputs"), reference?.moments ?? moments(targets, "the targets"));
  return { kid, fid, outputs: outputs.count, targets: targets.count, rows: { outputs, targets } };
}

/** "KID" and "FID" for the network with which they are defined, else with the network's name. */
export function figureNames({ published, network }: Pick<FeatureScores, "published" | "network">): {
  kid: string;
  fid: string;
} {
  const on = published ? "" : ` on ${network} features`;
  return { kid: `KID${on}`, fid: `FID${on}` };
}
