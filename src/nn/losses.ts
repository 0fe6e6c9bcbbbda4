/** Losses. `ganLosses` names the adversarial ones for --gan-mode; D's output is a map of logits, [N, 1, h, w]. */
import type { Tensor } from "../graph.ts";
import { abs, neg, Softplus, square, sub } from "../ops/elementwise.ts";
import { mean } from "../ops/reduce.ts";

/** The loss of calling the maps of `prediction` real (or fake): a scalar, the mean over samples and positions. */
export type GanLoss = (prediction: Tensor, real: boolean) => Tensor;

/** Binary cross-entropy on sigmoid(prediction): ln(1 + e^-x) for real, ln(1 + e^x) for fake (Goodfellow et al. 2014). */
const vanilla: GanLoss = (prediction, real) => mean(Softplus([real ? neg(prediction) : prediction]));

/** Squared distance to 1 or 0 (Mao et al. 2017). */
const lsgan: GanLoss = (prediction, real) => mean(square(sub(prediction, real ? 1 : 0)));

/** Mean absolute difference over all elements. */
export const l1 = (a: Tensor, b: Tensor): Tensor => mean(abs(sub(a, b)));

/** The choices of --gan-mode. */
export const ganLosses = { vanilla, lsgan };
