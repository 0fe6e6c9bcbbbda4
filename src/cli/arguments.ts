/**
 * Parses the arguments of a command. --lambda-l1, --lambda_L1, --lambdaL1 and --LAMBDA-L1 are the same option. Its
 * value follows after a space or an equals sign. Options of other implementations are accepted too (upstream.ts).
 */
import { listed, type OptionSpec } from "../config/options.ts";
import { ConfigError, nearest } from "../errors.ts";
import { plainName } from "../text.ts";
import { renamedFlag, suffixed, upstreamFlags, upstreamOfCombine, upstreamOption, upstreamValue } from "./upstream.ts";

export interface Arguments {
  /**
   * Options by key: the text of the value, or true for an option without a value ("false" for `--flag=false`). The last one counts,
   * with a note.
   */
  given: Record<string, string | true>;
  /** Whether -h or --help is among the arguments ("common"), or --help-all ("all"). */
  help: false | "common" | "all";
  /** Lines to print: options that are given twice, options of upstream that have another form here. */
  notes: string[];
}

/**
 * @param specs the options of the command
 * @param elsewhere flags of other commands and the command of each: a misplaced option gets a better message
 * @throws ConfigError for an unknown option (with the nearest one), a missing value, or a value that does not belong
 * there
 */
export function parseArguments(
  args: readonly string[],
  specs: readonly OptionSpec[],
  elsewhere: ReadonlyMap<string, string> = new Map(),
): Arguments {
  const parsed: Arguments = { given: {}, help: false, notes: [] };
  const rest = [...args];
  let suffix: string | undefined;
  let previous: string | undefined;
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const help = helpIn(arg);
    if (help) {
      parsed.help = help;
      continue;
    }
    if (!/^-./.test(arg)) throw new ConfigError(strayWord(arg, previous));
    const [written, value] = splitAtEquals(arg);
    const words = rest.length;
    const spec = specNamed(written, specs);
    if (spec) {
      const own = takesValue(spec)
        ? ownValue(parsed, spec, value ?? valuesAfter(written, spec, rest))
        : switched(spec, written, value, rest);
      take(parsed, spec, own);
    } else if (plainName(written) === "suffix" && ofRun(specs)) suffix = value ?? valueAfter(written, rest);
    else if (!takeUpstream(written, value, rest, specs, parsed)) {
      throw new ConfigError(unknown(written, specs, elsewhere));
    }
    previous = value === undefined && rest.length === words ? written : undefined;
  }
  if (suffix !== undefined) appendSuffix(parsed, suffix, specs);
  return parsed;
}

/** Whether a command has the options of a run, or is `data combine`. Only such commands accept options of other implementations. */
const ofRun = (specs: readonly OptionSpec[]) => specs.some(({ key }) => key === "netG");
const ofCombine = (specs: readonly OptionSpec[]) => specs.some(({ key }) => key === "foldAB");

/** Replaces a value that another implementation uses by the value here, with a note. */
function ownValue({ notes }: Arguments, { key, flag }: OptionSpec, value: string): string {
  const known = upstreamValue(key, flag, value);
  if (known) notes.push(known.note);
  return known?.value ?? value;
}

/** Appends the PyTorch repository's --suffix to the name, with the values that all other options have. */
function appendSuffix({ given, notes }: Arguments, suffix: string, specs: readonly OptionSpec[]): void {
  const textOf = (plain: string) => {
    const spec = specs.find(({ key }) => plainName(key) === plain);
    return spec && String(given[spec.key] ?? spec.default ?? "");
  };
  given.name = suffixed(textOf("name") ?? "", suffix, textOf);
  notes.push(`--suffix ${suffix}: taken as --name ${given.name}`);
}

/** @param previous the option before the word, where that takes no value: programs in Python and Lua write `--no_flip True` or `flip=0` */
function strayWord(word: string, previous: string | undefined): string {
  const next = "an option that starts with --";
  if (previous === undefined) return `got "${word}", expected ${next}`;
  const truth = /^(true|yes|on|1)$/i.test(word) ? "true" : /^(false|no|off|0)$/i.test(word) ? "false" : undefined;
  return `got "${word}" after ${previous}, which takes no value; expected ${truth ? `${previous}=${truth}` : next}`;
}

/** The help that an argument asks for. */
export function helpIn(arg: string): Arguments["help"] {
  const plain = plainName(arg);
  return plain === "helpall" ? "all" : arg === "-h" || plain === "help" ? "common" : false;
}

/** Sets an option. A second, different value replaces the first and is reported: scripts append options to override. */
function take({ given, notes }: Arguments, { key, flag }: OptionSpec, value: string | true): void {
  const before = given[key];
  if (before !== undefined && before !== value) {
    const [first, last] = [before, value].map((each) => String(each).replaceAll("\n", " "));
    notes.push(`${flag} is given twice, as ${first} and as ${last}: the last one counts, ${last}`);
  }
  given[key] = value;
}

