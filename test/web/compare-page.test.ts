/** The page of `test --compare`. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { compareMeans } from "../../src/metrics/compare.ts";
import { comparePage } from "../../src/report/compare-page.ts";
import { inChromium, launch, openPage } from "./browser/chromium.ts";
import { violationsOf } from "./browser/violations.ts";

const l1 = [
  [0.1, 0.2, 0.3],
  [0.1, 0.5, 0.1],
] as const;
const pictures = ["a", "b", "c & <d>"].map((name, i) => ({
  name,
  input: `${i}_in.png`,
  target: `${i}_target.png`,
  width: 64,
  height: 64,
  outputs: l1.map((values, run) => ({
    file: `../run ${run}/${i}.png`,
    metrics: { l1: values[i]!, psnr: i === 0 ? Number.POSITIVE_INFINITY : 10 + run, ssim: 0.5, sharpness: 1 },
  })),
}));
const figures = [
  { label: "L1", meaning: "difference", digits: 3, runs: compareMeans(l1, (v) => v, { number: 500 }) },
  {
    label: "L2",
    meaning: "difference",
    digits: 3,
    runs: compareMeans([l1[0], [0.2, 0.3, 0.4]], (v) => v, { number: 500 }),
  },
  { label: "Lab colours", meaning: "alike", runs: ["1 / 1 / 1", "0.5 / 1 / 1"] },
];
const html = comparePage({
  title: "two",
  runs: ["one <1>", "two"],
  figures,
  pictures,
  resamples: { number: 500, seed: 0 },
});

it("escapes names, and shows no value that is not defined", () => {
  expect(html).toContain("one &lt;1&gt;");
  expect(html).toContain("<h3>c &amp; &lt;d&gt;</h3>");
  expect(html).toContain('src="../run%200/0.png"');
  expect(html).not.toMatch(/Infinity|NaN|\u221e/);
  expect(html).toContain("no clear difference");
  expect(html).toContain("worse");
});

inChromium("the page", () => {
  const folder = mkdtempSync(join(tmpdir(), "pix2pix-compare-"));
  let browser: Browser;
  beforeAll(async () => {
    writeFileSync(join(folder, "index.html"), html);
    browser = await launch();
  });
  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });

  it("has no violations of accessibility, and shows all runs at 390 px", async () => {
    const page = await openPage(browser, pathToFileURL(join(folder, "index.html")).href);
    await page.setViewportSize({ width: 390, height: 800 });
    expect(await violationsOf(page)).toEqual([]);
    const right = await page.locator("thead th").last().boundingBox();
    expect(right!.x + right!.width).toBeLessThanOrEqual(390);
    await page.setContent(html.replaceAll("one &lt;1&gt;", "facades_pix2pix"));
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
  });

  it("sorts by where the runs are most apart, and by which is better", async () => {
    const page = await openPage(browser, pathToFileURL(join(folder, "index.html")).href);
    const order = async (choice: string) => {
      await page.selectOption("#sort", { label: choice });
      return page.locator("article h3").allTextContents();
    };
    expect(await order("L1, largest difference first")).toEqual(["b", "c & <d>", "a"]);
    expect(await order("L1, two better than one <1> first")).toEqual(["c & <d>", "a", "b"]);
    expect(await order("L1, two worse than one <1> first")).toEqual(["b", "a", "c & <d>"]);
    expect(await page.locator(".sorted dt").first().textContent()).toBe("L1");
    expect(await order("name")).toEqual(["a", "b", "c & <d>"]);
  });
});
