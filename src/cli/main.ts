/** The program: reads the command line, runs one command, turns errors into messages and exit codes. */
import { readFileSync } from "node:fs";
import { Command as Commander, CommanderError, Option } from "commander";
import { configSchema } from "../config.ts";
import { ConfigError, nearest, UserError } from "../errors.ts";
import { listed, type OptionSpec, optionsOf, rangeOf } from "../options.ts";
import type { Command, Output } from "./command.ts";
import { commands } from "./commands.ts";
import { normalise } from "./spelling.ts";

const output: Output = {
  print: (line) => process.stdout.write(`${line}\n`),
  note: (line) => process.stderr.write(`${line}\n`),
};

/** Runs one command line. @returns exit code: 0, 1 for errors, 2 for a wrong command line, 130 after Ctrl-C */
async function main(args: readonly string[]): Promise<number> {
  try {
    return await program(args);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof ConfigError) {
      const command = commands.find(({ name }) => name === args[0]);
      output.note(`error: ${error.message}\nSee: pix2pix ${command ? `${command.name} ` : ""}--help`);
      return 2;
    }
    if (error instanceof UserError) {
      output.note(`error: ${error.message}`);
      return 1;
    }
    if (error instanceof Error && "syscall" in error) {
      output.note(`error: ${error.message}`);
      return 1;
    }
    output.note(error instanceof Error ? `${error.stack}` : `${error}`);
    output.note(
      "This is a fault of pix2pix, not yours: please report it with the lines above and the command you ran.",
    );
    return 1;
  }
}

async function program(args: readonly string[]): Promise<number> {
  const command = commands.find(({ name }) => name === args[0]);
  const rest = args.slice(command ? 1 : 0);
  const known = command ? [...optionsOf(command.schema), ...hidden(command)] : [];
  const { args: plain, notes } = command ? normalise(rest, known, elsewhere()) : { args: rest, notes: [] };
  for (const line of notes) output.note(`note: ${line}`);

  let code = 0;
  const root = new Commander("pix2pix")
    .description("Learns to turn one kind of picture into another from pairs of both (pix2pix).")
    .version(version(), "-v, --version", "print the version")
    .helpOption("-h, --help", "print this help; pix2pix COMMAND --help lists a command's options")
    .usage("COMMAND [options]")
    .configureHelp({ subcommandTerm: (sub) => sub.name() })
    .exitOverride()
    .configureOutput({ outputError: (text) => output.note(text.trimEnd()) })
    .addHelpText("after", help(commands.map(({ examples }) => examples[0] ?? "")));
  for (const each of commands) {
    const sub = root
      .command(each.name)
      .summary(each.summary)
      .description(`${each.summary[0]?.toUpperCase()}${each.summary.slice(1)}.`);
    sub.helpOption("-h, --help", "print this help").exitOverride();
    sub.addHelpText("after", help(each.examples));
    for (const spec of optionsOf(each.schema)) sub.addOption(commanderOption(spec));
    for (const spec of hidden(each)) sub.addOption(commanderOption(spec).hideHelp());
    sub.action(async (given: Record<string, unknown>) => {
      code = await each.run(given, output);
    });
  }
  if (args.length === 0) {
    root.outputHelp({ error: true });
    return 2;
  }
  if (!command) checkCommand(args);
  await root.parseAsync([...(command ? [command.name] : []), ...plain], { from: "user" });
  return code;
}

function checkCommand(args: readonly string[]): void {
  const [first] = args;
  if (first === undefined)
    throw new ConfigError(`which command? one of ${commands.map(({ name }) => name).join(", ")}`);
  if (["help", "-h", "--help", "-v", "--version"].includes(first)) return;
  const names = commands.map(({ name }) => name);
  if (first.startsWith("-")) {
    throw new ConfigError(`${first} stands before the command; expected pix2pix ${listed(names)}, then its options`);
  }
  const near = nearest(first, names);
  throw new ConfigError(`unknown command ${first}; ${near ? `did you mean ${near}?` : `expected ${names.join(", ")}`}`);
}

/** Options of the run that a command takes besides its own. */
function hidden(command: Command): OptionSpec[] {
  const own = new Set(optionsOf(command.schema).map(({ key }) => key));
  return command.ofRun ? optionsOf(configSchema).filter(({ key }) => !own.has(key)) : [];
}

function elsewhere(): Map<string, string> {
  return new Map([...commands].reverse().flatMap(({ name, schema }) => optionsOf(schema).map((o) => [o.flag, name])));
}

function commanderOption(spec: OptionSpec): Option {
  const value = spec.type === "boolean" ? "" : ` <${valueName(spec)}>`;
  const option = new Option(`${spec.flag}${value}`, `${spec.help}${defaults(spec)}`);
  option.helpGroup(`${spec.group[0]?.toUpperCase()}${spec.group.slice(1)}:`);
  option.negate = false; // --no-flip is an option of its own here, not the opposite of --flip
  option.attributeName = () => spec.key;
  return option;
}

function valueName(spec: OptionSpec): string {
  if (spec.choices) return "choice";
  return spec.value ?? spec.unit ?? (spec.type === "integer" ? "N" : spec.type);
}

/** "(batch, instance, none; default batch)", "(1 to 4; default 3 channels)" */
function defaults(spec: OptionSpec): string {
  if (spec.type === "boolean") return "";
  // That sizes and counts are not negative goes without saying.
  const range = spec.type === "integer" && spec.maximum === undefined ? "" : rangeOf(spec).replace(/^(from|of) /, "");
  const parts = [spec.choices?.join(", "), range].filter(Boolean);
  const unit = spec.unit ? ` ${spec.default === 1 ? spec.unit.replace(/s$/, "") : spec.unit}` : "";
  if (spec.default !== undefined) parts.push(`default ${spec.default}${unit}`);
  else parts.push(spec.required ? "required" : `default: ${spec.absent ?? "none"}`);
  return ` (${parts.join("; ")})`;
}

function help(examples: readonly string[]): string {
  return `\nExamples:\n${examples.map((line) => `  ${line}`).join("\n")}\n`;
}

function version(): string {
  const packageJson: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return packageJson instanceof Object && "version" in packageJson ? String(packageJson.version) : "";
}

// A reader that closes the pipe (`| head`) must not stop a training run with a stack trace.
process.stdout.on("error", () => {});
process.stderr.on("error", () => {});
process.exitCode = await main(process.argv.slice(2));
