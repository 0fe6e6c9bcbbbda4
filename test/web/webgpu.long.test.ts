/** Training on WebGPU in a real browser, by the SwiftShader that Chromium carries: all small steps of PyTorch. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, it } from "vitest";
import { chromiumPath, launch, noChromium, openPage, site } from "./browser/chromium.ts";
import { cases, checkCase } from "./browser/training.ts";

describe.skipIf(!chromiumPath)(`WebGPU in Chromium${chromiumPath ? "" : ` (skipped: ${noChromium})`}`, () => {
  let browser: Browser;
  let page: Page;
  const closing: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    const { url, close } = await site("test/web/browser/harness.ts");
    browser = await launch({ webgpu: true });
    closing.push(() => browser.close(), close);
    page = await openPage(browser, url);
  }, 120_000);
  afterAll(async () => {
    for (const close of closing) await close();
  });

  const small = Object.keys(cases).filter((name) => !/256|article/.test(name));
  it.each(small)("the steps of PyTorch: %s", (name) => checkCase(page, name, { 1: "webgpu" }), 600_000);

  it("the steps of PyTorch, begun on WebGPU and ended on WASM", async () => {
    await checkCase(page, "pixel", { 1: "webgpu", 3: "wasm" });
  }, 240_000);
});
