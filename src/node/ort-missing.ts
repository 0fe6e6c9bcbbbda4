/** Why onnxruntime-node could not be loaded, and what to do about it. */
import { UserError } from "../errors.ts";

/** The version that package.json names. */
const version = "1.30.0";

/** The platforms that onnxruntime-node 1.30 has a binary for: folders of its bin/napi-v6. */
const supported = "Linux x64 and arm64 (glibc 2.28 or newer), macOS arm64, Windows x64 and arm64";
const inTheBrowser = "the browser page trains on this machine too: npx pix2pix web";

/** The parts of `process` on which the message depends. */
export interface System {
  platform: string;
  arch: string;
  report?: { getReport(): object } | undefined;
}

/** @returns an error for the user; the fault that the loader threw is its cause */
export function loadFault(fault: unknown, system: System): UserError {
  const message = explanation(fault instanceof Error ? fault : new Error(String(fault)), system);
  return Object.assign(new UserError(message), { cause: fault });
}

function explanation(fault: Error & { code?: string }, { platform, arch, report }: System): string {
  const here = `${platform} ${arch}`;
  const first = fault.message.split("\n")[0]!;
  if (fault.code === "MODULE_NOT_FOUND" && !fault.message.includes("onnxruntime_binding")) {
    return (
      `onnxruntime-node, which computes on this machine (${here}), is not installed. npm leaves it out when its install script ` +
      "fails: on Linux x64 that script fetches CUDA files, which pix2pix does not need. Install again without it: " +
      `ONNXRUNTIME_NODE_INSTALL=skip npm install pix2pix, or npm install onnxruntime-node@${version} --ignore-scripts. (${first})`
    );
  }
  if (platform === "linux" && (arch === "x64" || arch === "arm64")) {
    const glibc = glibcOf(report);
    const libc = glibc === undefined ? "without glibc (musl, as in Alpine)" : `with glibc ${glibc}`;
    return (
      `onnxruntime-node ${version} cannot be loaded on ${here} ${libc}; it needs glibc 2.28 or newer. Use a distribution or ` +
      `container image that has it (node:24-slim, not node:24-alpine); ${inTheBrowser}. (${first})`
    );
  }
  if (fault.code === "MODULE_NOT_FOUND") {
    return (
      `onnxruntime-node ${version} has no binary for ${here}${platform === "darwin" ? " (an Intel Mac)" : ""}; it has those of ` +
      `${supported}. Use one of these; ${inTheBrowser}. (${first})`
    );
  }
  return `onnxruntime-node ${version} cannot be loaded on ${here}: ${first}. It needs ${supported}; ${inTheBrowser}.`;
}

/** The version of glibc that runs, undefined where the C library is another one. */
function glibcOf(report: System["report"]): string | undefined {
  const { header } = (report?.getReport() ?? {}) as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime;
}
