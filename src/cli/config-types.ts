/** src/config/types.ts from the options' schema: interfaces whose fields carry the help, for editors. */
import { fileURLToPath } from "node:url";
import { type OptionSpec, optionsOf, rangeOf } from "../config/options.ts";
import { configSchema } from "../config/schema.ts";

export const typesFile = fileURLToPath(new URL("../config/types.ts", import.meta.url));

/** Options that `parseConfig` completes from others: always there in a Config, without a default of the schema. */
const completed = new Set(["loadHeight", "cropHeight"]);

/** The text of src/config/types.ts. */
export function configTypes(): string {
  const specs = optionsOf(configSchema);
  return `/** The types of a run's options. Made by \`npm run docs\` from the groups of options; do not edit. */
${imports()}

type Schema = ${groups.map((name) => `typeof ${name}Options`).join(" &\n  ")};
type Values = z.output<z.ZodObject<Schema>>;

/** The options that \`parseConfig\` takes. Only the dataroot has to be given. */
export interface ConfigInput {
${specs.map((spec) => field(spec)).join("\n")}
}

/** Options without which a run goes without a limit, a file or a validation. */
type Open =
${specs
  .filter(isOpen)
  .map(({ key }) => `  | "${key}"`)
  .join("\n")};

/** All options of a run, complete and checked. Stored as runs/<name>/config.json. */
export interface Config extends Required<Omit<ConfigInput, Open>>, Pick<ConfigInput, Open> {}
`;
}

/** The groups of options: each is exported by its file in config/groups/. */
const groups = ["data", "feature", "network", "objective", "run", "schedule"];
/** Two files have their name in the plural, unlike what they export. */
const fileOf = (group: string) => `./groups/${["network", "feature"].includes(group) ? `${group}s` : group}.ts`;

function imports(): string {
  const lines = groups.map((group) => `import type { ${group}Options } from "${fileOf(group)}";`);
  return ['import type * as z from "zod";', ...lines].join("\n");
}

const isOpen = ({ key, required, default: initial }: OptionSpec) =>
  !required && initial === undefined && !completed.has(key);

function field(spec: OptionSpec): string {
  const type = spec.choices ? `Values["${spec.key}"]` : spec.type === "integer" ? "number" : spec.type;
  return `${comment(spec)}\n  ${spec.key}${spec.required ? "" : "?"}: ${type};`;
}

/** The help, the unit with the range, and the default, wrapped at 110 characters. */
function comment(spec: OptionSpec): string {
  const help = `${spec.help[0]?.toUpperCase()}${spec.help.slice(1)}.`.replaceAll("*/", "*\\/");
  const range = rangeOf(spec);
  const number = spec.type === "integer" || spec.type === "number";
  const values = number ? [spec.unit ?? "number", range].filter(Boolean).join(" ") : "";
  const initial = spec.default ?? (spec.required ? "none, it is required" : (spec.absent ?? "none"));
  const facts = [values && `Value: ${values}.`, `Default: ${spec.type === "boolean" ? "false" : initial}.`];
  const kinds = Object.entries(spec.kinds ?? {}).flatMap(([name, { help }]) => wrapped(`- ${name}: ${help}`));
  const lines = [...wrapped(help), ...kinds, facts.filter(Boolean).join(" ")];
  const line = lines.join(" ");
  if (kinds.length === 0 && line.length <= 110) return `  /** ${line} */`;
  return ["  /**", ...lines.map((line) => `   * ${line}`), "   */"].join("\n");
}

function wrapped(text: string): string[] {
  const lines: string[] = [""];
  for (const word of text.split(" ")) {
    if (lines.at(-1)!.length + word.length > 110) lines.push("");
    lines[lines.length - 1] += `${lines.at(-1) ? " " : ""}${word}`;
  }
  return lines;
}
