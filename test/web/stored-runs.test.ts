/** The runs of a browser's storage on the page "Runs": watched while they train, in full, and side by side. */
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { fixture } from "../paths.ts";
import { inChromium, sharePage } from "./browser/chromium.ts";
import { violationsOf } from "./browser/violations.ts";

const zip = fileURLToPath(fixture("pairs.zip"));
const patience = { timeout: 60_000 };

inChromium("runs in this browser", () => {
  let page: Page;
  sharePage({
    route: "#/runs",
    use: (opened) => {
      page = opened;
    },
  });
  const to = (route: string) => page.evaluate((hash) => location.assign(hash), `#/${route}`);
  const card = (name: string) => page.locator("#runs .run-card").filter({ has: page.getByText(name, { exact: true }) });
  const trained = (text: RegExp) => page.locator("#state").filter({ hasText: text }).waitFor(patience);
  /** Trains small networks, in any tab. */
  const begin = async (name: string, steps: number, at = page) => {
    if (!(await at.locator("#more .options-form").isVisible())) await at.click("#more > summary");
    for (const key of ["ngf", "ndf"]) {
      await at.fill("#more input[type=search]", key);
      await at.locator(`#more [data-option=${key}] input`).fill("4");
    }
    await at.fill("input[name=steps]", String(steps));
    await at.fill("input[name=name]", name);
    await at.click("#start");
  };
  /** Whether all pictures of samples are loaded. */
  const loaded = () =>
    page.locator("#runs .last-sample").evaluateAll((all) => all.map((img) => (img as HTMLImageElement).naturalWidth));

  it("without a run, it says how to get one", async () => {
    await page.getByRole("link", { name: "Train one" }).waitFor(patience);
    await page.getByRole("link", { name: "Train one" }).click();
    await page.setInputFiles("#pick-files", zip);
    await page
      .locator("#pairs-text")
      .filter({ hasText: /^3 pairs/ })
      .waitFor(patience);
  });

  it("shows a run while it trains, step by step", async () => {
    await begin("long", 4000);
    await page
      .locator("#facts")
      .filter({ hasText: /time left/ })
      .waitFor(patience);
    await to("runs");
    await card("long").filter({ hasText: "training" }).waitFor(patience);
    const step = async () => Number(/step (\d+) of 4000/.exec((await card("long").textContent()) ?? "")?.[1]);
    await expect.poll(step, patience).toBeGreaterThan(0);
    const before = await step();
    await expect.poll(step, patience).toBeGreaterThan(before);
    await card("long").getByRole("link", { name: "long", exact: true }).click();
    await page.locator("#runs .chart canvas").first().waitFor(patience);
    await page.getByText("A run in training cannot be deleted. Pause it first.").waitFor(patience);
    expect(await page.getByRole("button", { name: "Delete…" }).count()).toBe(0);
    await page.getByRole("link", { name: "Watch or pause its training" }).click();
    await page.click("#pause");
    await trained(/Paused at step \d+/);
  });

  it("shows all runs as cards with their last samples", async () => {
    await page.selectOption("#run-choice", "");
    await begin("short", 9);
    await trained(/Finished after 9 steps/);
    await to("runs");
    await card("short").filter({ hasText: "finished" }).waitFor(patience);
    expect(await card("short").textContent()).toMatch(/epoch 3 of 3, step 9 of 9/);
    await card("long").filter({ hasText: "stopped" }).waitFor(patience);
    // Three pictures of 64 px beside each other, with gaps of 4.
    await expect.poll(loaded, patience).toEqual([200, 200]);
    expect(await violationsOf(page)).toEqual([]);
  });

  it("shows one run in full, and leads back to its training", async () => {
    await card("short").getByRole("link", { name: "short", exact: true }).click();
    await page.locator("#runs h1").filter({ hasText: "short" }).waitFor(patience);
    await page.locator("#runs .strip-columns canvas").first().waitFor(patience);
    const titles = await page.locator("#runs .chart figcaption").allInnerTexts();
    expect(titles).toEqual(expect.arrayContaining(["Distance to the target", "Adversarial losses"]));
    await page.selectOption("#runs select", "patches");
    await page
      .locator("#runs .patch-maps")
      .filter({ hasText: /D of step 9/ })
      .waitFor(patience);
    expect(await violationsOf(page)).toEqual([]);
    await page.getByRole("link", { name: /^Train it further/ }).click();
    await trained(/Finished after 9 steps/);
    expect(await page.evaluate(() => location.hash)).toBe("#/train");
  });

  it("shows two runs side by side, with the options that differ", async () => {
    await to("runs");
    for (const name of ["long", "short"]) await card(name).getByRole("checkbox").check();
    await page.getByRole("button", { name: "Compare 2 runs" }).click();
    await page.locator("#runs .strip").nth(1).waitFor(patience);
    expect(await page.locator("#runs .strip figcaption b").allInnerTexts()).toEqual(["long ", "short "]);
    const options = await page.locator("#runs table.options").textContent();
    expect(options).toMatch(/max-steps40009/);
    await page.getByRole("button", { name: "Show the cards" }).click();
  });

  it("compares runs of long names on a phone", async () => {
    const name = "W".repeat(60);
    await page.evaluate(async (name) => {
      const runs = await (await navigator.storage.getDirectory()).getDirectoryHandle("runs");
      const folders = [[await runs.getDirectoryHandle("short"), await runs.getDirectoryHandle(name, { create: true })]];
      for (const [from, to] of folders) {
        for await (const handle of from!.values()) {
          if (handle.kind === "directory") {
            const inner = await to!.getDirectoryHandle(handle.name, { create: true });
            folders.push([handle as FileSystemDirectoryHandle, inner]);
            continue;
          }
          const stream = await (await to!.getFileHandle(handle.name, { create: true })).createWritable();
          await stream.write(await (handle as FileSystemFileHandle).getFile());
          await stream.close();
        }
      }
    }, name);
    const size = page.viewportSize()!;
    await page.setViewportSize({ width: 390, height: 800 });
    await card("long").getByRole("checkbox").uncheck();
    await card(name).getByRole("checkbox").check();
    await page.getByRole("button", { name: "Compare 2 runs" }).click();
    await page.locator("#runs .strip").nth(1).waitFor(patience);
    await page.locator("#runs .u-legend").first().waitFor(patience);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await page.getByRole("button", { name: "Show the cards" }).click();
    await page.setViewportSize(size);
    await page.evaluate(async (name) => {
      const runs = await (await navigator.storage.getDirectory()).getDirectoryHandle("runs");
      await runs.removeEntry(name, { recursive: true });
    }, name);
    await card(name).waitFor({ ...patience, state: "detached" });
    await card("short").getByRole("checkbox").uncheck();
  });

  it("shows the run that has taken a name in another tab while the page was hidden, and says when it is deleted", async () => {
    const tab = await page.context().newPage();
    tab.on("dialog", (dialog) => dialog.accept());
    await tab.goto(page.url().replace(/#.*/, "#/train/short"));
    await tab.locator("#state").filter({ hasText: "Finished" }).waitFor(patience);
    await to("runs/short");
    const place = page.locator("#runs [aria-live=polite]");
    await place.filter({ hasText: "step 9 of 9" }).waitFor(patience);
    const sample = () =>
      page
        .locator("#runs .strip-columns canvas")
        .nth(1)
        .evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());
    await expect.poll(async () => (await sample()).length, patience).toBeGreaterThan(3000);
    const before = await sample();
    const hide = (hidden: boolean) =>
      page.evaluate((value) => Object.defineProperty(document, "hidden", { configurable: true, value }), hidden);
    await hide(true);
    // The look that was under way has ended, and the next one is not made.
    await page.waitForTimeout(200);
    await tab.click("#delete-run");
    await expect.poll(() => tab.inputValue("#run-choice"), patience).toBe("");
    await begin("short", 6, tab);
    await tab.locator("#state").filter({ hasText: "Finished after 6 steps" }).waitFor(patience);
    await hide(false);
    await place.filter({ hasText: "epoch 2 of 2, step 6 of 6" }).waitFor(patience);
    await expect.poll(async () => (await sample()) === before, patience).toBe(false);
    await tab.click("#delete-run");
    await page.getByText("There is no run of this name.").waitFor(patience);
    expect(await page.locator("#runs .strip").count()).toBe(0);
    // A page in the background has few frames, and a click waits for two.
    await page.bringToFront();
    await page.getByRole("link", { name: "All runs" }).click();
    await card("long").waitFor(patience);
    // The only run of a comparison is deleted: the cards are back, and a tick does not compare.
    await tab.bringToFront();
    await begin("third", 3, tab);
    await tab.locator("#state").filter({ hasText: "Finished after 3 steps" }).waitFor(patience);
    await card("third").filter({ hasText: "finished" }).waitFor(patience);
    await page.bringToFront();
    await card("long").getByRole("checkbox").uncheck();
    await card("third").getByRole("checkbox").check();
    await page.getByRole("button", { name: "Compare 1 run" }).click();
    await page.locator("#runs .strip").waitFor(patience);
    await tab.bringToFront();
    await tab.click("#delete-run");
    await page.bringToFront();
    await card("long").getByRole("checkbox").check(patience);
    await page.getByRole("button", { name: "Compare 1 run" }).waitFor(patience);
    expect(await card("long").count()).toBe(1);
    await card("long").getByRole("checkbox").uncheck();
    await tab.close();
    await to("train/third");
    await page.getByText('There is no run "third". It may have been deleted.').waitFor(patience);
    await to("runs");
  });

  it("a run with damaged options is named, in the words of the page", async () => {
    await page.evaluate(async () => {
      const runs = await (await navigator.storage.getDirectory()).getDirectoryHandle("runs");
      const run = await runs.getDirectoryHandle("broken #1", { create: true });
      const file = await run.getFileHandle("config.json", { create: true });
      const writable = await file.createWritable();
      await writable.write('{ "netG": "none" }');
      await writable.close();
    });
    const said = "Its files are damaged. You can only delete it.";
    await card("broken #1").filter({ hasText: said }).waitFor(patience);
    await card("broken #1").getByRole("link", { name: "broken #1" }).click();
    await page.locator("#runs .notice.bad").filter({ hasText: said }).waitFor(patience);
    expect(await page.locator("#runs h1").textContent()).toBe("broken #1");
    expect(await violationsOf(page)).toEqual([]);
    // Weights and all samples of another run are damaged, too: names alone do not say which sample is the last.
    await page.evaluate(async () => {
      const runs = await (await navigator.storage.getDirectory()).getDirectoryHandle("runs");
      const run = await runs.getDirectoryHandle("long");
      const samples = await run.getDirectoryHandle("samples");
      const damage = async (folder: FileSystemDirectoryHandle, name: string, content = "damaged") => {
        const writable = await (await folder.getFileHandle(name, { create: true })).createWritable();
        await writable.write(content);
        await writable.close();
      };
      const alarm = { epoch: 1, step: 3, kind: "D wins", text: "D wins.", advice: "Weaken D: a smaller --lr-d." };
      await damage(run, "alarms.jsonl", `${JSON.stringify(alarm)}\n`);
      await damage(run, "latest_net_G.safetensors");
      for await (const name of samples.keys()) await damage(samples, name);
    });
    await to("runs/long");
    await page.getByText("This sample cannot be read: its file is damaged.").waitFor(patience);
    await page.getByText("D wins. Weaken D: a smaller \u201clr d\u201d.").waitFor(patience);
    await page.getByRole("link", { name: "Draw with it" }).click();
    await page.getByText(/^latest_net_G\.safetensors: not a safetensors file/).waitFor(patience);
  });

  it("deletes a run after a question, unless another tab holds it", async () => {
    const stored = () =>
      page.evaluate(async () => {
        const runs = await (await navigator.storage.getDirectory()).getDirectoryHandle("runs");
        const names: string[] = [];
        for await (const name of runs.keys()) names.push(name);
        return names.sort();
      });
    await to("runs/long");
    const asks = page.getByRole("button", { name: "Delete…" });
    const agree = page.getByRole("button", { name: "Delete", exact: true });
    await asks.click(patience);
    await page.getByRole("heading", { name: "Delete long?" }).waitFor(patience);
    expect(await violationsOf(page)).toEqual([]);
    await page.getByRole("button", { name: "Keep" }).click();
    await page.getByRole("dialog").waitFor({ ...patience, state: "detached" });
    expect(await asks.evaluate((button) => button === document.activeElement)).toBe(true);
    await asks.click();
    await agree.click();
    await page.locator("#runs h1").filter({ hasText: "Runs" }).waitFor(patience);
    await card("long").waitFor({ ...patience, state: "detached" });
    expect(await stored()).toEqual(["broken #1"]);
    // The page that trains has shown this run.
    await to("train");
    const listed = () => page.locator("#run-choice option").allTextContents();
    await expect.poll(listed, patience).toEqual(["a new one", "broken #1"]);
    // A damaged run, while another tab holds it.
    await to("runs/broken%20%231");
    const release = await page.evaluateHandle(
      () =>
        new Promise<() => void>((resolve) => {
          void navigator.locks.request("pix2pix runs/.broken #1.lock", () => new Promise<void>(resolve));
        }),
    );
    await asks.click(patience);
    await agree.click();
    await page
      .getByText('The run "broken #1" is being trained in another tab of this page. Stop it there first.')
      .waitFor(patience);
    expect(await stored()).toEqual(["broken #1"]);
    await release.evaluate((end) => end());
    await asks.click();
    await agree.click();
    await page.getByText("This browser has no runs yet.").waitFor(patience);
    expect(await stored()).toEqual([]);
  });
});
