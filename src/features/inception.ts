/**
 * Inception v3 (Szegedy et al. 2015, arXiv 1512.00567) in two forms: the network of 2015 with which FID is defined, as
 * pytorch-fid and torch-fidelity have it, and torchvision's. Their layers have the same names and shapes; the pools differ.
 */
import type { Shape, Tensor } from "../graph/graph.ts";
import { Conv } from "../graph/ops/conv.ts";
import { add, div, mul, relu, sqrt, sub } from "../graph/ops/elementwise.ts";
import { concat, reshape } from "../graph/ops/movement.ts";
import { averagePool, maxPool } from "../graph/ops/pooling.ts";
import { mean } from "../graph/ops/reduce.ts";
import type { Parameters } from "../nn/parameters.ts";
import type { FeatureNetwork, Features } from "./network.ts";

/** The pools in which the two differ. */
interface Pools {
  /** Whether the zeros around a map count in the mean of a window. */
  countPad: boolean;
  /** The pool of the last block. */
  last: "average" | "max";
}

const description = {
  size: 2048,
  side: 299,
  scaling: "inception",
  channels: [],
  others: /^(fc|AuxLogits)\.|\.num_batches_tracked$/,
} as const;

/** The Inception network of 2015-12-05, with which FID is defined. */
export const inception2015: FeatureNetwork = {
  ...description,
  label: "Inception 2015-12-05",
  source: "pytorch-fid's pt_inception-2015-12-05, torch-fidelity's weights-inception-2015-12-05",
  marks: { "fc.weight": [1008, 2048] },
  build: (p, x) => inception(p, x, { countPad: false, last: "max" }),
};

/** torchvision's Inception v3. */
export const inceptionTorchvision: FeatureNetwork = {
  ...description,
  label: "torchvision's Inception v3",
  source: "torchvision.models.inception_v3",
  marks: { "fc.weight": [1000, 2048] },
  build: (p, x) => inception(p, x, { countPad: true, last: "average" }),
};

/** A convolution, a batch norm with its running statistics, max(x, 0). `kernel` is [height, width] or both. */
function unit(
  p: Parameters,
  name: string,
  x: Tensor,
  out: number,
  kernel: number | readonly [number, number],
  { stride = 1, same = true } = {},
): Tensor {
  const [kh, kw] = typeof kernel === "number" ? [kernel, kernel] : kernel;
  const pads = same ? ([(kh - 1) / 2, (kw - 1) / 2, (kh - 1) / 2, (kw - 1) / 2] as const) : ([0, 0, 0, 0] as const);
  return x.graph.scope(name, () => {
    const weight = p.get(`${name}.conv.weight`, [out, x.shape[1]!, kh, kw], "weight");
    const gamma = p.get(`${name}.bn.weight`, [out], "scale");
    const beta = p.get(`${name}.bn.bias`, [out], "bias");
    const running = p.get(`${name}.bn.running_mean`, [out], "mean");
    const variance = p.get(`${name}.bn.running_var`, [out], "variance");
    // The norm's factor is multiplied into the kernel: both are computed from weights only, once for all pictures.
    const factor = div(gamma, sqrt(add(variance, 0.001)));
    const bias = sub(beta, mul(running, factor));
    const scaled = mul(weight, reshape(factor, [out, 1, 1, 1]));
    return relu(Conv([x, scaled, bias], { strides: [stride, stride], pads, dilations: [1, 1] }));
  });
}

const halving = { stride: 2, same: false };
const together = (xs: Tensor[]) => concat(xs, 1);
const halved = (x: Tensor) => maxPool(x, { kernel: 3, stride: 2 });

function inception(p: Parameters, x: Tensor, pools: Pools): Features {
  const pool = (t: Tensor) => averagePool(t, { kernel: 3, stride: 1, pad: 1, countPad: pools.countPad });
  const stem1 = unit(p, "Conv2d_1a_3x3", x, 32, 3, halving);
  const stem2 = unit(p, "Conv2d_2b_3x3", unit(p, "Conv2d_2a_3x3", stem1, 32, 3, { same: false }), 64, 3);
  const stem3 = unit(p, "Conv2d_3b_1x1", halved(stem2), 80, 1);
  let at = halved(unit(p, "Conv2d_4a_3x3", stem3, 192, 3, { same: false }));
  for (const [name, out] of [
    ["Mixed_5b", 32],
    ["Mixed_5c", 64],
    ["Mixed_5d", 64],
  ] as const) {
    at = blockA(p, name, at, pool(at), out);
  }
  at = blockB(p, "Mixed_6a", at);
  for (const [name, inner] of [
    ["Mixed_6b", 128],
    ["Mixed_6c", 160],
    ["Mixed_6d", 160],
    ["Mixed_6e", 192],
  ] as const) {
    at = blockC(p, name, at, pool(at), inner);
  }
  at = blockD(p, "Mixed_7a", at);
  at = blockE(p, "Mixed_7b", at, pool(at));
  at = blockE(p, "Mixed_7c", at, pools.last === "max" ? maxPool(at, { kernel: 3, stride: 1, pad: 1 }) : pool(at));
  return { layers: [], pooled: reshape(mean(at, [2, 3]), [at.shape[0]!, at.shape[1]!]) };
}

