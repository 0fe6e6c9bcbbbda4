/** The allocator variables with which bin/pix2pix.js starts, for scripts that measure. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

const program = readFileSync(new URL("../bin/pix2pix.js", import.meta.url), "utf8");

/** They work only in the environment with which a process starts. */
export const allocatorVariables: Readonly<Record<string, string>> = Object.fromEntries(
  [...program.matchAll(/(MALLOC_\w+): "(\d+)"/g)].map(([, name, value]) => [name!, value!]),
);

/**
 * Runs this script again with the variables where the process lacks them.
 * @returns whether it ran again, so that nothing is left to do here; its exit code is that of this process
 */
export function ranWithAllocator(): boolean {
  if (Object.entries(allocatorVariables).every(([name, value]) => process.env[name] === value)) return false;
  const again = [...process.execArgv, ...process.argv.slice(1)];
  const env = { ...process.env, ...allocatorVariables };
  process.exitCode = spawnSync(process.execPath, again, { env, stdio: "inherit" }).status ?? 1;
  return true;
}
