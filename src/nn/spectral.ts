/** Spectral normalisation (Miyato et al. 2018, algorithm 1), with the names and the order of torch.nn.utils.spectral_norm. */
import type { Shape, Tensor } from "../graph/graph.ts";
import { add, div, mul, sqrt } from "../graph/ops/elementwise.ts";
import { gemm } from "../graph/ops/linear.ts";
import { detach, reshape, transpose } from "../graph/ops/movement.ts";
import { sum, sumSquare } from "../graph/ops/reduce.ts";
import type { Parameters } from "./parameters.ts";

/** Keeps the length of a vector above 0, as torch's default. */
const epsilon = 1e-12;

/**
 * The weight `<name>.weight_orig` divided by an estimate of its largest singular value. Each use improves the estimate by one
 * step of power iteration on `<name>.weight_u`; no gradient passes through that step.
 * @param outputs the axis of `shape` that counts the output channels: the rows of the matrix
 */
export function spectralWeight(p: Parameters, name: string, shape: Shape, outputs: 0 | 1): Tensor {
  const weight = p.get(`${name}.weight_orig`, shape, "weight");
  const rows = shape[outputs]!;
  const rowsFirst = outputs === 0 ? weight : transpose(weight, [1, 0, 2, 3]);
  const matrix = reshape(rowsFirst, [rows, weight.size / rows]);
  const fixed = detach(matrix);
  const before = p.get(`${name}.weight_u`, [rows], "direction");
  const v = ofLengthOne(gemm(fixed, reshape(before, [rows, 1]), 1));
  const u = ofLengthOne(gemm(fixed, v));
  p.replace(`${name}.weight_u`, reshape(u, [rows]));
  const largest = sum(mul(u, gemm(matrix, v)));
  return div(weight, reshape(largest, [1, 1, 1, 1]));
}

const ofLengthOne = (x: Tensor): Tensor => div(x, add(sqrt(sumSquare(x)), epsilon));
