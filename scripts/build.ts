/** Builds dist/, the package: the sources compiled, and what a browser loads. */
import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const began = Date.now();
process.chdir(fileURLToPath(new URL("..", import.meta.url)));
rmSync("dist", { recursive: true, force: true });
for (const step of ["npx tsc -p tsconfig.build.json", "npm run build:web"]) {
  const { status } = spawnSync(step, { stdio: "inherit", shell: true });
  if (status !== 0) process.exit(status ?? 1);
}
// Last, so that it says that all is there. bin/pix2pix.js takes dist/ while no source is younger.
writeFileSync("dist/built.json", `${JSON.stringify({ began })}\n`);
