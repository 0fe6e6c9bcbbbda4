/** WASM in a browser: one shape of every op (all of them are in conformance.long.test.ts), and steps in the runtime's own memory. */
import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { inChromium, sharePage } from "./browser/chromium.ts";
import { checkWasm } from "./browser/conformance.ts";
import type { Harness } from "./browser/harness.ts";

declare const pix2pix: Harness;

inChromium("conformance", () => {
  let page: Page;
  sharePage({
    entry: "test/web/browser/harness.ts",
    use: (opened) => {
      page = opened;
    },
  });

  it("WASM gives what the CPU gives: one shape of every op", () => checkWasm(page, { every: false }), 300_000);

  it.each([
    { netG: "resnet_6blocks", norm: "instance" },
    { ema: 0.5, spectralNorm: true, ganMode: "hinge" },
    { accumulate: 2, clipGrad: 0.1, diffAugment: "color,translation,cutout" },
  ] as const)("steps in the runtime's memory have the bytes of steps with copies, and free it: %o", async (chosen) => {
    const [copied, inPlace] = await page.evaluate(async (chosen) => {
      const { Trainer, inits, parseConfig, runtimeBase, toText, webPlatform } = pix2pix;
      const options = {
        dataroot: "none",
        netG: "unet_32" as const,
        ngf: 4,
        ndf: 4,
        cropSize: 32,
        loadSize: 32,
        ...chosen,
      };
      const model = parseConfig(options);
      const platform = await webPlatform({ runtimeBase });
      let [most, held] = [0, 0];
      const runtimeMemory = async () => {
        const memory = (await platform.runtimeMemory!())!;
        const allocate = (length: number) => {
          held += length;
          most = Math.max(most, held);
          return memory.allocate(length);
        };
        const free = (array: Float32Array) => {
          held -= array.length;
          memory.free(array);
        };
        return { ...memory, allocate, free };
      };
      const train = async (memory: Partial<typeof platform>) => {
        const sizes = [32, 32, 64, 32];
        const shapeOf = (size: number) => ({ n: 1, height: size, width: size });
        const trainer = new Trainer({ ...platform, ...memory }, { model, seed: 1, threads: 2 }, shapeOf(32));
        for (const net of [trainer.netG, trainer.netD]) net.initialise(inits.normal, 0.02, 1);
        const bytes = (...arrays: Float32Array[]) =>
          arrays.map((array) => toText(new Uint8Array(Float32Array.from(array).buffer)));
        for (const [i, size] of sizes.entries()) {
          const side = (turn: number) =>
            Float32Array.from({ length: 3 * size * size }, (_, k) => Math.sin(k * turn + i));
          const batch = { A: side(1), B: side(2), ...shapeOf(size) };
          await trainer.step(Array(model.accumulate).fill(batch), { step: i + 1, lr: 2e-3 });
        }
        const losses = JSON.stringify(await trainer.losses());
        const { netG, netD, shownG } = trainer;
        const all = [netG, netD].flatMap(({ adam, statistics }) => [
          adam.values,
          adam.gradients,
          adam.m,
          ...statistics.values(),
        ]);
        const shown = netG.specs.map((spec) => shownG.get(spec));
        const outcome = [losses, ...bytes(...all, ...shown, await trainer.fakeB())];
        await trainer.close();
        return outcome;
      };
      const copied = await train({ runtimeMemory: undefined });
      return [
        [...copied, "all of it"],
        [...(await train({ runtimeMemory })), most > 10_000 && held === 0 ? "all of it" : `${held} of ${most}`],
      ];
    }, chosen);
    expect(inPlace).toEqual(copied);
    expect(copied!.length).toBeGreaterThan(6);
  });

  it.each([1_073_000_000, 1_200_000_000])(
    "the runtime's memory has no room for %i values: what to do",
    async (values) => {
      const said = await page.evaluate(async (values) => {
        const platform = await pix2pix.webPlatform({ runtimeBase: pix2pix.runtimeBase });
        const { casesOf, evaluate, graphOf, valuesFor, variants } = pix2pix.conformance;
        const [any] = [...casesOf(variants(), "cpu").values()];
        // The runtime has a memory after its first session.
        await evaluate(platform, { name: "wasm", label: "wasm" }, graphOf(any!).program(), valuesFor(any!));
        const memory = (await platform.runtimeMemory!())!;
        try {
          memory.allocate(values);
        } catch (error) {
          return `${(error as Error).name}: ${(error as Error).message}`;
        }
        return "nothing";
      }, values);
      expect(said).toMatch(
        /^DeviceError: The memory of WebAssembly, 4 GB at most, has no 4\.[38]\d* GB left\. Take a smaller --crop-size/,
      );
    },
  );
});
