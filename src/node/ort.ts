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
 * onnxruntime-node makes a new copy of every output for its result, also of outputs that were given memory (fetches) and
 * are there already: for unet_256 that is 280 MB a step and a sixth of its time. It creates results in order and gives up at
 * the first that is not a tensor, so with such an output in front nothing is copied. In a version without the refusal all
 * works the same, slower.
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

/** Whether this build of ONNX Runtime has a device's part, or can be given it. */
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
