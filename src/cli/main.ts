/** The program: reads the command line, runs one command, turns errors into messages and exit codes. */
import { readFileSync } from "node:fs";
import { Command as Commander, CommanderError, Option } from "commander";
import { listed, type OptionSpec, optionsOf, rangeOf } from "../config/options.ts";
import { configSchema } from "../config/schema.ts";
import { ConfigError, nearest, UserError } from "../errors.ts";
import type { Command, Output } from "./command.ts";
import { commands, families } from "./registry.ts";
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
      const place = commandOf(args)?.name ?? familyOf(args);
      output.note(`error: ${error.message}\nSee: pix2pix ${place ? `${place} ` : ""}--help`);
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

/** The command whose words the line begins with. */
function commandOf(args: readonly string[]): Command | undefined {
  return commands.find(({ name }) => name.split(" ").every((word, i) => word === args[i]));
}

function familyOf([first]: readonly string[]): string | undefined {
  return first !== undefined && Object.hasOwn(families, first) ? first : undefined;
}

async function program(args: readonly string[]): Promise<number> {
  const command = commandOf(args);
  const words = command?.name.split(" ") ?? [];
  const rest = args.slice(words.length);
  const known = command ? [...optionsOf(command.schema), ...hidden(command)] : [];
  const bare = known.find(({ key }) => key === command?.argument);
  if (bare && rest[0] !== undefined && !rest[0].startsWith("-")) rest.unshift(bare.flag);
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
    .addHelpText("after", help(commands.filter(isFirst).map(({ examples }) => examples[0] ?? "")));
  const parents = new Map(Object.entries(families).map(([name, summary]) => [name, family(root, name, summary)]));
  for (const each of commands) {
    const [first = "", second] = each.name.split(" ");
    const sub = (parents.get(first) ?? root)
      .command(second ?? first)
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
  const inFamily = familyOf(args);
  if (args.length === 0 || (inFamily && args.length === 1)) {
    (parents.get(inFamily ?? "") ?? root).outputHelp({ error: true });
    return 2;
  }
  if (!command) checkCommand(args, inFamily);
  await root.parseAsync([...words, ...plain], { from: "user" });
  return code;
}

/** The parent of commands of two words. */
function family(root: Commander, name: string, summary: string): Commander {
  const members = commands.filter((each) => each.name.startsWith(`${name} `));
  return root
    .command(name)
    .summary(summary)
    .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`)
    .usage("COMMAND [options]")
    .helpOption("-h, --help", `print this help; pix2pix ${name} COMMAND --help lists a command's options`)
    .configureHelp({ subcommandTerm: (sub) => sub.name() })
    .exitOverride()
    .addHelpText("after", help(members.map(({ examples }) => examples[0] ?? "")));
}

/** Whether a command stands for its family in the program's examples. */
function isFirst({ name }: Command, index: number): boolean {
  const [first] = name.split(" ");
  return commands.findIndex((each) => each.name.split(" ")[0] === first) === index;
}

/** @throws ConfigError unless the words ask for help or the version. @param parent the family whose name came first */
function checkCommand(args: readonly string[], parent: string | undefined): void {
  const first = args[parent ? 1 : 0] ?? "";
  if (["help", "-h", "--help"].includes(first) || (!parent && ["-v", "--version"].includes(first))) return;
  const names = parent
    ? commands.filter(({ name }) => name.startsWith(`${parent} `)).map(({ name }) => name.slice(parent.length + 1))
    : [...new Set(commands.map(({ name }) => name.split(" ")[0] ?? ""))];
  const before = parent ? `${parent} ` : "";
  if (first.startsWith("-")) {
    const expected = `expected pix2pix ${before}${listed(names)}, then its options`;
    throw new ConfigError(`${first} stands before the command; ${expected}`);
  }
  const near = nearest(first, names);
  const hint = near ? `did you mean ${before}${near}?` : `expected ${names.join(", ")}`;
  throw new ConfigError(`unknown command ${before}${first}; ${hint}`);
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
