/**
 * The choices of --profile: the defaults in which other systems differ from the PyTorch implementation, whose defaults are the
 * schema's. Options override them.
 */
import type * as z from "zod";
import type { dataOptions } from "./groups/data.ts";
import type { networkOptions } from "./groups/networks.ts";
import type { objectiveOptions } from "./groups/objective.ts";
import type { scheduleOptions } from "./groups/schedule.ts";

/** The options that a profile may set. */
type Settings = z.output<
  z.ZodObject<typeof dataOptions & typeof networkOptions & typeof objectiveOptions & typeof scheduleOptions>
>;

export interface Profile {
  /** The system, for the help of --profile. */
  help: string;
  /** The defaults that differ from the schema's. */
  sets: Partial<Settings>;
}

/** 200 epochs at one learning rate: the paper's section 6.2. */
const constant200 = { lrPolicy: "constant", nEpochs: 200, nEpochsDecay: 0 } as const;

/** The choices of --profile: `profiles.paper.sets` are the defaults that the paper's code has instead. */
export const profiles = {
  junyanz: { help: "the PyTorch implementation", sets: {} },
  paper: {
    help: "the Torch code of Isola et al.",
    sets: {
      ...constant200,
      dropoutLevels: "first",
      bias: "always",
      zeroBias: true,
      lossDWeight: 1,
      updateOrder: "stale",
      resizeFilter: "bilinear",
      channelOrder: "BGR",
      replacement: true,
    },
  },
  hesse: {
    help: "pix2pix-tensorflow by Christopher Hesse",
    sets: {
      ...constant200,
      dropoutLevels: "first",
      bottleneckNorm: true,
      bias: "always",
      lossDWeight: 1,
      updateOrder: "stale",
      resizeFilter: "area",
    },
  },
  tutorial: {
    help: "TensorFlow's pix2pix tutorial",
    sets: {
      ...constant200,
      // 40 000 steps of the 400 facades.
      nEpochs: 100,
      dropoutLevels: "first",
      bottleneckNorm: true,
      slope: 0.3,
      skip: "leaky",
      bias: "never",
      normEpsilon: 1e-3,
      // Keras: momentum .99, the weight of the old value.
      normMomentum: 0.01,
      lossDWeight: 1,
      updateOrder: "simultaneous",
      resizeFilter: "nearest",
    },
  },
  pix2pixhd: {
    help: "pix2pixHD (Wang et al. 2018) without its VGG loss",
    sets: {
      netG: "global_9blocks",
      norm: "instance",
      noDropout: true,
      numD: 2,
      ganMode: "lsgan",
      lambdaL1: 0,
      lambdaFeat: 10,
    },
  },
  "resnet9-l10": {
    help: "the full model of GAN Compression (Li et al. 2020): a ResNet with a smaller weight of L1",
    sets: {
      netG: "resnet_9blocks",
      ndf: 128,
      lambdaL1: 10,
      ganMode: "hinge",
      norm: "instance",
      noDropout: true,
      nEpochsDecay: 200,
    },
  },
  modern: {
    help: "the best recipe of this project's ablation on facades, for few pairs: averaged weights, DiffAugment, hinge loss, spectral norm",
    sets: {
      ema: 0.999,
      diffAugment: "color,translation,cutout",
      ganMode: "hinge",
      spectralNorm: true,
      upsample: "resize",
    },
  },
  article: {
    help: "the article that this project began with (docs/article.md)",
    sets: {
      ...constant200,
      netG: "article",
      netD: "article",
      direction: "BtoA",
      resizeFilter: "bilinear",
      dropLast: true,
      pairOrder: "picture_first",
      initBias: "uniform",
      drawTwice: true,
      dropout: "off",
      norm: "instance",
      ganMode: "vanilla",
      lambdaL1: 100,
      batchSize: 1,
    },
  },
} satisfies Readonly<Record<string, Profile>>;
