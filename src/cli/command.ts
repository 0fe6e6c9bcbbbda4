/** What a command is, and what commands share. */
import type * as z from "zod";

/**
 * Where a command writes, line by line. Lines that belong to the result go to `print`, everything else to `note`. Control
 * characters are shown as escapes, line breaks too: names of files and runs may hold any of them.
 */
export interface Output {
  /** A line on standard output. */
  print(line: string): void;
  /** A line on standard error. */
  note(line: string): void;
}

/** One command of the program; each file of commands exports one, and main.ts lists them. */
export interface Command {
  /** One word, or two where it belongs to a family: "data combine". */
  name: string;
  /** One line for the list of commands. */
  summary: string;
  /** Its options; made with `option` of options.ts. */
  schema: z.ZodObject<z.ZodRawShape>;
  /** Whole command lines that work, for the help. */
  examples: readonly string[];
  /** What happens to options of training that are given too, because upstream asks for them again; absent: unknown options. */
  ofRun?: string;
  /** The key of the option that may be given as a bare first word: `data download facades`. */
  argument?: string;
  /**
   * @param given options by key, as text or true; only those on the command line
   * @returns exit code
   */
  run(given: Readonly<Record<string, unknown>>, output: Output): Promise<number>;
}
