/** Results for another program: one JSON object a line on standard output, every other line on standard error. */
import * as z from "zod";
import { option } from "../config/options.ts";
import type { Output } from "./command.ts";

export const jsonLinesOption = option(z.boolean().default(false), {
  group: "parts",
  help: "print one line of JSON for each picture on standard output, and all else on standard error",
});

/** Writes one line of JSON. Control characters beyond ASCII are escaped too, as a terminal obeys them. */
export function jsonLine(value: object): void {
  const text = JSON.stringify(value).replace(
    /[\x7f-\x9f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  process.stdout.write(`${text}\n`);
}

/** An output that writes all lines to standard error. */
export const onStandardError = ({ note }: Output): Output => ({ print: note, note });
