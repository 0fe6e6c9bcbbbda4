import { readFileSync } from "node:fs";

/** The version of the package. */
export function version(): string {
  const packageJson: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return packageJson instanceof Object && "version" in packageJson ? String(packageJson.version) : "";
}
