/** ONNX Runtime in a browser. */
import type { Ort, Platform } from "../platform.ts";

type Runtime = Ort & { env: { wasm: { numThreads?: number; wasmPaths?: unknown } } };

export interface RuntimeOptions {
  /** Threads of WASM; more than one needs a page that is cross-origin isolated. */
  threads: number;
  /**
   * Where ONNX Runtime's own files (ort-wasm-*.mjs and .wasm) lie, with a slash at its end. Not needed where a bundler
   * takes care of them.
   */
  base?: string | undefined;
}

/** Loads the runtime that a device needs: WASM alone is half the size of the one with WebGPU. */
export async function loadOrt(device: "wasm" | "webgpu", { threads, base }: RuntimeOptions): Promise<Ort> {
  const runtime = (device === "webgpu"
    ? await import("onnxruntime-web/webgpu")
    : await import("onnxruntime-web/wasm")) as unknown as Runtime;
  runtime.env.wasm.numThreads = threads;
  if (base) runtime.env.wasm.wasmPaths = base;
  return runtime;
}

/** onnxruntime-web ignores what is handed in for CPU outputs, so they are copied from its own. */
export const runInto: Platform["runInto"] = async (session, feeds, fetches) => {
  const results = await session.run(feeds, Object.keys(fetches));
  for (const [name, tensor] of Object.entries(fetches)) {
    (tensor.data as Float32Array).set(results[name]!.data as Float32Array);
  }
};
