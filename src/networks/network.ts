/** Options that generators and discriminators share. Their names are those of the configuration. */
import type { Padding } from "../nn/layers.ts";
import type { Norm, NormOptions } from "../nn/norms.ts";

/**
 * Which convolutions have a bias. auto: those to which the network's authors gave one (in the PyTorch implementation, where
 * the norm after the convolution neither cancels nor replaces it); always: all of them; never: only the last.
 */
export const biases = ["auto", "always", "never"] as const;
export type Bias = (typeof biases)[number];

export interface NetworkOptions extends NormOptions {
  norm: Norm;
  /** Slope of LeakyReLU below 0. */
  slope: number;
  bias: Bias;
  /** At the edges of strided convolutions, of those of stride 1 in D, and of resize-convolutions. */
  padding: Padding;
}

/** Whether a convolution before the last has a bias; `auto` is the network's own choice. */
export const hasBias = (bias: Bias, auto: boolean): boolean => (bias === "auto" ? auto : bias === "always");
