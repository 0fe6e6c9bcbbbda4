/** Finds the devices of onnxruntime-node on this machine, and says how to get the others. */
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Adapter, DeviceName, FoundDevice, Platform } from "../platform.ts";
import { supports } from "./ort.ts";
import type { ProbeResult } from "./probe.ts";

const names: readonly DeviceName[] = ["cpu", "webgpu", "cuda", "wasm"];

/** Devices that have been examined: they do not change while a program runs. */
const known = new Map<string, Promise<FoundDevice>>();

export const devices: Platform["devices"] = async (wanted = names, { hardware = false } = {}) => {
  const find = (name: DeviceName): Promise<FoundDevice> => {
    if (name === "webgpu" && hardware && !mayHaveGpu()) {
      return Promise.resolve(absent(name, "this machine shows no GPU"));
    }
    const found = known.get(name) ?? look(name);
    known.set(name, found);
    return found;
  };
  return Promise.all(names.filter((name) => wanted.includes(name)).map(find));
};

function look(name: DeviceName): Promise<FoundDevice> {
  if (name === "cpu") return Promise.resolve({ name, label: name, present: true });
  if (name === "webgpu") return lookAtWebGpu();
  if (name === "cuda") return lookAtCuda();
  return Promise.resolve(absent("wasm", "wasm is the browser's; in Node cpu takes its place and is faster"));
}

const absent = (name: DeviceName, missing: string): FoundDevice => ({ name, label: name, present: false, missing });

// ---- WebGPU ---------------------------------------------------------------------------------------------------------

async function lookAtWebGpu(): Promise<FoundDevice> {
  if (!supports("webgpu")) {
    return absent("webgpu", `onnxruntime-node has no WebGPU for ${process.platform} ${process.arch}`);
  }
  const { error, rate, maxBufferSize, log } = await probe("webgpu");
  if (error !== undefined) return absent("webgpu", withoutAdapter(error, log));
  const adapter: Adapter = { ...adapterOf(log, rate ?? 0), maxBufferSize, rate };
  return { name: "webgpu", label: `webgpu (${adapter.name})`, present: true, adapter };
}

function withoutAdapter(error: string, log: string): string {
  if (/libvulkan/.test(log)) {
    return (
      "the Vulkan loader libvulkan.so.1 is missing; it comes with the GPU's driver " +
      "(Debian, Ubuntu: apt install libvulkan1, and mesa-vulkan-drivers or NVIDIA's driver)"
    );
  }
  if (/No supported adapters/.test(error)) {
    return (
      "no graphics driver offers an adapter; install the GPU's driver " +
      "(on Linux with Vulkan; without a GPU, for tests only, docs/devices.md names a software adapter)"
    );
  }
  return firstLine(error);
}

/** Names of drivers that compute on the CPU, as they occur in the variables of the Vulkan loader. */
const softwareDriver = /swiftshader|lvp|lavapipe/i;

/** GFLOP/s of a matrix product. Every GPU is faster; most software adapters are slower. */
const slowest = 20;

/** The GPU that the log of the runtime names. The adapter counts as software without one, and with one that is as slow as software. */
function adapterOf(log: string, rate: number): { name: string; software: boolean } {
  const driver = process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES ?? "";
  const software = softwareDriver.exec(driver)?.[0];
  if (software)
    return { name: /swift/i.test(software) ? "SwiftShader, software" : "lavapipe, software", software: true };
  const gpu = /OrtHardwareDevice \{vendor_id:(\w+), device_id:(\w+), vendor:([^,]*), type:1,([^}]*)/.exec(log);
  if (!gpu) return { name: "software", software: true };
  const [, vendorId, deviceId, vendor, metadata] = gpu;
  const described = /Description=([^,\]]+)/.exec(metadata ?? "")?.[1] ?? nvidiaModel();
  const name = described ?? `${vendor || `vendor ${vendorId}`} GPU ${deviceId}`;
  return rate < slowest ? { name: `${name}, but as slow as software`, software: true } : { name, software: false };
}

/** The model name that NVIDIA's Linux driver gives. */
function nvidiaModel(): string | undefined {
  const folder = "/proc/driver/nvidia/gpus";
  try {
    const [first] = readdirSync(folder);
    return /^Model:\s*(.+)$/m.exec(readFileSync(join(folder, first!, "information"), "utf8"))?.[1];
  } catch {
    return undefined;
  }
}

/** Linux lists every GPU that can compute under /dev. On other systems there is no quick way to find out. */
function mayHaveGpu(): boolean {
  if (process.platform !== "linux") return true;
  const rendering = existsSync("/dev/dri") && readdirSync("/dev/dri").some((name) => name.startsWith("renderD"));
  return rendering || existsSync("/dev/nvidiactl") || existsSync("/dev/dxg");
}

// ---- CUDA -----------------------------------------------------------------------------------------------------------

async function lookAtCuda(): Promise<FoundDevice> {
  const library = "libonnxruntime_providers_cuda.so";
  const install =
    "it needs Linux x64, CUDA 12 and cuDNN 9, and then: " +
    "node node_modules/onnxruntime-node/script/install.js --onnxruntime-node-install=cuda12";
  if (!supports("cuda"))
    return absent("cuda", `onnxruntime-node has no CUDA for ${process.platform} ${process.arch}; ${install}`);
  const main = createRequire(import.meta.url).resolve("onnxruntime-node");
  const folder = join(dirname(main), "..", "bin", "napi-v6", process.platform, process.arch);
  if (!existsSync(join(folder, library)))
    return absent("cuda", `onnxruntime-node's CUDA part is not installed; ${install}`);
  const { error } = await probe("cuda");
  return error === undefined
    ? { name: "cuda", label: "cuda", present: true }
    : absent("cuda", `${firstLine(error)}; ${install}`);
}

// ---- The runtime ----------------------------------------------------------------------------------------------------

/** Milliseconds after which a driver that does not answer counts as absent. */
const probeTimeout = 60_000;

function probe(name: DeviceName): Promise<ProbeResult & { log: string }> {
  const source = import.meta.url.endsWith(".ts");
  const script = fileURLToPath(new URL(source ? "probe.ts" : "probe.js", import.meta.url));
  const loader = source ? ["--import", pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href] : [];
  const options = { timeout: probeTimeout, maxBuffer: 2 ** 28 };
  return new Promise((resolve) => {
    execFile(process.execPath, [...loader, script, name], options, (failure, stdout, log) => {
      const line = stdout.trim().split("\n").at(-1) ?? "";
      try {
        resolve({ ...(JSON.parse(line) as ProbeResult), log });
      } catch {
        const why = failure?.killed
          ? "the driver does not answer"
          : `the driver ended the process (${failure?.signal ?? failure?.code})`;
        resolve({ error: why, log });
      }
    });
  });
}

const firstLine = (text: string): string => text.split("\n")[0]!.replace(/\.$/, "");
