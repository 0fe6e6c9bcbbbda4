/**
 * Options: one zod object gives the type, the command-line flags, the help, the tables in docs/ and the checks. Each
 * field is made with `option(schema, info)`; default, range and choices are the schema's own and are read back from it.
 */
import * as z from "zod";
import { nearest, quoted, refuse } from "../errors.ts";
import { plainName } from "../text.ts";

/** The texts of an option for help and docs; default, range and choices come from its schema. */
export interface OptionInfo {
  /** Heading in help and docs. */
  group: string;
  help: string;
  /** The help texts of the choices, from the code that declares them. */
  kinds?: Readonly<Record<string, { help: string }>>;
  /** Unit of the value: "px", "steps", "epochs", ... */
  unit?: string;
  /** The meaning of an absent value, for options without a default: "all", "the run's", ... */
  absent?: string;
  /** Kind of value shown in help for strings: "FOLDER", "FILE", "NAME". */
  value?: string;
  /** A word that may follow the flag of a boolean option, as in `--continue-train if-present`; the command interprets it. */
  word?: string;
  /** Spelling of the flag when it is not the key in kebab-case. */
  flag?: string;
  /** Whether it takes all words up to the next option; they are joined by line breaks. */
  list?: boolean;
  /** A continued run may change it; see `resumeConfig`. */
  resume?: boolean;
  /**
   * Where the option can be used: "machine" needs files, devices or programs that a page in a browser cannot reach; "terminal" is for
   * the command line alone, because pages have controls of their own for it. Absent: every page that trains has it.
   */
  needs?: "machine" | "terminal";
}

/** One option, as derived from the schema. */
export interface OptionSpec extends OptionInfo {
  key: string;
  flag: string;
  type: "boolean" | "integer" | "number" | "string";
  choices?: readonly string[] | undefined;
  minimum?: number | undefined;
  maximum?: number | undefined;
  exclusiveMinimum?: number | undefined;
  exclusiveMaximum?: number | undefined;
  default?: string | number | boolean | undefined;
  required: boolean;
}

type Options = z.ZodObject<z.ZodRawShape>;

const infos = z.registry<OptionInfo>();

/** Attaches help, group and unit to a field of an options object; returns the field. */
export function option<S extends z.ZodType>(schema: S, info: OptionInfo): S {
  infos.add(schema, info);
  return schema;
}

const described = new WeakMap<Options, OptionSpec[]>();

