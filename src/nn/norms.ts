/** The choices of --norm, and the consequences of each for the layers around it. */
import type { Tensor } from "../graph/graph.ts";
import { add, div, mul, sqrt, sub } from "../graph/ops/elementwise.ts";
import { reshape } from "../graph/ops/movement.ts";
import { BatchNorm, moments } from "../graph/ops/norm.ts";
import type { Moments, Parameters } from "./parameters.ts";

/** Where a batch norm takes mean and variance from: the batch, the running statistics, or each picture of the batch. */
export const statisticsSources = ["batch", "running", "image"] as const;

/**
 * The source of mean and variance. An instance norm takes those of each picture, whatever this is, except for `given`: then mean
 * and variance are inputs of the graph (`Parameters.given`), for both norms.
 */
export type Statistics = (typeof statisticsSources)[number] | "given";

export interface NormOptions {
  statistics: Statistics;
  /** Added to the variance. PyTorch: 1e-5. */
  normEpsilon: number;
  /** The share of a new batch in the running statistics, as PyTorch counts it (Keras counts 1 minus this share). */
  normMomentum: number;
}

/** A kind of norm. */
export interface NormKind {
  /** One line for the help of --norm. */
  help: string;
  /** Whether mean and variance are taken over all pictures of a batch, so that the output for one depends on the others. */
  mixesBatch: boolean;
  /** Whether the PyTorch implementation gives the convolution before the norm a bias. */
  biasBefore: boolean;
  /** Whether mean and variance are those of each picture, in training and at test time. */
  perPicture: boolean;
  /** The normalised map. `name` is the module's name, x is [N, C, H, W]. */
  build(p: Parameters, name: string, x: Tensor, options: NormOptions): Tensor;
}

/** (x - mean) / sqrt(variance + epsilon) * weight + bias. The running statistics take the unbiased variance. */
function batchNorm(p: Parameters, name: string, x: Tensor, options: NormOptions): Tensor {
  const { statistics, normEpsilon: epsilon, normMomentum: momentum } = options;
  const channels = x.shape[1]!;
  const perChannel = (t: Tensor) => reshape(t, [1, channels, 1, 1]);
  const scale = perChannel(p.get(`${name}.weight`, [channels], "scale"));
  const shift = perChannel(p.get(`${name}.bias`, [channels], "bias"));
  const runningMean = p.get(`${name}.running_mean`, [channels], "mean");
  const runningVariance = p.get(`${name}.running_var`, [channels], "variance");
  if (statistics === "running") {
    const factor = div(scale, sqrt(add(perChannel(runningVariance), epsilon)));
    return add(mul(x, factor), sub(shift, mul(perChannel(runningMean), factor)));
  }
  if (statistics !== "batch") return add(mul(instanceNorm(p, name, x, options), scale), shift);
  // Where BatchNorm is computed by its definition, that has the same nodes for the moments, and a graph has equal nodes once.
  const { mean: batchMean, variance, count } = moments(x, [0, 2, 3]);
  const blend = (old: Tensor, now: Tensor) => add(mul(old, 1 - momentum), mul(reshape(now, [channels]), momentum));
  p.replace(`${name}.running_mean`, blend(runningMean, batchMean));
  p.replace(`${name}.running_var`, blend(runningVariance, mul(variance, count / Math.max(1, count - 1))));
  p.batches.set(name, (p.batches.get(name) ?? 0) + 1);
  return BatchNorm([x, scale, shift], { epsilon });
}

/** (x - mean) / sqrt(variance + epsilon), with the mean and variance of each picture over its positions. */
function instanceNorm(p: Parameters, name: string, x: Tensor, options: NormOptions): Tensor {
  const { statistics, normEpsilon: epsilon } = options;
  return statistics === "given" ? standardiseBy(x, p.given(name, x), epsilon) : standardise(x, [2, 3], epsilon);
}

/** Zero mean and unit variance over `axes`. */
function standardise(x: Tensor, axes: number[], epsilon: number): Tensor {
  const { centred, variance } = moments(x, axes);
  return div(centred, sqrt(add(variance, epsilon)));
}

const standardiseBy = (x: Tensor, { mean, variance }: Moments, epsilon: number): Tensor =>
  div(sub(x, mean), sqrt(add(variance, epsilon)));

/** The choices of --norm. */
export const norms = {
  batch: {
    help: "over the batch, with scale and shift (Ioffe and Szegedy 2015)",
    mixesBatch: true,
    biasBefore: false,
    perPicture: false,
    build: batchNorm,
  },
  instance: {
    help: "over each picture, without scale and shift (Ulyanov et al. 2016)",
    mixesBatch: false,
    biasBefore: true,
    perPicture: true,
    build: instanceNorm,
  },
  none: {
    help: "no normalisation",
    mixesBatch: false,
    biasBefore: false,
    perPicture: false,
    build: (_p, _name, x) => x,
  },
} satisfies Readonly<Record<string, NormKind>>;

export type Norm = keyof typeof norms;

/** A layer of the kind that --norm names. */
export const norm = (p: Parameters, kind: Norm, name: string, x: Tensor, options: NormOptions): Tensor =>
  norms[kind].build(p, name, x, options);
