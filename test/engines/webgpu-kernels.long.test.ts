/** The kernels that ONNX Runtime launches in a step of the default networks, by its profile on a software adapter. */
import { describe, expect, it } from "vitest";
import { workFolder } from "../work-folder.ts";
import { noAdapter, onSoftwareAdapter, softwareAdapter } from "./webgpu/adapter.ts";

const profiles = workFolder("profile");

const title = `kernels of a step on WebGPU${softwareAdapter ? "" : ` (skipped: ${noAdapter})`}`;
describe.skipIf(!softwareAdapter)(title, () => {
  // With 4 channels in the first layers, not 64: the same kernels, and minutes less.
  it("at most 800, at most 40 of them Adam's", async () => {
    const args = [profiles, "unet_256", "256", "4"];
    const { code, out, err } = await onSoftwareAdapter("test/engines/webgpu/kernels.ts", ...args);
    expect(code, err).toBe(0);
    const { all, adam } = JSON.parse(out) as { all: number; adam: number };
    expect(all).toBeGreaterThan(500);
    expect(all).toBeLessThanOrEqual(800);
    expect(adam).toBeGreaterThan(20);
    expect(adam).toBeLessThanOrEqual(40);
  }, 900_000);
});
