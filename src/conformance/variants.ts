/** The variants that conformance covers: every network, loss and update order, each as small as possible. */
import { namesOf } from "../config/names.ts";
import { type Config, type ConfigInput, parseConfig } from "../config/schema.ts";
import { forCpu } from "../lowering/cpu.ts";
import { forGpu, stepForGpu } from "../lowering/gpu.ts";
import type { BatchShape } from "../model/losses.ts";
import { generatorGraph, trainingStep } from "../model/pix2pix.ts";
import { type DiscriminatorName, discriminators } from "../networks/discriminators.ts";
import { generators } from "../networks/generators.ts";
import { ganLosses } from "../nn/losses.ts";
import { statisticsSources } from "../nn/norms.ts";
import { type Case, collect } from "./cases.ts";

/** A configuration and the batch that it is tried on. */
export interface Variant {
  name: string;
  config: Config;
  shape: BatchShape;
}

/** Most pixels of a side that a generator may need. Larger generators only have more levels of the same kind. */
const largest = 256;

function variant(name: string, options: Partial<ConfigInput>): Variant {
  const { multiple } = generators[options.netG ?? "unet_32"];
  const side = Math.max(32, multiple);
  const small = { netG: "unet_32" as const, cropSize: side, loadSize: side, ngf: 2, ndf: 3 };
  const config = parseConfig({ dataroot: "none", ...small, ...options });
  return { name, config, shape: { n: config.batchSize, height: config.cropSize, width: config.cropSize } };
}

/** The variant of a short check: a U-Net with batch norm, a PatchGAN with 6 input channels, cross-entropy. */
export const first = (): Variant => variant("unet_32, basic", { ndf: 4 });

/** All variants but the full-size one. */
export function variants(): Variant[] {
  const large = namesOf(generators).filter((netG) => generators[netG].multiple <= largest);
  return [
    first(),
    ...large.map((netG) => variant(netG, { netG })),
    ...namesOf(discriminators).map((netD) => variant(`netD ${netD}`, { netD, ndf: 4, ...generatorFor(netD) })),
    ...namesOf(ganLosses).map((ganMode) => variant(`${ganMode}, instance norm`, { ganMode, norm: "instance" })),
    variant("no norm but biases, no condition", { norm: "none", bias: "always", noCondition: true }),
    variant("batches of 2, grey to colour", { batchSize: 2, inputNc: 1 }),
    variant("6 input channels to 2", { inputNc: 6, outputNc: 2, ngf: 3 }),
    variant("resized, not transposed", { upsample: "resize" }),
    variant("reflected edges", { netG: "resnet_6blocks", padding: "reflect", ngf: 4 }),
    variant("two scales, feature matching", { numD: 2, nLayersD: 1, netD: "n_layers", lambdaFeat: 10 }),
    variant("gradients through the updated D", { updateOrder: "stale", skip: "relu" }),
    variant("several batches, clipped, biases 0", { accumulate: 2, clipGrad: 0.5, zeroBias: true, bias: "always" }),
    variant("spectral norm, R1", { spectralNorm: true, lambdaR1: 1, ganMode: "hinge", norm: "none" }),
    variant("augmented for D", { diffAugment: "color,translation,cutout", batchSize: 2 }),
    variant("separable convolutions", { separableConv: true, ngf: 4 }),
    variant("smoothed before halving", { blurPool: "both", ngf: 4, ndf: 4 }),
    variant("L1 alone", { lambdaGan: 0 }),
  ];
}

/** Options of a larger generator for a discriminator that needs more than 32 pixels. */
const generatorFor = (netD: DiscriminatorName): Partial<ConfigInput> =>
  discriminators[netD].least({ nLayersD: 3 }) > 32 ? { netG: "unet_128", cropSize: 128, loadSize: 128 } : {};

/** The default networks at their default size. They take too long on a software adapter. */
export const fullSize = (): Variant =>
  variant("unet_256, full size", { netG: "unet_256", cropSize: 256, loadSize: 256, ngf: 64, ndf: 64 });

/** Every node of the training steps and generators of these variants, lowered for a CPU or a GPU. */
export function casesOf(all: readonly Variant[], kind: "cpu" | "gpu"): Map<string, Case> {
  const cases = new Map<string, Case>();
  for (const { name, config, shape } of all) {
    const { substeps } = trainingStep(config, shape);
    const steps = substeps.flatMap(({ before, batch, after }) => [...before, batch, ...after]);
    const alone = statisticsSources.map((statistics) => generatorGraph(config, shape, statistics).program);
    const lowered =
      kind === "gpu" ? [...stepForGpu(steps), ...alone.map(forGpu)] : [...steps, ...alone].map((p) => forCpu(p));
    collect(lowered, name, cases);
  }
  return cases;
}
