/** Losses. `ganLosses` are the choices of --gan-mode; D's output is a map of logits, [N, 1, h, w], for each scale. */
import { gradient } from "../graph/gradient.ts";
import type { Tensor } from "../graph/graph.ts";
import { abs, add, mul, neg, relu, Softplus, sqrt, square, sub } from "../graph/ops/elementwise.ts";
import { mean, sum, sumSquare } from "../graph/ops/reduce.ts";
import { type Norm, norms } from "./norms.ts";

/** An adversarial loss. The losses are scalars: means over the samples and positions of one map of logits. */
export interface GanLoss {
  /** One line for the help of --gan-mode. */
  help: string;
  /** D's loss on the logits of real pairs. */
  real(logits: Tensor): Tensor;
  /** D's loss on the logits of fake pairs. */
  fake(logits: Tensor): Tensor;
  /** G's loss on the logits of its pictures. */
  generator(logits: Tensor): Tensor;
  /** D takes a pair for real if its logit is above this. Absent if the loss gives logits no such threshold. */
  boundary?: number;
  /** Whether `gradientPenalty` is added to D's loss. */
  gradientPenalty?: true;
  /** The axis of the loss curves: its unit, and the value of D_real and D_fake if D cannot distinguish real from fake. */
  chart: { unit: string; chance: number; text: string };
  /** Why the loss does not work with these options, and what to do; undefined where it does. */
  problem?(options: { norm: Norm }): string | undefined;
}

/**
 * The mean over samples of (|d logits / d x| - 1)^2 at points x between real and fake pairs (Gulrajani et al. 2017, eq. 3,
 * as in the PyTorch implementation, which adds 1e-16 to the gradient). Summed over scales.
 * @param judge D, from pairs [N, C, H, W] to its maps of logits
 * @param share where between fake (0) and real (1) each sample lies, [N, 1, 1, 1]
 */
export function gradientPenalty(judge: (pair: Tensor) => Tensor[], real: Tensor, fake: Tensor, share: Tensor): Tensor {
  const between = add(mul(real, share), mul(fake, sub(1, share)));
  const penalties = judge(between).map((map) => {
    const [slope] = gradient(sum(map), [between]);
    const length = sqrt(sumSquare(add(slope!, 1e-16), [1, 2, 3]));
    return mean(square(sub(length, 1)));
  });
  return penalties.reduce(add);
}

/**
 * R1: half the mean over samples of |d logits / d picture|^2 at real pictures (Mescheder et al. 2018, eq. 9). Summed over scales.
 * @param maps D's maps of logits for the real pairs
 * @param picture the real pictures, of which the maps are functions
 */
export function realGradientPenalty(maps: readonly Tensor[], picture: Tensor): Tensor {
  const penalties = maps.map((map) => {
    const [slope] = gradient(sum(map), [picture]);
    return mul(mean(sumSquare(slope!, [1, 2, 3])), 0.5);
  });
  return penalties.reduce(add);
}

/**
 * Feature matching (pix2pixHD, Wang et al. 2018, eq. 4, with the weights of its code): the L1 distance between D's maps of fake and
 * real pairs, averaged over layers, times 4, averaged over scales. The last map of each scale, its logits, is left out.
 */
export function featureMatching(fake: readonly (readonly Tensor[])[], real: readonly (readonly Tensor[])[]): Tensor {
  const scales = fake.map((maps, scale) => {
    const inner = maps.slice(0, -1);
    const distances = inner.map((map, layer) => l1(map, real[scale]![layer]!)).reduce(add);
    return mul(distances, 4 / inner.length / fake.length);
  });
  return scales.reduce(add);
}

/** Mean absolute difference over all elements. */
export const l1 = (a: Tensor, b: Tensor): Tensor => mean(abs(sub(a, b)));

/** Cross-entropy of sigmoid(logits): ln(1 + e^-x) for real, ln(1 + e^x) for fake (Goodfellow et al. 2014). */
const vanilla: GanLoss = {
  help: "cross-entropy",
  real: (logits) => mean(Softplus([neg(logits)])),
  fake: (logits) => mean(Softplus([logits])),
  generator: (logits) => vanilla.real(logits),
  boundary: 0,
  chart: { unit: "cross-entropy (nats)", chance: Math.LN2, text: "ln 2 = 0.693" },
};

/** Squared distance to 1 for real and to 0 for fake (Mao et al. 2017). */
const lsgan: GanLoss = {
  help: "squared error",
  real: (logits) => mean(square(sub(logits, 1))),
  fake: (logits) => mean(square(logits)),
  generator: (logits) => lsgan.real(logits),
  boundary: 0.5,
  chart: { unit: "squared error", chance: 0.25, text: "0.25" },
};

/** The mean logit, negative for real: the Wasserstein distance (Arjovsky et al. 2017), with a penalty on D's gradient. */
const wgangp: GanLoss = {
  help: "Wasserstein distance with gradient penalty",
  real: (logits) => neg(mean(logits)),
  fake: (logits) => mean(logits),
  generator: (logits) => wgangp.real(logits),
  gradientPenalty: true,
  chart: { unit: "mean logit, negative for real", chance: 0, text: "0" },
  problem: ({ norm }) =>
    norms[norm].mixesBatch
      ? `its penalty bounds D's gradient for each picture separately, and ${norm} norm mixes the pictures of a batch; ` +
        "use --norm instance or --norm none"
      : undefined,
};

/** relu(1 - x) for real, relu(1 + x) for fake, -x for G (Lim and Ye 2017; Miyato et al. 2018, eq. 16 and 17). */
const hinge: GanLoss = {
  help: "hinge loss for D, negative mean logit for G",
  real: (logits) => mean(relu(sub(1, logits))),
  fake: (logits) => mean(relu(add(logits, 1))),
  generator: (logits) => neg(mean(logits)),
  boundary: 0,
  chart: { unit: "hinge loss of D, negative mean logit of G", chance: 1, text: "1" },
};

/** The choices of --gan-mode. */
export const ganLosses = { vanilla, lsgan, wgangp, hinge } satisfies Readonly<Record<string, GanLoss>>;

export type GanMode = keyof typeof ganLosses;
