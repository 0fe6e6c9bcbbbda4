/**
 * WebGPU without a GPU: Chromium carries SwiftShader, a Vulkan driver that computes on the CPU, and a Vulkan loader. Both are
 * found through environment variables that are read when a process starts, so each test starts one.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "../../paths.ts";

const parts = ["vk_swiftshader_icd.json", "libvk_swiftshader.so", "libvulkan.so.1"];
const browser = process.env.CHROMIUM ? [dirname(process.env.CHROMIUM)] : [];
const folder = [...browser, "/usr/lib/chromium", "/usr/lib/chromium-browser", "/opt/google/chrome"].find((path) =>
  parts.every((part) => existsSync(join(path, part))),
);

/** Environment variables with which a process finds the software adapter; undefined if there is none. */
export const softwareAdapter: Record<string, string> | undefined =
  folder === undefined
    ? undefined
    : {
        VK_ICD_FILENAMES: join(folder, parts[0]!),
        VK_DRIVER_FILES: join(folder, parts[0]!),
        LD_LIBRARY_PATH: folder,
        XDG_RUNTIME_DIR: "/tmp",
      };

export const noAdapter =
  "no software adapter for WebGPU found; Chromium carries one: on Debian, as root, apt-get install -y chromium";

export interface Ended {
  code: number;
  out: string;
  err: string;
}

/** A TypeScript file or the program (`bin/pix2pix.js`) in a process that finds the software adapter. */
export function onSoftwareAdapter(file: string, ...args: string[]): Promise<Ended> {
  const env = { ...process.env, ...softwareAdapter };
  const command = ["--import", "tsx", join(root, file), ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, command, { cwd: root, env, maxBuffer: 2 ** 26 }, (error, out, err) => {
      resolve({ code: error ? Number(error.code ?? -1) : 0, out, err });
    });
  });
}
