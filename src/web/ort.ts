/** ONNX Runtime in a browser. The package's build includes its scripts; its binaries lie in ort/ beside this module. */
import type { Ort, Platform } from "../platform.ts";

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
}

/** Bundlers copy a file whose address is written in this form, and put in the address of the copy. */
const shipped = {
  wasm: {
    mjs: new URL("./ort/ort-wasm-simd-threaded.mjs", import.meta.url),
    wasm: new URL("./ort/ort-wasm-simd-threaded.wasm", import.meta.url),
  },
  webgpu: {
    mjs: new URL("./ort/ort-wasm-simd-threaded.asyncify.mjs", import.meta.url),
    wasm: new URL("./ort/ort-wasm-simd-threaded.asyncify.wasm", import.meta.url),
  },
} satisfies Record<string, RuntimeFiles>;

/** Loads the runtime for a device. The runtime with WebGPU is twice as large as the one with WASM only. */
export async function loadOrt(device: "wasm" | "webgpu", { threads, base }: RuntimeOptions): Promise<Ort> {
  const runtime = await (device === "webgpu" ? import("onnxruntime-web/webgpu") : import("onnxruntime-web/wasm"));
  runtime.env.wasm.numThreads = threads;
  runtime.env.wasm.wasmPaths = base ?? shipped[device];
  return runtime;
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
