/** Table 3 of Isola et al. 2017: the effect of the discriminator's receptive field. */
import { main } from "./paper/main.ts";

await main("paper-table3", {
  title: "Table 3, receptive fields of the discriminator",
  column: "receptive field",
  batchSize: 1,
  variants: () => [
    { label: "1x1", name: "unet-l1-cgan-patch1", options: { netD: "patch_1" }, paper: [0.39, 0.15, 0.1] },
    { label: "16x16", name: "unet-l1-cgan-patch16", options: { netD: "patch_16" }, paper: [0.65, 0.21, 0.17] },
    // The same variant as in Table 1, so it uses the same run.
    { label: "70x70", name: "unet-l1-cgan", options: {}, paper: [0.66, 0.23, 0.17] },
    { label: "286x286", name: "unet-l1-cgan-patch286", options: { netD: "patch_286" }, paper: [0.42, 0.16, 0.11] },
  ],
});
