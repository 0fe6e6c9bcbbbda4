/** The networks and losses of a batch in one graph: G's pictures, D's logits, the losses of both. pix2pix.ts makes a training step of them. */
import { Graph, type Tensor } from "../graph/graph.ts";
import { add, isPositive, mul, sub } from "../graph/ops/elementwise.ts";
import { concat } from "../graph/ops/movement.ts";
import { mean } from "../graph/ops/reduce.ts";
import { type DiscriminatorName, type DiscriminatorOptions, discriminateScales } from "../networks/discriminators.ts";
import type { Generator, GeneratorOptions } from "../networks/generator.ts";
import { type GeneratorName, generators } from "../networks/generators.ts";
import { augmented, type DiffAugmentName, diffAugmentNames } from "../nn/diff-augment.ts";
import { fitted } from "../nn/fit.ts";
import {
  featureMatching,
  type GanLoss,
  type GanMode,
  ganLosses,
  gradientPenalty,
  l1,
  realGradientPenalty,
} from "../nn/losses.ts";
import type { Statistics } from "../nn/norms.ts";
import { Parameters } from "../nn/parameters.ts";

/** The choices of --update-order: the discriminator from which the generator learns. */
export const updateOrders = {
  updated: { help: "D judges G's pictures again after its update (PyTorch implementation)" },
  stale: { help: "D's judgement from before its update, the gradient through its updated weights (paper's code)" },
  simultaneous: { help: "D's judgement and the gradient from before its update" },
};
export type UpdateOrder = keyof typeof updateOrders;

/** The choices of --pair-order: the order of the channels that D reads. */
export const pairOrders = {
  input_first: { help: "input, then picture (the known systems)" },
  picture_first: { help: "picture, then input (profile article)" },
};
export type PairOrder = keyof typeof pairOrders;

/** The options of G. */
export interface GeneratorChoice extends Omit<GeneratorOptions, "dropout" | "statistics"> {
  netG: GeneratorName;
  /** Channels of the input. */
  inputNc: number;
  /** Whether G has no dropout, the paper's noise z. */
  noDropout: boolean;
}

/** The options on which the networks and the arithmetic of a step depend. A `Config` has them all. */
export interface ModelOptions extends GeneratorChoice, Omit<DiscriminatorOptions, "prefix" | "statistics"> {
  netD: DiscriminatorName;
  /** Scales of the picture, each with a D of its own; at least 1. */
  numD: number;
  /** Whether D sees the picture alone, without the input. */
  noCondition: boolean;
  /**
   * In G's step D judges G's pictures beside the target instead of the input: a mistake of the seed article (docs/article.md), which
   * examples/article.ts repeats. No option of the program sets it. Default false.
   */
  targetAsCondition?: boolean | undefined;
  pairOrder: PairOrder;
  ganMode: GanMode;
  /** Weight of the gradient penalty, where `ganMode` has one (Gulrajani et al. 2017: 10). */
  lambdaGp: number;
  /** Weight of the penalty on D's gradient at real pictures; 0 is none. */
  lambdaR1: number;
  /** Names of `diffAugments`, separated by commas: random changes of the pairs that D sees; "none" or undefined is none. */
  diffAugment?: string | undefined;
  /** Whether D's weights are divided by their largest singular values. */
  spectralNorm: boolean;
  /** Weight of the L1 distance to the target: the paper's lambda, 100. */
  lambdaL1: number;
  /** Weight of the adversarial loss. With 0 there is no D. */
  lambdaGan: number;
  /** Weight of feature matching (pix2pixHD: 10); 0 is none. */
  lambdaFeat: number;
  /** Weight of the L1 distance to a teacher's pictures, the graph's input `teacher_B`; 0 is none. */
  lambdaDistill: number;
  /** Weight of the perceptual loss; 0 is none. */
  lambdaLpips: number;
  /** Factor of D's loss, its penalties included (paper: 0.5). */
  lossDWeight: number;
  updateOrder: UpdateOrder;
  /** Whether G generates its pictures a second time for its own update, with other dropout masks. */
  drawTwice: boolean;
  /** Whether the biases of convolutions are set to 0 before every step. */
  zeroBias: boolean;
  /** Batches whose gradients are averaged for one update. */
  accumulate: number;
  /** Largest norm of a network's gradient; 0 is no limit. */
  clipGrad: number;
  /** Decay of Adam's first moment, in [0, 1) (paper: 0.5). */
  beta1: number;
  /** Decay of Adam's second moment, in [0, 1) (paper: 0.999). */
  beta2: number;
  /** Decay of the running average of G's weights; 0 keeps none. */
  ema: number;
}

