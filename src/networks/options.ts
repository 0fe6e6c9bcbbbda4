/** Options that generators and discriminators share. Their names are those of the configuration. */
import type { Norm, NormOptions, Padding } from "../nn/layers.ts";

/**
 * Which convolutions have a bias. auto: those that the network's authors gave one (in the PyTorch implementation, where
 * the norm after it does not cancel or replace it); always: all of them; never: only the last.
 */
export type Bias = "auto" | "always" | "never";

export interface NetworkOptions extends NormOptions {
  norm: Norm;
  /** Slope of LeakyReLU below 0; .2. */
  slope?: number;
  bias?: Bias;
  /** At the edges of strided convolutions, of those of stride 1 in D, and of resize-convolutions; zero. */
  padding?: Padding;
}

/** Whether a convolution before the last has a bias; `auto` is the network's own choice. */
export const hasBias = (bias: Bias = "auto", auto: boolean): boolean => (bias === "auto" ? auto : bias === "always");

/** Slope of LeakyReLU where nothing else is said (Isola et al. 2017, 6.1). */
export const defaultSlope = 0.2;
