/** The types of a run's options from their schema: interfaces whose fields carry the help, for editors. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { dataOptions } from "../config/groups/data.ts";
import { featureOptions } from "../config/groups/features.ts";
import { networkOptions } from "../config/groups/networks.ts";
import { objectiveOptions } from "../config/groups/objective.ts";
import { runOptions } from "../config/groups/run.ts";
import { scheduleOptions } from "../config/groups/schedule.ts";
import { type OptionSpec, optionsOf, rangeOf } from "../config/options.ts";

const configFolder = fileURLToPath(new URL("../config", import.meta.url));

/** Options without a default in the schema that `parseConfig` fills in from others: a Config always has them. */
const completed = new Set(["loadHeight", "cropHeight"]);

/** The groups of options, by the file in config/groups/ that exports each, and its interface. */
const groups = {
  data: { options: dataOptions, exported: "dataOptions", type: "DataInput" },
  features: { options: featureOptions, exported: "featureOptions", type: "FeatureInput" },
  networks: { options: networkOptions, exported: "networkOptions", type: "NetworkInput" },
  objective: { options: objectiveOptions, exported: "objectiveOptions", type: "ObjectiveInput" },
  run: { options: runOptions, exported: "runOptions", type: "RunInput" },
  schedule: { options: scheduleOptions, exported: "scheduleOptions", type: "ScheduleInput" },
};

const specsOf = (options: z.ZodRawShape): OptionSpec[] => optionsOf(z.object(options));
const made = "Made by `npm run docs` from the groups of options; do not edit.";

/** The generated files by their path: src/config/types.ts, and one for each group in src/config/input/. */
export function configTypes(): Map<string, string> {
  const names = Object.keys(groups) as (keyof typeof groups)[];
  return new Map([
    [join(configFolder, "types.ts"), wholeTypes()],
    ...names.map((name): [string, string] => [join(configFolder, `input/${name}.ts`), groupTypes(name)]),
  ]);
}

/** The interface of one group. */
function groupTypes(name: keyof typeof groups): string {
  const { options, exported, type } = groups[name];
  const fields = specsOf(options).map((spec) => field(spec));
  const choices = fields.some((text) => text.includes("Values["));
  const imports = [
    `import type * as z from "zod";`,
    `import type { ${exported} } from "../groups/${name}.ts";`,
    "",
    `type Values = z.output<z.ZodObject<typeof ${exported}>>;`,
    "\n",
  ].join("\n");
  return `/** Types of the options of config/groups/${name}.ts. ${made} */
${choices ? imports : ""}/** Options of this group as a user gives them. */
export interface ${type} {
${fields.join("\n")}
}
`;
}

function wholeTypes(): string {
  const all = Object.values(groups);
  const imports = Object.entries(groups).map(
    ([name, { type }]) => `import type { ${type} } from "./input/${name}.ts";`,
  );
  const open = all.flatMap(({ options }) => specsOf(options)).filter(isOpen);
  return `/** The types of a run's options. ${made} */
${imports.join("\n")}

/** The options that \`parseConfig\` takes. Only the dataroot has to be given. */
export interface ConfigInput extends ${all.map(({ type }) => type).join(", ")} {}

/** Options that have no default: where they are absent, the run has no such limit, file or validation. */
type Open =
${open.map(({ key }) => `  | "${key}"`).join("\n")};

type Complete<Options> = { [Key in keyof Options]-?: Exclude<Options[Key], undefined> };

/** All options of a run, complete and checked. Stored as runs/<name>/config.json. */
export interface Config extends Complete<Omit<ConfigInput, Open>>, Pick<ConfigInput, Open> {}
`;
}

const isOpen = ({ key, required, default: initial }: OptionSpec) =>
  !required && initial === undefined && !completed.has(key);

function field(spec: OptionSpec): string {
  const type = spec.choices ? `Values["${spec.key}"]` : spec.type === "integer" ? "number" : spec.type;
  return `${comment(spec)}\n  ${spec.key}${spec.required ? `: ${type}` : `?: ${type} | undefined`};`;
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
