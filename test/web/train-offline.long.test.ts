/** The page that trains, from a host that sends no headers: threads after one reload, and training without a network. */
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { fixture } from "../paths.ts";
import { inChromium, launch, openPage, site } from "./browser/chromium.ts";
import { violationsOf } from "./browser/violations.ts";

const patience = { timeout: 60_000 };

inChromium("the page that trains, on a static host", () => {
  it("offers to be loaded again for threads, and then trains without the host", { timeout: 180_000 }, async () => {
    const host = await site(undefined, { isolated: false });
    const browser = await launch();
    try {
      const page = await openPage(browser, `${host.url}#/train`);
      await page.locator("#device").filter({ hasText: "the CPU, 1 thread" }).waitFor(patience);
      await page.getByText("This page is not cross-origin isolated").waitFor(patience);
      const again = page.getByRole("button", { name: "Reload" });
      await again.waitFor(patience);
      expect(await violationsOf(page)).toEqual([]);
      await again.click();
      const threads = await page.evaluate(() => navigator.hardwareConcurrency);
      const many = `the CPU, ${Math.min(8, threads)} thread`;
      await page.locator("#device").filter({ hasText: many }).waitFor(patience);
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
      expect(await page.getByText("one thread").count()).toBe(0);

      await host.close();
      await page.reload();
      await page.locator("#device").filter({ hasText: many }).waitFor(patience);
      await page.setInputFiles("#pick-files", fileURLToPath(fixture("pairs.zip")));
      await page.locator("#preview figure").first().waitFor(patience);
      await page.fill("input[name=steps]", "2");
      await page.click("#start");
      await page.locator("#state").filter({ hasText: "Finished after 2 steps." }).waitFor(patience);
    } finally {
      await browser.close();
      await host.close().catch(() => {});
    }
  });
});
