/** The benchmark in Chromium, on a machine where Chromium finds no GPU. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { root } from "../paths.ts";
import { inChromium } from "./browser/chromium.ts";

inChromium("The benchmark", () => {
  it("ends with one sentence where WebGPU has no GPU", async () => {
    const command = ["--import", "tsx", join(root, "bench/main.ts"), "--device", "webgpu", "--browser"];
    const env = { ...process.env, VK_ICD_FILENAMES: "/nowhere", VK_DRIVER_FILES: "/nowhere" };
    const ended = await new Promise<{ code: unknown; out: string; err: string }>((resolve) => {
      execFile(process.execPath, command, { cwd: root, env }, (error, out, err) => {
        resolve({ code: error?.code ?? 0, out, err });
      });
    });
    expect(ended).toEqual({ code: 2, out: "", err: expect.stringMatching(sentence) });
  }, 240_000);
});

const sentence =
  /^error: --device webgpu --browser: \S+ has (no WebGPU adapter here|only .+, which computes on the CPU); expected a GPU [^\n]+\n$/;
