/** Builds what a browser loads: the worker and the runtime for the package, and the web app. */
import { createHash } from "node:crypto";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild";
import { serviceWorker } from "../src/exchange/site.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
/** The worker, and ONNX Runtime's files in ort/. */
const webFolder = join(root, "dist/web");
/** The web app, with all that it loads. */
export const appFolder = join(root, "dist/page");

const app = "src/app";
/** Files with a digest or a version in their name: a browser may keep them for ever. */
const assets = "assets";

/** ONNX Runtime's own files for WASM alone, and for WASM with WebGPU in browsers with and without JSPI. */
const runtimes = ["", ".jspi", ".asyncify"].map((build) => `ort-wasm-simd-threaded${build}`);

/**
 * ONNX Runtime looks for its own script at an address that does not exist once it is bundled, and webpack refuses to build such an
 * import. This plug-in replaces the address. The addresses of the other files of the runtime come from src/web/ort.ts.
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

/** Each script is one self-contained file, so that any bundler can include it without splitting it or resolving imports. */
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
const workerOptions = (outdir: string): BuildOptions => ({
  ...options,
  entryPoints: { worker: "src/web/worker.ts", ort: "src/web/ort.ts" },
  outdir,
  // Without white space there are no comments, and bundlers need those in import() of the runtime (@vite-ignore).
  minifyWhitespace: false,
});

/** Copies the files of ONNX Runtime into the folder ort/. */
export function copyRuntime(outdir: string): void {
  mkdirSync(join(outdir, "ort"), { recursive: true });
  for (const runtime of runtimes) {
    writeFileSync(join(outdir, "ort", `${runtime}.mjs`), scriptOf(runtime));
    copyFileSync(runtimeFile(`${runtime}.wasm`), join(outdir, "ort", `${runtime}.wasm`));
  }
}

/**
 * The script of a runtime. That of the CPU gets an export, the module that it has made: src/web/runtime-memory.ts computes in its
 * memory.
 */
function scriptOf(runtime: string): string {
  const text = readFileSync(runtimeFile(`${runtime}.mjs`), "utf8");
  if (runtime !== runtimes[0]) return text;
  const parts = text.split("export default ortWasmThreaded;");
  if (parts.length !== 2) throw new Error(`${runtime}.mjs no longer ends as that of onnxruntime-web 1.30 does.`);
  return parts.join("export let instance;export default async(config)=>instance=await ortWasmThreaded(config);");
}

const runtimeFile = (name: string) => join(root, "node_modules/onnxruntime-web/dist", name);

/** Builds what a worker needs: worker.js, ort.js and ort/. */
export async function buildWorker(outdir: string): Promise<void> {
  await build(workerOptions(outdir));
  copyRuntime(outdir);
}

/** Builds a script of a test or benchmark as main.js, and copies the index.html beside it. At run time it needs the files of `buildWorker` there. */
export async function buildPage(outdir: string, entry: string): Promise<void> {
  await build({ ...options, entryPoints: { main: entry }, outdir });
  copyFileSync(join(root, entry, "../index.html"), join(outdir, "index.html"));
}

/**
 * Builds the web app: index.html, its assets, and the runs that are published with it. The binaries of the runtime are stored
 * compressed, so that a host that compresses nothing sends a quarter of the bytes.
 */
export async function buildApp(outdir: string): Promise<void> {
  rmSync(outdir, { recursive: true, force: true });
  const runtime = copyCompressedRuntime(outdir);
  const named: BuildOptions = {
    ...options,
    outdir: join(outdir, assets),
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    metafile: true,
    sourcemap: false,
  };
  const worker = await build({ ...named, entryPoints: { worker: "src/web/worker.ts" } });
  const define = {
    __WORKER__: JSON.stringify(`${assets}/${outputOf(worker.metafile, "src/web/worker.ts")}`),
    __RUNTIME__: JSON.stringify(runtime),
  };
  const entryPoints = { main: `${app}/main.tsx`, style: `${app}/style.css` };
  const { metafile } = await build({
    ...named,
    entryPoints,
    define,
    splitting: true,
    jsx: "automatic",
    jsxImportSource: "preact",
  });
  let html = readFileSync(join(root, app, "index.html"), "utf8");
  for (const [name, source] of [
    ["main.js", entryPoints.main],
    ["style.css", entryPoints.style],
  ] as const) {
    html = html.replace(`"${name}"`, `"${assets}/${outputOf(metafile, source)}"`);
  }
  writeFileSync(join(outdir, "index.html"), html);
  cpSync(join(root, app, "models"), join(outdir, "models"), { recursive: true });
  await buildServiceWorker(outdir);
  compressScripts(outdir);
}

/** The service worker, with the list of all other files in its first line. */
async function buildServiceWorker(outdir: string): Promise<void> {
  const { outputFiles } = await build({
    ...options,
    entryPoints: [`${app}/sw.ts`],
    write: false,
    sourcemap: false,
    format: "iife",
  });
  const files = new Map(filesIn(outdir).map((path) => [path, new Uint8Array(readFileSync(join(outdir, path)))]));
  writeFileSync(join(outdir, "sw.js"), await serviceWorker(outputFiles[0]!.text, files));
}

/** Paths of all files, relative to the folder. */
function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll("\\", "/")).sort();
}

/** Writes a Brotli file beside each script and stylesheet: at this level compression takes seconds, too long for a request. */
function compressScripts(outdir: string): void {
  for (const path of filesIn(join(outdir, assets)).filter((each) => /\.(js|css)$/.test(each))) {
    const file = join(outdir, assets, path);
    writeFileSync(`${file}.br`, brotliCompressSync(readFileSync(file)));
  }
}

/** The name of the output file of a source. */
function outputOf(metafile: Metafile | undefined, source: string): string {
  const [path] = Object.entries(metafile?.outputs ?? {}).find(([, { entryPoint }]) => entryPoint === source) ?? [];
  if (!path) throw new Error(`The build has no output of ${source}.`);
  return basename(path);
}

/** @returns the folder, relative to the page */
function copyCompressedRuntime(outdir: string): string {
  const { version } = JSON.parse(readFileSync(runtimeFile("../package.json"), "utf8")) as { version: string };
  const digest = createHash("sha256").update(runtimes.map(scriptOf).join()).digest("hex").slice(0, 8);
  const folder = `${assets}/ort-${version}-${digest}/`;
  mkdirSync(join(outdir, folder), { recursive: true });
  for (const runtime of runtimes) {
    writeFileSync(join(outdir, folder, `${runtime}.mjs`), scriptOf(runtime));
    copyFileSync(compressed(`${runtime}.wasm`, version), join(outdir, folder, `${runtime}.wasm.gz`));
  }
  return folder;
}

/** The path of the compressed file. It is kept for the next build: to compress takes seconds, and tests build several times. */
function compressed(name: string, version: string): string {
  const kept = join(root, "node_modules/.cache/pix2pix", `${version}-${name}.gz`);
  if (existsSync(kept)) return kept;
  const own = `${kept}.${process.pid}`;
  mkdirSync(dirname(kept), { recursive: true });
  writeFileSync(own, gzipSync(readFileSync(runtimeFile(name)), { level: 9 }));
  renameSync(own, kept);
  return kept;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await Promise.all([buildWorker(webFolder), buildApp(appFolder)]);
}
