/** pix2pix completion */
import * as z from "zod";
import { namesOf } from "../../config/names.ts";
import { option } from "../../config/options.ts";
import type { Command } from "../command.ts";
import { shells } from "../completion.ts";
import { ownOptions } from "../runs.ts";

const schema = z.object({
  shell: option(z.enum(namesOf(shells)), { group: "shell", help: "the shell; may be given without --shell" }),
});

export const completion: Command = {
  name: "completion",
  summary: "print a script with which a shell completes commands and options",
  schema,
  argument: "shell",
  examples: ['eval "$(pix2pix completion bash)"', "pix2pix completion fish > ~/.config/fish/completions/pix2pix.fish"],
  async run(given, output, commands = []) {
    const { shell } = ownOptions(schema, given);
    for (const line of shells[shell](commands).trimEnd().split("\n")) output.print(line);
    return 0;
  },
};
