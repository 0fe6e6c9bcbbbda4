/** The devices of onnxruntime-node on this machine. */
import type { DeviceName, FoundDevice } from "../platform.ts";

const cpu: FoundDevice = { name: "cpu", label: "cpu", present: true };

export async function devices(names: readonly DeviceName[] = ["cpu"]): Promise<readonly FoundDevice[]> {
  return names.includes("cpu") ? [cpu] : [];
}
