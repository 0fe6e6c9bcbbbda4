/** The lines of --help: of the program, of a family of commands (`pix2pix data`) and of a command. */
import { type OptionSpec, optionsOf, rangeOf } from "../config/options.ts";
import type { Command } from "./command.ts";
import { commands, families } from "./registry.ts";

/** A title, and rows of two columns below it. */
interface Section {
  title: string;
  rows: readonly (readonly [term: string, text: string])[];
}

const version: Section["rows"][number] = ["-v, -V, --version", "print the version"];
const helpOf = (command: Command): Section["rows"][number] => [wordOf(command), command.summary];

/** Help of the program: the list of commands. @param width columns of the terminal */
export function programHelp(width: number): string[] {
  const rows = [
    ...Object.entries(families),
    ...commands.filter((each) => familyOf(each) === undefined).map(helpOf),
    ["help", "display help for command"] as const,
  ];
  const first = (word: string) => commands.find(({ name }) => name.split(" ")[0] === word);
  const words = [...new Set(commands.map(({ name }) => name.split(" ")[0]!))];
  const help = ["-h, --help", "print this help; pix2pix COMMAND --help lists a command's options"] as const;
  return page(
    {
      usage: "pix2pix COMMAND [options]",
      description: "Learns to turn one kind of picture into another from pairs of both (pix2pix).",
      sections: [
        { title: "Options", rows: [version, help] },
        { title: "Commands", rows },
      ],
      examples: words.map((word) => first(word)?.examples[0] ?? ""),
    },
    width,
  );
}

/** Help of a family, such as `data`: the list of its commands. */
export function familyHelp(family: string, width: number): string[] {
  const members = commands.filter((each) => familyOf(each) === family);
  const help = `print this help; pix2pix ${family} COMMAND --help lists a command's options`;
  return page(
    {
      usage: `pix2pix ${family} COMMAND [options]`,
      description: sentence(families[family] ?? ""),
      sections: [
        { title: "Options", rows: [["-h, --help", help]] },
        { title: "Commands", rows: [...members.map(helpOf), ["help", "display help for command"]] },
      ],
      examples: members.map(({ examples }) => examples[0] ?? ""),
    },
    width,
  );
}

/**
 * Help of a command: its options by group, with ranges, choices, defaults and units.
 * @param all list every option, not only those that most people use
 */
export function commandHelp(command: Command, width: number, all = false): string[] {
  const { common } = command;
  const every = optionsOf(command.schema);
  const specs = every.filter(({ key }) => all || !common || common.includes(key));
  const more = every.length - specs.length;
  const groups = [...new Set(specs.map(({ group }) => group))];
  const rowOf = (spec: OptionSpec) =>
    [
      `${spec.flag}${placeholder(spec)}`,
      `${spec.help}${details(spec, more > 0)}${more > 0 ? "" : kindsOf(spec)}`,
    ] as const;
  return page(
    {
      usage: `pix2pix ${command.name} [options]`,
      description: sentence(command.summary),
      sections: [
        ...groups.map((group) => ({
          title: capital(group),
          rows: specs.filter((spec) => spec.group === group).map(rowOf),
        })),
        { title: "Options", rows: helpRows(common, all, more) },
      ],
      examples: command.examples,
    },
    width,
  );
}

/** @param more options that the help does not list */
function helpRows(common: Command["common"], all: boolean, more: number): Section["rows"] {
  if (!common) return [["-h, --help", "print this help"]];
  if (all) {
    return [
      ["-h, --help", `print the ${common.length} options that most people use`],
      ["--help-all", "print this help"],
    ];
  }
  return [
    ["-h, --help", "print this help"],
    ["--help-all", `print every option: ${more} more than here`],
  ];
}

/** The first word of a command of two words, else undefined. */
export function familyOf({ name }: Command): string | undefined {
  const [first, second] = name.split(" ");
  return second === undefined ? undefined : first;
}

const wordOf = ({ name }: Command) => name.split(" ").at(-1)!;
const capital = (text: string) => `${text[0]?.toUpperCase()}${text.slice(1)}`;
const sentence = (text: string) => `${capital(text)}.`;

function placeholder(spec: OptionSpec): string {
  if (spec.type === "boolean") return spec.word ? ` [${spec.word}]` : "";
  if (spec.choices) return " <choice>";
  return ` <${spec.value ?? spec.unit ?? (spec.type === "integer" ? "N" : spec.type)}>`;
}

/**
 * " (batch, instance, none; default batch)", " (1 to 4; default 3 channels)"
 * @param brief list choices here, also those with a line each in the full help
 */
function details(spec: OptionSpec, brief: boolean): string {
  if (spec.type === "boolean") return "";
  // A lower bound alone is not shown: sizes and counts are never negative.
  const range = spec.type === "integer" && spec.maximum === undefined ? "" : rangeOf(spec).replace(/^(from|of) /, "");
  const initial =
    spec.default !== undefined
      ? `default ${spec.default}${unitOf(spec)}`
      : spec.required
        ? "required"
        : `default: ${spec.absent ?? "none"}`;
  return ` (${[spec.kinds && !brief ? "" : spec.choices?.join(", "), range, initial].filter(Boolean).join("; ")})`;
}

/** A line for each choice that has a text of its own. */
function kindsOf({ kinds = {} }: OptionSpec): string {
  return Object.entries(kinds)
    .map(([name, { help }]) => `\n${name}: ${help}`)
    .join("");
}

/** " steps"; singular after a 1: " step", " batch" */
function unitOf({ unit, default: initial }: OptionSpec): string {
  if (!unit) return "";
  return ` ${initial === 1 ? unit.replace(/(?<=ch|sh|ss|x)es$|s$/, "") : unit}`;
}

interface Page {
  usage: string;
  description: string;
  sections: readonly Section[];
  examples: readonly string[];
}

function page({ usage, description, sections, examples }: Page, width: number): string[] {
  const column = columnOf(
    sections.flatMap(({ rows }) => rows.map(([term]) => term.length)),
    width,
  );
  const lines = [`Usage: ${usage}`, "", ...wrapped(description, width), ""];
  for (const { title, rows } of sections) {
    lines.push(`${title}:`);
    for (const [term, text] of rows) {
      const texts = text.split("\n").flatMap((line) => wrapped(line, width - column));
      const [head = "", ...below] = texts.map((line) => " ".repeat(column) + line);
      // A long term has a line of its own.
      if (2 + term.length + 2 > column) lines.push(`  ${term}`, head, ...below);
      else lines.push(`  ${term}`.padEnd(column) + head.slice(column), ...below);
    }
    lines.push("");
  }
  return [...lines, "Examples:", ...examples.map((line) => `  ${line}`), ""];
}

/**
 * The column at which the texts begin: after the longest term, without terms that would end beyond column 34 or leave less than 24
 * columns for the text. Where that gives 12 or less, all texts begin at column 8, below terms that do not fit.
 * @param terms lengths
 */
function columnOf(terms: readonly number[], width: number): number {
  const most = Math.min(34, width - 24);
  const column = Math.max(0, ...terms.map((length) => 2 + length + 2).filter((each) => each <= most));
  return column > 12 ? column : 8;
}

/** Breaks text into lines of at most `width` columns. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
