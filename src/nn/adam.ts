/** Adam (Kingma and Ba 2015, algorithm 1) as PyTorch arranges it: denominator sqrt(v) / sqrt(1 - beta2^t) + 1e-8. */
import type { Tensor } from "../graph.ts";
import { add, div, mul, sqrt, sub } from "../ops/elementwise.ts";

export interface AdamOptions {
  beta1: number;
  beta2: number;
}

export const adamEpsilon = 1e-8;

/** The two numbers of step t (from 1) that depend on t and the learning rate. */
export function adamFactors(
  t: number,
  lr: number,
  { beta1, beta2 }: AdamOptions,
): { size: number; correction: number } {
  return { size: lr / (1 - beta1 ** t), correction: Math.sqrt(1 - beta2 ** t) };
}

/** One step as graph nodes; `size` and `correction` are scalars from `adamFactors`. */
export function adam(
  { p, g, m, v }: Record<"p" | "g" | "m" | "v", Tensor>,
  size: Tensor,
  correction: Tensor,
  { beta1, beta2 }: AdamOptions,
): Record<"p" | "m" | "v", Tensor> {
  const m1 = add(mul(m, beta1), mul(g, 1 - beta1));
  const v1 = add(mul(v, beta2), mul(mul(g, g), 1 - beta2));
  const p1 = sub(p, div(mul(m1, size), add(div(sqrt(v1), correction), adamEpsilon)));
  return { p: p1, m: m1, v: v1 };
}

/** The same step on flat arrays of equal length, in place. */
export function adamInPlace(
  p: Float32Array,
  g: Float32Array,
  m: Float32Array,
  v: Float32Array,
  { size, correction }: { size: number; correction: number },
  { beta1, beta2 }: AdamOptions,
): void {
  const rest1 = 1 - beta1;
  const rest2 = 1 - beta2;
  const inverse = 1 / correction;
  for (let i = 0; i < p.length; i++) {
    const gi = g[i]!;
    const mi = beta1 * m[i]! + rest1 * gi;
    const vi = beta2 * v[i]! + rest2 * gi * gi;
    m[i] = mi;
    v[i] = vi;
    p[i] = p[i]! - (size * mi) / (Math.sqrt(vi) * inverse + adamEpsilon);
  }
}
