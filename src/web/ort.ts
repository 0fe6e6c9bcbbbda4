/** ONNX Runtime in a browser. The package's build includes its scripts; its binaries lie in ort/ beside this module. */
import type { Env } from "onnxruntime-common";
import { UserError } from "../errors.ts";
import type { Ort, Platform, RuntimeMemory } from "../platform.ts";
import { runtimeMemory } from "./runtime-memory.ts";

interface RuntimeFiles {
  mjs: URL;
  wasm: URL;
}

export interface RuntimeOptions {
  /** Threads of WASM; more than one needs a page that is cross-origin isolated. */
  threads: number;
  /**
   * The address of the folder with ONNX Runtime's own files (ort-wasm-*.mjs and .wasm), with a slash at its end. By
   * default the files that the package ships in ort/ beside this module, whose addresses bundlers find.
   */
  base?: string | undefined;
  /** The binary lies in `base` as .wasm.gz: a host that compresses nothing sends a quarter of the bytes. Default false. */
  compressed?: boolean | undefined;
}

/** Bundlers copy a file whose address is written in this form, and put in the address of the copy. */
const shipped = {
  wasm: {
    mjs: new URL("./ort/ort-wasm-simd-threaded.mjs", import.meta.url),
    wasm: new URL("./ort/ort-wasm-simd-threaded.wasm", import.meta.url),
  },
  jspi: {
    mjs: new URL("./ort/ort-wasm-simd-threaded.jspi.mjs", import.meta.url),
    wasm: new URL("./ort/ort-wasm-simd-threaded.jspi.wasm", import.meta.url),
  },
  asyncify: {
    mjs: new URL("./ort/ort-wasm-simd-threaded.asyncify.mjs", import.meta.url),
    wasm: new URL("./ort/ort-wasm-simd-threaded.asyncify.wasm", import.meta.url),
  },
} satisfies Record<string, RuntimeFiles>;

const fileNames = {
  wasm: "ort-wasm-simd-threaded",
  jspi: "ort-wasm-simd-threaded.jspi",
  asyncify: "ort-wasm-simd-threaded.asyncify",
};

/**
 * The build of the runtime. With WebGPU it waits for the GPU in the middle of a call: by the browser's own means (JSPI) where it has
 * them, else by code that the compiler has added (Asyncify), which is 6.6 MB instead of 4.1 MB to load.
 */
function buildFor(device: "wasm" | "webgpu"): keyof typeof shipped {
  if (device === "wasm") return "wasm";
  return "Suspending" in WebAssembly ? "jspi" : "asyncify";
}

/** The binaries that have been fetched: ONNX Runtime takes one at its first session. */
const fetched = new Map<string, Promise<ArrayBuffer>>();

/** Loads the runtime for a device. One runtime serves one page: it takes its binary at the first session. */
export async function loadOrt(device: "wasm" | "webgpu", options: RuntimeOptions): Promise<Ort & { env: Env }> {
  const { threads, base, compressed = false } = options;
  const build = buildFor(device);
  // Both are needed: they are fetched at the same time.
  const binary = compressed && base ? unpacked(`${base}${fileNames[build]}.wasm.gz`) : undefined;
  const runtime = await (device === "webgpu" ? import("onnxruntime-web/webgpu") : import("onnxruntime-web/wasm"));
  runtime.env.wasm.numThreads = threads;
  const own = base && { mjs: `${base}${fileNames[build]}.mjs`, wasm: `${base}${fileNames[build]}.wasm` };
  // Without the address of the binary, the runtime takes the bytes.
  runtime.env.wasm.wasmPaths = binary && own ? { mjs: own.mjs } : own || shipped[build];
  if (binary) runtime.env.wasm.wasmBinary = await binary;
  return runtime;
}

/**
 * The memory of a runtime that `loadOrt` has loaded, after its first session. The build of this project adds the export `instance` to the
 * runtime's script (scripts/build-web.ts).
 * @returns undefined for the runtime's own files, as on a CDN: sessions then run with copies
 */
export async function memoryOfRuntime({ env }: { env: Env }): Promise<RuntimeMemory | undefined> {
  const { wasmPaths } = env.wasm;
  if (typeof wasmPaths !== "object" || !wasmPaths.mjs) return undefined;
  // The module that the runtime has imported, by the same address.
  const script = await import(/* webpackIgnore: true */ /* @vite-ignore */ String(wasmPaths.mjs));
  return runtimeMemory(script.instance);
}

function unpacked(address: string): Promise<ArrayBuffer> {
  const known = fetched.get(address) ?? unpack(address);
  fetched.set(address, known);
  known.catch(() => fetched.delete(address));
  return known;
}

/** A file that is gzip, whether the server says so (then the browser has unpacked it) or not. */
async function unpack(address: string): Promise<ArrayBuffer> {
  const response = await fetch(address);
  if (!response.ok) throw new UserError(`${address} cannot be loaded: the server answers ${response.status}.`);
  const bytes = await response.arrayBuffer();
  const [first, second] = new Uint8Array(bytes);
  if (first !== 0x1f || second !== 0x8b) return bytes;
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

/**
 * onnxruntime-web allocates CPU outputs itself and ignores the tensors that it is given for them, so they are copied.
 */
export const runInto: Platform["runInto"] = async (session, feeds, fetches) => {
  const results = await session.run(feeds, Object.keys(fetches));
  for (const [name, tensor] of Object.entries(fetches)) {
    (tensor.data as Float32Array).set(results[name]!.data as Float32Array);
  }
};
