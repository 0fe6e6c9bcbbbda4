/**
 * Training in a real browser: the steps of PyTorch and of Node, runs in the browser's storage that stop and go on to
 * the same bytes, and what is said where threads or WebGPU are missing.
 */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { ConfigInput } from "../../src/config/schema.ts";
import { decode } from "../../src/formats/safetensors.ts";
import { evaluate, openTestSet, openTranslator, parseConfig, train } from "../../src/index.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { given, smallRun } from "../options.ts";
import { compareLosses, tight, updateError } from "../training/step-cases.ts";
import { inChromium, insecureHost, launch, openPage, site } from "./browser/chromium.ts";
import type { Harness } from "./browser/harness.ts";
import { cases, checkCase, download, latest, outcome, runFile, trainIn, writeDemo } from "./browser/training.ts";

declare const pix2pix: Harness;

const work = mkdtempSync(join(tmpdir(), "pix2pix-web-"));
const closing: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closing.reverse()) await close();
  rmSync(work, { recursive: true });
});

/** Batch 2 of 3 pairs: an epoch has two steps, the second on a single pair. */
const small = given({
  ...smallRun,
  dataroot: "data",
  saveLatestFreq: 2,
  maxSteps: 8,
});

inChromium("WASM", () => {
  let browser: Browser;
  let url: string;
  let page: Page;

  beforeAll(async () => {
    const built = await site("test/web/browser/harness.ts");
    browser = await launch();
    closing.push(built.close, () => browser.close());
    url = built.url;
    page = await openPage(browser, url);
    await writeDemo(page);
  }, 120_000);

  it.each(Object.keys(cases))("the steps of PyTorch: %s", (name) => checkCase(page, name, { 1: "wasm" }), 300_000);

  it("the steps of Node, on data that the browser drew, with the same random draws", async () => {
    await trainIn(page, { ...small, name: "whole" });
    const path = join(work, "node");
    for (const side of ["trainA", "trainB"]) {
      for (const i of [1, 2, 3]) {
        const file = `data/${side}/facade_000${i}.png`;
        mkdirSync(dirname(join(path, file)), { recursive: true });
        writeFileSync(join(path, file), await download(page, file));
      }
    }
    const config = parseConfig({ ...small, dataroot: join(path, "data"), checkpointsDir: path, name: "whole" });
    const losses: unknown[] = [];
    const initial = parseConfig({ ...config, name: "initial", maxSteps: 1, lr: 1e-30 });
    const platform = await nodePlatform({ threads: 1 });
    await train(initial, platform);
    await train(config, platform, { step: ({ step, losses: values }) => losses.push({ step, ...values }) });
    const log = (await runFile(page, "whole", "loss_log.jsonl")).toString().trim().split("\n");
    compareLosses(
      losses as never,
      log.map((line) => JSON.parse(line)),
      tight.loss,
    );
    for (const letter of ["G", "D"]) {
      const file = `latest_net_${letter}.safetensors`;
      const [from, expected] = ["initial", "whole"].map((name) => decode(readFileSync(join(path, name, file))).tensors);
      const actual = decode(await runFile(page, "whole", file)).tensors;
      const weights = Object.keys(actual).filter((name) => actual[name]!.shape.length === 4);
      expect(updateError(weights, from!, expected!, actual)).toBeLessThan(tight.update);
    }
  });

  it("a run that is paused, outlives its page, and goes on: the same bytes", async () => {
    const paused = await trainIn(page, { ...small, name: "paused" }, { pauseAfter: 1 });
    expect(paused.stopped).toBe(true);
    expect(paused.step).toBeLessThan(8);
    await page.reload();
    expect(await trainIn(page, { name: "paused" }, { resume: true })).toMatchObject({ step: 8, stopped: false });
    const [got, expected] = [await outcome(page, "paused"), await outcome(page, "whole")];
    expect(got.map((text, i) => text === expected[i])).toEqual([true, true, true, true]);
  });

  /** Trains in another tab of the same browser until a step is done. */
  async function trainInTab(options: ConfigInput, until: number): Promise<Page> {
    const tab = await page.context().newPage();
    await tab.goto(url);
    await tab.evaluate(
      async ({ options, until }) => {
        const { client, parseConfig } = pix2pix;
        await new Promise<void>((resolve, reject) => {
          client.train(parseConfig(options), { step: ({ step }) => step === until && resolve() }).catch(reject);
        });
      },
      { options, until },
    );
    return tab;
  }

  it("a page that is closed in the middle of a run: it goes on from the last checkpoint to the same bytes", async () => {
    const tab = await trainInTab({ ...small, name: "closed" }, 3);
    await tab.close();
    expect(await trainIn(page, { name: "closed" }, { resume: true })).toMatchObject({ step: 8 });
    const [got, expected] = [await outcome(page, "closed"), await outcome(page, "whole")];
    expect(got.map((text, i) => text === expected[i])).toEqual([true, true, true, true]);
  });

  it("a run that another tab trains is left to it", async () => {
    const tab = await trainInTab({ ...small, name: "busy", maxSteps: 10_000, nEpochs: 10_000 }, 2);
    await expect(trainIn(page, { name: "busy" }, { resume: true })).rejects.toThrow(
      /busy is being trained in another tab/,
    );
    await tab.close();
  });

  it("the ONNX file gives in onnxruntime-node what Node's own translation gives; the browser's too", async () => {
    const folder = join(work, "downloaded/whole");
    mkdirSync(folder, { recursive: true });
    for (const file of ["config.json", latest[0]!])
      writeFileSync(join(folder, file), await runFile(page, "whole", file));
    const text = await page.evaluate(async () => {
      const bytes = await pix2pix.client.exportOnnx({ name: "whole", checkpointsDir: "runs" });
      return pix2pix.toText(bytes);
    });
    const platform = await nodePlatform({ threads: 1 });
    const translator = await openTranslator(
      { name: "whole", checkpointsDir: dirname(folder), dropout: "off" },
      platform,
    );
    const picture = await platform.images.decode(await download(page, "data/testA/facade_0001.png"));
    const real = Float32Array.from(picture.data, (_, i) => {
      const [channel, at] = [Math.floor(i / (64 * 64)), i % (64 * 64)];
      return picture.data[at * 3 + channel]! / 127.5 - 1;
    });
    const expected = await translator.run(real, 1, 64, 64);
    const session = await InferenceSession.create(Buffer.from(text, "base64"));
    expect([session.inputNames, session.outputNames]).toEqual([["real_A"], ["fake_B"]]);
    const { fake_B } = await session.run({ real_A: new Tensor("float32", real, [1, 3, 64, 64]) });
    const values = fake_B!.data as Float32Array;
    expect(Math.max(...values.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-5);
    expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(0.01);

    const shown = await page.evaluate(async () => {
      const { client, files, images, toText } = pix2pix;
      const generator = await client.openTranslator({ name: "whole", checkpointsDir: "runs", dropout: "off" });
      const picture = await generator.translate(await images.decode(await files.read("data/testA/facade_0001.png")));
      await generator.close();
      return toText(picture.data);
    });
    const inNode = await translator.translate(picture);
    await translator.close();
    const difference = [...Buffer.from(shown, "base64")].map((value, i) => Math.abs(value - inNode.data[i]!));
    expect(Math.max(...difference)).toBeLessThanOrEqual(1);
  });

  it("scores pairs in the browser as Node does, on the same weights and pictures", async () => {
    const options = { checkpointsDir: join(work, "downloaded"), name: "whole", dropout: "off" } as const;
    const platform = await nodePlatform({ threads: 1 });
    const translator = await openTranslator(options, platform);
    const dataroot = join(work, "node/data");
    const { loader } = await openTestSet(translator.config, { dataroot, phase: "train" }, platform);
    const expected = await evaluate(translator, loader);
    await translator.close();
    const got = await page.evaluate(async () => {
      const { client } = pix2pix;
      const translator = await client.openTranslator({ name: "whole", checkpointsDir: "runs", dropout: "off" });
      const found = await translator.evaluate({ phase: "train" });
      const failed = await translator.evaluate({ phase: "val" }).catch((error: Error) => error.name);
      await translator.close();
      return { ...found, failed };
    });
    expect(got.failed).toBe("DatasetError");
    expect(got.pairs.map(({ name }) => name)).toEqual(["facade_0001", "facade_0002", "facade_0003"]);
    expect(expected.mean.l1).toBeGreaterThan(0.05);
    // A value that lies between two grey levels may be rounded to either.
    for (const [i, { name, metrics }] of expected.pairs.entries()) {
      expect(got.pairs[i]!.name).toBe(name);
      for (const key of ["l1", "psnr", "ssim", "sharpness"] as const) {
        expect(Math.abs(got.pairs[i]!.metrics[key] / metrics[key] - 1), `${name} ${key}`).toBeLessThan(1e-3);
      }
    }
    for (const channel of ["L", "a", "b"] as const) {
      expect(got.labIntersection![channel]).toBeCloseTo(expected.labIntersection![channel], 2);
    }
  });

  it("without cross-origin isolation: one thread, and it says so", async () => {
    const built = await site("test/web/browser/harness.ts", { isolated: false });
    closing.push(built.close);
    const plain = await openPage(browser, built.url);
    await writeDemo(plain);
    const found = await plain.evaluate(() => pix2pix.client.capabilities);
    expect(found).toMatchObject({ isolated: false, threads: 1 });
    expect(found.notes.join()).toMatch(/not cross-origin isolated.*one thread/);
    const { said, step } = await trainIn(plain, { ...small, name: "plain", maxSteps: 1 });
    expect(step).toBe(1);
    expect(said.find((line) => line.startsWith("device"))).toMatch(/1 thread$/);
    expect(await page.evaluate(async () => (await pix2pix.client.capabilities).isolated)).toBe(true);
  });

  it("a page without https: it says that nothing can be stored", async () => {
    const insecure = await openPage(browser, url.replace("localhost", insecureHost));
    const { notes, message } = await insecure.evaluate(async (options) => {
      const { client, parseConfig } = pix2pix;
      const failed = await client
        .train(parseConfig(options))
        .catch((error: Error) => `${error.name}: ${error.message}`);
      return { notes: (await client.capabilities).notes, message: failed };
    }, small);
    expect(notes[0]).toMatch(/not on https or localhost/);
    expect(message).toMatch(/^UserError: cannot .*: the browser gives storage to pages on https or localhost only/);
  });

  it("WebGPU where there is none: WASM instead, and it says so", async () => {
    const { devices, notes } = await page.evaluate(() => pix2pix.client.capabilities);
    expect(devices.map(({ name, present }) => [name, present])).toEqual([
      ...[
        ["wasm", true],
        ["webgpu", false],
      ],
    ]);
    expect(notes[0]).toMatch(/no WebGPU/);
    const { said, step } = await trainIn(page, { ...small, name: "fallback", maxSteps: 1, device: "webgpu" });
    expect(step).toBe(1);
    expect(said[0]).toMatch(/^WASM on the CPU is used instead of WebGPU: this browser offers no WebGPU here/);
    expect(said.find((line) => line.startsWith("device"))).toMatch(/wasm/);
  });

  it("errors keep their class and words", async () => {
    const error = await page.evaluate(async () => {
      const { client, parseConfig } = pix2pix;
      const failed = await client.train(parseConfig({ dataroot: "nothing", name: "none" })).catch((e: Error) => e);
      return failed instanceof Error ? { name: failed.name, message: failed.message } : undefined;
    });
    expect(error).toEqual({
      name: "DatasetError",
      message: expect.stringMatching(/^the dataroot nothing does not exist/),
    });
  });
});
