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
  { root, pairs, direction }: DataSet,
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