/** The size of a batch: samples and pixels. */
export interface BatchShape {
  n: number;
  height: number;
  width: number;
}

/**
 * The losses of a step, in the names of the PyTorch implementation. G_L1, G_Feat, G_LPIPS, G_Distill, D_GP and D_R1 are multiplied
 * by their lambdas; the others are not weighted.
 */
export const lossNames = ["G_GAN", "G_L1", "D_real", "D_fake"] as const;
export const extraLossNames = ["G_Feat", "G_LPIPS", "G_Distill", "D_GP", "D_R1"] as const;
/**
 * Measures that are reported beside the losses: the share of D's logits on the right side of the loss's boundary, for real and for fake
 * pairs, 0 to 1; and the L1 distance without its lambda.
 */
export const measureNames = ["D_right_real", "D_right_fake", "L1"] as const;
export type LossName = (typeof lossNames)[number] | (typeof extraLossNames)[number] | (typeof measureNames)[number];
/** The losses of a step by name. Losses of options that are off are absent; without D all of D, and G_GAN. */
export type Losses = { G_L1: number } & Partial<Record<LossName, number>>;

/** The names of a step's losses, without measures, in the order in which they are shown. */
export const lossesIn = (step: Losses): (keyof Losses)[] =>
  [...lossNames, ...extraLossNames].filter((name) => step[name] !== undefined);

/**
 * The values that the updates of G and D minimise, from the losses of a step or from their means: `Model.lossG` and `Model.lossD` as
 * numbers. `lossD` is undefined without D.
 */
export function totalLosses(
  losses: Losses,
  { lambdaGan, lossDWeight }: Pick<ModelOptions, "lambdaGan" | "lossDWeight">,
): { lossG: number; lossD: number | undefined } {
  const { G_GAN = 0, G_L1, G_Feat = 0, G_Distill = 0, G_LPIPS = 0, D_real, D_fake = 0, D_GP = 0, D_R1 = 0 } = losses;
  const lossD = D_real === undefined ? undefined : lossDWeight * (D_real + D_fake + D_GP + D_R1);
  return { lossG: lambdaGan * G_GAN + G_L1 + G_Feat + G_Distill + G_LPIPS, lossD };
}

/** D's output for pictures: for each scale, from full size down, the maps of its layers; the last is the map of logits, [n, 1, h, w]. */
export type Judgement = Tensor[][];

/**
 * The distance of pictures by a fixed network, a scalar.
 * @param output G's pictures, [n, outputNc, H, W] in [-1, 1]; `target` likewise
 */
export type PerceptualLoss = (output: Tensor, target: Tensor) => Tensor;

/** A network's loss, and its parts by the names under which they are reported. All are scalars. */
export interface Loss {
  /** What the network minimises. */
  total: Tensor;
  parts: [LossName, Tensor][];
}

/** G and D in one graph, with their losses; each method adds to the graph. */
export class Model {
  readonly graph: Graph;
  readonly netG: Parameters<"netG">;
  readonly netD: Parameters<"netD">;
  /** The inputs, [n, inputNc, height, width] in [-1, 1]. */
  readonly realA: Tensor;
  /** Their targets, [n, outputNc, height, width] in [-1, 1]. */
  readonly realB: Tensor;
  readonly #options: ModelOptions;
  readonly #perceptual: PerceptualLoss | undefined;
  readonly #augmentations: readonly DiffAugmentName[];
  /** Random numbers of the augmentations by their purpose. */
  readonly #draws = new Map<string, Tensor>();

