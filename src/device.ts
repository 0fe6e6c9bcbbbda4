/** Session options for each device. */
import type { InferenceSession } from "onnxruntime-common";

export function onCpu(threads: number): InferenceSession.SessionOptions {
  return {
    executionProviders: ["cpu"],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: "all",
  };
}
