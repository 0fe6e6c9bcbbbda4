/** The demo and the default networks at full size. Results are judged, times are not: the benchmark tells those. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bin, realData as data } from "../paths.ts";
import { workFolder } from "../work-folder.ts";

const work = workFolder("long");

const pix2pix = (...args: string[]) => execFileSync(process.execPath, [bin, ...args], { cwd: work, encoding: "utf8" });
const minutes = (n: number) => n * 60_000;

describe("full size", () => {
  it("the demo learns its facades", { timeout: minutes(30) }, () => {
    const page = pix2pix("demo").trim().split("\n").at(-1)!;
    expect(existsSync(join(work, page))).toBe(true);
    const { mean } = JSON.parse(readFileSync(join(work, "runs/demo/results/metrics.json"), "utf8"));
    // Grey has an L1 of .5 on these pictures; a generator that ignores its input about .3.
    expect(mean.l1).toBeLessThan(0.12);
    expect(mean.ssim).toBeGreaterThan(0.7);
    expect(mean.sharpness).toBeGreaterThan(0.8);
  });

  it.skipIf(!existsSync(data))(
    "unet_256 with ngf 64 learns from its first facades, within 2 GB",
    { timeout: minutes(30) },
    () => {
      const output = pix2pix(
        ...`train --dataroot ${data}/facades --direction BtoA --name facades --max-steps 40 --print-freq 10`.split(" "),
      );
      expect(output).toContain("54 413 955 parameters");
      expect(output).toContain("70x70 px (receptive field)");
      const lines = readFileSync(join(work, "runs/facades/loss_log.jsonl"), "utf8")
        .trim()
        .split("\n")
        .map((l) => JSON.parse(l));
      expect(lines.map((line) => line.step)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
      const mean = (part: typeof lines) => part.reduce((sum, { G_L1 }) => sum + G_L1, 0) / part.length;
      expect(mean(lines.slice(30))).toBeLessThan(mean(lines.slice(0, 5)));
    },
  );
});
