/** Types of the options of config/groups/schedule.ts. Made by `npm run docs` from the groups of options; do not edit. */
import type * as z from "zod";
import type { scheduleOptions } from "../groups/schedule.ts";

type Values = z.output<z.ZodObject<typeof scheduleOptions>>;

/** Options of this group as a user gives them. */
export interface ScheduleInput {
  /** Epochs at the initial learning rate. Value: epochs of at least 0. Default: 100. */
  nEpochs?: number | undefined;
  /**
   * Epochs after those of --n-epochs, in which --lr-policy linear decays the rate to zero.
   * Value: epochs of at least 0. Default: 100.
   */
  nEpochsDecay?: number | undefined;
  /** Stop at this step, counted from the start of the run. Value: steps of at least 1. Default: no limit. */
  maxSteps?: number | undefined;
  /** Adam's learning rate. Value: number above 0. Default: 0.0002. */
  lr?: number | undefined;
  /**
   * Adam's learning rate for the discriminator (two time-scales, Heusel et al. 2017); it follows --lr-policy as
   * --lr does.
   * Value: number above 0. Default: that of --lr.
   */
  lrD?: number | undefined;
  /**
   * Schedule of the learning rate.
   * - linear: constant for --n-epochs, then linearly down to zero over --n-epochs-decay
   * - step: times 0.1 after every --lr-decay-iters epochs
   * - plateau: times 0.2 when the validation score stops improving
   * - cosine: half a cosine over all epochs
   * - constant: the same in all epochs
   * Default: linear.
   */
  lrPolicy?: Values["lrPolicy"] | undefined;
  /** Epochs between two reductions by --lr-policy step. Value: epochs of at least 1. Default: 50. */
  lrDecayIters?: number | undefined;
  /** Adam's first-moment decay. Value: number of at least 0 and below 1. Default: 0.5. */
  beta1?: number | undefined;
  /** Adam's second-moment decay. Value: number of at least 0 and below 1. Default: 0.999. */
  beta2?: number | undefined;
  /**
   * Decay of a running average of the generator's weights, such as 0.999; samples, scores and exports take the
   * average (0: none).
   * Value: number of at least 0 and below 1. Default: 0.
   */
  ema?: number | undefined;
  /**
   * Epochs between two validations, which score pairs that are not trained on; the best weights are kept.
   * Value: epochs of at least 1. Default: never.
   */
  valFreq?: number | undefined;
  /** Subfolder of the dataroot with the pairs for validation. Default: val. */
  valPhase?: string | undefined;
  /** Largest number of pairs for validation; the first ones are used. Value: pairs of at least 1. Default: 100. */
  valSize?: number | undefined;
  /**
   * Score that selects the best weights and that --lr-policy plateau and --early-stop use; KID needs --features,
   * LPIPS also --lpips.
   * Default: L1.
   */
  valMetric?: Values["valMetric"] | undefined;
  /**
   * Dropout in samples and scores, and the default of test and translate; the known systems have it on.
   * Default: on.
   */
  dropout?: Values["dropout"] | undefined;
  /**
   * Statistics of batch norms in samples and scores, and the default of test and translate: of the batch, as in the
   * known systems, the running ones, or of each image.
   * Default: batch.
   */
  statistics?: Values["statistics"] | undefined;
  /** Validations without a better score after which training ends. Value: scores of at least 1. Default: never. */
  earlyStop?: number | undefined;
}
