/** Types of the options of config/groups/networks.ts. Made by `npm run docs` from the groups of options; do not edit. */
import type * as z from "zod";
import type { networkOptions } from "../groups/networks.ts";

type Values = z.output<z.ZodObject<typeof networkOptions>>;

/** Options of this group as a user gives them. */
export interface NetworkInput {
  /**
   * Generator, with the sizes that it takes.
   * - unet_32: U-Net of 5 levels, multiples of 32
   * - unet_64: U-Net of 6 levels, multiples of 64
   * - unet_128: U-Net of 7 levels, multiples of 128
   * - unet_256: U-Net of 8 levels, multiples of 256
   * - unet_512: U-Net of 9 levels, multiples of 512
   * - unet_1024: U-Net of 10 levels, multiples of 1024
   * - encoder_decoder_64: U-Net of 6 levels without skip connections, multiples of 64
   * - encoder_decoder_128: U-Net of 7 levels without skip connections, multiples of 128
   * - encoder_decoder: U-Net of 8 levels without skip connections, multiples of 256
   * - resnet_6blocks: ResNet of 6 blocks, multiples of 4
   * - resnet_9blocks: ResNet of 9 blocks, multiples of 4
   * - global_9blocks: ResNet of 9 blocks and 4 halvings, pix2pixHD's global generator, multiples of 16
   * - enhancer: pix2pixHD's local enhancer around global_9blocks of twice the filters, multiples of 32
   * - article: the seed article's U-Net of 8 levels (see --profile article), multiples of 256
   * Default: unet_256.
   */
  netG?: Values["netG"] | undefined;
  /** Filters of the generator's first layer. Value: filters from 1 to 4096. Default: 64. */
  ngf?: number | undefined;
  /**
   * Layers of the generator that double a map.
   * - transpose: transposed convolution
   * - resize: nearest neighbours and a convolution of stride 1 (no checkerboard)
   * Default: transpose.
   */
  upsample?: Values["upsample"] | undefined;
  /**
   * U-Nets: separable convolutions, depthwise then pointwise, and nearest neighbours where maps are doubled, as
   * --separable_conv of Hesse's code.
   * Default: false.
   */
  separableConv?: boolean | undefined;
  /**
   * Against aliasing: filter maps, but not the picture itself, by (1 2 1) before each convolution that halves them
   * (Zhang 2019, arXiv 1904.11486).
   * - none: plain strided convolutions
   * - generator: in G
   * - discriminator: in D
   * - both: in both networks
   * Default: none.
   */
  blurPool?: Values["blurPool"] | undefined;
  /**
   * Padding of convolutions that halve a map, of D's last two and of resize-convolutions; transposed convolutions
   * pad with zeros, the other convolutions of a resnet reflect.
   * Default: zero.
   */
  padding?: Values["padding"] | undefined;
  /**
   * Discriminator; patch_N judges patches of N px as in the paper's Table 3.
   * - basic: PatchGAN of 3 strided layers, patches of 70 px
   * - n_layers: PatchGAN of --n-layers-d strided layers
   * - pixel: PixelGAN of 1 x 1 convolutions, judges single pixels
   * - patch_1: PixelGAN of 1 x 1 convolutions, judges single pixels
   * - patch_16: PatchGAN of 1 strided layer, patches of 16 px
   * - patch_70: PatchGAN of 3 strided layers, patches of 70 px
   * - patch_286: PatchGAN of 5 strided layers, patches of 286 px
   * - article: the seed article's: 4 strided layers, then a transposed one to a 70 x 70 map
   * Default: basic.
   */
  netD?: Values["netD"] | undefined;
  /** Filters of the discriminator's first layer. Value: filters from 1 to 4096. Default: 64. */
  ndf?: number | undefined;
  /**
   * Strided layers of --netD n_layers; 0 to 6 judge patches of 1, 16, 34, 70, 142, 286, 574 px.
   * Value: layers from 0 to 6. Default: 3.
   */
  nLayersD?: number | undefined;
  /**
   * Number of discriminators; each gets its input at half the size of the previous one's (pix2pixHD).
   * Value: scales from 1 to 4. Default: 1.
   */
  numD?: number | undefined;
  /** The discriminator gets only the output, not the input: the paper's GAN instead of its cGAN. Default: false. */
  noCondition?: boolean | undefined;
  /**
   * Order of the channels that the discriminator reads.
   * - input_first: input, then picture (the known systems)
   * - picture_first: picture, then input (profile article)
   * Default: input_first.
   */
  pairOrder?: Values["pairOrder"] | undefined;
  /**
   * Normalisation in both networks.
   * - batch: over the batch, with scale and shift (Ioffe and Szegedy 2015)
   * - instance: over each picture, without scale and shift (Ulyanov et al. 2016)
   * - none: no normalisation
   * Default: batch.
   */
  norm?: Values["norm"] | undefined;
  /** No dropout in the generator. Default: false. */
  noDropout?: boolean | undefined;
  /**
   * Decoder levels of a U-Net with dropout, from the innermost.
   * - second: levels 2 to 4, those of width ngf * 8 (PyTorch implementation)
   * - first: levels 1 to 3 (paper)
   * Default: second.
   */
  dropoutLevels?: Values["dropoutLevels"] | undefined;
  /**
   * Also normalise the innermost layer; with batch 1 this sets a 1x1 map to zero (the paper's erratum).
   * Default: false.
   */
  bottleneckNorm?: boolean | undefined;
  /** Slope of LeakyReLU for negative values. Value: number of at least 0 and below 1. Default: 0.2. */
  slope?: number | undefined;
  /**
   * Map that a skip connection of a U-Net brings to the decoder.
   * - relu: the encoder's map, on which the decoder applies ReLU
   * - leaky: the encoder's map after LeakyReLU, beside the decoder's after ReLU (tutorial)
   * Default: relu.
   */
  skip?: Values["skip"] | undefined;
  /**
   * Convolutions that have a bias.
   * - auto: as in the original networks: all with --norm instance, else D's first and the last of each network,
   * except netD pixel's (netG and netD article: all)
   * - always: all convolutions
   * - never: only the last convolution of each network
   * Default: auto.
   */
  bias?: Values["bias"] | undefined;
  /** Number that norms add to the variance. Value: number above 0. Default: 0.00001. */
  normEpsilon?: number | undefined;
  /**
   * Weight of the new batch in the running statistics of batch norms (PyTorch's momentum).
   * Value: number above 0 and of at most 1. Default: 0.1.
   */
  normMomentum?: number | undefined;
  /**
   * Distribution of the initial weights.
   * - normal: N(0, gain)
   * - xavier: N(0, gain * sqrt(2 / (fan in + fan out)))
   * - kaiming: N(0, sqrt(2 / fan in)); ignores the gain
   * - orthogonal: gain times a matrix with orthonormal rows
   * Default: normal.
   */
  initType?: Values["initType"] | undefined;
  /**
   * Gain of the initial weights; with --init-type normal their standard deviation.
   * Value: number above 0. Default: 0.02.
   */
  initGain?: number | undefined;
  /**
   * Initial biases of convolutions.
   * - zero: 0
   * - uniform: uniform from -1 / sqrt(fan in) to 1 / sqrt(fan in), PyTorch's default (profile article)
   * Default: zero.
   */
  initBias?: Values["initBias"] | undefined;
  /** Initial weights of the generator: .safetensors, or PyTorch's .pth. Default: random. */
  initG?: string | undefined;
  /** Initial weights of the discriminator: .safetensors, or PyTorch's .pth. Default: random. */
  initD?: string | undefined;
}
