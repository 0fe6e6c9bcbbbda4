/**
 * Turns off the telemetry of ONNX Runtime. Import it before `onnxruntime-node`.
 *
 * Since 1.29, onnxruntime-node sends usage events by default: it looks up the address of a collector, keeps a device id
 * and an event store in ~/.cache/Microsoft, and writes mat-debug-<pid>.log into the temporary folder (onnxruntime pull
 * request 27379). It reads ORT_DISABLE_TELEMETRY when its native part is loaded. A value that the user has set stays.
 */
import { isMainThread } from "node:worker_threads";

if (process.env.ORT_DISABLE_TELEMETRY === undefined) {
  // A worker has a copy of process.env, which native code does not see. A worker started after the main thread has set
  // the variable has it in its copy.
  if (!isMainThread) {
    throw new Error(
      "ONNX Runtime would send telemetry from this worker thread, and a worker cannot set ORT_DISABLE_TELEMETRY for it. " +
        'Import "pix2pix/node" in the main thread before the worker starts, or set ORT_DISABLE_TELEMETRY=1 for the process.',
    );
  }
  process.env.ORT_DISABLE_TELEMETRY = "1";
}
