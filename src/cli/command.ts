/** The interface of commands. */
import type * as z from "zod";

/**
 * Where a command writes, line by line. Lines that belong to the result go to `print`, everything else to `note`.
 * Control characters are shown as escapes, line breaks too: names of files and runs may hold any of them.
 */
export interface Output {
  /** A line on standard output. */
  print(line: string): void;
  /** A line on standard error. */
  note(line: string): void;
}

/** One command of the program. Each file in commands/ exports one, and registry.ts lists them. */
export interface Command {
  /** One word, or two for a command of a family: "data combine". */
  name: string;
  /** One line for the list of commands. */
  summary: string;
  /** Its options, each created with `option` of options.ts. */
  schema: z.ZodObject<z.ZodRawShape>;
  /** Command lines for the help. */
  examples: readonly string[];
  /** Keys of the options that most people use: --help lists these, --help-all every option. Absent: both list all. */
  common?: readonly string[];
  /** A sentence on options of training, which the command accepts as the PyTorch commands do. Absent: it refuses them. */
  ofRun?: string;
  /** The key of the option whose value may be given as the first word, without its flag: `data download facades`. */
  argument?: string;
  /** Whether that value may have several words, which are joined by line breaks: `import G.pth D.pth`. */
  several?: boolean;
  /**
   * @param given the options on the command line by key, as text or true
   * @param commands all commands of the program, for `completion`
   * @returns the exit code
   */
  run(given: Readonly<Record<string, unknown>>, output: Output, commands?: readonly Command[]): Promise<number>;
}