/** The options of a schema in the order of its fields. */
export function optionsOf(schema: Options): OptionSpec[] {
  const known = described.get(schema);
  if (known) return known;
  const json = z.toJSONSchema(schema, { io: "input" });
  const specs = Object.entries(schema.shape).map(([key, field]): OptionSpec => {
    const info = infos.get(field as z.ZodType);
    const property = json.properties?.[key];
    if (!info || typeof property !== "object") throw new Error(`${key}: make the field with option(schema, info)`);
    const { type, enum: choices, default: initial, minimum, maximum, exclusiveMinimum, exclusiveMaximum } = property;
    return {
      ...info,
      key,
      flag: info.flag ?? `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
      type: type as OptionSpec["type"],
      choices: choices as string[] | undefined,
      minimum: safe(minimum),
      maximum: safe(maximum),
      exclusiveMinimum: safe(exclusiveMinimum),
      exclusiveMaximum: safe(exclusiveMaximum),
      default: initial as OptionSpec["default"],
      required: json.required?.includes(key) ?? false,
    };
  });
  described.set(schema, specs);
  return specs;
}

/** The bound; undefined for the largest and smallest exact integer, which zod gives every integer as bounds. */
function safe(bound: unknown): number | undefined {
  return typeof bound === "number" && Math.abs(bound) < Number.MAX_SAFE_INTEGER ? bound : undefined;
}

/** The placeholder of an option's value in lower case: "folder" for FOLDER. Single letters stay: I/N, WxH. */
export const valueWords = ({ value = "text" }: OptionSpec): string =>
  value.replace(/\b[A-Z]{2,}\b/g, (word) => word.toLowerCase());

/** The values that an option takes, in words: "a whole number from 1 to 4", "batch, instance or none". */
export function expectedOf(spec: OptionSpec): string {
  if (spec.choices) return listed(spec.choices);
  if (spec.type === "boolean") return "true or false";
  if (spec.type === "string") return spec.value ? `a ${valueWords(spec)}` : "text";
  const range = rangeOf(spec);
  return `a ${spec.type === "integer" ? "whole number" : "number"}${range ? ` ${range}` : ""}`;
}

/** The range of a numeric option: "from 1 to 4", "of at least 1", "above 0"; empty when it has none. */
export function rangeOf(spec: OptionSpec): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = spec;
  if (minimum !== undefined && maximum !== undefined) return `from ${minimum} to ${maximum}`;
  const low =
    minimum !== undefined
      ? `of at least ${minimum}`
      : exclusiveMinimum !== undefined
        ? `above ${exclusiveMinimum}`
        : "";
  const high =
    maximum !== undefined ? `of at most ${maximum}` : exclusiveMaximum !== undefined ? `below ${exclusiveMaximum}` : "";
  return [low, high].filter(Boolean).join(" and ");
}

/** "a, b or c". */
export function listed(words: readonly string[], conjunction = "or"): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} ${conjunction} ${words[words.length - 1]}`;
}

/** Values by the key of their option, and a line for each name that is no option. */
export interface Named {
  named: Record<string, unknown>;
  problems: string[];
}

/** Values whose names are the keys of the schema, as a library user gives them. Undefined values are left out. */
export function exactValues(schema: Options, values: Readonly<Record<string, unknown>>): Named {
  const keys = optionsOf(schema).map(({ key }) => key);
  return select(schema, values, {
    isNamed: (key, name) => key === name,
    convert: (_, value) => value,
    unknown: (name) => unknownName(name, keys),
  });
}

/**
 * Values as text, as a command line gives them: any spelling of a name is taken, and text becomes a number or a boolean
 * where the option is one. Undefined values are left out.
 */
export function textValues(schema: Options, values: Readonly<Record<string, unknown>>): Named {
  return select(schema, values, {
    isNamed: (key, name) => plainName(key) === plainName(name),
    convert: fromText,
    unknown: (name) => unknownOption(name, optionsOf(schema)),
  });
}

function select(
  schema: Options,
  values: Readonly<Record<string, unknown>>,
  how: {
    isNamed(key: string, name: string): boolean;
    convert(spec: OptionSpec, value: unknown): unknown;
    unknown(name: string): string;
  },
): Named {
  const specs = optionsOf(schema);
  const named: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue;
    const spec = specs.find(({ key }) => how.isNamed(key, name));
    if (spec) named[spec.key] = how.convert(spec, value);
    else problems.push(how.unknown(name));
  }
  return { named, problems };
}

/** The message for a name that is no option, with the nearest flag. */
function unknownOption(name: string, specs: readonly OptionSpec[]): string {
  const flags = specs.map((spec) => spec.flag);
  return unknownName(name, flags);
}

function unknownName(name: string, choices: readonly string[]): string {
  const near = nearest(name, choices);
  return `${name.startsWith("-") ? name : `"${name}"`} is no option${near ? `; did you mean ${near}?` : ""}`;
}

function fromText(spec: OptionSpec, value: unknown): unknown {
  if (typeof value !== "string" || spec.type === "string") return value;
  if (spec.type === "boolean") return value === "true" ? true : value === "false" ? false : value;
  const number = Number(value);
  return value.trim() !== "" && Number.isFinite(number) ? number : value;
}

/**
 * Options of a command line (see `textValues`), checked against a schema.
 * @throws ConfigError listing every problem: the option, the value it got, the value it expects, the nearest choice
 */
export function parseOptions<S extends Options>(schema: S, values: Readonly<Record<string, unknown>>): z.output<S> {
  return checked(schema, textValues(schema, values));
}

/** Values with the schema's defaults. @throws ConfigError listing every problem, those of `given` among them */
export function checked<S extends Options>(schema: S, given: Named): z.output<S> {
  const { named } = given;
  const problems = [...given.problems];
  const parsed = schema.safeParse(named);
  if (!parsed.success) {
    const specs = optionsOf(schema);
    const wrong = new Map(parsed.error.issues.map((issue) => [String(issue.path[0]), issue]));
    for (const [key, issue] of wrong) {
      const spec = specs.find((candidate) => candidate.key === key);
      problems.push(spec ? problemWith(spec, named[key], issue) : issue.message);
    }
  }
  refuse(problems);
  return parsed.data as z.output<S>;
}

function problemWith(spec: OptionSpec, got: unknown, issue: { code?: string; message: string }): string {
  if (got === undefined) return `${spec.flag} is missing (${spec.help})`;
  // The message of the schema's own check, if it has one. Zod's own messages for patterns begin with "Invalid".
  const own = issue.code === "custom" || (issue.code === "invalid_format" && !issue.message.startsWith("Invalid "));
  const expected = own ? issue.message : expectedOf(spec);
  const near = spec.choices && typeof got === "string" ? nearest(got, spec.choices) : undefined;
  return `${spec.flag}: got ${quoted(got)}, expected ${expected}${near ? `; did you mean ${near}?` : ""}`;
}
