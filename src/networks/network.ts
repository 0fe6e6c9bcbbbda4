/** Options that generators and discriminators share. Their names are those of the configuration. */
import type { BlurPool } from "../nn/blur.ts";
import type { Padding } from "../nn/layers.ts";
import type { Norm, NormOptions } from "../nn/norms.ts";

/** The choices of --bias: which convolutions have a bias. */
export const biases = {
  auto: {
    help: "as in the original networks: all with --norm instance, else D's first and the last of each network, except netD pixel's (netG and netD article: all)",
  },
  always: { help: "all convolutions" },
  never: { help: "only the last convolution of each network" },
};
export type Bias = keyof typeof biases;

/** The options of both networks. */
export interface NetworkOptions extends NormOptions {
  norm: Norm;
  /** Slope of LeakyReLU below 0. */
  slope: number;
  bias: Bias;
  /** Of strided convolutions, of those of stride 1 in D, and of resize-convolutions. */
  padding: Padding;
  /** The networks in which a filter precedes each convolution that halves a map; a picture itself is never smoothed. */
  blurPool: BlurPool;
}

/** Whether a convolution other than the last has a bias. @param auto the network's own choice, for --bias auto */
export const hasBias = (bias: Bias, auto: boolean): boolean => (bias === "auto" ? auto : bias === "always");
