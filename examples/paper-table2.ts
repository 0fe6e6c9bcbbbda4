/** Table 2 of Isola et al. 2017: the effect of the skip connections in the generator. */
import type { GeneratorName } from "../src/networks/generators.ts";
import { main } from "./paper/main.ts";

await main("paper-table2", {
  title: "Table 2, generators",
  column: "generator and loss",
  batchSize: 10,
  variants(size) {
    const netG = (size === 256 ? "encoder_decoder" : `encoder_decoder_${size}`) as GeneratorName;
    return [
      { label: "Encoder-decoder, L1", name: "ed-l1", options: { netG, lambdaGan: 0 }, paper: [0.35, 0.12, 0.08] },
      { label: "Encoder-decoder, L1+cGAN", name: "ed-l1-cgan", options: { netG }, paper: [0.29, 0.09, 0.05] },
      { label: "U-Net, L1", name: "unet-l1", options: { lambdaGan: 0 }, paper: [0.48, 0.18, 0.13] },
      { label: "U-Net, L1+cGAN", name: "unet-l1-cgan", options: {}, paper: [0.55, 0.2, 0.14] },
    ];
  },
});
