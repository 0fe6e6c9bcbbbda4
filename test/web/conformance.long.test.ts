/** Every op and shape in the browser: WASM against onnxruntime-node's CPU, and WebGPU (SwiftShader) against WASM. */
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { inChromium, launch, openPage, site } from "./browser/chromium.ts";
import { checkWasm } from "./browser/conformance.ts";
import type { Harness } from "./browser/harness.ts";

declare const pix2pix: Harness;

inChromium("conformance", () => {
  let browser: Browser | undefined;
  let built: Awaited<ReturnType<typeof site>>;
  beforeAll(async () => {
    built = await site("test/web/browser/harness.ts");
  });
  afterEach(() => browser?.close());
  afterAll(() => built.close());

  it("WASM gives what the CPU gives: every shape of every network", async () => {
    browser = await launch();
    await checkWasm(await openPage(browser, built.url), { every: true });
  }, 600_000);

  it("WebGPU gives what WASM gives", async () => {
    browser = await launch({ webgpu: true });
    const page = await openPage(browser, built.url);
    const { lines, right } = await page.evaluate(async () => {
      const { conformance, runtimeBase, webPlatform } = pix2pix;
      const platform = await webPlatform({ device: "webgpu", runtimeBase });
      const [webgpu] = await platform.devices(["webgpu"]);
      const report = await conformance.conform(platform, webgpu!, "short");
      return { lines: conformance.linesOf(report), right: conformance.isRight(report) };
    });
    expect(right, lines.join("\n")).toBe(true);
  }, 600_000);
});
