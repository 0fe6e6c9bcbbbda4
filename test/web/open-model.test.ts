/** A model from files, opened on the page: the weights of PyTorch and TensorFlow become a run that can be drawn with. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { zipSync } from "fflate";
import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { parseConfig } from "../../src/config/schema.ts";
import { generatorState } from "../../src/exchange/load.ts";
import { openWeightsFile } from "../../src/exchange/open.ts";
import { encode } from "../../src/formats/safetensors.ts";
import { images } from "../../src/node/images.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { weightTensors } from "../../src/run/weights.ts";
import { picture } from "../exchange/pictures.ts";
import { fixture } from "../paths.ts";
import { workFolder } from "../work-folder.ts";
import { inChromium, sharePage } from "./browser/chromium.ts";
import { violationsOf } from "./browser/violations.ts";

const patience = { timeout: 60_000 };
/** Of a U-Net from a file, as `pix2pix import` lists it: the defaults of the PyTorch implementation. */
const assumed =
  "Not in its files, taken from the defaults: direction AtoB, preprocess resize_and_crop, load-size 286, crop-size 256, " +
  "no-dropout false";
const work = workFolder("open-model");
const torch = (name: string) => fileURLToPath(fixture(`torch/${name}`));
const exchanged = (name: string) => fileURLToPath(fixture(`exchange/${name}`));

