/** The command line of the scripts outside `src`: benchmarks, examples, tools of the maintainers. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type ParseArgsConfig, parseArgs } from "node:util";
import { UserError } from "../src/errors.ts";

/**
 * The options of a script. `--help` prints the comment at the head of its file. A wrong option ends the script with an error message, and
 * so does a UserError that it throws later.
 * @param script `import.meta.url` of the script
 */
export function scriptOptions<const C extends ParseArgsConfig>(
  script: string,
  config: C,
): ReturnType<typeof parseArgs<C>> {
  if (process.argv.slice(2).some((word) => word === "--help" || word === "-h")) {
    console.log(headOf(script));
    process.exit(0);
  }
  process.on("uncaughtException", (error) => {
    if (error instanceof UserError) usageError(error.message);
    throw error;
  });
  try {
    return parseArgs(config);
  } catch (error) {
    return usageError(`${(error as Error).message} (--help lists the options)`);
  }
}

/** Ends a script that cannot use what the user gave. */
export function usageError(message: string): never {
  console.error(`error: ${message}`);
  process.exit(2);
}

/** The first comment of a file, without its stars. */
function headOf(script: string): string {
  const [, comment = ""] = /\/\*\*\n?([\s\S]*?)\*\//.exec(readFileSync(fileURLToPath(script), "utf8")) ?? [];
  return comment.replaceAll(/^ *\* ?/gm, "").trim();
}
