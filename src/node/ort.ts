/** ONNX Runtime on Node. The only file that loads onnxruntime-node: its telemetry must be off first. */
import "./telemetry.ts";
import { createRequire } from "node:module";
import type * as OnnxRuntime from "onnxruntime-node";
import type { Ort, Platform } from "../platform.ts";
import { loadFault } from "./ort-missing.ts";

const onnxruntime = load();

export const ort = onnxruntime as unknown as Ort;

const sequenceOutput = "stop";
/** onnxruntime-node 1.30 refuses an output that is not a tensor with this message, when it creates the results. */
const refusal = "Non tensor type is temporarily not supported";

/**
 * Runs a session that writes its outputs to given memory (fetches), without copies. onnxruntime-node copies every
 * output for its result, also those with given memory: for unet_256 that is 280 MB a step and a sixth of its time. It
 * creates results in order and fails at the first that is not a tensor, so with such an output in front it copies
 * nothing. A version that does not fail gives the same values, slower.
 */
export const runInto: Platform["runInto"] = Object.assign(
  async (...[session, feeds, fetches]: Parameters<Platform["runInto"]>) => {
    try {
      await session.run(feeds, { [sequenceOutput]: null, ...fetches });
    } catch (error) {
      if (!(error instanceof Error && error.message.includes(refusal))) throw error;
    }
  },
  { sequenceOutput },
);

/** Has the runtime write all messages to standard error; the log names the devices that it finds. */
export function logAll(): void {
  onnxruntime.env.logLevel = "verbose";
}

/** Whether this build of ONNX Runtime supports a device, installed or not. */
export const supports = (name: string): boolean =>
  onnxruntime.listSupportedBackends().some((backend) => backend.name === name);

/** By require(), which can be caught: an import that fails would end with a stack trace of the runtime's own loader. */
function load(): typeof OnnxRuntime {
  try {
    return createRequire(import.meta.url)("onnxruntime-node");
  } catch (error) {
    throw loadFault(error, process);
  }
}