inChromium("a model from files", () => {
  let page: Page;
  sharePage({
    use: (opened) => {
      page = opened;
    },
  });
  const pixels = async (selector: string) => {
    const values = await page.locator(selector).evaluate((element) => {
      const { width, height } = element as HTMLCanvasElement;
      return [...(element as HTMLCanvasElement).getContext("2d")!.getImageData(0, 0, width, height).data];
    });
    return Uint8Array.from(values.filter((_, i) => i % 4 < 3));
  };
  const begin = async (...files: string[]) => {
    await page.click("#open-model");
    await page.setInputFiles("input[name=model]", files);
  };
  const open = () => page.getByRole("button", { name: "Open", exact: true }).click();
  const problem = (text: RegExp) => page.locator("dialog .notice.bad").filter({ hasText: text }).waitFor(patience);
  /** The folders of runs in the storage, including those that are no runs. */
  const runs = () =>
    page.evaluate(async () => {
      const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("runs");
      const names: string[] = [];
      for await (const name of folder.keys()) names.push(name);
      return names.sort();
    });
  const forget = (name: string) =>
    page.evaluate(async (name) => {
      const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("runs");
      await folder.removeEntry(name, { recursive: true });
    }, name);
  const title = (text: string) => page.locator("h1").filter({ hasText: text }).waitFor(patience);

  it("the weights of PyTorch paint what they paint in Node", async () => {
    await begin(torch("unet32_net_G.pth"), torch("unet32_net_D.pth"));
    await page.getByLabel("It takes").selectOption("facades");
    expect(await page.getByLabel("Name").inputValue()).toBe("unet32_net_G");
    expect(await violationsOf(page)).toEqual([]);
    await page.getByLabel("Name").fill("mine");
    await open();
    await title("mine");
    expect(await page.locator(".swatches .name").allTextContents()).toEqual(
      expect.arrayContaining(["facade", "window", "balcony"]),
    );
    const drawing = picture(32, 32, 3);
    const path = join(work, "drawing.png");
    writeFileSync(path, await images.encodePng(drawing));
    await page.click(".settings summary");
    await page.getByLabel("Size of uploaded pictures").selectOption("original");
    await page.setInputFiles(".pane input[type=file]", path);
    await page.waitForTimeout(50);
    await page.locator(".output[aria-busy=false]").waitFor(patience);
    expect([...(await pixels(".sheet canvas"))]).toEqual([...drawing.data]);
    const translator = await openWeightsFile(torch("unet32_net_G.pth"), {}, await nodePlatform({ threads: 1 }));
    const expected = await translator.translate(drawing, { name: "drawing" }, { preprocess: "none" });
    await translator.close();
    const painted = await pixels(".output canvas");
    const apart = expected.data.map((value, i) => Math.abs(value - painted[i]!));
    expect(Math.max(...apart)).toBeLessThanOrEqual(1);
    expect(apart.filter((level) => level > 0).length / apart.length).toBeLessThan(0.01);
    expect(new Set(expected.data).size).toBeGreaterThan(20);
  });

  it("a TensorFlow checkpoint is its index with its data; without the data a sentence says so", async () => {
    await begin(exchanged("tutorial.index"));
    await open();
    await problem(/tutorial\.data-00000-of-00001 does not exist/);
    await page.setInputFiles("input[name=model]", [
      exchanged("tutorial.index"),
      exchanged("tutorial.data-00000-of-00001"),
    ]);
    await open();
    await title("tutorial");
    expect(await page.locator(".any-colour").count()).toBe(1);
  });

  it("files without a generator and damaged ones are refused, and leave no run", async () => {
    const damaged = join(work, "damaged.pth");
    writeFileSync(damaged, readFileSync(torch("unet32_net_G.pth")).subarray(0, 3000));
    for (const [file, said] of [
      [torch("unet32_net_D.pth"), /there is no generator, only a discriminator/],
      [damaged, /damaged\.pth/],
      [join(work, "drawing.png"), /drawing\.png is no file of weights: it looks like a picture/],
    ] as const) {
      await begin(file);
      await open();
      await problem(said);
      expect(await page.locator("dialog .notice.bad").textContent()).not.toMatch(/ --[a-z]/);
      await page.getByRole("button", { name: "Close" }).click();
    }
    const names = await page.locator("select[aria-label=Generator] option").allTextContents();
    expect(names.sort()).toEqual(["Facades, drawn by rules", "mine", "tutorial"]);
  });

  it("a model that the studio has no pictures for is refused, and leaves no run", async () => {
    const options = {
      ...parseConfig({ dataroot: "none", name: "seven", netG: "unet_64", cropSize: 64, loadSize: 64, ngf: 1 }),
      inputNc: 7,
    };
    const file = join(work, "seven.safetensors");
    writeFileSync(file, Buffer.concat([...encode(weightTensors(generatorState(options)))]));
    await begin(file);
    await open();
    await problem(/This model takes pictures of 7 channels, and the studio has pictures of at most 4\.$/);
    await page.keyboard.press("Escape");
    await begin(exchanged("tutorial.data-00000-of-00001"));
    await open();
    await problem(/Choose its \.index file, too\.$/);
    await page.keyboard.press("Escape");
    expect(await runs()).toEqual(["mine", "tutorial"]);
  });

  it("names: those of other runs are refused at once, and characters that a folder must not have are replaced", async () => {
    await begin(torch("unet32_net_G.pth"));
    const name = page.getByLabel("Name");
    const said = () => page.locator("dialog .option-problem").textContent();
    for (const [given, expected] of [
      ["mine", "A run of this name exists already."],
      ["..", "Expected a name with a letter or a digit."],
    ] as const) {
      await name.fill(given);
      expect(await said()).toBe(expected);
      await open();
    }
    expect(await violationsOf(page)).toEqual([]);
    await page.evaluate(async () => {
      const runs = await (await navigator.storage.getDirectory()).getDirectoryHandle("runs");
      await runs.getDirectoryHandle("left over", { create: true });
    });
    await name.fill("left over");
    await name.press("Enter");
    await problem(/There is a run "left over" already\. Choose another name, or delete it on the page Train\./);
    await forget("left over");
    await name.fill(" ");
    await open();
    expect(await name.evaluate((input) => (input as HTMLInputElement).validity.patternMismatch)).toBe(true);
    await name.fill("a/b #1?");
    await open();
    await title("a-b #1-");
    expect(await page.evaluate(() => location.hash)).toBe("#/studio/a-b%20%231-");
    expect(await runs()).toEqual(["a-b #1-", "mine", "tutorial"]);
    await forget("a-b #1-");
  });

  it("a long name fits a phone", async () => {
    const size = page.viewportSize()!;
    await page.setViewportSize({ width: 390, height: 800 });
    const name = "w".repeat(100);
    await begin(torch("unet32_net_G.pth"));
    await page.getByLabel("Name").fill(name);
    await page.keyboard.press("Enter");
    await title(name);
    for (const route of ["#/studio", "#/runs", `#/runs/${name}`, `#/train/${name}`]) {
      await page.evaluate((hash) => location.assign(hash), route);
      await page
        .locator("main:not([hidden])")
        .getByText(name)
        .first()
        .waitFor({ ...patience, state: "attached" });
      expect(await page.evaluate(() => document.documentElement.scrollWidth), route).toBeLessThanOrEqual(390);
    }
    await expect.poll(() => page.inputValue("#run-choice"), patience).toBe(name);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await forget(name);
    await page.setViewportSize(size);
    await page.evaluate(() => location.assign("#/studio"));
  });

  it("a dialog that is closed ends the reading, and leaves no run and the page where the user has gone to", async () => {
    const options = parseConfig({ dataroot: "none", name: "large", netG: "unet_256", ngf: 24 });
    const file = join(work, "large.safetensors");
    writeFileSync(file, Buffer.concat([...encode(weightTensors(generatorState(options)))]));
    const workers = page.workers().length;
    await begin(file);
    await open();
    await page.getByRole("button", { name: "Reading…" }).waitFor(patience);
    // The run is being written: it is complete when it has its options.
    await expect.poll(runs, { ...patience, interval: 10 }).toContain("large");
    expect(page.workers().length).toBe(workers + 1);
    await page.keyboard.press("Escape");
    await page.evaluate(() => location.assign("#/runs"));
    await expect.poll(() => page.workers().length, patience).toBe(workers);
    await expect.poll(runs, patience).toEqual(["mine", "tutorial"]);
    expect(await page.evaluate(() => location.hash)).toBe("#/runs");
    await page.evaluate(() => location.assign("#/studio"));
  });

  it("a project that exists is refused by its name, and opens under another", async () => {
    const project = join(work, "project.zip");
    const bytes = await page.evaluate(async () => {
      const runs = await (await navigator.storage.getDirectory()).getDirectoryHandle("runs");
      const run = await runs.getDirectoryHandle("mine");
      const found: [string, number[]][] = [];
      for await (const [name, handle] of run.entries()) {
        const file = await (handle as FileSystemFileHandle).getFile();
        found.push([name, [...new Uint8Array(await file.arrayBuffer())]]);
      }
      return found;
    });
    writeFileSync(
      project,
      zipSync(Object.fromEntries(bytes.map(([name, content]) => [name, Uint8Array.from(content)]))),
    );
    // A reading that waits for the run of its name, and is cancelled, leaves that run.
    const release = await page.evaluateHandle(
      () =>
        new Promise<() => void>((resolve) => {
          void navigator.locks.request("pix2pix runs/.mine.lock", () => new Promise<void>(resolve));
        }),
    );
    const waiting = () => page.evaluate(async () => (await navigator.locks.query()).pending!.length);
    await begin(project);
    await open();
    await expect.poll(waiting, patience).toBe(1);
    await page.keyboard.press("Escape");
    await expect.poll(waiting, patience).toBe(0);
    await release.evaluate((end) => end());
    await begin(project);
    await open();
    await problem(/There is a run "mine" already\. Delete it on the page Train, or give the new one another name/);
    await page.getByLabel(/^Name/).fill("mine again");
    await open();
    await title("mine again");
    expect(await page.locator(".swatches .name").allTextContents()).toContain("balcony");
    await forget("mine again");
    // A run of a sweep has its name in a folder, and pages show no runs in folders.
    const content = new Map(bytes.map(([file, values]) => [file, Uint8Array.from(values)]));
    const config = JSON.parse(Buffer.from(content.get("config.json")!).toString()) as object;
    content.set("config.json", Buffer.from(JSON.stringify({ ...config, name: "grid/lambda-l1=10" })));
    writeFileSync(join(work, "swept.zip"), zipSync(Object.fromEntries(content)));
    await begin(join(work, "swept.zip"));
    await open();
    await title("grid-lambda-l1=10");
    expect(await runs()).toEqual(["grid-lambda-l1=10", "mine", "tutorial"]);
    await forget("grid-lambda-l1=10");
  });

  it("a model that takes the name of one that another tab has deleted is shown with its own palette", async () => {
    for (const kind of ["lines", "facades"]) {
      await begin(torch("unet32_net_G.pth"));
      await page.getByLabel("It takes").selectOption(kind);
      await page.getByLabel("Name").fill("again");
      await expect.poll(() => page.locator("dialog .option-problem").textContent(), patience).toBe("");
      await open();
      await title("again");
      const colour = kind === "lines" ? "ink" : "balcony";
      await page.locator(".swatches .name").filter({ hasText: colour }).waitFor(patience);
      await forget("again");
    }
    await page.evaluate(() => location.assign("#/runs"));
    await page.evaluate(() => location.assign("#/studio"));
    await page
      .locator("h1")
      .filter({ hasText: "again" })
      .waitFor({ ...patience, state: "detached" });
  });

  it("an example of the inputs gives the palette", async () => {
    const flat = { width: 64, height: 64, channels: 3, data: new Uint8Array(64 * 64 * 3).fill(200) };
    for (let i = 0; i < flat.data.length / 2; i += 3) flat.data.set([10, 120, 30], i);
    const path = join(work, "flat.png");
    writeFileSync(path, await images.encodePng(flat));
    await begin(torch("unet32_net_G.pth"));
    await page.getByLabel("It takes").selectOption("example");
    await page.setInputFiles("input[name=example]", path);
    await open();
    await title("unet32_net_G");
    expect((await page.locator(".swatches .name").allTextContents()).sort()).toEqual(["#0a781e", "#c8c8c8"]);
    // It is on the sheet, in the size of the model: green above, grey below.
    const sheet = await pixels(".sheet canvas");
    expect([...sheet.subarray(0, 3), ...sheet.subarray(-3)]).toEqual([10, 120, 30, 200, 200, 200]);
    expect(sheet.length).toBe(256 * 256 * 3);
    await page.locator(".output[aria-busy=false] canvas").waitFor(patience);
  });

  it("what it takes can be changed later, in the settings", async () => {
    await page.click(".settings summary");
    const takes = page.getByLabel("Inputs of this model");
    expect(await takes.locator("option").first().textContent()).toBe("pictures like the example");
    await takes.selectOption("cityscapes");
    await page.locator(".swatches .name").filter({ hasText: "traffic sign" }).waitFor(patience);
    await page.reload();
    await title("unet32_net_G");
    await page.locator(".swatches .name").filter({ hasText: "traffic sign" }).waitFor(patience);
    await page.click(".settings summary");
    expect(await takes.inputValue()).toBe("cityscapes");
    expect(await page.locator(".settings > p").textContent()).toBe(`${assumed}.`);
    await page.locator(".output[aria-busy=false] canvas").waitFor(patience);
    expect(await violationsOf(page)).toEqual([]);
  });

  it("a file that is dropped on the studio opens the dialog, and an opened model is a run like others", async () => {
    const bytes = [...readFileSync(torch("unet32_net_G.pth"))];
    const data = await page.evaluateHandle((content) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from(content)], "dropped.pth"));
      return transfer;
    }, bytes);
    await page.click("#open-model");
    // On the dialog itself.
    await page.dispatchEvent("dialog h2", "drop", { dataTransfer: data });
    await expect.poll(() => page.getByLabel("Name").inputValue()).toBe("dropped");
    await page.keyboard.press("Escape");
    await page.locator("dialog").waitFor({ ...patience, state: "detached" });
    await page.dispatchEvent(".bench", "drop", { dataTransfer: data });
    expect(await page.getByLabel("Name").inputValue()).toBe("dropped");
    await open();
    await title("dropped");
    await page.evaluate(() => location.assign("#/runs"));
    const card = page.locator("#runs .run-card").filter({ hasText: "dropped" });
    await card.filter({ hasText: "imported" }).waitFor(patience);
    expect(await page.locator("#runs .run-card h2").allTextContents()).toEqual([
      "dropped",
      "mine",
      "tutorial",
      "unet32_net_G",
    ]);
    await card.getByRole("link", { name: "dropped", exact: true }).click();
    await page
      .locator("#runs [aria-live=polite]")
      .filter({ hasText: "weights from a file, without losses and samples" })
      .waitFor(patience);
    await page.getByRole("link", { name: "Translate pictures, save it as a file" }).waitFor(patience);
    expect(await page.getByText("The first sample comes").count()).toBe(0);
    expect(await violationsOf(page)).toEqual([]);
  });

  it("the page that trains takes it, too, and says what the tensors show", async () => {
    await page.evaluate(() => location.assign("#/train"));
    const latest = join(work, "latest_net_G.pth");
    writeFileSync(latest, readFileSync(torch("unet32_net_G.pth")));
    await page.setInputFiles("#pick-files", latest);
    await page.locator("#state").filter({ hasText: "Imported without its training state" }).waitFor(patience);
    expect(await page.inputValue("#run-choice")).toBe("model");
    await page
      .locator("#notes")
      .filter({ hasText: "model: read off the tensors: netG unet_32, ngf 1" })
      .waitFor(patience);
    await page
      .locator("#notes")
      .filter({ hasText: `model: ${assumed}` })
      .waitFor(patience);
    await page.setInputFiles("#translate-file", join(work, "drawing.png"));
    await page.locator("#result canvas").nth(1).waitFor(patience);
    await page.setInputFiles("#pick-files", join(work, "swept.zip"));
    await expect.poll(() => page.inputValue("#run-choice"), patience).toBe("grid-lambda-l1=10");
  });

  it("where the storage is full, no page leaves a half-written run", async () => {
    const cdp = await page.context().newCDPSession(page);
    const { origin } = new URL(page.url());
    const usage = await page.evaluate(async () => (await navigator.storage.estimate()).usage!);
    // 10 of the 30 MB of the run.
    await cdp.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: usage + 1e7 });
    const before = await runs();
    await page.evaluate(() => location.assign("#/studio"));
    const full = /storage for this site is full\. Delete runs or data sets/;
    await begin(join(work, "large.safetensors"));
    await open();
    await problem(full);
    expect(await runs()).toEqual(before);
    await page.keyboard.press("Escape");
    await page.evaluate(() => location.assign("#/train"));
    await page.setInputFiles("#pick-files", join(work, "large.safetensors"));
    await page.locator("#problem").filter({ hasText: full }).waitFor(patience);
    expect(await runs()).toEqual(before);
  });
});
