/** Builds dist/, the package: the sources compiled, the program in few files, and what a browser loads. */
import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const began = Date.now();
process.chdir(fileURLToPath(new URL("..", import.meta.url)));
rmSync("dist", { recursive: true, force: true });
run("npx tsc -p tsconfig.build.json");
await bundleProgram();
run("npm run build:web");
// Written last, because it marks the build as complete. bin/pix2pix.js runs dist/ while no source is newer.
writeFileSync("dist/built.json", `${JSON.stringify({ began })}\n`);

function run(step: string): void {
  const { status } = spawnSync(step, { stdio: "inherit", shell: true });
  if (status !== 0) process.exit(status ?? 1);
}

/**
 * Bundles the program, and the process that it starts to examine a device, with what they import from dist/: opening 400 small files
 * takes as long as the program itself. Like the files that they replace, the bundles lie two folders below the package, so that relative
 * paths to other files of the package stay valid. Dependencies stay outside, where npm keeps them up to date.
 */
async function bundleProgram(): Promise<void> {
  await build({
    entryPoints: { main: "dist/cli/main.js", probe: "dist/node/probe.js" },
    outdir: "dist/program",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    packages: "external",
    sourcemap: true,
    logLevel: "warning",
  });
  rmSync("dist/cli", { recursive: true });
}
