/** docs/options.md from the options' schemas; `npm run docs` writes it and the types in src/config/. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type OptionSpec, optionsOf, rangeOf, valueWords } from "../config/options.ts";
import type { Profile } from "../config/profiles.ts";
import { configSchema, profiles } from "../config/schema.ts";
import { configTypes } from "./config-types.ts";
import { commands } from "./registry.ts";

export const optionsFile = fileURLToPath(new URL("../../docs/options.md", import.meta.url));

/** The text of docs/options.md. */
export function optionsPage(): string {
  const training = optionsOf(configSchema);
  const seen = new Set(training.map(({ key }) => key));
  const parts = [
    "# Options",
    "Made by `npm run docs` from `src/config/` and `src/cli/`; do not edit.",
    "Any spelling works: `--lambda-l1`, `--lambda_L1` and `--lambdaL1` are the same option, `--lambda-l1 10` and " +
      "`--lambda-l1=10` the same value. An option without a value is on where it is given; `--no-flip=false` switches it off. " +
      "The same options are the keys of `runs/<name>/config.json`.",
    "## train",
    ...grouped(training).flatMap(([group, specs]) => [`### ${capital(group)}`, table(specs)]),
    "Options marked * may be changed with `--continue-train`; the others keep the values with which the run began.",
    "### Profiles",
    "A profile sets these defaults, after the system that it is named for; options that are given override it: " +
      "`--profile modern --spectral-norm=false` is `modern` without spectral norm. All other defaults follow `junyanz`, the PyTorch " +
      "implementation.",
    profileTable(training),
  ];
  for (const { name, summary, schema, ofRun } of commands.slice(1)) {
    const specs = optionsOf(schema);
    const own = specs.filter((spec) => !same(spec, training));
    const shared = specs.filter(({ key }) => seen.has(key) && !own.some((spec) => spec.key === key));
    parts.push(`## ${name}`, `${capital(summary)}.`, table(own, false));
    if (shared.length > 0) parts.push(`As for train: ${shared.map(({ flag }) => `\`${flag}\``).join(", ")}.`);
    if (ofRun) parts.push(`${capital(ofRun)}.`);
  }
  return `${parts.join("\n\n")}\n`;
}

function same(spec: OptionSpec, others: readonly OptionSpec[]): boolean {
  return others.some((other) => JSON.stringify(other) === JSON.stringify(spec));
}

function grouped(specs: readonly OptionSpec[]): [string, OptionSpec[]][] {
  const groups = [...new Set(specs.map(({ group }) => group))];
  return groups.map((group) => [group, specs.filter((spec) => spec.group === group)]);
}

function table(specs: readonly OptionSpec[], mark = true): string {
  const rows = specs.map((spec) => [
    `\`${spec.flag}\`${mark && spec.resume ? " *" : ""}`,
    values(spec),
    initial(spec),
    capital(spec.help) + kindsOf(spec),
  ]);
  return [["option", "value", "default", "what it does"], ["---", "---", "---", "---"], ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`)
    .join("\n");
}

/** A line for each choice that has a text of its own. */
function kindsOf({ kinds = {} }: OptionSpec): string {
  return Object.entries(kinds)
    .map(([name, { help }]) => `<br>\`${name}\`: ${help}`)
    .join("");
}

function values(spec: OptionSpec): string {
  if (spec.choices) return spec.choices.map((choice) => `\`${choice}\``).join(", ");
  if (spec.type === "boolean") return spec.word ? `nothing, or \`${spec.word}\`` : "";
  if (spec.type === "string") return valueWords(spec);
  const { minimum, maximum } = spec;
  if (spec.type === "number") return `number ${rangeOf(spec)}`;
  const range = maximum === undefined ? `${minimum ?? 0} or more` : `${minimum ?? 0} to ${maximum}`;
  return [range, spec.unit].filter(Boolean).join(" ");
}

function initial(spec: OptionSpec): string {
  if (spec.type === "boolean") return "off";
  if (spec.default !== undefined) return `\`${spec.default}\``;
  return spec.required ? "required" : (spec.absent ?? "none");
}

/** The options that profiles set, with a column for each profile. */
function profileTable(specs: readonly OptionSpec[]): string {
  const all = Object.entries<Profile>(profiles).map(
    ([name, { sets }]) => [name, sets as Record<string, unknown>] as const,
  );
  const set = specs.filter(({ key }) => all.some(([, values]) => key in values));
  const text = (value: unknown) => (value === true ? "on" : value === false ? "off" : String(value));
  const rows = set.map((spec) => [
    `\`${spec.flag}\``,
    ...all.map(([, values]) => (spec.key in values ? `**${text(values[spec.key])}**` : text(spec.default ?? "off"))),
  ]);
  return [["option", ...all.map(([name]) => `\`${name}\``)], ["---", ...all.map(() => "---")], ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

function capital(text: string): string {
  return `${text[0]?.toUpperCase()}${text.slice(1)}`;
}

/** Writes a file only where its text changes: a source that is written counts as newer than the build. */
function put(path: string, text: string): void {
  if (!existsSync(path) || readFileSync(path, "utf8") !== text) writeFileSync(path, text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  put(optionsFile, optionsPage());
  const types = configTypes();
  for (const [path, text] of types) put(path, text);
  process.stdout.write(`wrote ${[optionsFile, ...types.keys()].join("\n      ")}\n`);
}
