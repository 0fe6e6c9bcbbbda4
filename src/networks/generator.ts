/** The type of a generator and of its options; the list of generators is in generators.ts. */
import type { Tensor } from "../graph/graph.ts";
import type { Upsample } from "../nn/layers.ts";
import type { Parameters } from "../nn/parameters.ts";
import type { NetworkOptions } from "./network.ts";

/** The choices of --dropout-levels: the decoder levels of a U-Net that have dropout, level 1 being the innermost. */
export const dropoutLevels = {
  second: { help: "levels 2 to 4, those of width ngf * 8 (PyTorch implementation)" },
  first: { help: "levels 1 to 3 (paper)" },
};
export type DropoutLevels = keyof typeof dropoutLevels;

/** The choices of --skip: the map that a skip connection of a U-Net brings to the decoder. */
export const skips = {
  relu: { help: "the encoder's map, on which the decoder applies ReLU" },
  leaky: { help: "the encoder's map after LeakyReLU, beside the decoder's after ReLU (tutorial)" },
};
export type Skip = keyof typeof skips;

/** The options of a generator. */
export interface GeneratorOptions extends NetworkOptions {
  /** Channels of the output. */
  outputNc: number;
  /** Channels of the first layer; they double up to 8 times. */
  ngf: number;
  /** Whether dropout is on: its masks are the paper's noise z. */
  dropout: boolean;
  /**
   * Whether the network was trained with dropout, which may be off now: the PyTorch implementation counts dropout among the layers of a
   * resnet, which are numbered. Default: `dropout`.
   */
  dropoutLayers?: boolean | undefined;
  /** How the decoder doubles its maps. */
  upsample: Upsample;
  dropoutLevels: DropoutLevels;
  /** A norm after the innermost convolution of a U-Net. */
  bottleneckNorm: boolean;
  skip: Skip;
  /** Separable convolutions in a U-Net. */
  separableConv: boolean;
}

/** Options that only some generators read. */
export type GeneratorSwitch = "skip" | "dropoutLevels" | "bottleneckNorm" | "separableConv";

/** A generator maps the input picture [N, inputNc, H, W] to [N, outputNc, H, W], both in [-1, 1]. */
export interface Generator {
  /** One line for the help of --netG. */
  help: string;
  /** Height and width have to be multiples of this. */
  multiple: number;
  /** The switches that it reads; by default none. One of the others gets a warning; `separableConv` is refused. */
  switches?: readonly GeneratorSwitch[];
  /** Whether messages recommend it where the chosen generator cannot take the size of the pictures. */
  recommended?: true;
  /** The output picture. */
  build(p: Parameters, x: Tensor, options: GeneratorOptions): Tensor;
}
