/** Both networks on one batch, in one graph: pictures, judgements and losses, for pix2pix.ts to arrange. */
import { Graph, type Target, type Tensor } from "../graph/graph.ts";
import { add, mul } from "../graph/ops/elementwise.ts";
import { concat } from "../graph/ops/movement.ts";
import { discriminateScales } from "../networks/discriminators.ts";
import { type GeneratorOptions, generators } from "../networks/generators.ts";
import type { NetworkOptions } from "../networks/options.ts";
import { fitted } from "../nn/fit.ts";
import type { Statistics } from "../nn/layers.ts";
import { featureMatching, ganLosses, gradientPenalty, l1 } from "../nn/losses.ts";
import { Parameters } from "../nn/parameters.ts";

/** What fixes the networks and the step's arithmetic; absent options have the configuration's defaults. */
export interface ModelOptions extends NetworkOptions, Omit<GeneratorOptions, "dropout" | "statistics"> {
  inputNc: number;
  netG: string;
  netD: string;
  ndf: number;
  nLayersD: number;
  /** Scales of D; 1. */
  numD?: number;
  /** D sees the picture alone, not the input beside it. */
  noCondition?: boolean;
  noDropout: boolean;
  ganMode: keyof typeof ganLosses;
  lambdaGp?: number;
  lambdaL1: number;
  /** Weight of the adversarial loss; 1. With 0 there is no D. */
  lambdaGan?: number;
  lambdaFeat?: number;
  /** Factor of D's loss; 0.5. */
  lossDWeight?: number;
  updateOrder?: "updated" | "stale" | "simultaneous";
  zeroBias?: boolean;
  /** Batches whose gradients make one update; 1. */
  accumulate?: number;
  /** Largest norm of a network's gradient; 0 is no limit. */
  clipGrad?: number;
  beta1: number;
  beta2: number;
}

/** The size of a batch: samples and pixels. */
export interface BatchShape {
  n: number;
  height: number;
  width: number;
}

/**
 * The losses of a step, in upstream's names. G_L1 and G_Feat are multiplied by their lambdas, D_GP by its own; D's others
 * are not weighted, nor is G_GAN.
 */
export const lossNames = ["G_GAN", "G_L1", "D_real", "D_fake"] as const;
export const extraLossNames = ["G_Feat", "D_GP"] as const;
export type LossName = (typeof lossNames)[number] | (typeof extraLossNames)[number];
export type Losses = Record<(typeof lossNames)[number], number> &
  Partial<Record<(typeof extraLossNames)[number], number>>;

/** What D makes of a picture: for each scale the maps of its layers, of which the last are logits. */
export type Judgement = Tensor[][];

/** A network's loss, and its parts by name as they are reported. */
export interface Loss {
  total: Tensor;
  parts: [LossName, Tensor][];
}

export class Model {
  readonly graph: Graph;
  readonly netG: Parameters;
  readonly netD: Parameters;
  readonly realA: Tensor;
  readonly realB: Tensor;
  readonly #options: ModelOptions;

  constructor(options: ModelOptions, { n, height, width }: BatchShape, target: Target) {
    this.graph = new Graph(target);
    this.netG = new Parameters(this.graph, "netG");
    this.netD = new Parameters(this.graph, "netD");
    this.realA = this.graph.input("real_A", [n, options.inputNc, height, width]);
    this.realB = this.graph.input("real_B", [n, options.outputNc, height, width]);
    this.#options = options;
  }

  /** G's pictures, [n, outputNc, height, width]. */
  generate(): Tensor {
    return generate(this.netG, this.realA, this.#options);
  }

  /** D on pictures, beside their inputs unless D is unconditional. `pass` names the scope. */
  judge(picture: Tensor, pass: string): Judgement {
    return this.graph.scope(`netD(${pass})`, () => this.#discriminate(this.#pair(picture)));
  }

  /** What D sees of a picture. */
  #pair(picture: Tensor): Tensor {
    return this.#options.noCondition ? picture : concat([this.realA, picture], 1);
  }

  #discriminate(pair: Tensor): Judgement {
    const { nLayersD: nLayers, numD = 1, ...switches } = this.#options;
    return discriminateScales(this.netD, pair, { ...switches, nLayers, numD });
  }

  /** D's loss: real pairs are to be told from fake ones (Isola et al. 2017, eq. 1 and 3.3). */
  lossD(real: Judgement, fake: Judgement, fakeB: Tensor): Loss {
    const { ganMode, lambdaGp = 10, lossDWeight = 0.5 } = this.#options;
    const ganLoss = ganLosses[ganMode];
    return this.graph.scope("loss", () => {
      const dFake = ganLoss(logits(fake), false);
      const dReal = ganLoss(logits(real), true);
      const parts: Loss["parts"] = [
        ["D_real", dReal],
        ["D_fake", dFake],
      ];
      let sum = add(dFake, dReal);
      if (ganLoss.gradientPenalty) {
        const share = this.netD.uniform([fakeB.shape[0]!, 1, 1, 1]);
        const judge = (pair: Tensor) => logits(this.#discriminate(pair));
        const penalty = mul(gradientPenalty(judge, this.#pair(this.realB), this.#pair(fakeB), share), lambdaGp);
        parts.push(["D_GP", penalty]);
        sum = add(sum, penalty);
      }
      return { total: mul(sum, lossDWeight), parts };
    });
  }

  /** G's loss: D is to take its pictures for real (unless there is no D), and they are to be near the target (eq. 4). */
  lossG(fakeB: Tensor, fake?: Judgement, real?: Judgement): Loss {
    const { ganMode, lambdaGan = 1, lambdaL1, lambdaFeat = 0 } = this.#options;
    return this.graph.scope("loss", () => {
      const parts: Loss["parts"] = [];
      const terms: Tensor[] = [];
      if (fake) {
        const gan = ganLosses[ganMode](logits(fake), true);
        parts.push(["G_GAN", gan]);
        terms.push(lambdaGan === 1 ? gan : mul(gan, lambdaGan));
      }
      const distance = mul(l1(fakeB, this.realB), lambdaL1);
      parts.push(["G_L1", distance]);
      terms.push(distance);
      if (fake && real && lambdaFeat > 0) {
        const matching = mul(featureMatching(fake, real), lambdaFeat);
        parts.push(["G_Feat", matching]);
        terms.push(matching);
      }
      return { total: terms.reduce(add), parts };
    });
  }
}

const logits = (judgement: Judgement): Tensor[] => judgement.map((maps) => maps.at(-1)!);

/** G on pictures of any size: padded to what it can halve, and cut back. */
export function generate(netG: Parameters, x: Tensor, options: ModelOptions, statistics?: Statistics): Tensor {
  const { build, multiple } = generators[options.netG]!;
  const switches = { ...options, dropout: !options.noDropout, statistics };
  return fitted(x, multiple, (whole) => build(netG, whole, switches));
}
