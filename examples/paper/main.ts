/** The command line of an experiment. */
import { parseArguments } from "../../src/cli/arguments.ts";
import type { Output } from "../../src/cli/command.ts";
import { optionsOf, parseOptions } from "../../src/config/options.ts";
import { ConfigError, UserError } from "../../src/errors.ts";
import { type Experiment, experimentOptions, runExperiment, Stopped } from "./experiment.ts";

/** Runs an experiment with the options of the command line. Exit codes: 0 done, 1 error, 2 wrong options, or that of a signal. */
export async function main(file: string, experiment: Experiment): Promise<void> {
  const output: Output = {
    print: (line) => process.stdout.write(`${line}\n`),
    note: (line) => process.stderr.write(`${line}\n`),
  };
  const usage = `node --import tsx examples/${file}.ts --dataroot FOLDER [options]`;
  try {
    const specs = optionsOf(experimentOptions);
    const { given, help, notes } = parseArguments(process.argv.slice(2), specs);
    for (const note of notes) output.note(`note: ${note}`);
    if (help) {
      output.print(`${experiment.title}\n\n${usage}\n`);
      for (const { flag, help: text, default: initial, absent } of specs) {
        output.print(`  ${flag.padEnd(20)} ${text} (default ${initial ?? absent ?? "none"})`);
      }
      return;
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
