/** The type of a generator and of its options; the list of generators is in generators.ts. */
import type { Tensor } from "../graph/graph.ts";
import type { Upsample } from "../nn/layers.ts";
import type { Parameters } from "../nn/parameters.ts";
import type { NetworkOptions } from "./network.ts";

/**
 * Decoder levels of a U-Net that have dropout, level 1 being the innermost. second: levels 2 to 4, those of width ngf * 8
 * (PyTorch implementation); first: levels 1 to 3 (paper).
 */
export const dropoutLevels = ["second", "first"] as const;
export type DropoutLevels = (typeof dropoutLevels)[number];

/**
 * The map that a skip connection of a U-Net brings to the decoder. relu: the encoder's map, on which the decoder then
 * applies ReLU; leaky: the encoder's map after LeakyReLU, beside the decoder's map after ReLU.
 */
export const skips = ["relu", "leaky"] as const;
export type Skip = (typeof skips)[number];

export interface GeneratorOptions extends NetworkOptions {
  outputNc: number;
  /** Channels of the first layer; they double up to 8 times. */
  ngf: number;
  dropout: boolean;
  upsample: Upsample;
  dropoutLevels: DropoutLevels;
  /** A norm after the innermost convolution of a U-Net. */
  bottleneckNorm: boolean;
  skip: Skip;
}

/** Options that only some generators read. */
export type GeneratorSwitch = "skip" | "dropoutLevels" | "bottleneckNorm";

/** A generator maps the input picture [N, inputNc, H, W] to [N, outputNc, H, W], both in [-1, 1]. */
export interface Generator {
  /** One line for the help of --netG. */
  help: string;
  /** Height and width have to be multiples of this. */
  multiple: number;
  /** The switches that it reads; by default none. A run that sets another one gets a warning. */
  switches?: readonly GeneratorSwitch[];
  /** Messages recommend it where another generator does not take the size of the pictures. */
  recommended?: true;
  /** The output picture. */
  build(p: Parameters, x: Tensor, options: GeneratorOptions): Tensor;
}
