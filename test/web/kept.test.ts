/** What becomes of the drawings that the studio keeps in the browser. */
import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { held, inChromium, sharePage } from "./browser/chromium.ts";

const patience = { timeout: 90_000 };

inChromium("drawings that the studio keeps", () => {
  let page: Page;
  sharePage({
    use: (opened) => {
      page = opened;
    },
  });

  /** The names of the runs whose drawings are kept. @param copies names under which the first one is stored, too */
  const kept = (copies: readonly string[] = []) =>
    page.evaluate(
      (copies) =>
        new Promise<string[]>((resolve) => {
          const opening = indexedDB.open("pix2pix-studio");
          opening.onsuccess = () => {
            const transaction = opening.result.transaction("drawings", "readwrite");
            const drawings = transaction.objectStore("drawings");
            const first = drawings.getAll();
            first.onsuccess = () => {
              for (const name of copies) drawings.put(first.result[0], `${location.pathname} ${name}`);
              const keys = drawings.getAllKeys();
              transaction.oncomplete = () => {
                opening.result.close();
                resolve(keys.result.map((key) => String(key).replace(/^.* /, "")));
              };
            };
          };
        }),
      copies,
    );
  /** Draws a line across the sheet. */
  const draw = async () => {
    await page.locator(".sheet canvas").waitFor(patience);
    await page.locator(".sheet canvas").scrollIntoViewIfNeeded();
    const { x, y, width, height } = (await page.locator(".sheet canvas").boundingBox())!;
    await page.mouse.move(x + 0.2 * width, y + 0.2 * height);
    await page.mouse.down();
    await page.mouse.move(x + 0.7 * width, y + 0.7 * height, { steps: 4 });
    await page.mouse.up();
  };

  it("are those whose output was computed: one that ends the page is not there after a reload", async () => {
    const release = await held(page, "**/*_net_G.safetensors");
    await page.reload();
    await draw();
    // The time in which it was kept without an output.
    await page.waitForTimeout(1000);
    expect(await kept()).toEqual([]);
    release();
    await expect.poll(() => kept(), patience).toHaveLength(1);
  });

  it("are deleted with their runs, and all of them with everything", async () => {
    await draw();
    await page.locator(".output canvas").waitFor(patience);
    await expect.poll(() => kept(), patience).toHaveLength(1);
    const [published] = await kept();
    await kept(["one", "two", "three"]);
    await page.evaluate(async () => {
      const runs = await (await navigator.storage.getDirectory()).getDirectoryHandle("runs", { create: true });
      for (const name of ["one", "two", "three"]) await runs.getDirectoryHandle(name, { create: true });
    });
    const base = page.url().replace(/#.*/, "");
    await page.goto(`${base}#/train`);
    await page.click(".storage summary");
    page.once("dialog", (dialog) => dialog.accept());
    await page.getByRole("button", { name: "Delete the run one" }).click(patience);
    await expect.poll(async () => (await kept()).sort(), patience).toEqual([published, "three", "two"].sort());
    page.once("dialog", (dialog) => dialog.accept());
    await page.getByRole("button", { name: "Delete everything" }).click(patience);
    await expect.poll(() => kept(), patience).toEqual([]);
  });
});
