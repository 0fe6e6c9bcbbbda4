/** Types of the options of config/groups/objective.ts. Made by `npm run docs` from the groups of options; do not edit. */
import type * as z from "zod";
import type { objectiveOptions } from "../groups/objective.ts";

type Values = z.output<z.ZodObject<typeof objectiveOptions>>;

/** Options of this group as a user gives them. */
export interface ObjectiveInput {
  /**
   * Adversarial loss.
   * - vanilla: cross-entropy
   * - lsgan: squared error
   * - wgangp: Wasserstein distance with gradient penalty
   * - hinge: hinge loss for D, negative mean logit for G
   * Default: vanilla.
   */
  ganMode?: Values["ganMode"] | undefined;
  /** Weight of the gradient penalty of --gan-mode wgangp. Value: number of at least 0. Default: 10. */
  lambdaGp?: number | undefined;
  /**
   * Weight of half the squared gradient of the discriminator at real pictures (R1, Mescheder et al. 2018).
   * Value: number of at least 0. Default: 0.
   */
  lambdaR1?: number | undefined;
  /**
   * Random changes of what the discriminator sees, for small data sets (DiffAugment, Zhao et al. 2020): some of
   * color, translation and cutout, separated by commas, or none.
   * - color: brightness, saturation and contrast of the picture
   * - translation: a shift of both sides by up to an eighth, with zeros beyond the edge
   * - cutout: zeros in a rectangle of half the height and half the width, on both sides
   * Default: none.
   */
  diffAugment?: string | undefined;
  /** Divide each weight of the discriminator by its largest singular value (Miyato et al. 2018). Default: false. */
  spectralNorm?: boolean | undefined;
  /** Weight of the L1 distance to the target in the generator's loss. Value: number of at least 0. Default: 100. */
  lambdaL1?: number | undefined;
  /**
   * Weight of the adversarial loss in the generator's loss; 0 trains without a discriminator (the paper's L1).
   * Value: number of at least 0. Default: 1.
   */
  lambdaGan?: number | undefined;
  /**
   * Weight of feature matching, the L1 distance between the discriminator's maps for output and target (pix2pixHD:
   * 10).
   * Value: number of at least 0. Default: 0.
   */
  lambdaFeat?: number | undefined;
  /**
   * Teacher: a run in the checkpoints folder whose generator's outputs this one learns to copy, which helps a
   * smaller network.
   * Default: none.
   */
  distill?: string | undefined;
  /**
   * Weight of the L1 distance to the outputs of --distill, in addition to that to the targets or (--lambda-l1 0)
   * instead of it.
   * Value: number of at least 0. Default: 0.
   */
  lambdaDistill?: number | undefined;
  /**
   * Weight of LPIPS between output and target (Zhang et al. 2018), by the network of --features and the layers of
   * --lpips.
   * Value: number of at least 0. Default: 0.
   */
  lambdaLpips?: number | undefined;
  /**
   * Factor of the discriminator's loss: 0.5 in the paper, 1 in its code and in TensorFlow's tutorial.
   * Value: number above 0. Default: 0.5.
   */
  lossDWeight?: number | undefined;
  /**
   * Discriminator that the generator learns from.
   * - updated: D judges G's pictures again after its update (PyTorch implementation)
   * - stale: D's judgement from before its update, the gradient through its updated weights (paper's code)
   * - simultaneous: D's judgement and the gradient from before its update
   * Default: updated.
   */
  updateOrder?: Values["updateOrder"] | undefined;
  /**
   * Generate pictures a second time for the generator's update, with other dropout masks (profile article).
   * Default: false.
   */
  drawTwice?: boolean | undefined;
  /** Set the biases of convolutions to 0 before every step, as the paper's code does. Default: false. */
  zeroBias?: boolean | undefined;
  /**
   * Batches whose gradients are averaged for one update of both networks.
   * Value: batches of at least 1. Default: 1.
   */
  accumulate?: number | undefined;
  /**
   * Upper limit of the norm of each network's gradient; larger gradients are scaled down; 0 means no limit.
   * Value: number of at least 0. Default: 0.
   */
  clipGrad?: number | undefined;
}
