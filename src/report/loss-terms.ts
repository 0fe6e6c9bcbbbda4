/** The losses beside the adversarial ones and the L1 distance: those that only some runs have, each with a chart of its own. */
export const lossTerms = [
  { key: "G_Feat", title: "Feature matching", yLabel: "G_Feat = lambda \u00d7 distance of the discriminator's maps" },
  {
    key: "G_Distill",
    title: "Distance to the teacher",
    yLabel: "G_Distill = lambda \u00d7 mean |output \u2212 teacher's|",
  },
  { key: "G_LPIPS", title: "Perceptual distance", yLabel: "G_LPIPS = lambda \u00d7 LPIPS of output and target" },
  { key: "D_GP", title: "Gradient penalty", yLabel: "D_GP = lambda \u00d7 mean (slope \u2212 1)\u00b2" },
  { key: "D_R1", title: "Gradient penalty at real pictures", yLabel: "D_R1 = lambda / 2 \u00d7 mean slope\u00b2" },
] as const;
