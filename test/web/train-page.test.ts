/** The page that trains, where users lost work or were misled: pauses, tabs, broken runs, and pictures of other layouts. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { images } from "../../src/node/images.ts";
import { runIn } from "../cli/run.ts";
import { inChromium, launch, site } from "./browser/chromium.ts";
import type { Harness } from "./browser/harness.ts";

declare const pix2pix: Harness;

const patience = { timeout: 60_000 };

interface Upload {
  name: string;
  mimeType: string;
  buffer: Buffer;
}

/** A PNG of one colour with a square of another. */
async function png(red: number, width = 64, height = 64): Promise<Buffer> {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const inside = i % width > width / 4 && i / width > height / 3;
    data.set(inside ? [red, 40, 200] : [20, 200 - red, 30], 3 * i);
  }
  return Buffer.from(await images.encodePng({ width, height, channels: 3, data }));
}

const picture = (name: string, buffer: Buffer): Upload => ({ name, mimeType: "image/png", buffer });

/** A tar of these files (POSIX ustar). */
function tar(files: Record<string, Buffer>): Buffer {
  const blocks = Object.entries(files).flatMap(([path, content]) => {
    const header = Buffer.alloc(512);
    header.write(path, 0);
    header.write("0000644\0", 100);
    header.write("0000000\0", 108);
    header.write("0000000\0", 116);
    header.write(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
    header.write("00000000000\0", 136);
    header.write("        ", 148);
    header.write("0", 156);
    header.write("ustar\0", 257);
    header.write("00", 263);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    return [header, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

inChromium("the page that trains", () => {
  let page: Page;
  let context: BrowserContext;
  let url: string;
  const closing: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    const opened = await site();
    const browser = await launch();
    closing.push(() => browser.close(), opened.close);
    context = await browser.newContext();
    url = `${opened.url}#/train`;
    page = await context.newPage();
    await page.goto(url);
  }, 120_000);
  afterAll(async () => {
    for (const close of closing) await close();
  });

  const state = (text: string | RegExp, at = page) => at.locator("#state").filter({ hasText: text }).waitFor(patience);
  const pairs = (text: RegExp) => page.locator("#pairs-text").filter({ hasText: text }).waitFor(patience);
  const take = (...files: Upload[]) => page.setInputFiles("#pick-files", files);
  const sides = async (first: string, second: string) =>
    Object.fromEntries([
      ...(await Promise.all([0, 60, 120].map(async (red, i) => [`set/${first}/${i}.png`, await png(red)] as const))),
      ...(await Promise.all([9, 70, 130].map(async (red, i) => [`set/${second}/${i}.png`, await png(red)] as const))),
    ]);

  it("reads tar.gz, and knows folders by their names", async () => {
    const packed = gzipSync(tar(await sides("photos", "labels")));
    await take({ name: "set.tar.gz", mimeType: "application/gzip", buffer: packed });
    await pairs(/^3 pairs.*The folder labels is the input and photos the target; swap them if/);
    // The first label has red 9 inside, the first photo 0.
    const red = await page
      .locator("#preview figure:first-child canvas")
      .evaluateAll((all) =>
        all.map((c) => (c as HTMLCanvasElement).getContext("2d")!.getImageData(60, 60, 1, 1).data[0]),
      );
    expect(red).toEqual([9, 0]);
    expect(await page.locator("#preview canvas").first().getAttribute("aria-label")).toBe("input");
  });

  it("counts the pictures that it cannot read", async () => {
    const wide = await Promise.all([0, 60, 120].map((red) => png(red, 128, 64)));
    const broken = picture("broken.png", wide[0]!.subarray(0, 60));
    await take(...wide.map((buffer, i) => picture(`${i}.png`, buffer)), broken);
    await pairs(/^3 pairs.* 1 picture cannot be read and is left out: broken\.png\./);
  });

  it("names a damaged pair once, by the user's name", async () => {
    const files = await sides("photos", "labels");
    files["set/photos/1.png"] = files["set/photos/1.png"]!.subarray(0, 60);
    await take({ name: "set.tar.gz", mimeType: "application/gzip", buffer: gzipSync(tar(files)) });
    await pairs(/^2 pairs.* 1 picture cannot be read and is left out with its partner: photos\/1\.png\.$/);
    expect(await page.locator("#pairs-text").textContent()).not.toMatch(/same stem|data\/|[AB]\//);
  });

  it("asks before it cuts square photographs in half", async () => {
    const square = await Promise.all([0, 60, 120].map((red) => png(red)));
    const files = square.map((buffer, i) => picture(`${i}.png`, buffer));
    const asked: string[] = [];
    page.once("dialog", (dialog) => {
      asked.push(dialog.message());
      void dialog.dismiss();
    });
    await take(...files);
    await page.locator("#problem").filter({ hasText: "not wider than high" }).waitFor(patience);
    expect(asked[0]).toMatch(/64x64: pictures that are not wider than high.*Use them as pairs anyway\?$/s);
    page.once("dialog", (dialog) => void dialog.accept());
    await take(...files);
    await pairs(/^3 pairs/);
  });

  it("takes pictures that are chosen while others are being read", async () => {
    const colours = Array.from({ length: 80 }, (_, i) => i);
    const many = await Promise.all(colours.map(async (red) => [`m/${red}.png`, await png(red, 512, 256)] as const));
    const mimeType = "application/gzip";
    await take({ name: "many.tgz", mimeType, buffer: gzipSync(tar(Object.fromEntries(many))) });
    await take({ name: "few.tgz", mimeType, buffer: gzipSync(tar(await sides("A", "B"))) });
    await pairs(/^3 pairs/);
    const stored = () =>
      page.evaluate(async () => {
        const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("data");
        const names: string[] = [];
        for await (const name of folder.keys()) names.push(name.split("-")[0]!);
        return names;
      });
    await expect.poll(stored, { timeout: patience.timeout }).toHaveLength(1);
    expect(await stored()).toEqual(["few"]);
    expect(await page.locator("#pairs-text").textContent()).toMatch(/^3 pairs/);
    expect(await page.locator("#problem").isVisible()).toBe(false);
    await page
      .locator(".storage summary")
      .filter({ hasText: /: [1-9][\d.]* (bytes|kB)/ })
      .waitFor(patience);
  });

  it("remembers the pictures after a reload", async () => {
    const packed = gzipSync(tar(await sides("A", "B")));
    await take({ name: "kept.tgz", mimeType: "application/gzip", buffer: packed });
    await pairs(/^3 pairs/);
    await page.reload();
    await pairs(/^3 pairs/);
    expect(await page.isDisabled("#start")).toBe(false);
  });

  it("a pause while the networks are built loses nothing", async () => {
    await page.fill("input[name=steps]", "600");
    await page.fill("input[name=name]", "early");
    await page.click("#start");
    await page.click("#pause");
    await state(/Paused/);
    // Two presses at once are one.
    await page.locator("#resume").evaluate((button: HTMLButtonElement) => [button.click(), button.click()]);
    await page
      .locator("#facts")
      .filter({ hasText: /time left/ })
      .waitFor(patience);
    expect(await page.title()).toMatch(/^\d+ % · early/);
    await page.locator("#sample-title").filter({ hasText: "before the first step" }).waitFor(patience);
    expect(Number(await page.getAttribute("[role=progressbar]", "aria-valuenow"))).toBeGreaterThanOrEqual(0);
  });

  it("another tab shows that it trains, and cannot delete it", async () => {
    const other = await context.newPage();
    await other.goto(url);
    await state("Training in another tab", other);
    // The pictures of the last visit are chosen there, too.
    await other.locator("#preview figure").first().waitFor(patience);
    expect(await other.isVisible("#delete-run")).toBe(false);
    expect(await other.isVisible("#resume")).toBe(false);
    await page.click("#pause");
    await state(/Paused at step \d+/);
    expect(await page.isVisible("#problem")).toBe(false);
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("resume");
    await state(/Paused at step \d+/, other);
    expect(await other.isVisible("#delete-run")).toBe(true);
    await other.close();
  });

  it("a finished run can be trained further", async () => {
    await page.selectOption("#run-choice", "");
    await page.fill("input[name=steps]", "6");
    await page.fill("input[name=name]", "short");
    await page.click("#start");
    await state("Finished after 6 steps.");
    await page.fill("#more-steps", "6");
    await page.click("#train-more");
    await state("Finished after 12 steps.");
    await page.click("#judge");
    await page
      .locator(".patch-maps")
      .filter({ hasText: /D of step 12 gives the outputs 0\.\d\d on average/ })
      .waitFor(patience);
    expect(await page.locator(".patch-columns canvas").count()).toBe(3);
    await page.click("#judge");
    expect(await page.locator(".patch-maps").count()).toBe(0);
    const rename = (from: string, to: string) =>
      page.evaluate(
        async ([from, to]) => {
          const runs = await (await navigator.storage.getDirectory()).getDirectoryHandle("runs");
          const file = await (await runs.getDirectoryHandle("short")).getFileHandle(from!);
          await (file as FileSystemFileHandle & { move(name: string): Promise<void> }).move(to!);
        },
        [from, to],
      );
    await rename("latest_net_D.safetensors", "away");
    await page.click("#judge");
    await page
      .locator("#sample .notice")
      .filter({ hasText: /^latest_net_D\.safetensors does not exist/ })
      .waitFor(patience);
    expect(await page.locator("#sample .notice").textContent()).not.toMatch(/--|npx|runs\//);
    await rename("away", "latest_net_D.safetensors");
    await page.click("#judge");
  });

  it("trains in the runtime's own memory", async () => {
    // Threads of the runtime answer nothing.
    const ours = page.workers().filter((worker) => /\/worker-\w+\.js/.test(worker.url()));
    const found = ours.map((worker) =>
      worker.evaluate(`(async () => {
        const isScript = ({ name }) => name.endsWith("/ort-wasm-simd-threaded.mjs");
        const script = performance.getEntriesByType("resource").find(isScript);
        return script && typeof (await import(script.name)).instance?._OrtRun;
      })()`),
    );
    expect(await Promise.all(found)).toContain("function");
  });

  it("a run wanders as a project to the command line, and back into the page", { timeout: 240_000 }, async () => {
    await page.check("#with-state");
    const [file] = await Promise.all([page.waitForEvent("download", patience), page.click("#save-project")]);
    const work = mkdtempSync(join(tmpdir(), "pix2pix-wander-"));
    try {
      await file.saveAs(join(work, "short.zip"));
      writeFileSync(join(work, "in.png"), await png(80));
      const cli = (...args: string[]) => runIn(work, args);
      expect(await cli("import", "short.zip")).toMatchObject({ code: 0, out: expect.stringContaining("at step 12") });
      const made = await cli("translate", "--name", "short", "--input", "in.png", "--out", "out");
      expect(made).toMatchObject({ code: 0 });
      expect(await images.decode(readFileSync(join(work, "out/in.png")))).toMatchObject({ width: 64, height: 64 });
      const back = await cli("export", "--name", "short", "--format", "project", "--with-state", "--out", "back");
      expect(back).toMatchObject({ code: 0 });
      page.once("dialog", (dialog) => dialog.accept());
      await page.click("#delete-run");
      // Until the run is deleted its state is that of the imported one.
      await page.locator("#start").waitFor(patience);
      await page.setInputFiles("#pick-files", join(work, "back/short.zip"));
      await state("Finished after 12 steps.");
      await page.fill("#more-steps", "2");
      await page.click("#train-more");
      await state("Finished after 14 steps.");
      // Without the state of its training it can be used, and not trained.
      const without = await cli("export", "--name", "short", "--format", "project", "--out", "without");
      expect(without).toMatchObject({ code: 0 });
      // The file is chosen while a slow disk is still deleting.
      await page.evaluate(() => {
        const { prototype } = FileSystemDirectoryHandle;
        const remove = prototype.removeEntry;
        prototype.removeEntry = async function (...given) {
          await new Promise((resolve) => setTimeout(resolve, 2000));
          prototype.removeEntry = remove;
          return remove.apply(this, given);
        };
      });
      page.once("dialog", (dialog) => dialog.accept());
      await page.click("#delete-run");
      await page.setInputFiles("#pick-files", join(work, "without/short.zip"));
      await state(/^Imported without its training state/);
      expect(await page.locator("#resume, #train-more").count()).toBe(0);
      await page.setInputFiles("#translate-file", join(work, "in.png"));
      await page.locator("#result canvas").nth(1).waitFor(patience);
    } finally {
      rmSync(work, { recursive: true });
    }
  });

  it("a run without options can be deleted", async () => {
    await page.evaluate(async () => {
      const root = await navigator.storage.getDirectory();
      const runs = await root.getDirectoryHandle("runs");
      await (await runs.getDirectoryHandle("short")).removeEntry("config.json");
    });
    await page.reload();
    await page.selectOption("#run-choice", "short");
    await state("This run cannot be read; it can be deleted.");
    page.once("dialog", (dialog) => dialog.accept());
    await page.click("#delete-run");
    await expect.poll(() => page.locator("#run-choice option").allTextContents()).not.toContain("short");
  });

  it("keeps a share of the pairs from training, and scores on them", async () => {
    const pictures = await Promise.all(Array.from({ length: 20 }, (_, i) => png(10 * i)));
    const sheets = ["A", "B"].flatMap((side) =>
      pictures.map((buffer, i) => [`many/${side}/${i}.png`, buffer] as const),
    );
    const packed = gzipSync(tar(Object.fromEntries(sheets)));
    await take({ name: "many.tgz", mimeType: "application/gzip", buffer: packed });
    await pairs(/^20 pairs/);
    expect(await page.locator("#hold-out option").allTextContents()).toEqual([
      "none",
      "5 %: 1 pair",
      "10 %: 2 pairs",
      "20 %: 4 pairs",
    ]);
    expect(await page.inputValue("#hold-out")).toBe("0.1");
    await page.selectOption("#hold-out", "0.2");
    await page.click("#more > summary");
    for (const key of ["ngf", "ndf"]) {
      await page.getByRole("searchbox").fill(key);
      await page.locator(`#more [data-option=${key}] input`).fill("4");
    }
    await page.fill("input[name=steps]", "16");
    await page.fill("input[name=name]", "scored");
    await page.click("#start");
    await state("Finished after 16 steps.");
    await page
      .locator("#facts")
      .filter({ hasText: /best L1\s*0\.\d+ in epoch 1/ })
      .waitFor(patience);
    await pairs(/^16 pairs.*4 more are kept from training/);
    // The names of both phases: each pair is in one of them, with both sides.
    const names = await page.evaluate(async () => {
      const data = await (await navigator.storage.getDirectory()).getDirectoryHandle("data");
      const found: string[] = [];
      for await (const set of data.values()) {
        if (!set.name.startsWith("many")) continue;
        for await (const folder of (set as FileSystemDirectoryHandle).values()) {
          if (folder.kind !== "directory") continue;
          for await (const name of (folder as FileSystemDirectoryHandle).keys()) found.push(`${folder.name}/${name}`);
        }
      }
      return found;
    });
    const of = (folder: string) =>
      names
        .filter((name) => name.startsWith(`${folder}/`))
        .map((name) => name.split("/")[1]!)
        .sort();
    expect([of("trainA").length, of("valA").length, of("A").length]).toEqual([16, 4, 0]);
    expect([of("trainB"), of("valB")]).toEqual([of("trainA"), of("valA")]);
    expect([...of("trainA"), ...of("valA")].sort()).toEqual(pictures.map((_, i) => `${i}.png`).sort());
    await page.reload();
    await pairs(/^16 pairs.*4 more are kept from training/);
    expect(await page.locator("#hold-out").count()).toBe(0);
  });
});

inChromium("a client whose worker cannot be loaded", () => {
  it("rejects every call, those after the failure too", { timeout: 60_000 }, async () => {
    const { url, close } = await site("test/web/browser/harness.ts");
    const browser = await launch();
    try {
      const page = await browser.newPage();
      await page.goto(url);
      await page.waitForFunction(() => "pix2pix" in globalThis);
      const messages = await page.evaluate(async () => {
        const client = new pix2pix.Client({ worker: new Worker("/nothing.js", { type: "module" }) });
        const reason = (work: Promise<unknown>) => work.then(String, (error: Error) => error.message);
        const first = await reason(client.capabilities);
        return [first, await reason(client.exportOnnx({ name: "x", checkpointsDir: "runs" }))];
      });
      expect(messages).toEqual([expect.stringMatching(/worker/), expect.stringMatching(/worker/)]);
    } finally {
      await browser.close();
      await close();
    }
  });
});
