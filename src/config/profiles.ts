/**
 * What each --profile sets: the points in which the known systems differ in their numbers. Options override it.
 *
 * `paper` is the Torch code of Isola et al., `hesse` pix2pix-tensorflow, `tutorial` TensorFlow's pix2pix notebook, `article`
 * the article that this project began with; `junyanz`, the PyTorch implementation, is what the defaults follow.
 */

import type { profileNames } from "./names.ts";
import type { Config } from "./schema.ts";

export type Profile = (typeof profileNames)[number];

/** 200 epochs at one learning rate: the paper's section 6.2. */
const constant200 = { lrPolicy: "constant", nEpochs: 200, nEpochsDecay: 0 } as const;

/** The defaults in which each profile differs from the schema's. */
export const profiles: Record<Profile, Partial<Config>> = {
  junyanz: {},
  paper: {
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
  hesse: {
    ...constant200,
    dropoutLevels: "first",
    bottleneckNorm: true,
    bias: "always",
    lossDWeight: 1,
    updateOrder: "stale",
    resizeFilter: "area",
  },
  tutorial: {
    ...constant200,
    // 40 000 steps of the 400 facades.
    nEpochs: 100,
    dropoutLevels: "first",
    bottleneckNorm: true,
    slope: 0.3,
    skip: "leaky",
    bias: "never",
    normEpsilon: 1e-3,
    // Keras keeps .99 of the old value.
    normMomentum: 0.01,
    lossDWeight: 1,
    updateOrder: "simultaneous",
    resizeFilter: "nearest",
  },
  article: {
    ...constant200,
    netG: "article",
    netD: "article",
    norm: "instance",
    ganMode: "vanilla",
    lambdaL1: 100,
    batchSize: 1,
  },
};
