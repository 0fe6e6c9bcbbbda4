/** The scripts of examples/ as a user starts them, and the tables that they print. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { root } from "../paths.ts";

/** Runs the script of one table of the paper. @returns what it prints */
export async function script(table: number, line: string): Promise<string> {
  const args = ["--import", "tsx", `examples/paper-table${table}.ts`, ...line.split(" ")];
  return (await promisify(execFile)(process.execPath, args, { cwd: root })).stdout;
}

/** The rows of a printed table: label to the cells "here" and "paper". */
export function rowsOf(text: string): Map<string, readonly [here: string, paper: string]> {
  const lines = text.split("\n").filter((line) => /^\| [^-]/.test(line));
  const cells = lines.map((line) => line.split("|").map((cell) => cell.trim()));
  return new Map(cells.map(([, label, here, paper]) => [label!, [here!, paper!]]));
}
