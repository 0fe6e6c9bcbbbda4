/** One shape of every op in the browser; all of them are in conformance.long.test.ts. */
import { afterAll, describe, it } from "vitest";
import { chromiumPath, launch, noChromium, openPage, site } from "./browser/chromium.ts";
import { checkWasm } from "./browser/conformance.ts";

describe.skipIf(!chromiumPath)(`conformance in Chromium${chromiumPath ? "" : ` (skipped: ${noChromium})`}`, () => {
  const closing: (() => Promise<void>)[] = [];
  afterAll(async () => {
    for (const close of closing) await close();
  });

  it("WASM gives what the CPU gives: one shape of every op", async () => {
    const { url, close } = await site("test/web/browser/harness.ts");
    const browser = await launch();
    closing.push(() => browser.close(), close);
    await checkWasm(await openPage(browser, url), { every: false });
  }, 300_000);
});
