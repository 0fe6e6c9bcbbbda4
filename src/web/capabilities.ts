/** The devices of this browser: WASM on the CPU, and WebGPU where it has it. */
import type { DeviceName, FoundDevice } from "../platform.ts";
import { storageRoot } from "./files.ts";

/** The devices of this browser and the limits of this page. */
export interface Capabilities {
  /** Whether WASM may use several threads: the page was served with the headers of cross-origin isolation. */
  isolated: boolean;
  /** Threads of WASM, 1 without isolation. */
  threads: number;
  /** WASM, which is always present, and WebGPU. */
  devices: readonly [FoundDevice, FoundDevice];
  /** Limits of this browser or page, one sentence each, for the user. */
  notes: string[];
}

/** More threads do not make a training step faster, and many processors count each core twice. */
const mostThreads = 8;
const withoutGpu = "this browser offers no WebGPU here; current Chrome, Edge and Safari do, on https and localhost";

/** The note on a page without the headers of isolation. A service worker can add them: see src/app/sw.ts. */
export const notIsolated =
  "This page is not cross-origin isolated, so WASM runs on one thread, several times slower. Serve it with the headers " +
  "Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp, as pix2pix web does.";

/** Finds the devices, on a page or in a worker. */
export async function capabilities(): Promise<Capabilities> {
  const isolated = globalThis.crossOriginIsolated === true;
  const threads = isolated ? Math.max(1, Math.min(mostThreads, navigator.hardwareConcurrency)) : 1;
  const webgpu = await lookAtGpu();
  const notes: string[] = [];
  await storageRoot().catch(() => {
    const why = globalThis.isSecureContext
      ? "The browser gives this page no storage, as in private windows of some browsers, so no model can be opened"
      : "This page is not on https or localhost, so the browser gives it no storage";
    notes.push(`${why} and nothing can be trained.`);
  });
  if (!webgpu.present) notes.push("This browser offers no WebGPU here, so the CPU computes (WASM).");
  else if (webgpu.adapter?.software) {
    notes.push(`WebGPU is emulated on the CPU here (${webgpu.adapter.name}), so WASM, which is faster, is used.`);
  }
  if (!isolated) {
    notes.push(notIsolated);
  }
  return { isolated, threads, devices: [{ name: "wasm", label: "wasm", present: true }, webgpu], notes };
}

/**
 * The device for `--device`. `auto` prefers a real GPU to WASM, and WASM to an emulated GPU. Where WebGPU was asked for
 * and is absent, or was used and has failed, the device is WASM and `note` tells the user why.
 */
export function chooseDevice(asked: string, { devices }: Capabilities): { name: "wasm" | "webgpu"; note?: string } {
  const { present, adapter, missing } = devices[1];
  const missed = asked === "webgpu" || (asked === "auto" && missing !== withoutGpu);
  if (present) return { name: asked === "webgpu" || (asked === "auto" && !adapter?.software) ? "webgpu" : "wasm" };
  if (!missed) return { name: "wasm" };
  return { name: "wasm", note: `WASM on the CPU is used instead of WebGPU: ${missing}.` };
}

/** The devices after WebGPU has failed: ONNX Runtime gets no other adapter until the page is reloaded. */
export function withoutWebGpu({ devices: [wasm, webgpu], ...rest }: Capabilities): Capabilities {
  const missing = "it has failed on this page; reload the page to try it again";
  return { ...rest, devices: [wasm, { ...webgpu, present: false, missing }] };
}

/** `Platform.devices` in a browser. */
export function devicesOf({ devices }: Capabilities, names?: readonly DeviceName[]): readonly FoundDevice[] {
  return devices.filter(({ name }) => !names || names.includes(name));
}

/** Older browsers have no `info`, and `isFallbackAdapter` on the adapter. */
type OlderAdapter = Omit<GPUAdapter, "info"> & { info?: Partial<GPUAdapterInfo>; isFallbackAdapter?: boolean };

async function lookAtGpu(): Promise<FoundDevice> {
  // Absent in browsers without WebGPU and in insecure contexts.
  const gpu: GPU | undefined = navigator.gpu;
  const found: OlderAdapter | null | undefined = await gpu
    ?.requestAdapter({ powerPreference: "high-performance" })
    .catch(() => null);
  if (!found) return { name: "webgpu", label: "webgpu", present: false, missing: withoutGpu };
  const { vendor, architecture, description, isFallbackAdapter } = found.info ?? {};
  const name = description || [vendor, architecture].filter(Boolean).join(" ") || "a GPU";
  const software = isFallbackAdapter ?? found.isFallbackAdapter ?? false;
  const { maxBufferSize, maxStorageBufferBindingSize } = found.limits;
  const adapter = { name, software, maxBufferSize, maxStorageBufferBindingSize };
  return { name: "webgpu", label: `webgpu (${name})`, present: true, adapter };
}
