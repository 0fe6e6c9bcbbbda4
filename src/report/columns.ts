/** How the metrics of pairs are shown on pages. */
import type { PairMetrics } from "../metrics/pictures.ts";

/** How a metric of the pairs is shown. */
export interface Column {
  label: string;
  unit: string;
  digits: number;
  meaning: string;
  /** Sort key: lower is better. */
  badness: (metrics: PairMetrics) => number;
}

export const columns: Record<keyof PairMetrics, Column> = {
  l1: {
    label: "L1",
    unit: "",
    digits: 3,
    meaning: "mean absolute difference in the range [\u22121, 1]: 0 is equal; prefers blurred outputs",
    badness: ({ l1 }) => l1,
  },
  psnr: {
    label: "PSNR",
    unit: " dB",
    digits: 2,
    meaning: "of the squared difference, in decibels: higher is closer",
    badness: ({ psnr }) => -psnr,
  },
  ssim: {
    label: "SSIM",
    unit: "",
    digits: 3,
    meaning: "structural similarity: 1 is equal",
    badness: ({ ssim }) => -ssim,
  },
  sharpness: {
    label: "Sharpness",
    unit: "",
    digits: 2,
    meaning: "detail of the output over the target's: 1 is alike, well below 1 is blurred, above 1 is noisy",
    badness: ({ sharpness }) => Math.abs(1 - sharpness),
  },
  lpips: {
    label: "LPIPS",
    unit: "",
    digits: 3,
    meaning: "perceptual distance on the feature network named above: 0 is equal, smaller is more alike",
    badness: ({ lpips = 0 }) => lpips,
  },
  pixel: {
    label: "Right class",
    unit: "",
    digits: 3,
    meaning: "share of an image's pixels whose nearest palette colour is that of the target",
    badness: ({ pixel = 0 }) => -pixel,
  },
  spread: {
    label: "Spread",
    unit: "",
    digits: 2,
    meaning: "standard deviation of a pixel over the samples, in grey levels of 0 to 255",
    badness: ({ spread = 0 }) => -spread,
  },
};

/** The metrics that these rows have. */
export const metricsIn = ([first]: readonly { metrics: PairMetrics }[]): (keyof PairMetrics)[] =>
  (Object.keys(columns) as (keyof PairMetrics)[]).filter((key) => first?.metrics[key] !== undefined);
