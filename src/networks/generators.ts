/** The choices of --netG. A new generator needs one entry here: options, help, docs and checks follow from it. */
import type { Generator } from "./generator.ts";
import { enhancer, resnet } from "./resnet.ts";
import { article, unet } from "./unet.ts";

/** The choices of --netG. `generatorGraph` builds one as a program. */
export const generators = {
  unet_32: unet(5),
  unet_64: unet(6),
  unet_128: unet(7),
  unet_256: unet(8),
  unet_512: unet(9),
  unet_1024: unet(10),
  encoder_decoder_64: unet(6, { skips: false }),
  encoder_decoder_128: unet(7, { skips: false }),
  encoder_decoder: unet(8, { skips: false }),
  resnet_6blocks: resnet(6),
  resnet_9blocks: resnet(9),
  global_9blocks: resnet(9, 4),
  enhancer,
  article,
} satisfies Readonly<Record<string, Generator>>;

export type GeneratorName = keyof typeof generators;
