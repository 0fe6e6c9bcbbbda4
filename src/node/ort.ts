/** ONNX Runtime on Node. The only file that loads onnxruntime-node: its telemetry must be off first. */
import "./telemetry.ts";
import * as onnxruntime from "onnxruntime-node";
import type { Ort, Platform } from "../platform.ts";

export const ort = onnxruntime as unknown as Ort;

const sequenceOutput = "stop";
/** What onnxruntime-node 1.30 says of an output that is not a tensor, when it comes to hand it over. */
const refusal = "Non tensor type is temporarily not supported";

/**
 * onnxruntime-node makes a new copy of every output for its result, also of outputs that were given memory (fetches) and
 * are there already: for unet_256 that is 280 MB a step and a sixth of its time. It hands outputs over in order and gives
 * up at one that is no tensor; so with such an output in front nothing is copied. Without the refusal, in another
 * version, all works the same, slower.
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
