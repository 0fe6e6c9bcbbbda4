/** Scripts that let a shell complete commands, options and their choices; all come from the registry's schemas. */
import { type OptionSpec, optionsOf } from "../config/options.ts";
import type { Command } from "./command.ts";

/** The choices of `pix2pix completion`, each with its script. */
export const shells = { bash, zsh, fish } as const satisfies Record<string, (commands: readonly Command[]) => string>;
export type Shell = keyof typeof shells;

/** A word that is completed, with its description. */
type Word = readonly [word: string, text: string];

const helpOptions: readonly Word[] = [
  ["--help", "print help"],
  ["--help-all", "print help with every option"],
];

/** The words that may stand first: commands, families and options of the program. */
function firstWords(commands: readonly Command[]): Word[] {
  const single = commands.filter(({ name }) => !name.includes(" "));
  const families = familiesOf(commands).map((family): Word => [family, `commands for ${family}`]);
  return [
    ...single.map(({ name, summary }): Word => [name, summary]),
    ...families,
    ["help", "print help for a command"],
    ["--help", "print help"],
    ["--version", "print the version"],
  ];
}

/** The first words of commands of two words. */
const familiesOf = (commands: readonly Command[]): string[] => [
  ...new Set(commands.filter(({ name }) => name.includes(" ")).map(({ name }) => name.split(" ")[0]!)),
];

/** The second words of a family. */
const membersOf = (family: string, commands: readonly Command[]): Word[] =>
  commands.flatMap(({ name, summary }): Word[] => {
    const [first, second] = name.split(" ");
    return first === family && second !== undefined ? [[second, summary]] : [];
  });

/** What completes the value of an option. */
type Value = "none" | "choices" | "file" | "folder" | "other";

function kindOf({ type, choices, value = "" }: OptionSpec): Value {
  if (type === "boolean") return "none";
  if (choices) return "choices";
  if (value.includes("FILE")) return "file";
  return value === "FOLDER" ? "folder" : "other";
}

/** The choices of the argument without a flag, such as the data set of `data download`. */
function argumentChoices({ schema, argument }: Command): readonly string[] {
  return optionsOf(schema).find(({ key }) => key === argument)?.choices ?? [];
}

const single = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

// ---- bash -----------------------------------------------------------------------------------------------------------

/** Where the script offers no words, readline completes names of files (-o default). The script also runs in bash 3.2 of macOS. */
function bash(commands: readonly Command[]): string {
  const list = (words: readonly string[]) => single(words.join(" "));
  const names = (words: readonly Word[]) => list(words.map(([word]) => word));
  const families = familiesOf(commands);
  const ofFamily = families.map(
    (family) =>
      `    ${family}) words=${names(membersOf(family, commands))}; [ "$at" -gt 2 ] && command="${family} $third" ;;`,
  );
  const values = commands.flatMap(({ name, schema }) =>
    optionsOf(schema).flatMap((spec) => {
      if (kindOf(spec) === "none")
        return [`    ${single(`${name} ${spec.flag}`)}) [ "$equals" ] && words='true false' ;;`];
      return [`    ${single(`${name} ${spec.flag}`)}) words=${list(spec.choices ?? [])} ;;`];
    }),
  );
  const options = commands.map((command) => {
    const flags = [...optionsOf(command.schema).map(({ flag }) => flag), ...helpOptions.map(([flag]) => flag)];
    return `    ${single(command.name)}) words=${list([...argumentChoices(command), ...flags])} ;;`;
  });
  return `# Completion of pix2pix in bash. In ~/.bashrc: eval "$(pix2pix completion bash)"
_pix2pix() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" at="$COMP_CWORD" words='' equals=''
  local command="\${COMP_WORDS[1]}" third="\${COMP_WORDS[2]}"
  # bash gives --option=value as three words.
  if [ "$cur" = '=' ]; then cur='' equals=yes; elif [ "$prev" = '=' ]; then prev="\${COMP_WORDS[COMP_CWORD-2]}" equals=yes; fi
  if [ "$at" -eq 1 ]; then
    COMPREPLY=($(compgen -W ${names(firstWords(commands))} -- "$cur"))
    return
  fi
  case "$command" in
${ofFamily.join("\n")}
    help) words=${names(firstWords(commands).filter(([word]) => !word.startsWith("-") && word !== "help"))} ;;
  esac
  case "$command" in
${options.join("\n")}
  esac
  case "$command $prev" in
${values.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _pix2pix pix2pix
`;
}

// ---- zsh ------------------------------------------------------------------------------------------------------------