  /** @param masks the first part of the names of G's dropout masks */
  constructor(
    options: ModelOptions,
    { n, height, width }: BatchShape,
    { perceptual, masks }: { perceptual?: PerceptualLoss | undefined; masks?: string | undefined } = {},
  ) {
    this.graph = new Graph();
    this.netG = new Parameters(this.graph, "netG", { masks });
    this.netD = new Parameters(this.graph, "netD", { spectral: options.spectralNorm });
    this.realA = this.graph.input("real_A", [n, options.inputNc, height, width]);
    this.realB = this.graph.input("real_B", [n, options.outputNc, height, width]);
    this.#options = options;
    this.#perceptual = perceptual;
    this.#augmentations = options.diffAugment === undefined ? [] : (diffAugmentNames(options.diffAugment) ?? []);
  }

  /** G's pictures G(x, z), [n, outputNc, height, width] in [-1, 1]. */
  generate(): Tensor {
    return generate(this.netG, this.realA, this.#options, "batch");
  }

  /**
   * D's judgement of pictures with their inputs, or of pictures alone (`noCondition`).
   * @param picture [n, outputNc, height, width] in [-1, 1]
   * @param pass the name of this use of D: the scope of its nodes is "netD(<pass>)"
   * @param condition what D sees beside the pictures
   */
  judge(picture: Tensor, pass: string, condition = this.realA): Judgement {
    return this.graph.scope(`netD(${pass})`, () => this.#discriminate(this.#pair(picture, condition)));
  }

  /** D's judgement of G's pictures in G's own step. */
  judgeForG(fakeB: Tensor): Judgement {
    return this.judge(fakeB, "G", this.#options.targetAsCondition ? this.realB : this.realA);
  }

  /** What D reads, after augmentation: the channels of the condition and of the picture, or of the picture alone. */
  #pair(picture: Tensor, condition = this.realA): Tensor {
    const given = { input: this.#options.noCondition ? undefined : condition, picture };
    const shown = augmented(given, this.#augmentations, (purpose) => this.#draw(purpose));
    if (!shown.input) return shown.picture;
    const sides = [shown.input, shown.picture];
    return concat(this.#options.pairOrder === "input_first" ? sides : sides.reverse(), 1);
  }

  /** The random numbers that the augmentations of this batch use for a purpose, one a sample: [n, 1, 1, 1]. */
  #draw(purpose: string): Tensor {
    const draw = this.#draws.get(purpose) ?? this.netD.uniform([this.realA.shape[0]!, 1, 1, 1]);
    this.#draws.set(purpose, draw);
    return draw;
  }

  #discriminate(pair: Tensor): Judgement {
    return discriminateScales(this.netD, pair, { ...this.#options, statistics: "batch", prefix: "" });
  }

  /**
   * D's loss: with `vanilla` -E[log D(x, y)] - E[log(1 - D(x, G(x, z)))], the negative of Isola et al. 2017, eq. 1. The sum with
   * its penalties is multiplied by `lossDWeight`, which is a half in 3.3.
   * @param real D's judgement of the targets
   * @param fake D's judgement of G's pictures, `fakeB`
   */
  lossD(real: Judgement, fake: Judgement, fakeB: Tensor): Loss {
    const { ganMode, lambdaGp, lambdaR1, lossDWeight } = this.#options;
    const ganLoss: GanLoss = ganLosses[ganMode];
    return this.graph.scope("loss", () => {
      const dFake = overScales(fake, ganLoss.fake);
      const dReal = overScales(real, ganLoss.real);
      const parts: Loss["parts"] = [
        ["D_real", dReal],
        ["D_fake", dFake],
      ];
      if (ganLoss.boundary !== undefined) {
        parts.push(["D_right_real", shareAbove(real, ganLoss.boundary)]);
        parts.push(["D_right_fake", sub(1, shareAbove(fake, ganLoss.boundary))]);
      }
      const penalties: Loss["parts"] = [];
      if (ganLoss.gradientPenalty) {
        const share = this.netD.uniform([fakeB.shape[0]!, 1, 1, 1]);
        const judge = (pair: Tensor) => logits(this.#discriminate(pair));
        const penalty = gradientPenalty(judge, this.#pair(this.realB), this.#pair(fakeB), share);
        penalties.push(["D_GP", mul(penalty, lambdaGp)]);
      }
      if (lambdaR1 > 0) penalties.push(["D_R1", mul(realGradientPenalty(logits(real), this.realB), lambdaR1)]);
      const sum = [add(dFake, dReal), ...valuesOf(penalties)].reduce(add);
      return { total: mul(sum, lossDWeight), parts: [...parts, ...penalties] };
    });
  }

  /**
   * G's loss (eq. 4): the adversarial loss of its pictures, with `vanilla` -E[log D(x, G(x, z))] (3.3), and `lambdaL1` times
   * their L1 distance to the target (eq. 3).
   * @param fake D's judgement of the pictures; without it there is no adversarial loss
   * @param real D's judgement of the targets, for feature matching
   */
  lossG(fakeB: Tensor, fake?: Judgement, real?: Judgement): Loss {
    const { ganMode, lambdaGan, lambdaL1, lambdaFeat, lambdaLpips, lambdaDistill } = this.#options;
    return this.graph.scope("loss", () => {
      const gan = fake && overScales(fake, ganLosses[ganMode].generator);
      const distance = l1(fakeB, this.realB);
      const terms: Loss["parts"] = [["G_L1", mul(distance, lambdaL1)]];
      if (fake && real && lambdaFeat > 0) terms.push(["G_Feat", mul(featureMatching(fake, real), lambdaFeat)]);
      if (lambdaDistill > 0) {
        const teacherB = this.graph.input("teacher_B", fakeB.shape);
        terms.push(["G_Distill", mul(l1(fakeB, teacherB), lambdaDistill)]);
      }
      if (this.#perceptual && lambdaLpips > 0) {
        terms.push(["G_LPIPS", mul(this.#perceptual(fakeB, this.realB), lambdaLpips)]);
      }
      const sum = valuesOf(terms).reduce(add);
      const parts: Loss["parts"] = [...terms, ["L1", distance]];
      if (!gan) return { total: sum, parts };
      return { total: add(lambdaGan === 1 ? gan : mul(gan, lambdaGan), sum), parts: [["G_GAN", gan], ...parts] };
    });
  }
}

const valuesOf = (parts: Loss["parts"]): Tensor[] => parts.map(([, value]) => value);

const logits = (judgement: Judgement): Tensor[] => judgement.map((maps) => maps.at(-1)!);

/** The share of the logits above a boundary, a mean over D's scales. */
function shareAbove(judgement: Judgement, boundary: number): Tensor {
  const shares = logits(judgement).map((map) => mean(isPositive(boundary === 0 ? map : sub(map, boundary))));
  return shares.length === 1 ? shares[0]! : mul(shares.reduce(add), 1 / shares.length);
}

/** A loss of the logits, summed over D's scales (pix2pixHD, Wang et al. 2018, eq. 3). */
const overScales = (judgement: Judgement, loss: (logits: Tensor) => Tensor): Tensor =>
  logits(judgement).map(loss).reduce(add);

/** G's output for pictures of any size: they are padded to multiples of `Generator.multiple`, and the output is cropped. */
export function generate(netG: Parameters, x: Tensor, options: GeneratorChoice, statistics: Statistics): Tensor {
  const { build, multiple }: Generator = generators[options.netG];
  const switches = { ...options, dropout: !options.noDropout, statistics };
  return fitted(x, multiple, (whole) => build(netG, whole, switches));
}
