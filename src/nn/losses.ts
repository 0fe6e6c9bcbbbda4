/** Losses. `ganLosses` names the adversarial ones for --gan-mode; D's output is a map of logits, [N, 1, h, w], for each scale. */
import { gradient } from "../graph/gradient.ts";
import type { Tensor } from "../graph/graph.ts";
import { abs, add, mul, neg, Softplus, sqrt, square, sub } from "../graph/ops/elementwise.ts";
import { mean, sum, sumSquare } from "../graph/ops/reduce.ts";

/**
 * The loss of calling the maps of `predictions` (one for each scale of D) real or fake: a scalar, the mean over samples and
 * positions, summed over scales. G's loss is that of calling its pictures real.
 */
export type GanLoss = ((predictions: readonly Tensor[], real: boolean) => Tensor) & {
  /** D's loss is to have `gradientPenalty` added. */
  gradientPenalty?: true;
};

const overScales =
  (loss: (prediction: Tensor, real: boolean) => Tensor): GanLoss =>
  (predictions, real) =>
    predictions.map((prediction) => loss(prediction, real)).reduce(add);

/** Binary cross-entropy on sigmoid(prediction): ln(1 + e^-x) for real, ln(1 + e^x) for fake (Goodfellow et al. 2014). */
const vanilla = overScales((prediction, real) => mean(Softplus([real ? neg(prediction) : prediction])));

/** Squared distance to 1 or 0 (Mao et al. 2017). */
const lsgan = overScales((prediction, real) => mean(square(sub(prediction, real ? 1 : 0))));

/** Mean judgement, negative for real: the Wasserstein distance (Arjovsky et al. 2017), with a penalty on D's slope. */
const wgangp: GanLoss = Object.assign(
  overScales((prediction, real) => (real ? neg(mean(prediction)) : mean(prediction))),
  { gradientPenalty: true as const },
);

/**
 * The mean over samples of (|d judgement / d x| - 1)^2 at points x between real and fake pairs (Gulrajani et al. 2017, eq. 3,
 * as the PyTorch code has it: 1e-16 added to the gradient). Summed over scales.
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
 * Feature matching (pix2pixHD, Wang et al. 2018, eq. 4, weighted as its code): the L1 distance between D's inner maps of fake
 * and real, the mean over layers times 4, the mean over scales. The last map of each scale, its logits, is left out.
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

/** The choices of --gan-mode. */
export const ganLosses = { vanilla, lsgan, wgangp };
