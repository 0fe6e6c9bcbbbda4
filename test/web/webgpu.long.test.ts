/**
 * Training on WebGPU in a real browser, by the SwiftShader that Chromium carries: all small steps of PyTorch, with the runtime for
 * browsers without JSPI, one with the runtime for the others, and steps with and without captured kernels.
 */
import type { Page } from "playwright-core";
import { beforeEach, expect, it } from "vitest";
import type { ConfigInput } from "../../src/config/schema.ts";
import { optionsOf, readCase } from "../training/step-cases.ts";
import type {} from "./browser/capture.ts";
import { inChromium, sharePage } from "./browser/chromium.ts";
import { cases, checkCase, runFile, trainIn } from "./browser/training.ts";

inChromium("WebGPU with JSPI", () => {
  let page: Page;
  const loaded = sharePage({
    entry: "test/web/browser/harness.ts",
    webgpu: true,
    use: (opened) => {
      page = opened;
    },
  });

  it("the steps of PyTorch: pixel", async () => {
    await checkCase(page, "pixel", { 1: "webgpu" });
    expect(loaded.filter((url) => url.endsWith(".wasm"))).toEqual([expect.stringMatching("jspi")]);
  }, 600_000);
});

inChromium("WebGPU with captured kernels", () => {
  let page: Page;
  sharePage({
    entry: "test/web/browser/capture.ts",
    webgpu: true,
    use: (opened) => {
      page = opened;
    },
  });

  // A page gives memory of sessions back when it ends: all tests in one page would take more than it may have.
  beforeEach(() => page.reload());

  it("the programs are captured, and no bit of a training differs", async () => {
    const { sessions, tensors, differ, losses } = await page.evaluate(() => capture(5));
    expect(sessions).toEqual({ captured: 2, plain: 0 });
    expect(losses.captured).toBe(losses.plain);
    expect(differ).toEqual([]);
    expect(tensors).toBeGreaterThan(50);
  }, 600_000);

  it("an engine that is closed gives its memory back", async () => {
    expect(await page.evaluate(() => buffersAfter(2))).toEqual([0, 0]);
  }, 600_000);

  it.each<Partial<ConfigInput>>([
    { accumulate: 2, clipGrad: 1 },
    { updateOrder: "stale" },
    { updateOrder: "simultaneous", ganMode: "hinge", diffAugment: "color,translation,cutout" },
    { ganMode: "wgangp", norm: "instance", spectralNorm: true },
  ])(
    "no bit differs with %o",
    async (options) => {
      const { sessions, differ, losses } = await page.evaluate((options) => capture(3, options), options);
      expect(sessions.captured).toBeGreaterThan(0);
      expect(losses.captured).toBe(losses.plain);
      expect(differ).toEqual([]);
    },
    600_000,
  );

  it.each([true, false])(
    "Adam and the average, as kernels of our own: %s",
    async (own) => {
      const { moment, weight, average, count } = await page.evaluate((own) => firstUpdate(own), own);
      expect(count).toBeGreaterThan(10_000);
      expect(moment).toBeLessThan(1e-6);
      // A scale of 1 has a rounding of 6e-8, which is 3e-4 of a step of Adam.
      expect(weight).toBeLessThan(4e-4);
      expect(average).toBeLessThan(4e-4);
    },
    600_000,
  );
});

inChromium("WebGPU without JSPI", () => {
  let page: Page;
  const loaded = sharePage({
    entry: "test/web/browser/harness.ts",
    webgpu: true,
    jspi: false,
    use: (opened) => {
      page = opened;
    },
  });

  const small = Object.keys(cases).filter((name) => !/256|article/.test(name));
  it.each(small)("the steps of PyTorch: %s", (name) => checkCase(page, name, { 1: "webgpu" }), 600_000);

  it("the steps of PyTorch, begun on WebGPU and ended on WASM", async () => {
    await checkCase(page, "pixel", { 1: "webgpu", 3: "wasm" });
    expect(loaded.some((url) => url.endsWith("threaded.asyncify.wasm"))).toBe(true);
  }, 240_000);

  /** Last, for the browser gives a page no other GPU process's device. */
  it("a GPU that is lost in the middle of a run: the checkpoint is intact, and WASM goes on from it", async () => {
    const options = { ...optionsOf(readCase(cases.pixel!.folder), "pixel"), name: "lost", device: "webgpu" as const };
    const training = trainIn(page, { ...options, maxSteps: 1000, nEpochs: 1000, saveLatestFreq: 1 });
    const failed = training.then(
      () => "it went on",
      (error: Error) => error.message,
    );
    await page.waitForFunction(() => document.title === "step 2", undefined, { timeout: 120_000 });
    const session = await page.context().browser()!.newBrowserCDPSession();
    await session.send("Browser.crashGpuProcess");
    expect(await failed).toMatch(
      /DeviceLostError: webgpu \(.*\) failed: .*The last checkpoint in runs\/lost is intact/s,
    );

    const { step: saved } = JSON.parse(
      (await runFile(page, "lost", "loss_log.jsonl")).toString().trim().split("\n").at(-1)!,
    );
    const { said, step } = await trainIn(page, { name: "lost", maxSteps: saved + 2 }, { resume: true });
    expect(step).toBe(saved + 2);
    expect(said[0]).toMatch(/^WASM on the CPU is used instead of WebGPU: it has failed on this page/);
    expect(said.find((line) => line.startsWith("device"))).toMatch(/wasm/);
  }, 240_000);
});
