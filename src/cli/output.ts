/** Standard output and standard error, as commands write to them. */
import { visible } from "../text.ts";
import type { Output } from "./command.ts";

/** The output of the process. */
export const terminal: Output = {
  print: (line) => void process.stdout.write(`${visible(line)}\n`),
  note: (line) => void process.stderr.write(`${visible(line)}\n`),
};
