/** The options of networks that were read from files: those that the tensors show, and values for those that they do not show. */

import { optionsOf, textValues } from "../config/options.ts";
import { type Config, configSchema, parseCommandLine } from "../config/schema.ts";
import { CheckpointError, ConfigError, refuse } from "../errors.ts";
import { generators } from "../networks/generators.ts";
import type { Fact } from "./families.ts";
import type { FoundNetwork } from "./networks-in.ts";

/** Networks of files with the options that they need. */
export interface Described {
  config: Config;
  /** What the tensors show. */
  facts: readonly Fact[];
  /** Options that neither the files nor the user give, with the values that were taken for them. */
  assumed: readonly { flag: string; value: string }[];
  notes: readonly string[];
}

/** The dataroot of a run that was imported without one. */
export const unknownData = "unknown (imported weights)";

/** Options that tensors never show. */
const unseen = ["direction", "preprocess", "loadSize", "cropSize"] as const;

/** "netG unet_256, ngf 64, ...": what the tensors show, and what was taken for the rest, in a line each. */
export function descriptionOf({ facts, assumed }: Pick<Described, "facts" | "assumed">): string[] {
  const lines = [`read off the tensors: ${facts.map(({ key, value }) => `${key} ${value}`).join(", ")}`];
  if (assumed.length > 0) {
    lines.push(
      `not in the file, taken from the defaults: ${assumed.map(({ flag, value }) => `${flag} ${value}`).join(", ")}`,
    );
  }
  return lines;
}

/** "--netG unet_128 --ngf 8": the options that the tensors of a network show, for a command line. */
export function optionsShown({ implied, facts }: Pick<FoundNetwork, "implied" | "facts">): string {
  const values = Object.entries({ ...implied, ...Object.fromEntries(facts.map(({ key, value }) => [key, value])) });
  const flags = new Map<string, string>(optionsOf(configSchema).map(({ key, flag }) => [key, flag]));
  return values
    .map(([key, value]) => {
      if (typeof value === "boolean") return `${flags.get(key)}${value ? "" : "=false"}`;
      return `${flags.get(key)} ${value}`;
    })
    .join(" ");
}

/** Options that only some tensors show. */
const sometimes = ["noDropout"] as const;

/** The load size for a crop, in the ratio of the PyTorch implementation: 286 for 256. */
const loadFor = (crop: number) => Math.round((crop * 286) / 256);

/**
 * The options that the networks of files need.
 * @param given options of the user, as text; they decide what the tensors do not show
 * @param implied options that the layout of the file implies, such as its profile
 * @throws ConfigError for a given option that the tensors contradict
 * @throws CheckpointError for networks that do not belong together
 */
export function describe(
  networks: readonly FoundNetwork[],
  given: Readonly<Record<string, unknown>> = {},
  implied: Readonly<Record<string, unknown>> = {},
): Described {
  const facts = factsOf(networks);
  const ofLayout = Object.assign({}, ...networks.map((network) => network.implied)) as Readonly<
    Record<string, unknown>
  >;
  const { named, problems } = textValues(configSchema, given);
  refuse(problems);
  for (const fact of facts) contradiction(fact, named[fact.key], networks);
  const seen = Object.fromEntries(facts.map(({ key, value }) => [key, value]));
  const sizes = "cropSize" in implied ? {} : sizesFor(seen.netG as keyof typeof generators | undefined, named);
  const config = parseCommandLine({ dataroot: unknownData, ...ofLayout, ...implied, ...sizes, ...named, ...seen });
  const open = [...unseen, ...sometimes.filter((key) => !(key in seen))];
  const flags = new Map(optionsOf(configSchema).map(({ key, flag }) => [key, flag]));
  return {
    config,
    facts,
    assumed: open
      .filter((key) => !(key in named || key in implied))
      .map((key) => ({ flag: flags.get(key)!, value: String(config[key]) })),
    notes: [...networks.flatMap(({ notes, path }) => notes.map((note) => `${path}: ${note}`)), ...labelNotes(config)],
  };
}

/** A note on inputs of more than 4 channels: most are the classes of label maps, but tensors do not show that. */
const labelNotes = ({ inputNc, inputLabels }: Config): string[] =>
  inputNc > 4 && inputLabels === undefined
    ? [
        `the input has ${inputNc} channels: if they are the classes of label maps, give --input-labels ${inputNc}; if the last one is ` +
          `pix2pixHD's of the edges of objects, --input-labels ${inputNc - 1} --input-instances; otherwise inputs are .npy files`,
      ]
    : [];

/** Upstream crops 256 px from 286; deeper U-Nets need more. */
function sizesFor(
  netG: keyof typeof generators | undefined,
  given: Readonly<Record<string, unknown>>,
): Record<string, number> {
  const least = netG === undefined ? 1 : generators[netG].multiple;
  const cropSize = Number(given.cropSize ?? Math.max(256, least));
  return { cropSize, loadSize: loadFor(cropSize) };
}

/** The facts of all networks; those of G come first. */
function factsOf(networks: readonly FoundNetwork[]): Fact[] {
  const ordered = [...networks].sort((a) => (a.network === "G" ? -1 : 1));
  const merged = new Map<Fact["key"], { fact: Fact; path: string }>();
  for (const { facts, path } of ordered) {
    for (const fact of facts) {
      const before = merged.get(fact.key);
      if (before && before.fact.value !== fact.value) {
        throw new CheckpointError(
          `${before.path} and ${path} do not belong together: ${fact.key} is ${before.fact.value} in the first ` +
            `(${before.fact.from}) and ${fact.value} in the second (${fact.from}).`,
        );
      }
      if (!before) merged.set(fact.key, { fact, path });
    }
  }
  const condition = conditionOf(ordered);
  return [...[...merged.values()].map(({ fact }) => fact), ...(condition ? [condition] : [])];
}

/** The fact that D does not see G's input; undefined where it does, or where one of the networks is missing. */
function conditionOf(networks: readonly FoundNetwork[]): Fact | undefined {
  const [g, d] = (["G", "D"] as const).map((name) => networks.find(({ network }) => network === name));
  if (!g || !d) return undefined;
  const outputs = Number(g.facts.find(({ key }) => key === "outputNc")?.value);
  if (d.inputs === g.inputs + outputs) return undefined;
  if (d.inputs === outputs) return { key: "noCondition", value: true, from: `D's ${d.inputs} input channels` };
  throw new CheckpointError(
    `${g.path} and ${d.path} do not belong together: G maps ${g.inputs} channels to ${outputs}, so D has ` +
      `${g.inputs + outputs} input channels or, without the condition, ${outputs}; it has ${d.inputs}.`,
  );
}

/** @throws ConfigError where a given option contradicts the tensors */
function contradiction({ key, value, from }: Fact, given: unknown, networks: readonly FoundNetwork[]): void {
  if (given === undefined || given === value) return;
  const flag = optionsOf(configSchema).find((option) => option.key === key)?.flag ?? key;
  const files = networks.map(({ path }) => path).join(", ");
  throw new ConfigError(`${flag}: got ${given}, but ${files} has ${from}, which is ${value}; leave the option out`);
}

/** The name of a run or an export of a file of weights: "latest_net_G" for "folder/latest_net_G.pth". */
export function nameOf(path: string): string {
  const stem = path.slice(path.lastIndexOf("/") + 1).replace(/\.[^.]*$/, "");
  return stem.replace(/[\\:*?"<>|]/g, "_") || "weights";
}
