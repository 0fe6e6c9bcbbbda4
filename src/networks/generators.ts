/**
 * Generators. `generators` names them for --netG: an entry here is all that a new one needs.
 * A generator maps the input picture [N, inputNc, H, W] to [N, outputNc, H, W], both in [-1, 1].
 */
import type { Tensor } from "../graph/graph.ts";
import type { Upsample } from "../nn/layers.ts";
import type { Parameters } from "../nn/parameters.ts";
import type { NetworkOptions } from "./options.ts";
import { resnet } from "./resnet.ts";
import { article, unet } from "./unet.ts";

export interface GeneratorOptions extends NetworkOptions {
  outputNc: number;
  /** Channels of the first layer; they double up to 8 times. */
  ngf: number;
  dropout: boolean;
  upsample?: Upsample;
  /** U-Nets: dropout on decoder levels 2 to 4 (second; those of width ngf * 8) or 1 to 3 (first), 1 being the innermost. */
  dropoutLevels?: "second" | "first";
  /** U-Nets: a norm after the innermost convolution. */
  bottleneckNorm?: boolean;
  /**
   * U-Nets: what a skip brings to the decoder. relu: the encoder's map, which is rectified with the decoder's; leaky:
   * the map after LeakyReLU, beside the decoder's after ReLU.
   */
  skip?: "relu" | "leaky";
}

export interface Generator {
  build(p: Parameters, x: Tensor, options: GeneratorOptions): Tensor;
  /** Height and width have to be multiples of this. */
  multiple: number;
  help: string;
}

/** The choices of --netG. */
export const generators: Readonly<Record<string, Generator>> = {
  unet_32: unet(5),
  unet_64: unet(6),
  unet_128: unet(7),
  unet_256: unet(8),
  unet_512: unet(9),
  unet_1024: unet(10),
  encoder_decoder_64: unet(6, false),
  encoder_decoder_128: unet(7, false),
  encoder_decoder: unet(8, false),
  resnet_6blocks: resnet(6),
  resnet_9blocks: resnet(9),
  article,
};
