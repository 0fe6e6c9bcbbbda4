/** Types of the options of config/groups/run.ts. Made by `npm run docs` from the groups of options; do not edit. */
import type * as z from "zod";
import type { runOptions } from "../groups/run.ts";

type Values = z.output<z.ZodObject<typeof runOptions>>;

/** Options of this group as a user gives them. */
export interface RunInput {
  /** Name of the run, and of its folder in the checkpoints folder. Default: pix2pix. */
  name?: string | undefined;
  /** Folder of all runs. Default: runs. */
  checkpointsDir?: string | undefined;
  /**
   * Set of defaults, after a known system; other options override it.
   * - junyanz: the PyTorch implementation
   * - paper: the Torch code of Isola et al.
   * - hesse: pix2pix-tensorflow by Christopher Hesse
   * - tutorial: TensorFlow's pix2pix tutorial
   * - pix2pixhd: pix2pixHD (Wang et al. 2018) without its VGG loss
   * - resnet9-l10: the full model of GAN Compression (Li et al. 2020): a ResNet with a smaller weight of L1
   * - modern: the best recipe of this project's ablation on facades, for few pairs: averaged weights, DiffAugment,
   * hinge loss, spectral norm
   * - article: the article that this project began with (docs/article.md)
   * Default: junyanz.
   */
  profile?: Values["profile"] | undefined;
  /**
   * Continue the run from its last checkpoint, or from step 0 where it has none, with its stored options; with
   * if-present a run that has kept no weights begins with the options of this command.
   * Default: false.
   */
  continueTrain?: boolean | undefined;
  /**
   * With --continue-train: continue from kept weights, such as 100 for those of epoch 100; what came after them
   * becomes a run of its own, such as NAME/until_epoch_200.
   * Default: latest.
   */
  epoch?: string | undefined;
  /**
   * Continue a run although files of its pairs were renamed or replaced; their number must be the same.
   * Default: false.
   */
  allowChangedData?: boolean | undefined;
  /**
   * Seed of all random numbers: the same seed, options and data give the same weights.
   * Value: number from 0 to 4294967295. Default: 0.
   */
  seed?: number | undefined;
  /**
   * Steps between two saves of the checkpoint from which a run can continue.
   * Value: steps of at least 1. Default: 500.
   */
  saveLatestFreq?: number | undefined;
  /**
   * Also save the checkpoint when this many seconds have passed since the last save, for steps that take long.
   * Value: seconds of at least 1. Default: by steps alone.
   */
  saveLatestSeconds?: number | undefined;
  /**
   * Also keep the weights of every saved checkpoint under its step; test and translate take them by --epoch
   * iter_500.
   * Default: false.
   */
  saveByIter?: boolean | undefined;
  /**
   * Also keep Adam's moments with all kept weights, so that a run continued by --epoch repeats the same steps;
   * takes three times the space.
   * Default: false.
   */
  saveState?: boolean | undefined;
  /**
   * Epochs between two copies of the weights; each is kept under the number of its epoch.
   * Value: epochs of at least 1. Default: 5.
   */
  saveEpochFreq?: number | undefined;
  /** Steps between two lines with losses if the output is not a terminal. Value: steps of at least 1. Default: 100. */
  printFreq?: number | undefined;
  /**
   * How often samples are written within an epoch, in addition to those at its end: 400 is every 400 steps, 60s
   * every 60 seconds.
   * Default: every 300 s.
   */
  displayFreq?: string | undefined;
  /**
   * Show the run on a page of this machine while it trains; pix2pix serve does so for all runs, at any time.
   * Default: false.
   */
  serve?: boolean | undefined;
  /**
   * Also write losses, scores and samples as event files of TensorBoard: tensorboard --logdir runs.
   * Default: false.
   */
  tensorboard?: boolean | undefined;
  /**
   * As --tensorboard, with the distributions of each weight and of each layer's values on a sample after every
   * epoch.
   * Default: false.
   */
  tensorboardHistograms?: boolean | undefined;
  /** Device that computes; auto takes the fastest that is present. Default: auto. */
  device?: Values["device"] | undefined;
  /** CPU threads for each step. Value: threads from 1 to 1024. Default: all cores. */
  threads?: number | undefined;
}
