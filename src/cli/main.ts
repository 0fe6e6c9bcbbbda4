/** The program: finds the command in the arguments, runs it, and turns errors into messages and exit codes. */
import { listed, type OptionSpec, optionsOf } from "../config/options.ts";
import { configSchema } from "../config/schema.ts";
import { ConfigError, nearest, UserError } from "../errors.ts";
import { version } from "../version.ts";
import { helpIn, parseArguments } from "./arguments.ts";
import type { Command } from "./command.ts";
import { commandHelp, familyHelp, familyOf, programHelp } from "./help.ts";
import { terminal } from "./output.ts";
import { commands, families } from "./registry.ts";
import { heedSignals, leaveClosedTerminals } from "./stop.ts";
import { adviceForScript, upstreamScript } from "./upstream.ts";

/** Runs one command line. @returns exit code: 0, 1 for errors, 2 for a wrong command line; after a signal see stop.ts */
async function main(args: readonly string[]): Promise<number> {
  try {
    return await program(args);
  } catch (error) {
    return report(error, args);
  }
}

async function program(args: readonly string[]): Promise<number> {
  const command = commandOf(args);
  if (command) return run(command, args.slice(command.name.split(" ").length));
  const family = familyNamed(args[0]);
  const [word, ...more] = family === undefined ? args : args.slice(1);
  if (word === undefined) {
    for (const line of help(family)) terminal.note(line);
    return 2;
  }
  if (family === undefined && ["-v", "-V", "--version"].includes(word)) terminal.print(version);
  else if (helpIn(word)) printAll(helpOn(family, word === "help" ? more : []));
  else throw unknownCommand(word, family);
  return 0;
}

async function run(command: Command, args: readonly string[]): Promise<number> {
  const specs = [...optionsOf(command.schema), ...optionsOfRun(command)];
  const bare = specs.find(({ key }) => key === command.argument);
  const words = bare ? withFlag(args, bare.flag, command.several) : args;
  const { given, help, notes } = parseArguments(words, specs, elsewhere());
  for (const note of notes) terminal.note(`note: ${note}`);
  if (help) {
    printAll(commandHelp(command, columns(), help === "all"));
    return 0;
  }
  return command.run(given, terminal, commands);
}

/** The arguments with a flag before the words that they begin with: the first one, or all of them as one value. */
function withFlag(args: readonly string[], flag: string, several = false): readonly string[] {
  const option = args.findIndex((arg) => arg.startsWith("-"));
  const bare = option < 0 ? args : args.slice(0, option);
  if (bare.length === 0) return args;
  return several ? [flag, bare.join("\n"), ...args.slice(bare.length)] : [flag, ...args];
}

/** Prints what went wrong and what to do. @returns the exit code */
function report(error: unknown, args: readonly string[]): number {
  if (error instanceof ConfigError) {
    const place = commandOf(args)?.name ?? familyNamed(args[0]);
    noteAll(`error: ${error.message}`);
    terminal.note(`See: pix2pix ${place ? `${place} ` : ""}--help`);
    return 2;
  }
  // Errors of the system, such as a missing file or a full disk, have the name of the failed call.
  if (error instanceof UserError || (error instanceof Error && "syscall" in error)) {
    noteAll(`error: ${error.message}`);
    return 1;
  }
  noteAll(error instanceof Error ? `${error.stack}` : `${error}`);
  terminal.note(
    "This is a fault of pix2pix, not yours: please report it with the lines above and the command you ran.",
  );
  return 1;
}

const printAll = (lines: readonly string[]) => {
  for (const line of lines) terminal.print(line);
};

/** Prints a message of several lines. */
const noteAll = (text: string) => {
  for (const line of text.split("\n")) terminal.note(line);
};

/** The command that the arguments begin with. */
function commandOf(args: readonly string[]): Command | undefined {
  return commands.find(({ name }) => name.split(" ").every((word, i) => word === args[i]));
}

function familyNamed(word: string | undefined): string | undefined {
  return word !== undefined && Object.hasOwn(families, word) ? word : undefined;
}

const columns = () => process.stdout.columns ?? 80;
const help = (family: string | undefined) =>
  family === undefined ? programHelp(columns()) : familyHelp(family, columns());

/**
 * The text of `pix2pix help WORDS` and `pix2pix FAMILY help WORDS`.
 * @throws ConfigError for words that name no command
 */
function helpOn(family: string | undefined, words: readonly string[]): string[] {
  const [first, ...more] = words;
  if (first === undefined || (first.startsWith("-") && helpIn(first))) return help(family);
  const command = commandOf(family === undefined ? words : [family, ...words]);
  if (command)
    return commandHelp(
      command,
      columns(),
      words.some((word) => helpIn(word) === "all"),
    );
  if (family === undefined && familyNamed(first)) return helpOn(first, more);
  throw unknownCommand(first, family);
}

/** @param family the family before the word, if any */
function unknownCommand(word: string, family: string | undefined): ConfigError {
  const before = family === undefined ? "" : `${family} `;
  const members = commands.filter((each) => family === undefined || familyOf(each) === family);
  const names = [...new Set(members.map(({ name }) => name.slice(before.length).split(" ")[0]!))];
  if (word.startsWith("-")) {
    const expected = `expected pix2pix ${before}${listed(names)}, then its options`;
    return new ConfigError(`${word} stands before the command; ${expected}`);
  }
  const advice = adviceForScript(word);
  if (advice !== undefined) return new ConfigError(`${word}: ${advice}`);
  // `combine` is `data combine`.
  const member = commands.find((each) => familyOf(each) !== undefined && each.name.endsWith(` ${word}`));
  const near = member?.name.slice(before.length) ?? nearest(word, [...names, "help"]);
  const hint = near ? `did you mean ${before}${near}?` : `expected ${names.join(", ")}`;
  return new ConfigError(`unknown command ${before}${word}; ${hint}`);
}

/** Options of train that a command accepts besides its own. */
function optionsOfRun(command: Command): OptionSpec[] {
  const own = new Set(optionsOf(command.schema).map(({ key }) => key));
  return command.ofRun ? optionsOf(configSchema).filter(({ key }) => !own.has(key)) : [];
}

/** Every flag, and the first command that has it. */
function elsewhere(): Map<string, string> {
  return new Map([...commands].reverse().flatMap(({ name, schema }) => optionsOf(schema).map((o) => [o.flag, name])));
}

// A reader that closes the pipe (`| head`) must not stop a training run with a stack trace.
process.stdout.on("error", () => {});
process.stderr.on("error", () => {});
leaveClosedTerminals();
heedSignals();
const words = process.argv.slice(2);
process.exitCode = await main(upstreamScript(words) ?? words);
