/** Builds what a browser loads: the worker and the runtime for the package, and the page. */
import { copyFileSync, cpSync, mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build, type Plugin } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
/** The worker, and ONNX Runtime's files in ort/. */
export const webFolder = join(root, "dist/web");
/** The page without them. */
export const pageFolder = join(root, "dist/page");

/** The script of the page, relative to the project. */
export const pageEntry = "src/web/page/main.ts";

/** ONNX Runtime's own files for WASM alone and for WASM with WebGPU. */
const runtimes = ["ort-wasm-simd-threaded", "ort-wasm-simd-threaded.asyncify"];

/**
 * ONNX Runtime looks for its own script by an address that is not there once it is bundled, and webpack refuses to build that. Its
 * other files have their addresses from src/web/ort.ts.
 */
const ownAddress: Plugin = {
  name: "own-address",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]ort\.(wasm|webgpu)\.min\.mjs$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      const contents = text.replace(/new \w+\("ort\.\w+\.min\.mjs",import\.meta\.url\)\.href/, "import.meta.url");
      if (contents === text) throw new Error(`${path} no longer looks for its script as onnxruntime-web 1.30 does.`);
      return { contents, loader: "js" };
    });
  },
};

/** Each script is one file: a bundler that takes it up, in whatever format, has nothing to split or to find. */
const options: BuildOptions = {
  absWorkingDir: root,
  bundle: true,
  format: "esm",
  target: "es2022",
  minifySyntax: true,
  minifyIdentifiers: true,
  minifyWhitespace: true,
  sourcemap: true,
  // ONNX Runtime starts its threads from a script of its own, which must not be bundled.
  conditions: ["onnxruntime-web-use-extern-wasm"],
  plugins: [ownAddress],
  logLevel: "warning",
};

/** The worker as worker.js and the loader of the runtime as ort.js. */
export const workerOptions = (outdir: string): BuildOptions => ({
  ...options,
  entryPoints: { worker: "src/web/worker.ts", ort: "src/web/ort.ts" },
  outdir,
  // Without white space there are no comments, and bundlers need those in import() of the runtime (@vite-ignore).
  minifyWhitespace: false,
});

/** A page's script as main.js. @param entry the script, relative to the project */
export const pageOptions = (outdir: string, entry: string): BuildOptions => ({
  ...options,
  entryPoints: { main: entry },
  outdir,
});

/** The files of ONNX Runtime in the folder ort/. */
export function copyRuntime(outdir: string): void {
  mkdirSync(join(outdir, "ort"), { recursive: true });
  for (const name of runtimes.flatMap((runtime) => [`${runtime}.mjs`, `${runtime}.wasm`])) {
    copyFileSync(join(root, "node_modules/onnxruntime-web/dist", name), join(outdir, "ort", name));
  }
}

/** The files of a page that are not scripts. */
export function copyStatic(outdir: string, entry: string): void {
  cpSync(join(root, entry, ".."), outdir, { recursive: true, filter: (path) => !path.endsWith(".ts") });
}

/** What a worker needs: worker.js, ort.js and ort/. */
export async function buildWorker(outdir: string): Promise<void> {
  await build(workerOptions(outdir));
  copyRuntime(outdir);
}

/** A page. It needs the files of buildWorker beside it. */
export async function buildPage(outdir: string, entry = pageEntry): Promise<void> {
  await build(pageOptions(outdir, entry));
  copyStatic(outdir, entry);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await Promise.all([buildWorker(webFolder), buildPage(pageFolder)]);
}
