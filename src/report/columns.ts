/** How the metrics of pairs are shown on pages. */
import {
  type Metrics,
  metricNames,
  type PairMetrics,
  type PictureMetric,
  pictureMetrics,
} from "../metrics/pictures.ts";

/** How a metric of the pairs is shown. */
export interface Column {
  label: string;
  unit: string;
  digits: number;
  meaning: string;
  /** Sort key: lower is better. */
  badness: (metrics: PairMetrics) => number;
}

/** How far a value is from the best one: lower is better. */
export const badness = (better: PictureMetric["better"], value: number): number =>
  better === "smaller" ? value : better === "larger" ? -value : Math.abs(1 - value);

const ofMetrics = Object.fromEntries(
  metricNames.map((name): [string, Column] => {
    const { label, unit, digits, meaning, better } = pictureMetrics[name];
    return [name, { label, unit, digits, meaning, badness: (metrics) => badness(better, metrics[name]) }];
  }),
) as Record<keyof Metrics, Column>;

export const columns: Record<keyof PairMetrics, Column> = {
  ...ofMetrics,
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
