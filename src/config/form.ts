/** The options of a run as the fields of a form: the fields of a page, their labels and hints, and the problems of each. */
import { ConfigError, UserError } from "../errors.ts";
import { expectedOf, listed, type OptionSpec, optionsOf, valueWords } from "./options.ts";
import { configSchema, parseCommandLine } from "./schema.ts";
import type { Config } from "./types.ts";

/** Where a form is shown: in a browser that trains itself, or in one whose server trains. */
export type FormPlace = "browser" | "server";

/** The values that a user has given, as text, by the key of their option. */
export type Given = Readonly<Record<string, string>>;

/** The options of `train` that a page has: all but those that need what is not there (`OptionInfo.needs`). */
export function fieldsOf(place: FormPlace): OptionSpec[] {
  return optionsOf(configSchema).filter(
    ({ needs }) => needs === undefined || (needs === "machine" && place === "server"),
  );
}

/** "batch size", "netG": the flag without its dashes. */
export const labelOf = ({ flag }: Pick<OptionSpec, "flag">): string =>
  /[A-Z]/.test(flag) ? flag.slice(2) : flag.slice(2).replaceAll("-", " ");

/** The values that a field takes, for a hint: "filters, from 1 to 4096"; empty where choices or a checkbox show them. */
export function hintOf(spec: OptionSpec): string {
  if (spec.choices || spec.type === "boolean") return "";
  if (spec.type === "string") return spec.value ? valueWords(spec) : "";
  const range = expectedOf(spec)
    .replace(/^a (whole )?number ?/, "")
    .replace(/^of /, "");
  return [spec.unit, range].filter(Boolean).join(", ");
}

/** A value as a field shows it. */
export const textOf = (value: unknown): string => (value === undefined ? "" : String(value));

/**
 * The values of the fields before the user changes them, by key: those that the page sets, else the profile's, else the defaults.
 * @param base the values that the page sets
 */
export function initialValues(
  fields: readonly OptionSpec[],
  base: Readonly<Record<string, unknown>>,
  { profile }: Given,
): Readonly<Record<string, unknown>> {
  // Options without a default stay empty unless the page sets them: parsing computes some, such as the height from the width.
  const open = Object.fromEntries(
    fields.filter((field) => field.default === undefined).map(({ key }) => [key, base[key]]),
  );
  try {
    const config = parseCommandLine({ ...base, ...(profile && { profile }) });
    return { ...config, ...open, profile: configSchema.shape.profile.parse(undefined) };
  } catch (error) {
    // The profile or a value of the page is invalid.
    if (!(error instanceof UserError)) throw error;
    return base;
  }
}

/** A form that was checked. */
export interface CheckedForm {
  /** Undefined if there are problems. */
  config?: Config;
  /** The problem of each field, by its key. */
  problems: ReadonlyMap<string, string>;
  /** Problems that belong to no field. */
  others: readonly string[];
}

/**
 * Checks the values of a form.
 * @param parse gives the options, or throws a ConfigError: `parseCommandLine` or `resumeCommandLine` on the values
 */
export function checkForm(parse: () => Config, given: Given, fields: readonly OptionSpec[]): CheckedForm {
  try {
    return { config: parse(), problems: new Map(), others: [] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const problems = new Map<string, string>();
    const others: string[] = [];
    for (const problem of error.problems) {
      const field = fieldFor(problem, given, fields);
      const text = inFieldWords(problem, field);
      if (field && !problems.has(field.key)) problems.set(field.key, text);
      else others.push(text);
    }
    return { problems, others };
  }
}

const flags = /--[a-zA-Z][\w-]*/g;

/** A text of the command line with the names of the fields instead of its flags. */
export const inWords = (text: string): string => text.replaceAll(flags, (flag) => `\u201c${labelOf({ flag })}\u201d`);

/** Of the options that a message names, the first that the user has given, or else the first that is in the form. */
function fieldFor(problem: string, given: Given, fields: readonly OptionSpec[]): OptionSpec | undefined {
  const named = (problem.match(flags) ?? []).flatMap((flag) => fields.find((field) => field.flag === flag) ?? []);
  return named.find(({ key }) => key in given) ?? named[0];
}

/** A message of the command line with the names of the fields. @param field the one beside which it is shown */
function inFieldWords(problem: string, field: OptionSpec | undefined): string {
  const own = field && problem.startsWith(`${field.flag}: `) ? problem.slice(field.flag.length + 2) : problem;
  const text = inWords(own);
  return text[0]!.toUpperCase() + text.slice(1);
}

/** The names of the fields that the user has changed, for a summary: "batch size, lr and 2 more". */
export function changedText(given: Given, fields: readonly OptionSpec[], most = 3): string {
  const names = fields.filter(({ key }) => key in given).map(labelOf);
  const shown = names.slice(0, most);
  return names.length > most ? `${shown.join(", ")} and ${names.length - most} more` : listed(shown, "and");
}
