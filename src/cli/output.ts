/** Where commands write: standard output and standard error, without the control characters that names may hold. */
import { visible } from "../text.ts";
import type { Output } from "./command.ts";

/** The output of the process. Names of files and runs come from outside, so what could act on a terminal is escaped. */
export const terminal: Output = {
  print: (text) => void process.stdout.write(`${visible(text)}\n`),
  note: (text) => void process.stderr.write(`${visible(text)}\n`),
};
