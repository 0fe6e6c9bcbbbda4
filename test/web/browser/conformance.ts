/** Every op and shape that a network of ours puts in a graph: WASM in a page against onnxruntime-node's CPU. */
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { graphOf, sampleOf, valuesFor } from "../../../src/conformance/cases.ts";
import { distance, evaluate, toleranceOf } from "../../../src/conformance/run.ts";
import { casesOf, variants } from "../../../src/conformance/variants.ts";
import { nodePlatform } from "../../../src/node/index.ts";
import type { Harness } from "./harness.ts";

declare const pix2pix: Harness;

/** @param every all shapes of every network; otherwise one shape of every op */
export async function checkWasm(page: Page, { every }: { every: boolean }): Promise<void> {
  const outputs = await page.evaluate(async (every) => {
    const { conformance, runtimeBase, toText, webPlatform } = pix2pix;
    const { casesOf, evaluate, graphOf, sampleOf, valuesFor, variants } = conformance;
    const platform = await webPlatform({ runtimeBase });
    const results: Record<string, string> = {};
    const cases = [...casesOf(variants(), "cpu").values()];
    for (const each of every ? cases : sampleOf(cases)) {
      const y = await evaluate(platform, { name: "wasm", label: "wasm" }, graphOf(each).program(), valuesFor(each));
      results[each.key] = toText(new Uint8Array(y.buffer));
    }
    return results;
  }, every);
  const platform = await nodePlatform({ threads: 1 });
  const all = [...casesOf(variants(), "cpu").values()];
  const cases = every ? all : sampleOf(all);
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
}
