/**
 * Every op and shape that a network of ours puts in a graph, in the browser: WASM against onnxruntime-node's CPU, and WebGPU
 * (SwiftShader) against WASM.
 */
import type { Browser } from "playwright-core";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { graphOf, sampleOf, valuesFor } from "../../src/conformance/cases.ts";
import { distance, evaluate, toleranceOf } from "../../src/conformance/run.ts";
import { casesOf, variants } from "../../src/conformance/variants.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { chromiumPath, launch, noChromium, openPage, site } from "./browser/chromium.ts";
import type { Harness } from "./browser/harness.ts";

declare const pix2pix: Harness;

const long = Boolean(process.env.PIX2PIX_LONG);

describe.skipIf(!chromiumPath)(`conformance in Chromium${chromiumPath ? "" : ` (skipped: ${noChromium})`}`, () => {
  let browser: Browser | undefined;
  let built: Awaited<ReturnType<typeof site>> | undefined;
  const open = async (options: { webgpu?: boolean }) => {
    built ??= await site("test/web/browser/harness.ts");
    browser = await launch(options);
    return openPage(browser, built.url);
  };
  afterEach(() => browser?.close());
  afterAll(() => built?.close());

  const extent = long ? "every shape of every network" : "one shape of every form; all with PIX2PIX_LONG=1";
  it(`WASM gives what the CPU gives: ${extent}`, async () => {
    const page = await open({});
    const outputs = await page.evaluate(async (long) => {
      const { conformance, runtimeBase, toText, webPlatform } = pix2pix;
      const { casesOf, evaluate, graphOf, sampleOf, valuesFor, variants } = conformance;
      const platform = await webPlatform({ runtimeBase });
      const results: Record<string, string> = {};
      const cases = [...casesOf(variants(), "cpu").values()];
      for (const each of long ? cases : sampleOf(cases)) {
        const y = await evaluate(platform, { name: "wasm", label: "wasm" }, graphOf(each).program(), valuesFor(each));
        results[each.key] = toText(new Uint8Array(y.buffer));
      }
      return results;
    }, long);
    const platform = await nodePlatform({ threads: 1 });
    const all = [...casesOf(variants(), "cpu").values()];
    const cases = long ? all : sampleOf(all);
    expect(Object.keys(outputs)).toEqual(cases.map(({ key }) => key));
    const wrong: string[] = [];
    for (const each of cases) {
      const cpu = { name: "cpu", label: "cpu" } as const;
      const expected = await evaluate(platform, cpu, graphOf(each).program(), valuesFor(each));
      const bytes = Uint8Array.from(Buffer.from(outputs[each.key]!, "base64"));
      const error = distance(new Float32Array(bytes.buffer), expected);
      if (error > toleranceOf(each)) wrong.push(`${each.key}: error ${error} (${each.scope})`);
    }
    expect(wrong).toEqual([]);
    expect(cases.length).toBeGreaterThan(200);
  }, 300_000);

  it.skipIf(!long)(
    "WebGPU gives what WASM gives (PIX2PIX_LONG=1)",
    async () => {
      const page = await open({ webgpu: true });
      const { lines, right } = await page.evaluate(async () => {
        const { conformance, runtimeBase, webPlatform } = pix2pix;
        const platform = await webPlatform({ device: "webgpu", runtimeBase });
        const [webgpu] = await platform.devices(["webgpu"]);
        const report = await conformance.conform(platform, webgpu!, "short");
        return { lines: conformance.linesOf(report), right: conformance.isRight(report) };
      });
      expect(right, lines.join("\n")).toBe(true);
    },
    600_000,
  );
});