/** Units one after the other: name within the block, output channels, kernel. */
type Chain = readonly (readonly [name: string, out: number, kernel: number | readonly [number, number]])[];

const chain = (p: Parameters, block: string, x: Tensor, units: Chain): Tensor =>
  units.reduce((t, [name, out, kernel]) => unit(p, `${block}.${name}`, t, out, kernel), x);

const across: Shape & readonly [number, number] = [1, 7];
const down: Shape & readonly [number, number] = [7, 1];

function blockA(p: Parameters, name: string, x: Tensor, pooled: Tensor, out: number): Tensor {
  return together([
    chain(p, name, x, [["branch1x1", 64, 1]]),
    chain(p, name, x, [
      ["branch5x5_1", 48, 1],
      ["branch5x5_2", 64, 5],
    ]),
    chain(p, name, x, [
      ["branch3x3dbl_1", 64, 1],
      ["branch3x3dbl_2", 96, 3],
      ["branch3x3dbl_3", 96, 3],
    ]),
    chain(p, name, pooled, [["branch_pool", out, 1]]),
  ]);
}

function blockB(p: Parameters, name: string, x: Tensor): Tensor {
  const double = chain(p, name, x, [
    ["branch3x3dbl_1", 64, 1],
    ["branch3x3dbl_2", 96, 3],
  ]);
  return together([
    unit(p, `${name}.branch3x3`, x, 384, 3, halving),
    unit(p, `${name}.branch3x3dbl_3`, double, 96, 3, halving),
    halved(x),
  ]);
}

function blockC(p: Parameters, name: string, x: Tensor, pooled: Tensor, inner: number): Tensor {
  return together([
    chain(p, name, x, [["branch1x1", 192, 1]]),
    chain(p, name, x, [
      ["branch7x7_1", inner, 1],
      ["branch7x7_2", inner, across],
      ["branch7x7_3", 192, down],
    ]),
    chain(p, name, x, [
      ["branch7x7dbl_1", inner, 1],
      ["branch7x7dbl_2", inner, down],
      ["branch7x7dbl_3", inner, across],
      ["branch7x7dbl_4", inner, down],
      ["branch7x7dbl_5", 192, across],
    ]),
    chain(p, name, pooled, [["branch_pool", 192, 1]]),
  ]);
}

function blockD(p: Parameters, name: string, x: Tensor): Tensor {
  const three = chain(p, name, x, [["branch3x3_1", 192, 1]]);
  const seven = chain(p, name, x, [
    ["branch7x7x3_1", 192, 1],
    ["branch7x7x3_2", 192, across],
    ["branch7x7x3_3", 192, down],
  ]);
  return together([
    unit(p, `${name}.branch3x3_2`, three, 320, 3, halving),
    unit(p, `${name}.branch7x7x3_4`, seven, 192, 3, halving),
    halved(x),
  ]);
}

function blockE(p: Parameters, name: string, x: Tensor, pooled: Tensor): Tensor {
  const three = chain(p, name, x, [["branch3x3_1", 384, 1]]);
  const double = chain(p, name, x, [
    ["branch3x3dbl_1", 448, 1],
    ["branch3x3dbl_2", 384, 3],
  ]);
  const split = (t: Tensor, unitName: string) => [
    unit(p, `${name}.${unitName}a`, t, 384, [1, 3]),
    unit(p, `${name}.${unitName}b`, t, 384, [3, 1]),
  ];
  return together([
    chain(p, name, x, [["branch1x1", 320, 1]]),
    ...split(three, "branch3x3_2"),
    ...split(double, "branch3x3dbl_3"),
    chain(p, name, pooled, [["branch_pool", 192, 1]]),
  ]);
}
