/** All options behind "more" on the page that trains: found, checked beside their field, set by profiles, stored with the run. */
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { fixture } from "../paths.ts";
import { inChromium, sharePage } from "./browser/chromium.ts";
import { violationsOf } from "./browser/violations.ts";

const zip = fileURLToPath(fixture("pairs.zip"));
const patience = { timeout: 60_000 };

inChromium("the options of the page that trains", () => {
  let page: Page;
  sharePage({
    route: "#/train",
    use: (opened) => {
      page = opened;
    },
  });

  const field = (key: string) => page.locator(`#more [data-option=${key}]`);
  const find = async (words: string) => {
    await page.getByRole("searchbox").fill(words);
    return page.locator("#more .options-fields .option label").allTextContents();
  };

  it("has them in groups, and finds them by their words", async () => {
    await page.setInputFiles("#pick-files", zip);
    await page
      .locator("#pairs-text")
      .filter({ hasText: /^3 pairs/ })
      .waitFor(patience);
    await page.click("#more > summary");
    expect(await page.locator(".options-group .name").allTextContents()).toEqual(
      expect.arrayContaining(["data", "networks", "objective", "schedule", "validation"]),
    );
    expect(await find("learning rate")).toEqual(expect.arrayContaining(["lr", "lr d", "lr policy"]));
    expect(await find("tensorboard")).toEqual([]);
    await page.getByText("No option matches these words.").waitFor();
    // The page's own: those of 64 px, in the places of values that were not given.
    await find("ngf");
    expect(await field("ngf").locator("input").getAttribute("placeholder")).toBe("24");
  });

  it("says beside the field what is wrong, in its words, and leads there", async () => {
    await find("batch size");
    const input = field("batchSize").locator("input");
    await input.fill("many");
    await field("batchSize").getByText('Got "many", expected a whole number from 1 to 65536').waitFor();
    expect(await input.getAttribute("aria-invalid")).toBe("true");
    await page.locator("#more .wrong").filter({ hasText: "one is wrong" }).waitFor();
    await page.getByRole("searchbox").fill("");
    await page.click("#start");
    expect(
      await page.evaluate(() => document.activeElement?.closest("[data-option]")?.getAttribute("data-option")),
    ).toBe("batchSize");
    await field("batchSize").getByRole("button", { name: "Reset batch size" }).click();
    expect(await page.locator("#more .wrong").count()).toBe(0);
    // A combination: told at the field that was changed, with the names of fields.
    await find("crop size");
    await field("cropSize").locator("input").fill("60");
    await field("cropSize")
      .getByText("“crop size” 60: unet_64 halves the picture 6 times, expected a multiple of 64")
      .waitFor();
    await field("cropSize").locator("input").fill("");
    expect(await page.locator(".option-problem").count()).toBe(0);
  });

  it("a profile sets the others", async () => {
    await field("profile").locator("select").selectOption("hesse");
    await find("bottleneck norm");
    expect(await field("bottleneckNorm").locator("input").isChecked()).toBe(true);
    await find("resize filter");
    expect(await field("resizeFilter").locator("select").inputValue()).toBe("area");
    await field("profile").getByRole("button", { name: "Reset profile" }).click();
    expect(await field("resizeFilter").locator("select").inputValue()).toBe("bicubic");
  });

  it("measures a step on request, can be cancelled, and stores nothing", async () => {
    for (const [key, value] of Object.entries({ ngf: "8", ndf: "8", batchSize: "2" })) {
      await find(key);
      await field(key).locator("input").fill(value);
    }
    await page.fill("input[name=steps]", "3");
    const estimate = page.locator("#estimate");
    await page.click("#measure");
    await page.click("#cancel-estimate");
    await page.locator("#measure").waitFor();
    expect(await estimate.textContent()).toBe("");
    await page.click("#measure");
    await estimate.filter({ hasText: /^A step takes [\d.]+ m?s here, 3 steps about \d+s\.$/ }).waitFor(patience);
    // It is of these options.
    await page.fill("input[name=steps]", "4");
    expect(await estimate.textContent()).toBe("");
    await page.fill("input[name=steps]", "3");
    expect(await page.locator("#run-choice").count()).toBe(0);
    // It does not keep from starting: the next test starts while one is measured.
    await page.click("#measure");
  });

  it("stores them with the run, and shows them when it goes on", async () => {
    await page.fill("input[name=name]", "small");
    await page.click("#start");
    await page.locator("#state").filter({ hasText: "Finished after 3 steps." }).waitFor(patience);
    await page.click("#run-options > summary");
    await page.getByRole("searchbox").fill("ngf");
    const shown = (key: string) => page.locator(`#run-options [data-option=${key}] input`);
    expect([await shown("ngf").getAttribute("placeholder"), await shown("ngf").isDisabled()]).toEqual(["8", true]);
    await page.getByRole("searchbox").fill("lr");
    await shown("lr").fill("0.001");
    await page.fill("#more-steps", "2");
    await page.click("#train-more");
    await page.locator("#state").filter({ hasText: "Finished after 5 steps." }).waitFor(patience);
    const config = await page.evaluate(async () => {
      const runs = await (await navigator.storage.getDirectory()).getDirectoryHandle("runs");
      const file = await (await runs.getDirectoryHandle("small")).getFileHandle("config.json");
      return JSON.parse(await (await file.getFile()).text()) as object;
    });
    expect(config).toMatchObject({ ngf: 8, ndf: 8, batchSize: 2, lr: 0.001, maxSteps: 5, netG: "unet_64" });
  });

  it("is in order for axe, in the dark and on a phone, with all groups open", async () => {
    await page.selectOption("#run-choice", "");
    await page.click("#more > summary");
    for (const summary of await page.locator(".options-group summary").all()) await summary.click();
    expect(await violationsOf(page)).toEqual([]);
    await page.emulateMedia({ colorScheme: "dark" });
    await page.setViewportSize({ width: 390, height: 800 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    expect(await violationsOf(page)).toEqual([]);
  });
});
