/**
 * WebGPU in a real browser, by the SwiftShader that Chromium carries: right, and slow, so the network is tiny. A shader is
 * compiled for each form of each op, which takes most of the time. Training steps are in webgpu.long.test.ts.
 */
import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { inChromium, sharePage } from "./browser/chromium.ts";
import type { Harness } from "./browser/harness.ts";
import { checkCase } from "./browser/training.ts";

declare const pix2pix: Harness;

inChromium("WebGPU", () => {
  let page: Page;
  const loaded = sharePage({
    entry: "test/web/browser/harness.ts",
    webgpu: true,
    use: (opened) => {
      page = opened;
    },
  });

  it("an adapter that is software is named, and auto leaves it alone", async () => {
    const { devices, notes } = await page.evaluate(() => pix2pix.client.capabilities);
    expect(devices[1]).toMatchObject({ name: "webgpu", present: true, adapter: { software: true } });
    expect(devices[1].label).toMatch(/swiftshader/i);
    expect(notes[0]).toMatch(/WebGPU is emulated on the CPU here.*WASM, which is faster, is used/);
  });

  it("a picture is translated to what WASM gives, by the runtime that uses JSPI", async () => {
    await checkCase(page, "pixel", { 1: "wasm" });
    const [gpu, cpu] = await page.evaluate(async () => {
      const { client, files, images } = pix2pix;
      const { name } = (await files.list("pixel/data/train"))![0]!;
      const picture = await images.decode(await files.read(`pixel/data/train/${name}`));
      const outputs: number[][] = [];
      for (const device of ["webgpu", "wasm"] as const) {
        const generator = await client.openTranslator({ name: "pixel wasm", checkpointsDir: "runs", device });
        outputs.push([...(await generator.translate(picture)).data]);
        await generator.close();
      }
      return outputs as [number[], number[]];
    });
    expect(Math.max(...gpu.map((value, i) => Math.abs(value - cpu[i]!)))).toBeLessThanOrEqual(1);
    expect(new Set(cpu).size).toBeGreaterThan(10);
    expect(loaded).toContainEqual(expect.stringMatching(/jspi\.wasm$/));
  }, 120_000);
});
