/** npm run prepare: builds dist/ where it is missing, so that an install from a git address has it. JavaScript, because it runs in
 * every install of this repository, also without the development dependencies, where it does nothing. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

if (!existsSync("dist/index.js") && existsSync("node_modules/typescript") && existsSync("node_modules/esbuild")) {
  process.exitCode = spawnSync("npm run build", { stdio: "inherit", shell: true }).status ?? 1;
}
