/** The command line of an experiment. */
import type { Output } from "../../src/cli/command.ts";
import { normalise } from "../../src/cli/spelling.ts";
import { optionsOf, parseOptions } from "../../src/config/options.ts";
import { ConfigError, UserError } from "../../src/errors.ts";
import { type Experiment, experimentOptions, runExperiment, Stopped } from "./experiment.ts";

/** Runs an experiment with the options of the process, as the commands of pix2pix do: 0, 1 for errors, 2 for usage. */
export async function main(file: string, experiment: Experiment): Promise<void> {
  const output: Output = {
    print: (line) => process.stdout.write(`${line}\n`),
    note: (line) => process.stderr.write(`${line}\n`),
  };
  const usage = `node --import tsx examples/${file}.ts --dataroot FOLDER [options]`;
  try {
    const specs = optionsOf(experimentOptions);
    const { args, notes } = normalise(process.argv.slice(2), specs);
    for (const note of notes) output.note(`note: ${note}`);
    if (args.includes("--help")) {
      output.print(`${experiment.title}\n\n${usage}\n`);
      for (const { flag, help, default: initial, absent } of specs) {
        output.print(`  ${flag.padEnd(20)} ${help} (default ${initial ?? absent ?? "none"})`);
      }
      return;
    }
    const given: Record<string, unknown> = {};
    for (let i = 0; i < args.length; i++) {
      const spec = specs.find(({ flag }) => flag === args[i])!;
      given[spec.key] = spec.type === "boolean" ? true : args[++i];
    }
    await runExperiment(experiment, parseOptions(experimentOptions, given), { output, file });
  } catch (error) {
    if (error instanceof Stopped) {
      process.exitCode = error.code;
      return;
    }
    if (!(error instanceof UserError)) throw error;
    output.note(
      `error: ${error.message}${error instanceof ConfigError ? `\nSee: ${usage.replace(/--dataroot.*/, "--help")}` : ""}`,
    );
    process.exitCode = error instanceof ConfigError ? 2 : 1;
  }
}
