/** --format site: a run as a folder, opened from a static server that sends no headers, and then without a network. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parseConfig } from "../../src/config/schema.ts";
import { writeDemo } from "../../src/demo/write.ts";
import { exportModel } from "../../src/exchange/export.ts";
import { modelOfRun } from "../../src/exchange/model.ts";
import type { PublishedIndex } from "../../src/inference/publish.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { train } from "../../src/training/train.ts";
import { builtPage, inChromium, launch, openPage } from "./browser/chromium.ts";
import { readFolder } from "./browser/folder.ts";

const patience = { timeout: 90_000 };
const work = mkdtempSync(join(tmpdir(), "pix2pix-site-"));
const out = join(work, "site");

/** Sends files as they are: no compression, no headers of isolation. */
function plainServer(folder: string) {
  const types: Record<string, string> = {
    html: "text/html",
    js: "text/javascript",
    mjs: "text/javascript",
    css: "text/css",
  };
  const server = createServer((request, response) => {
    try {
      const path = decodeURIComponent(new URL(request.url!, "http://x").pathname).replace(/\/$/, "/index.html");
      const bytes = readFileSync(join(folder, path));
      response
        .writeHead(200, { "Content-Type": types[path.split(".").at(-1)!] ?? "application/octet-stream" })
        .end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  return server;
}

inChromium("a site", () => {
  const server = plainServer(out);
  let browser: Browser;
  let page: Page;
  let url: string;
  beforeAll(async () => {
    const platform = await nodePlatform();
    const dataroot = join(work, "data");
    await writeDemo(platform, dataroot, { train: 2, test: 2, size: 32, seed: 1 });
    const config = parseConfig({
      name: "tiny run",
      checkpointsDir: work,
      dataroot,
      netG: "unet_32",
      ngf: 8,
      ndf: 4,
      maxSteps: 2,
      loadSize: 32,
      cropSize: 32,
      nLayersD: 1,
      netD: "n_layers",
      dropoutLevels: "first",
    });
    await train(config, platform);
    const app = await builtPage();
    const model = await modelOfRun(config, "latest", platform.files);
    const options = { precision: "float16", examples: 2, title: "A tiny run" };
    await exportModel(model, "site", options, { out, app: async () => readFolder(app) }, platform);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://localhost:${(server.address() as AddressInfo).port}/`;
    browser = await launch();
    page = await openPage(browser, url);
  }, 240_000);
  afterAll(async () => {
    await browser?.close();
    server.close();
    rmSync(work, { recursive: true, force: true });
  });

  const outputs = () => page.locator(".output canvas, .samples canvas");
  const painted = (index: number) =>
    outputs()
      .nth(index)
      .evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());

  it("has the run's generator, with samples that differ, and no pages that need a home", async () => {
    await page.getByRole("heading", { name: "A tiny run" }).waitFor(patience);
    expect(await page.title()).toBe("A tiny run \u00b7 pix2pix");
    await page.locator(".output canvas").waitFor(patience);
    expect(await page.locator("nav").count()).toBe(0);
    await page.locator("summary").click();
    const samples = page.getByRole("slider", { name: "Samples" });
    await samples.focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => page.locator(".samples canvas").count(), patience).toBe(3);
    expect(new Set(await Promise.all([1, 2, 3].map(painted))).size).toBe(3);
    const palette = await page.locator(".swatch").count();
    expect(palette).toBeGreaterThan(3);
  });

  it("works without a network after the first visit, with threads", async () => {
    const kept = () =>
      page.evaluate(async () => {
        const names = await caches.keys();
        return names.length === 0 ? 0 : (await (await caches.open(names[0]!)).keys()).length;
      });
    await page.evaluate(async () => void (await navigator.serviceWorker.ready));
    expect(await kept()).toBeGreaterThan(8);
    await new Promise((resolve) => server.close(resolve).closeAllConnections());
    await page.reload();
    await page.locator(".output canvas").waitFor(patience);
    await page.getByRole("button", { name: "Another picture of the data set" }).click();
    await page.locator(".target dd").first().waitFor(patience);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  });

  it("takes the palette that is asked for: here that of Cityscapes, with the road's and the sky's colours", async () => {
    const platform = await nodePlatform();
    const model = await modelOfRun({ name: "tiny run", checkpointsDir: work }, "latest", platform.files);
    const other = join(work, "cityscapes");
    const options = { precision: "float16", examples: 0, drawing: "cityscapes" };
    const app = await builtPage();
    await exportModel(model, "site", options, { out: other, app: async () => readFolder(app) }, platform);
    const { runs } = JSON.parse(readFileSync(join(other, "models/index.json"), "utf8")) as PublishedIndex;
    expect(runs[0]!.drawing.tool).toBe("regions");
    // By https://github.com/mcordts/cityscapesScripts.
    expect(runs[0]!.drawing.colours).toContainEqual({ name: "road", rgb: [128, 64, 128] });
    expect(runs[0]!.drawing.colours).toContainEqual({ name: "sky", rgb: [70, 130, 180] });
  });

  it("says how to serve it where it is opened as a file", async () => {
    const opened = await openPage(browser, pathToFileURL(join(out, "index.html")).href);
    await opened.getByRole("heading", { name: "This page needs a web server" }).waitFor(patience);
    expect(await opened.locator("code").first().textContent()).toBe("npx serve .");
  });
});
