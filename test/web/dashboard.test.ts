/** The dashboard as a user has it: cards, one slider for several runs, curves, more training, a stop; on a phone, in the dark. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ofServer } from "../../src/cli/server.ts";
import { parseConfig } from "../../src/config/schema.ts";
import { pageFiles } from "../../src/node/page-files.ts";
import { Trainings } from "../../src/node/trainings.ts";
import { train } from "../../src/training/train.ts";
import { bin } from "../paths.ts";
import { folder, listen, platform, small } from "../server/site.ts";
import { builtPage, held, inChromium, launch, openPage } from "./browser/chromium.ts";
import { violationsOf } from "./browser/violations.ts";

const patience = { timeout: 100_000 };

inChromium("the dashboard", () => {
  let site: Awaited<ReturnType<typeof folder>>;
  let server: Awaited<ReturnType<typeof listen>>;
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    site = await folder(["first"], { valFreq: 1, valPhase: "test" });
    const { dataroot, checkpointsDir } = site;
    const second = {
      dataroot,
      checkpointsDir,
      name: "second",
      ...small,
      seed: 6,
      lr: 1e-3,
      nEpochs: 2,
      nEpochsDecay: 0,
    };
    await train(parseConfig(second), platform);
    const control = new Trainings([process.execPath, bin], () => {});
    server = await listen(checkpointsDir, { control, page: pageFiles([await builtPage()], ofServer) });
    browser = await launch();
    page = await openPage(browser, `${server.base}/#/runs`);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    site?.remove();
  });

  it("shows all runs as cards", async () => {
    await page.getByRole("link", { name: "first", exact: true }).waitFor(patience);
    const cards = await page.locator(".run-card").allInnerTexts();
    expect(cards.map((text) => text.split("\n")[0])).toEqual(["first", "second"]);
    expect(cards[0]).toContain("finished");
    expect(cards[0]).toMatch(/step 7 of 7/);
    expect(cards[0]).toMatch(/best L1 0\.\d+ in epoch \d/);
    expect(await violationsOf(page)).toEqual([]);
  });

  it("moves the samples of the chosen runs by one slider, by the keyboard", async () => {
    for (const name of ["first", "second"]) await page.getByLabel(`compare ${name}`).check();
    await page.getByRole("button", { name: "Compare 2 runs" }).click();
    const slider = page.getByRole("slider", { name: "Epoch" });
    await slider.waitFor(patience);
    const captions = () => page.locator(".strip figcaption").allInnerTexts();
    await expect.poll(captions, patience).toEqual(["first epoch 3", "second epoch 2"]);
    await slider.focus();
    await page.keyboard.press("Home");
    await expect.poll(captions).toEqual(["first epoch 1", "second epoch 1"]);
    // The output that is shown is the middle column of the file.
    for (const [i, name] of ["first", "second"].entries()) {
      const file = await platform.images.decode(readFileSync(join(site.checkpointsDir, name, "samples/epoch_001.png")));
      const at = (30 * file.width + 68 + 20) * 3;
      const canvas = page.locator(".strip").nth(i).locator(".strip-columns > div").nth(1).locator("canvas");
      const pixel = () =>
        canvas.evaluate((element) => [
          ...(element as HTMLCanvasElement).getContext("2d")!.getImageData(20, 30, 1, 1).data.slice(0, 3),
        ]);
      await expect.poll(pixel).toEqual([...file.data.subarray(at, at + 3)]);
    }
    await page.getByLabel("Outputs").selectOption("difference");
    await page.getByRole("img", { name: /^difference of output and target: first, epoch 1/ }).waitFor(patience);
    await page.getByLabel("Outputs").selectOption("wipe");
    await page.getByRole("slider", { name: "How much of the output" }).first().waitFor(patience);
    // A run has one colour in all charts; lines of one chart differ by colour or by dash.
    const looks = await page.locator(".chart").evaluateAll((charts) =>
      charts.map((chart) =>
        [...chart.querySelectorAll<HTMLElement>(".u-legend .u-series:not(:first-child) .u-marker")].map((marker) => {
          const { borderColor, borderStyle } = marker.style;
          return { label: marker.parentElement!.textContent!, borderColor, borderStyle };
        }),
      ),
    );
    expect(looks.map((lines) => lines.length)).toContain(6);
    for (const lines of looks) {
      expect(new Set(lines.map(({ borderColor, borderStyle }) => `${borderColor} ${borderStyle}`)).size).toBe(
        lines.length,
      );
    }
    for (const run of ["first", "second"]) {
      const own = looks.flat().filter(({ label }) => label.startsWith(`${run}:`));
      expect(new Set(own.map(({ borderColor }) => borderColor)).size, run).toBe(1);
    }
    const options = await page.locator(".options tbody tr").allInnerTexts();
    expect(options.find((text) => text.startsWith("seed"))).toMatch(/5\s+6/);
    expect(options.some((text) => /^netG\s/.test(text))).toBe(false);
    // By the names of the flags.
    expect(options.find((text) => text.startsWith("n-epochs-decay"))).toMatch(/100\s+0/);
    expect(await violationsOf(page)).toEqual([]);
  });

  it("draws the curves of a run, with values under the pointer", async () => {
    await page.goto(`${server.base}/#/runs/first`);
    await page.getByRole("heading", { name: "first" }).waitFor(patience);
    const over = page.locator(".chart .u-over").first();
    await over.waitFor(patience);
    const box = (await over.boundingBox())!;
    await over.hover({ position: { x: box.width - 1, y: 40 } });
    const log = readFileSync(join(site.checkpointsDir, "first/loss_log.jsonl"), "utf8").trim().split("\n");
    const last = JSON.parse(log.at(-1)!) as { step: number };
    await expect
      .poll(() => page.locator(".chart .u-legend").first().textContent())
      .toMatch(new RegExp(`step\\W*${last.step}`));
    await page.getByLabel("Outputs").selectOption("patches");
    await page
      .getByText(/^D of step 7 gives the outputs 0\.\d\d on average, the targets 0\.\d\d; .* a patch of 70 px\.$/)
      .waitFor(patience);
    await page.getByRole("img", { name: "where D takes the output for real: first, epoch 3" }).waitFor(patience);
    expect(await violationsOf(page)).toEqual([]);
    await page.getByRole("button", { name: "Enlarge" }).click();
    await page.getByRole("dialog").waitFor(patience);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached", ...patience });
    expect(await violationsOf(page)).toEqual([]);
  });

  it("trains a run further, shows it live, and stops it", async () => {
    await page.goto(`${server.base}/#/runs/second`);
    await page.getByRole("button", { name: "Train more…" }).click();
    await page.getByLabel("How many more").fill("4000");
    await page.getByRole("button", { name: "Train", exact: true }).click();
    await page.locator(".chip.state-training").waitFor(patience);
    const step = async () =>
      Number(/step (\d+)/.exec((await page.locator("[aria-live=polite]").textContent()) ?? "")?.[1]);
    await expect.poll(step, patience).toBeGreaterThan(10);
    await page.getByRole("button", { name: "Stop" }).click();
    await page.locator(".chip.state-stopped").waitFor(patience);
    await page.getByRole("button", { name: "Continue" }).waitFor(patience);
  }, 240_000);

  it("deletes a run after a question", async () => {
    await page.getByRole("button", { name: "Delete…" }).click();
    await page.getByRole("button", { name: "Keep" }).click();
    await page.getByRole("dialog").waitFor({ state: "detached", ...patience });
    const asks = page.getByRole("button", { name: "Delete…" });
    expect(await asks.evaluate((button) => button === document.activeElement)).toBe(true);
    /** The keys of the drawings that the studio keeps. @param more to add one first */
    const kept = (more?: string) =>
      page.evaluate(
        (more) =>
          new Promise<string[]>((resolve) => {
            const opening = indexedDB.open("pix2pix-studio", 1);
            opening.onupgradeneeded = () => opening.result.createObjectStore("drawings");
            opening.onsuccess = () => {
              const drawings = opening.result.transaction("drawings", "readwrite").objectStore("drawings");
              if (more) drawings.put("a drawing", `${location.pathname} ${more}`);
              const keys = drawings.getAllKeys();
              keys.onsuccess = () => resolve(keys.result.map(String));
            };
          }),
        more,
      );
    expect(await kept("second")).toEqual(["/ second"]);
    await page.getByRole("button", { name: "Delete…" }).click();
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await expect.poll(() => kept(), patience).toEqual([]);
    // The comparison is where it was left, without the run.
    await page.getByRole("button", { name: "Show the cards" }).click(patience);
    await expect.poll(() => page.locator(".run-card h2").allTextContents(), patience).toEqual(["first"]);
    // A damaged run, too.
    mkdirSync(join(site.checkpointsDir, "broken"));
    writeFileSync(join(site.checkpointsDir, "broken/config.json"), "{");
    await page.getByRole("link", { name: "broken", exact: true }).click(patience);
    await page.locator(".notice.bad").filter({ hasText: "config.json" }).waitFor(patience);
    await page.getByRole("button", { name: "Delete…" }).click();
    await page.getByText("deleted from the disk").waitFor(patience);
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await expect.poll(() => page.locator(".run-card h2").allTextContents(), patience).toEqual(["first"]);
    expect(existsSync(join(site.checkpointsDir, "broken"))).toBe(false);
  });

  it("starts a run from a form with every option", { timeout: 240_000 }, async () => {
    await page.getByRole("button", { name: "Start a run…" }).click();
    await page.getByLabel("Name").fill("first");
    await page.getByText("A run of this name exists already.").waitFor(patience);
    await page.getByLabel("Name").fill("third");
    await page.getByLabel("Folder of the pairs").fill("/");
    await page.locator(".new-run .more > summary").click();
    const options = {
      profile: "hesse",
      // The profile has it on.
      bottleneckNorm: "",
      netG: "unet_64",
      ngf: "2",
      ndf: "2",
      // Invalid until the next one is given.
      loadSize: "64",
      cropSize: "64",
      threads: "1",
      maxSteps: "3",
    };
    for (const [key, value] of Object.entries(options)) {
      await page.getByRole("searchbox").fill(key);
      const control = page.locator(`.new-run [data-option=${key}]`);
      if (["netG", "profile"].includes(key)) await control.locator("select").selectOption(value);
      else if (key === "bottleneckNorm") await control.getByRole("checkbox").uncheck();
      else await control.locator("input").fill(value);
    }
    expect(await violationsOf(page)).toEqual([]);
    const start = page.getByRole("button", { name: "Start", exact: true });
    await start.click();
    await page.getByText("no folder that this server reads").waitFor(patience);
    await page.getByLabel("Folder of the pairs").fill(site.dataroot);
    await start.click();
    await page.getByRole("heading", { name: "third", exact: true }).waitFor(patience);
    await page.locator(".chip.state-finished").waitFor(patience);
    const config = JSON.parse(readFileSync(join(site.checkpointsDir, "third/config.json"), "utf8")) as object;
    expect(config).toMatchObject({ ngf: 2, netG: "unet_64", maxSteps: 3, dataroot: site.dataroot, lambdaL1: 100 });
    expect(config).toMatchObject({ profile: "hesse", bottleneckNorm: false, bias: "always" });
  });

  it("a link to a page that a server has not leads to the studio, and no text is cut off", async () => {
    await page.goto(`${server.base}/#/runs/first`);
    const code = page.getByRole("region", { name: "Examples for programs" });
    await code.waitFor(patience);
    expect(await code.evaluate((section) => section.scrollWidth - section.clientWidth)).toBe(0);
    await page.goto(`${server.base}/#/runs/nothing`);
    await page.getByText("There is no run of this name.").waitFor(patience);
    await page.goto(`${server.base}/#/train`);
    await page.locator("#studio").waitFor({ ...patience, state: "visible" });
    await expect.poll(() => page.title(), patience).toBe("first · pix2pix");
  });

  it("the studio says that it opens a run until the server has answered", async () => {
    const slow = await browser.newPage();
    const release = await held(slow, "**/api/runs/first/studio");
    await slow.goto(`${server.base}/#/studio/first`);
    const said = slow.getByRole("status").filter({ hasText: "Opening the run…" });
    await said.waitFor(patience);
    release();
    await said.waitFor({ ...patience, state: "detached" });
    await slow.close();
  });

  it("the studio says that the server does not answer, and not that there are no runs", async () => {
    const cut = await browser.newPage();
    await cut.route("**/api/runs", (route) => route.abort());
    await cut.goto(`${server.base}/#/studio`);
    await cut.getByText("The server does not answer. Is pix2pix serve still running?").waitFor(patience);
    expect(await cut.getByText("No run has weights yet").count()).toBe(0);
    await cut.close();
  });

  it("fits a phone, in the dark", async () => {
    const context = await browser.newContext({ viewport: { width: 390, height: 800 }, colorScheme: "dark" });
    const phone = await context.newPage();
    for (const route of ["#/runs", "#/runs/first"]) {
      await phone.goto(`${server.base}/${route}`);
      await phone
        .locator(route === "#/runs" ? ".run-card" : ".chart canvas")
        .first()
        .waitFor(patience);
      expect(await phone.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
      expect(await violationsOf(phone)).toEqual([]);
    }
    await context.close();
  });
});
