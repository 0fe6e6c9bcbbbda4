/** The Python of PIX2PIX_PYTHON (default python3), for checks against other systems; they are skipped where it lacks a package. */
import { spawnSync } from "node:child_process";

export const python = process.env.PIX2PIX_PYTHON ?? "python3";

/** Why these packages cannot be used; undefined where all can. */
export function missingInPython(...packages: readonly string[]): string | undefined {
  const { status, error } = spawnSync(python, ["-c", `import ${packages.join(", ")}`], { encoding: "utf8" });
  if (error) return `there is no ${python}; PIX2PIX_PYTHON names one`;
  return status === 0 ? undefined : `${python} lacks one of ${packages.join(", ")}; PIX2PIX_PYTHON names another`;
}

/** Runs a script. @returns its standard output; throws with what it says on the other */
export function runPython(script: string, args: readonly string[] = [], cwd?: string): string {
  const { status, stdout, stderr } = spawnSync(python, [script, ...args], { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${script}: ${stderr}`);
  return stdout;
}
