/** What this browser can compute on. */

export interface Capabilities {
  /** Whether WASM may use several threads: the page was served with the headers of cross-origin isolation. */
  isolated: boolean;
  /** Threads that WASM will use. */
  threads: number;
  webgpu: {
    /** A GPU that is worth using: there is an adapter and it is not software. */
    usable: boolean;
    /** The adapter in words. */
    adapter?: string;
    /** Emulated on the CPU: right, but slower than WASM. */
    software: boolean;
  };
  /** What a user should know, one sentence each. */
  notes: string[];
}

/** The parts of WebGPU that are needed to look at an adapter. */
interface Gpu {
  requestAdapter(options?: { powerPreference: "high-performance" }): Promise<Adapter | null>;
}
interface Adapter {
  info?: { vendor?: string; architecture?: string; description?: string; isFallbackAdapter?: boolean };
  isFallbackAdapter?: boolean;
}

/** More threads than this gain nothing on a training step, and many processors count each core twice. */
const mostThreads = 8;

/** Works on a page and in a worker. */
export async function capabilities(): Promise<Capabilities> {
  const isolated = globalThis.crossOriginIsolated === true;
  const threads = isolated ? Math.max(1, Math.min(mostThreads, navigator.hardwareConcurrency)) : 1;
  const notes: string[] = [];
  if (!isolated) {
    notes.push(
      "This page is not cross-origin isolated, so WASM runs on one thread, several times slower. Serve it with the headers " +
        "Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp, as npm run web does.",
    );
  }
  const webgpu = await lookAtGpu();
  if (!webgpu.adapter) {
    notes.push(
      "This browser offers no WebGPU here, so training runs on the CPU (WASM). Current Chrome, Edge and Safari have it, on " +
        "https and localhost.",
    );
  } else if (webgpu.software) {
    notes.push(`WebGPU is emulated on the CPU here (${webgpu.adapter}), so WASM, which is faster, is used.`);
  }
  return { isolated, threads, webgpu, notes };
}

/**
 * The device of a run: WASM wherever WebGPU was asked for and is not there, with a sentence that says so. `auto` takes a
 * real GPU before WASM and WASM before an emulated one.
 */
export function chooseDevice(asked: string, { webgpu }: Capabilities): { device: "wasm" | "webgpu"; note?: string } {
  if (asked === "auto") return { device: webgpu.usable ? "webgpu" : "wasm" };
  if (asked !== "webgpu") return { device: "wasm" };
  if (webgpu.adapter) return { device: "webgpu" };
  return { device: "wasm", note: "This browser offers no WebGPU here: WASM on the CPU is used instead." };
}

async function lookAtGpu(): Promise<Capabilities["webgpu"]> {
  const { gpu } = navigator as unknown as { gpu?: Gpu };
  const adapter = await gpu?.requestAdapter({ powerPreference: "high-performance" }).catch(() => null);
  if (!adapter) return { usable: false, software: false };
  const { vendor, architecture, description, isFallbackAdapter } = adapter.info ?? {};
  const software = isFallbackAdapter ?? adapter.isFallbackAdapter ?? false;
  const words = [description || [vendor, architecture].filter(Boolean).join(" ")].filter(Boolean).join("");
  return { usable: !software, adapter: words || "a GPU", software };
}
