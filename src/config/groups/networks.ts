/** Options of the networks: which, how wide, and the switches in which the known systems differ. */
import * as z from "zod";
import { pairOrders } from "../../model/losses.ts";
import { discriminators, receptiveField } from "../../networks/discriminators.ts";
import { dropoutLevels, skips } from "../../networks/generator.ts";
import { generators } from "../../networks/generators.ts";
import { biases } from "../../networks/network.ts";
import { blurPools } from "../../nn/blur.ts";
import { biasInits, inits } from "../../nn/init.ts";
import { paddings, upsamples } from "../../nn/layers.ts";
import { norms } from "../../nn/norms.ts";
import { namesOf } from "../names.ts";
import { option } from "../options.ts";

/** The receptive fields of --n-layers-d 0, 1, ... */
const fields = [0, 1, 2, 3, 4, 5, 6].map((nLayersD) => receptiveField(discriminators.n_layers.geometry({ nLayersD })));

/** Each generator's text with the sizes that it takes. */
const sized = Object.fromEntries(
  Object.entries(generators).map(([name, { help, multiple }]) => [
    name,
    { help: multiple === 1 ? help : `${help}, multiples of ${multiple}` },
  ]),
);

/** A unet_256 with so many filters has 220 billion parameters. */
const mostFilters = 4096;

export const networkOptions = {
  netG: option(z.enum(namesOf(generators)).default("unet_256"), {
    group: "networks",
    flag: "--netG",
    help: "generator, with the sizes that it takes",
    kinds: sized,
  }),
  ngf: option(z.int().min(1).max(mostFilters).default(64), {
    group: "networks",
    unit: "filters",
    help: "filters of the generator's first layer",
  }),
  upsample: option(z.enum(namesOf(upsamples)).default("transpose"), {
    group: "networks",
    help: "layers of the generator that double a map",
    kinds: upsamples,
  }),
  separableConv: option(z.boolean().default(false), {
    group: "networks",
    help: "U-Nets: separable convolutions, depthwise then pointwise, and nearest neighbours where maps are doubled, as --separable_conv of Hesse's code",
  }),
  blurPool: option(z.enum(namesOf(blurPools)).default("none"), {
    group: "networks",
    help: "against aliasing: filter maps, but not the picture itself, by (1 2 1) before each convolution that halves them (Zhang 2019, arXiv 1904.11486)",
    kinds: blurPools,
  }),
  padding: option(z.enum(paddings).default("zero"), {
    group: "networks",
    help: "padding of convolutions that halve a map, of D's last two and of resize-convolutions; transposed convolutions pad with zeros, the other convolutions of a resnet reflect",
  }),
  netD: option(z.enum(namesOf(discriminators)).default("basic"), {
    group: "networks",
    flag: "--netD",
    help: "discriminator; patch_N judges patches of N px as in the paper's Table 3",
    kinds: discriminators,
  }),
  ndf: option(z.int().min(1).max(mostFilters).default(64), {
    group: "networks",
    unit: "filters",
    help: "filters of the discriminator's first layer",
  }),
  nLayersD: option(z.int().min(0).max(6).default(3), {
    group: "networks",
    unit: "layers",
    help: `strided layers of --netD n_layers; 0 to 6 judge patches of ${fields.join(", ")} px`,
  }),
  numD: option(z.int().min(1).max(4).default(1), {
    group: "networks",
    flag: "--num-d",
    unit: "scales",
    help: "number of discriminators; each gets its input at half the size of the previous one's (pix2pixHD)",
  }),
  noCondition: option(z.boolean().default(false), {
    group: "networks",
    help: "the discriminator gets only the output, not the input: the paper's GAN instead of its cGAN",
  }),
  pairOrder: option(z.enum(namesOf(pairOrders)).default("input_first"), {
    group: "networks",
    help: "order of the channels that the discriminator reads",
    kinds: pairOrders,
  }),
  norm: option(z.enum(namesOf(norms)).default("batch"), {
    group: "networks",
    help: "normalisation in both networks",
    kinds: norms,
  }),
  noDropout: option(z.boolean().default(false), { group: "networks", help: "no dropout in the generator" }),
  dropoutLevels: option(z.enum(namesOf(dropoutLevels)).default("second"), {
    group: "networks",
    help: "decoder levels of a U-Net with dropout, from the innermost",
    kinds: dropoutLevels,
  }),
  bottleneckNorm: option(z.boolean().default(false), {
    group: "networks",
    help: "also normalise the innermost layer; with batch 1 this sets a 1x1 map to zero (the paper's erratum)",
  }),
  slope: option(z.number().min(0).lt(1).default(0.2), {
    group: "networks",
    help: "slope of LeakyReLU for negative values",
  }),
  skip: option(z.enum(namesOf(skips)).default("relu"), {
    group: "networks",
    help: "map that a skip connection of a U-Net brings to the decoder",
    kinds: skips,
  }),
  bias: option(z.enum(namesOf(biases)).default("auto"), {
    group: "networks",
    help: "convolutions that have a bias",
    kinds: biases,
  }),
  normEpsilon: option(z.number().gt(0).default(1e-5), {
    group: "networks",
    help: "number that norms add to the variance",
  }),
  normMomentum: option(z.number().gt(0).max(1).default(0.1), {
    group: "networks",
    help: "weight of the new batch in the running statistics of batch norms (PyTorch's momentum)",
  }),
  initType: option(z.enum(namesOf(inits)).default("normal"), {
    group: "networks",
    help: "distribution of the initial weights",
    kinds: inits,
  }),
  initGain: option(z.number().gt(0).default(0.02), {
    group: "networks",
    help: "gain of the initial weights; with --init-type normal their standard deviation",
  }),
  initBias: option(z.enum(namesOf(biasInits)).default("zero"), {
    group: "networks",
    help: "initial biases of convolutions",
    kinds: biasInits,
  }),
  initG: option(z.string().min(1).optional(), {
    group: "networks",
    needs: "machine",
    value: "FILE",
    absent: "random",
    help: "initial weights of the generator: .safetensors, or PyTorch's .pth",
  }),
  initD: option(z.string().min(1).optional(), {
    group: "networks",
    needs: "machine",
    value: "FILE",
    absent: "random",
    help: "initial weights of the discriminator: .safetensors, or PyTorch's .pth",
  }),
};