function splitAtEquals(arg: string): [written: string, value: string | undefined] {
  const equals = arg.indexOf("=");
  return equals < 0 ? [arg, undefined] : [arg.slice(0, equals), arg.slice(equals + 1)];
}

function specNamed(written: string, specs: readonly OptionSpec[]): OptionSpec | undefined {
  const plain = plainName(renamedFlag(written) ?? written);
  return specs.find(({ flag }) => plainName(flag) === plain);
}

const takesValue = ({ type }: OptionSpec) => type !== "boolean";

/** The value of an option of the type boolean: true, or the word that may follow it. */
function switched({ word }: OptionSpec, written: string, value: string | undefined, rest: string[]): string | true {
  if (word === undefined || (value ?? rest[0]) !== word) return flag(written, value, word);
  if (value === undefined) rest.shift();
  return word;
}

/**
 * The value of an option that is on or off. `--flag=false` switches off what a profile switches on.
 * @param word another value that the option takes
 * @throws ConfigError for another value
 */
function flag(written: string, value: string | undefined, word?: string): true | "false" {
  if (value === undefined || value === "true") return true;
  if (value === "false") return value;
  const values = [...(word === undefined ? [] : [`=${word}`]), "=true", "=false"];
  throw new ConfigError(`${written} takes no value but ${listed(values)}, got "${value}"`);
}

/** The value that follows an option; of a list all words up to the next option, joined by line breaks. */
function valuesAfter(option: string, { list }: OptionSpec, rest: string[]): string {
  const values = [valueAfter(option, rest)];
  while (list && rest[0] !== undefined && !/^--?[a-z]/i.test(rest[0])) values.push(valueAfter(option, rest));
  return values.join("\n");
}

/**
 * The words of a list, as `parseArguments` gives it. A comma separates words, too, except in a word that is a name as it stands.
 * @returns none where the list has only commas and spaces
 */
export async function listedWords(
  value: string,
  isName: (word: string) => boolean | Promise<boolean>,
): Promise<string[]> {
  const found: string[] = [];
  for (const word of value.split("\n")) {
    found.push(...((await isName(word)) ? [word] : word.split(",").map((part) => part.trim())));
  }
  return found.filter((word) => word !== "");
}

/**
 * Takes the value that follows an option. A word that starts with a dash and a letter is the next option; -1 is a
 * number.
 */
function valueAfter(option: string, rest: string[]): string {
  const value = rest[0];
  if (value === undefined || /^--?[a-z]/i.test(value)) {
    // No option here but -h has a single dash, so the word may be meant as a value.
    const instead =
      value && /^-[a-z]/i.test(value) ? `; a value that begins with a dash is written ${option}=${value}` : "";
    throw new ConfigError(`${option} needs a value${value === undefined ? "" : `, got the option ${value}`}${instead}`);
  }
  rest.shift();
  return value;
}

/** Replaces or explains an option of upstream that has no counterpart. @returns false when it is not one */
function takeUpstream(
  written: string,
  given: string | undefined,
  rest: string[],
  specs: readonly OptionSpec[],
  parsed: Arguments,
): boolean {
  const known = ofRun(specs) ? upstreamOption(written) : ofCombine(specs) ? upstreamOfCombine(written) : undefined;
  if (!known) return false;
  const isOff = !known.value && flag(written, given) === "false";
  const value = known.value ? (given ?? valueAfter(written, rest)) : "";
  const has = (key: string) => specs.some((spec) => spec.key === key);
  const { replacement = {}, note } = isOff ? (known.off ?? {}) : known.meaning(value, has);
  const shown = known.value ? ` ${value}` : given === undefined ? "" : `=${given}`;
  if (note) parsed.notes.push(`${written}${shown}: ${note}`);
  for (const [key, text] of Object.entries(replacement)) {
    const spec = specs.find((each) => each.key === key);
    if (spec) take(parsed, spec, text);
  }
  return true;
}

function unknown(written: string, specs: readonly OptionSpec[], elsewhere: ReadonlyMap<string, string>): string {
  const plain = plainName(renamedFlag(written) ?? written);
  const other = [...elsewhere].find(([flag]) => plainName(flag) === plain);
  if (other) return `${other[0]} is an option of ${other[1]}, not of this command`;
  const flags = [...specs.map(({ flag }) => flag), ...(ofRun(specs) ? upstreamFlags : [])];
  const near = written.startsWith("--") ? nearest(written, flags) : undefined;
  return `unknown option ${written}${near ? `; did you mean ${near}?` : ""}`;
}
