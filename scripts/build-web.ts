/** npm run build:web: the page as a static folder, dist/page, for any web host. */
import { copyFileSync, cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
export const pageFolder = join(root, "dist/page");

/** ONNX Runtime's own files for WASM alone and for WASM with WebGPU. */
const runtimes = ["ort-wasm-simd-threaded", "ort-wasm-simd-threaded.asyncify"];

/**
 * Bundles a page's script as main.js with the worker and ONNX Runtime beside it.
 * @param entry the script, relative to the project; files of its folder that are not scripts are copied
 */
export async function buildPage(outdir: string, entry = "src/web/page/main.ts"): Promise<void> {
  await build({
    entryPoints: { main: join(root, entry), worker: join(root, "src/web/worker.ts") },
    outdir,
    bundle: true,
    // The worker is found by its address beside the script that starts it, so all scripts lie in one folder.
    splitting: true,
    chunkNames: "[name]-[hash]",
    format: "esm",
    target: "es2022",
    minify: true,
    sourcemap: true,
    // ONNX Runtime starts its threads from a script of its own, which must not be bundled.
    conditions: ["onnxruntime-web-use-extern-wasm"],
    logLevel: "warning",
  });
  const folder = join(root, entry, "..");
  cpSync(folder, outdir, { recursive: true, filter: (path) => !path.endsWith(".ts") });
  mkdirSync(join(outdir, "ort"), { recursive: true });
  for (const name of runtimes.flatMap((runtime) => [`${runtime}.mjs`, `${runtime}.wasm`])) {
    copyFileSync(join(root, "node_modules/onnxruntime-web/dist", name), join(outdir, "ort", name));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await buildPage(pageFolder);
  console.log(`Built ${pageFolder}: put it on any web host that serves https.`);
}
