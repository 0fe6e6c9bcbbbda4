/** The running average of G's weights (--ema): its values, its files, and who uses it. */
import { cpSync, existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { decode } from "../../src/formats/safetensors.ts";
import { openTranslator } from "../../src/inference/open.ts";
import { inits } from "../../src/nn/init.ts";
import { isTrainable } from "../../src/nn/parameters.ts";
import { Random } from "../../src/random.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { modelOptions } from "../options.ts";
import { expectSame, ownRuns, patience, platform } from "./runs.ts";

const { checkpointsDir, dirOf, read, resume, start } = ownRuns();

const average = (label: string) => `${label}_net_G_ema.safetensors`;

describe("the running average of G's weights", () => {
  it("is that of the formula, step by step in float64", { timeout: patience }, async () => {
    const shape = { n: 1, height: 32, width: 32 };
    const model = modelOptions({ netG: "unet_32", ngf: 1, ndf: 2, netD: "pixel", ema: 0.5 });
    const trainer = new Trainer(platform, { model, seed: 1, threads: 1 }, shape);
    for (const net of [trainer.netG, trainer.netD]) net.initialise(inits.normal, 0.2, 1);
    trainer.netG.startAverage();
    const specs = trainer.netG.specs.filter(isTrainable);
    const weights = () => specs.map((spec) => Float64Array.from(trainer.netG.get(spec)));
    const expected = weights();
    for (let step = 1; step <= 12; step++) {
      const random = new Random(2, "picture", step);
      const picture = () => Float32Array.from({ length: 3 * 32 * 32 }, () => random.float() * 2 - 1);
      await trainer.step({ A: picture(), B: picture(), ...shape }, { step, lr: 0.05 });
      // 2 / 11 after the first step, 0.5 from step 8 on: (1 + t) / (10 + t) reaches the decay.
      const kept = step < 8 ? (1 + step) / (10 + step) : 0.5;
      const now = weights();
      for (const [i, tensor] of expected.entries()) {
        for (let k = 0; k < tensor.length; k++) tensor[k] = kept * tensor[k]! + (1 - kept) * now[i]![k]!;
      }
    }
    const shown = trainer.shownG;
    for (const [i, spec] of specs.entries()) {
      const got = shown.get(spec);
      for (const [k, value] of expected[i]!.entries()) expect(got[k]).toBeCloseTo(value, 6);
    }
    expect(shown.get(specs[0]!)).not.toEqual(trainer.netG.get(specs[0]!));
    await trainer.close();
  });

  it("goes on exactly after a stop, and is kept beside the weights of each epoch", { timeout: patience }, async () => {
    await start("average", { maxSteps: 7, ema: 0.9 });
    await start("average-parts", { maxSteps: 7, ema: 0.9 }, { stopAfter: 4 });
    await resume("average-parts");
    expectSame(dirOf("average-parts"), dirOf("average"));
    for (const label of ["1", "2", "latest"]) expect(existsSync(join(dirOf("average"), average(label)))).toBe(true);
    // The weights themselves are those of a run without an average.
    expect(read("average", "latest_net_G.safetensors").equals(read("whole", "latest_net_G.safetensors"))).toBe(true);
  });

  it("is what a translator uses, unless the raw weights are asked for", { timeout: patience }, async () => {
    const open = async (name: string, rawWeights = false) => {
      const translator = await openTranslator({ name, checkpointsDir, rawWeights, dropout: "off" }, platform);
      const picture = { width: 64, height: 64, channels: 3, data: new Uint8Array(64 * 64 * 3).fill(90) };
      const { data } = await translator.translate(picture);
      await translator.close();
      return data;
    };
    const [shown, raw, whole] = [await open("average"), await open("average", true), await open("whole")];
    expect(raw).toEqual(whole);
    expect(shown).not.toEqual(raw);
  });

  it("of another step than the weights is refused", { timeout: patience }, async () => {
    await start("average-mixed", { maxSteps: 2, ema: 0.9 });
    cpSync(join(dirOf("average"), average("latest")), join(dirOf("average-mixed"), average("latest")));
    await expect(resume("average-mixed", { maxSteps: 4 })).rejects.toThrow(/ema\.safetensors is of step 7 .* step 2/);
    expect(decode(read("average-mixed", "latest_net_G.safetensors")).metadata.step).toBe("2");
  });
});
