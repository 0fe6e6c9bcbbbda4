/**
 * The page as a user has it: pictures from a zip, training with a pause and a reload, samples, curves, use, downloads.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { InferenceSession, Tensor } from "onnxruntime-node";
import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { decode } from "../../src/formats/safetensors.ts";
import { images } from "../../src/node/images.ts";
import { fixture } from "../paths.ts";
import { inChromium, sharePage } from "./browser/chromium.ts";

const zip = fileURLToPath(fixture("pairs.zip"));
const patience = { timeout: 60_000 };

inChromium("the page", () => {
  let page: Page;
  sharePage({
    route: "#/train",
    use: (opened) => {
      page = opened;
    },
  });

  const state = (text: string | RegExp) => page.locator("#state").filter({ hasText: text }).waitFor(patience);
  const downloaded = async (button: string) => {
    const [file] = await Promise.all([page.waitForEvent("download", patience), page.click(button)]);
    return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) };
  };

  it("says what it computes on, and waits for pictures", async () => {
    await page
      .locator("#device")
      .filter({ hasText: /the CPU, \d+ thread/ })
      .waitFor(patience);
    await page.locator("#notes").filter({ hasText: "no WebGPU" }).waitFor(patience);
    expect(await page.isDisabled("#start")).toBe(true);
  });

  it("takes a zip, shows its pairs, and swaps them", async () => {
    await page.setInputFiles("#pick-files", zip);
    await page
      .locator("#pairs-text")
      .filter({ hasText: /^3 pairs/ })
      .waitFor(patience);
    const colours = () =>
      page.locator("#preview figure:first-child canvas").evaluateAll((all) =>
        all.map((canvas) => {
          const { data } = (canvas as HTMLCanvasElement).getContext("2d")!.getImageData(30, 40, 1, 1);
          return data[0]! > data[2]! ? "red" : "blue";
        }),
      );
    expect(await page.locator("#preview figure").count()).toBe(3);
    expect(await colours()).toEqual(["red", "blue"]);
    await page.click("#swap");
    await expect.poll(colours).toEqual(["blue", "red"]);
    await page.click("#swap");
    await expect.poll(colours).toEqual(["red", "blue"]);
  });

  it("something else than pictures is a message", async () => {
    await page.setInputFiles("#pick-files", fileURLToPath(import.meta.url));
    await page
      .locator("#problem")
      .filter({ hasText: /^No pictures among 1 file \(page\.test\.ts\): expected jpg/ })
      .waitFor(patience);
    await page.setInputFiles("#pick-files", { name: "empty.png", mimeType: "image/png", buffer: Buffer.alloc(0) });
    await page
      .locator("#problem")
      .filter({ hasText: /^The picture cannot be read, and no pair is left: empty\.png\./ })
      .waitFor(patience);
    await page.setInputFiles("#pick-files", zip);
    await page
      .locator("#pairs-text")
      .filter({ hasText: /^3 pairs/ })
      .waitFor(patience);
    expect(await page.isHidden("#problem")).toBe(true);
  });

  it("trains, outlives a reload, pauses, outlives another, and goes on to its end with samples and curves", async () => {
    await page.fill("input[name=steps]", "24");
    await page.fill("input[name=name]", "boxes: mine");
    const training = () =>
      page
        .locator("#facts")
        .filter({ hasText: /time left/ })
        .waitFor(patience);
    await page.click("#start");
    await training();
    await page.reload();
    await state("Started, nothing is saved yet.");
    await page.click("#resume");
    await training();
    await page.click("#pause");
    await state(/Paused at step \d+\./);
    await page.reload();
    await state(/Paused at step \d+\./);
    expect(await page.inputValue("#run-choice")).toBe("boxes- mine");
    await page.click("#resume");
    await state("Finished after 24 steps.");
    expect(await page.isHidden("#resume")).toBe(true);
    await page.locator("#sample-title").filter({ hasText: "Samples after epoch 8" }).waitFor(patience);
    // Three pairs of three pictures of 64 px with gaps of 4.
    const size = () =>
      page.$eval("#sample-picture", (img) => [
        (img as HTMLImageElement).naturalWidth,
        (img as HTMLImageElement).naturalHeight,
      ]);
    await expect.poll(size).toEqual([200, 200]);
    expect(await page.locator("#losses svg").count()).toBe(2);
  });

  it("translates, and downloads the picture, the network and the weights", async () => {
    await page.click("#translate-test");
    await page.locator("#result").waitFor(patience);
    const output = await downloaded("#save-picture");
    expect(await images.decode(output.bytes)).toMatchObject({ width: 64, height: 64, channels: 3 });

    const weights = await downloaded("#save-weights");
    expect(weights.name).toBe("boxes- mine_latest_net_G.safetensors");
    expect(Object.keys(decode(weights.bytes).tensors)).toContain("model.model.0.weight");
    const onnx = await downloaded("#save-onnx");
    expect(onnx.name).toBe("boxes- mine.onnx");
    const session = await InferenceSession.create(onnx.bytes);
    const { fake_B } = await session.run({
      real_A: new Tensor("float32", new Float32Array(3 * 64 * 64), [1, 3, 64, 64]),
    });
    expect(fake_B!.dims).toEqual([1, 3, 64, 64]);
    expect((fake_B!.data as Float32Array).every((value) => Math.abs(value) <= 1)).toBe(true);
  });

  it("deletes a run with its pictures", async () => {
    page.once("dialog", (dialog) => dialog.accept());
    await page.click("#delete-run");
    await page.locator("#start").filter({ visible: true }).waitFor(patience);
    expect(await page.isHidden("#use")).toBe(true);
    page.once("dialog", (dialog) => dialog.accept());
    await page.click(".storage summary");
    await page.getByRole("button", { name: /^Delete the pictures pairs/ }).click();
    await page.getByText("Nothing is stored.").waitFor(patience);
    const left = await page.evaluate(async () => {
      const names: string[] = [];
      const root = await navigator.storage.getDirectory();
      for (const folder of ["runs", "data"]) {
        const entries = (await root.getDirectoryHandle(folder)).keys();
        for await (const name of entries) names.push(`${folder}/${name}`);
      }
      return names;
    });
    expect(left).toEqual([]);
  });
});