function zsh(commands: readonly Command[]): string {
  const described = (words: readonly Word[]) => words.map(([word, text]) => single(`${word}:${text}`)).join(" ");
  const families = familiesOf(commands).map(
    (family) => `    ${family})
      if (( CURRENT == 3 )); then
        list=(${described(membersOf(family, commands))})
        _describe command list
        return
      fi
      command="$words[2] $words[3]"
      shift words
      (( CURRENT-- ))
      ;;`,
  );
  const cases = commands.map((command) => {
    const choices = argumentChoices(command);
    const specs = [
      ...optionsOf(command.schema).map(zshOption),
      ...helpOptions.map(([flag, text]) => `${flag}[${text}]`),
      ...(choices.length > 0 ? [`1:choice:(${choices.join(" ")})`] : []),
    ];
    return `    ${single(command.name)}) _arguments ${specs.map(single).join(" ")} ;;`;
  });
  return `#compdef pix2pix
# Completion of pix2pix in zsh. In ~/.zshrc, after compinit: eval "$(pix2pix completion zsh)"
_pix2pix() {
  local -a list
  local command="$words[2]"
  if (( CURRENT == 2 )); then
    list=(${described(firstWords(commands))})
    _describe command list
    return
  fi
  case "$command" in
${families.join("\n")}
  esac
  shift words
  (( CURRENT-- ))
  case "$command" in
${cases.join("\n")}
  esac
}
compdef _pix2pix pix2pix
`;
}

/** "--lr=[Adam's learning rate]:number:": a value follows after an equals sign or a space. */
function zshOption(spec: OptionSpec): string {
  const text = spec.help.replace(/[[\]\\]/g, "\\$&");
  const kinds: Record<Value, string> = {
    none: `${spec.flag}[${text}]`,
    choices: `${spec.flag}=[${text}]:choice:(${spec.choices?.join(" ")})`,
    file: `${spec.flag}=[${text}]:file:_files`,
    folder: `${spec.flag}=[${text}]:folder:_files -/`,
    other: `${spec.flag}=[${text}]:value: `,
  };
  return kinds[kindOf(spec)];
}

// ---- fish -----------------------------------------------------------------------------------------------------------

function fish(commands: readonly Command[]): string {
  const quoted = (text: string) => `'${text.replace(/[\\']/g, "\\$&")}'`;
  const line = (condition: string, rest: string) => `complete -c pix2pix -n ${quoted(condition)} ${rest}`;
  const words = (condition: string, list: readonly Word[]) =>
    list.map(([word, text]) => line(condition, `-a ${quoted(word)} -d ${quoted(text)}`));
  const arguments_: Record<Value, (spec: OptionSpec) => string> = {
    none: () => "",
    choices: ({ choices = [] }) => ` -x -a ${quoted(choices.join(" "))}`,
    file: () => " -r -F",
    folder: () => " -x -a '(__fish_complete_directories)'",
    other: () => " -x",
  };
  const options = commands.flatMap((command) => {
    const at = `__pix2pix_at ${command.name}`;
    const choices = argumentChoices(command);
    return [
      ...optionsOf(command.schema).map((spec) =>
        line(at, `-l ${spec.flag.slice(2)}${arguments_[kindOf(spec)](spec)} -d ${quoted(spec.help)}`),
      ),
      ...helpOptions.map(([flag, text]) => line(at, `-l ${flag.slice(2)} -d ${quoted(text)}`)),
      ...(choices.length > 0 ? [line(at, `-a ${quoted(choices.join(" "))}`)] : []),
    ];
  });
  return `# Completion of pix2pix in fish: pix2pix completion fish > ~/.config/fish/completions/pix2pix.fish
function __pix2pix_at
  set -l words (commandline -opc)
  set -l last (math 1 + (count $argv))
  test (count $words) -ge $last; and test "$words[2..$last]" = "$argv"
end
function __pix2pix_words
  test (count (commandline -opc)) -eq $argv[1]
end
complete -c pix2pix -f
${[
  ...words(
    "__pix2pix_words 1",
    firstWords(commands).filter(([word]) => !word.startsWith("-")),
  ),
  line("__pix2pix_words 1", "-l help -d 'print help'"),
  line("__pix2pix_words 1", "-s V -l version -d 'print the version'"),
  ...familiesOf(commands).flatMap((family) =>
    words(`__pix2pix_words 2; and __pix2pix_at ${family}`, membersOf(family, commands)),
  ),
  ...options,
].join("\n")}
`;
}
