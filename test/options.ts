/** Complete options for tests that call a part directly: the configuration's defaults, and what a test changes. */
import { type ConfigInput, parseConfig } from "../src/config/schema.ts";
import type { LoaderOptions } from "../src/data/loader.ts";
import type { ModelOptions } from "../src/model/losses.ts";
import type { DiscriminatorOptions } from "../src/networks/discriminators.ts";
import type { GeneratorOptions } from "../src/networks/generator.ts";

/** Options that a test writes down before it uses them, with their literal types. */
export const given = <const T extends Partial<ConfigInput>>(options: T): T => options;

/** A run of seconds; unet_64 is the smallest network with dropout. */
export const smallRun = given({ netG: "unet_64", ngf: 2, ndf: 2, cropSize: 64, loadSize: 72, batchSize: 2, seed: 5 });

/** The smallest networks with layers of each kind, for steps that are compared with PyTorch's at 32 px. */
export const smallModel = given({
  netG: "unet_32",
  ngf: 1,
  netD: "n_layers",
  ndf: 2,
  nLayersD: 2,
  norm: "instance",
  noDropout: true,
});

const defaults = parseConfig({ dataroot: "none", preprocess: "none" });

export const modelOptions = (changes: Partial<ModelOptions> = {}): ModelOptions => ({ ...defaults, ...changes });

export const generatorOptions = (changes: Partial<GeneratorOptions> = {}): GeneratorOptions => ({
  ...defaults,
  dropout: false,
  statistics: "batch",
  ...changes,
});

export const discriminatorOptions = (changes: Partial<DiscriminatorOptions> = {}): DiscriminatorOptions => ({
  ...defaults,
  prefix: "",
  statistics: "batch",
  ...changes,
});

/** Squares where no heights are given, as in a configuration. */
export function loaderOptions(changes: Partial<LoaderOptions> = {}): LoaderOptions {
  const options = { ...defaults, preprocess: "resize_and_crop" as const, ...changes };
  const { loadSize, cropSize } = options;
  return { ...options, loadHeight: changes.loadHeight ?? loadSize, cropHeight: changes.cropHeight ?? cropSize };
}
