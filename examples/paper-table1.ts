/** Table 1 of Isola et al. 2017: the effect of each term of the objective. */
import { main } from "./paper/main.ts";

await main("paper-table1", {
  title: "Table 1, objectives",
  column: "loss",
  batchSize: 1,
  variants: () => [
    { label: "L1", name: "unet-l1", options: { lambdaGan: 0 }, paper: [0.42, 0.15, 0.11] },
    { label: "GAN", name: "unet-gan", options: { noCondition: true, lambdaL1: 0 }, paper: [0.22, 0.05, 0.01] },
    { label: "cGAN", name: "unet-cgan", options: { lambdaL1: 0 }, paper: [0.57, 0.22, 0.16] },
    { label: "L1+GAN", name: "unet-l1-gan", options: { noCondition: true }, paper: [0.64, 0.2, 0.15] },
    { label: "L1+cGAN", name: "unet-l1-cgan", options: {}, paper: [0.66, 0.23, 0.17] },
  ],
});
