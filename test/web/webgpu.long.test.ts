/**
 * Training on WebGPU in a real browser, by the SwiftShader that Chromium carries: all small steps of PyTorch, with the runtime for
 * browsers without JSPI. webgpu.test.ts has the one for the others.
 */
import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { inChromium, sharePage } from "./browser/chromium.ts";
import { cases, checkCase } from "./browser/training.ts";

inChromium("WebGPU", () => {
  let page: Page;
  const loaded: string[] = [];
  sharePage({
    entry: "test/web/browser/harness.ts",
    webgpu: true,
    jspi: false,
    use: (opened) => {
      page = opened;
      opened.on("request", (request) => loaded.push(request.url()));
    },
  });

  const small = Object.keys(cases).filter((name) => !/256|article/.test(name));
  it.each(small)("the steps of PyTorch: %s", (name) => checkCase(page, name, { 1: "webgpu" }), 600_000);

  it("the steps of PyTorch, begun on WebGPU and ended on WASM", async () => {
    await checkCase(page, "pixel", { 1: "webgpu", 3: "wasm" });
    expect(loaded.some((url) => url.endsWith("threaded.asyncify.wasm"))).toBe(true);
  }, 240_000);
});
