/** What an import has assumed of an opened model. */
import { optionsOf } from "../../config/options.ts";
import { type Config, configSchema } from "../../config/schema.ts";
import { unknownData } from "../../exchange/describe.ts";

/** Options that files of weights do not show. Only ResNets show whether they have dropout: it moves the numbers of their layers. */
const unseen = ["direction", "preprocess", "loadSize", "cropSize"] as const;
const showsDropout = /^(resnet|global|enhancer)/;

/** "direction AtoB, preprocess resize_and_crop, ...", by the names of the flags; undefined for a run that was trained here. */
export function assumedOptions(config: Config): string | undefined {
  if (config.dataroot !== unknownData) return undefined;
  const keys = [...unseen, ...(showsDropout.test(config.netG) ? [] : (["noDropout"] as const))];
  const flags = new Map<string, string>(optionsOf(configSchema).map(({ key, flag }) => [key, flag]));
  return keys.map((key) => `${flags.get(key)!.slice(2)} ${config[key]}`).join(", ");
}

/** A sentence of them. */
export const assumedText = (options: string): string => `Not in its files, taken from the defaults: ${options}.`;
