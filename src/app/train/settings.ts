/** The configuration of a run from the settings of the page. */
import { type Config, parseConfig } from "../../index.ts";
import { checkpointsDir, type DataSet } from "./storage.ts";

export interface Settings {
  name: string;
  size: 64 | 128 | 256;
  steps: number;
  /** Mirror pairs at random. */
  mirror: boolean;
}

/** Filters of the first layers (ngf, ndf) by size: a compromise between quality and time. */
const filters = { 64: 24, 128: 32, 256: 64 };
/** For few steps a higher learning rate helps more than dropout. */
const quick = { noDropout: true, lr: 6e-4 };

export function configOf(
  { name, size, steps, mirror }: Settings,
  { root, pairs, direction, halves }: DataSet,
  drawnAt: string,
): Config {
  const epochs = Math.ceil(steps / Math.min(pairs, steps));
  const decay = Math.floor((3 * epochs) / 8);
  return parseConfig({
    ...(size === 64 ? quick : {}),
    name,
    checkpointsDir,
    dataroot: root ?? drawnAt,
    direction,
    ...(halves && { datasetMode: "aligned" }),
    netG: `unet_${size}`,
    ngf: filters[size],
    ndf: filters[size],
    cropSize: size,
    loadSize: root ? Math.round((size * 286) / 256) : size,
    noFlip: !mirror,
    skipUnpaired: true,
    skipBadImages: true,
    maxSteps: steps,
    nEpochs: epochs - decay,
    nEpochsDecay: decay,
    saveLatestFreq: 100,
    // A closed tab loses a minute at most, and a picture comes every 20 seconds.
    saveLatestSeconds: 60,
    displayFreq: "20s",
    // Epochs are short: the weights of each would fill the browser's storage.
    saveEpochFreq: 1_000_000,
  });
}

/** A name that no run has yet. */
export function freeName(title: string, taken: readonly string[]): string {
  for (let i = 1; ; i++) {
    const name = i === 1 ? title : `${title}-${i}`;
    if (!taken.includes(name)) return name;
  }
}

/** A finished run as one that goes on for more steps, at a learning rate that falls again to its end. */
export function prolonged(config: Config, step: number, more: number, pairs: number): Partial<Config> {
  const epochs = Math.ceil((step + more) / pairs);
  const decay = Math.min(epochs, Math.ceil((3 * more) / 8 / pairs));
  return { maxSteps: step + more, nEpochs: epochs - decay, nEpochsDecay: decay, continueTrain: true, lr: config.lr };
}
