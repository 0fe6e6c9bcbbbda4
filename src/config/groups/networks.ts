/** Options of the networks: which, how wide, and the switches in which the known systems differ. */
import * as z from "zod";
import { discriminators } from "../../networks/discriminators.ts";
import { generators } from "../../networks/generators.ts";
import { inits } from "../../nn/init.ts";
import { namesOf } from "../names.ts";
import { option } from "../options.ts";

export const networkOptions = {
  netG: option(z.enum(Object.keys(generators)).default("unet_256"), {
    group: "networks",
    flag: "--netG",
    help: "generator; unet_N halves the picture log2(N) times and needs sizes that are multiples of N; encoder_decoder(_N) is a U-Net of 256 (N) without skips",
  }),
  ngf: option(z.int().min(1).default(64), {
    group: "networks",
    unit: "filters",
    help: "filters of the generator's first layer",
  }),
  upsample: option(z.enum(["transpose", "resize"]).default("transpose"), {
    group: "networks",
    help: "way up in the generator: transposed convolutions, or nearest neighbours and a convolution (no checkerboard)",
  }),
  padding: option(z.enum(["zero", "reflect"]).default("zero"), {
    group: "networks",
    help: "what convolutions that halve, D's last two and resize-convolutions see beyond the border; transposed ones see zeros, a resnet's others reflect",
  }),
  netD: option(z.enum(Object.keys(discriminators)).default("basic"), {
    group: "networks",
    flag: "--netD",
    help: "discriminator; basic is the 70x70 PatchGAN, n_layers one of another depth, pixel judges single pixels, patch_N patches of N px as in the paper's Table 3",
  }),
  ndf: option(z.int().min(1).default(64), {
    group: "networks",
    unit: "filters",
    help: "filters of the discriminator's first layer",
  }),
  nLayersD: option(z.int().min(0).max(6).default(3), {
    group: "networks",
    unit: "layers",
    help: "strided layers of --netD n_layers; 1 judges 16x16 patches, 3 70x70, 5 286x286, 0 single pixels",
  }),
  numD: option(z.int().min(1).max(4).default(1), {
    group: "networks",
    flag: "--num-d",
    unit: "scales",
    help: "discriminators, each on a picture of half the size of the one before (pix2pixHD)",
  }),
  noCondition: option(z.boolean().default(false), {
    group: "networks",
    help: "the discriminator sees the output alone, not the input beside it: the paper's GAN instead of its cGAN",
  }),
  norm: option(z.enum(["batch", "instance", "none"]).default("batch"), {
    group: "networks",
    help: "normalisation in both networks",
  }),
  noDropout: option(z.boolean().default(false), { group: "networks", help: "no dropout in the generator" }),
  dropoutLevels: option(z.enum(["second", "first"]).default("second"), {
    group: "networks",
    help: "decoder levels with dropout, from the innermost: second to fourth (PyTorch code), or first to third (paper)",
  }),
  bottleneckNorm: option(z.boolean().default(false), {
    group: "networks",
    help: "a norm on the innermost layer too; at batch 1 it wipes out a 1x1 map (the paper's erratum)",
  }),
  slope: option(z.number().min(0).lt(1).default(0.2), { group: "networks", help: "LeakyReLU's slope below zero" }),
  skip: option(z.enum(["relu", "leaky"]).default("relu"), {
    group: "networks",
    help: "what a skip connection hands over: the encoder's map through ReLU, or through LeakyReLU (tutorial)",
  }),
  bias: option(z.enum(["auto", "always", "never"]).default("auto"), {
    group: "networks",
    help: "biases of all convolutions but the last, which has one; auto as the network's authors: before an instance norm and in D's first (article: all)",
  }),
  normEpsilon: option(z.number().gt(0).default(1e-5), { group: "networks", help: "what norms add to the variance" }),
  normMomentum: option(z.number().gt(0).max(1).default(0.1), {
    group: "networks",
    help: "share of the new batch in the running statistics of batch norms",
  }),
  initType: option(z.enum(namesOf(inits)).default("normal"), {
    group: "networks",
    help: "distribution of the initial weights",
  }),
  initGain: option(z.number().gt(0).default(0.02), {
    group: "networks",
    help: "standard deviation of the initial weights",
  }),
  initG: option(z.string().min(1).optional(), {
    group: "networks",
    value: "FILE",
    absent: "random",
    help: "safetensors file with the generator's first weights",
  }),
  initD: option(z.string().min(1).optional(), {
    group: "networks",
    value: "FILE",
    absent: "random",
    help: "safetensors file with the discriminator's first weights",
  }),
};
