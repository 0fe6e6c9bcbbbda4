/** The program as a user starts it: bin/pix2pix.js in a process of its own. */
import { spawn, spawnSync } from "node:child_process";
import { bin } from "../paths.ts";

export interface Ended {
  code: number | null;
  out: string;
  err: string;
}

/**
 * Runs the program in the folder `cwd`. A line of arguments is split at its blanks.
 * @param during called with all output so far, and the process
 * @param env variables beside those of this process
 */
export function runIn(
  cwd: string,
  args: string | readonly string[],
  during?: (out: string, kill: (signal: NodeJS.Signals) => void) => void,
  env: NodeJS.ProcessEnv = {},
): Promise<Ended> {
  const words = typeof args === "string" ? args.split(" ").filter(Boolean) : args;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bin, ...words], { cwd, env: { ...process.env, ...env } });
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk) => {
      out += chunk;
      during?.(out, (signal) => child.kill(signal));
    });
    child.stderr.on("data", (chunk) => {
      err += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) => {
      const [warning] = warningsOfNode(err);
      if (warning) reject(new Error(`${words.join(" ")}: ${warning}`));
      else resolve({ code, out, err });
    });
  });
}

/** The lines in which Node warns of what a later version removes or changes. A user can do nothing about them. */
export function warningsOfNode(err: string): string[] {
  return err.match(/^\(node:\d+\) .*(Deprecation|Experimental)Warning: .*$/gm) ?? [];
}

/** The exit code that a shell gives for a process that has ended by a signal: 128 + the number that this system gives the signal. */
export function codeInShell(signal: NodeJS.Signals): number {
  const ended = `sh -c 'kill -s ${signal.slice(3)} $$'; echo $?`;
  return Number(spawnSync("sh", ["-c", ended], { encoding: "utf8" }).stdout);
}
