/** One shape of every op in the browser; all of them are in conformance.long.test.ts. */
import type { Page } from "playwright-core";
import { it } from "vitest";
import { inChromium, sharePage } from "./browser/chromium.ts";
import { checkWasm } from "./browser/conformance.ts";

inChromium("conformance", () => {
  let page: Page;
  sharePage({
    entry: "test/web/browser/harness.ts",
    use: (opened) => {
      page = opened;
    },
  });

  it("WASM gives what the CPU gives: one shape of every op", () => checkWasm(page, { every: false }), 300_000);
});
