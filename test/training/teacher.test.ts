/** A generator that learns the outputs of a trained one (--distill). */
import { describe, expect, it } from "vitest";
import { ConfigError } from "../../src/errors.ts";
import { openTranslator } from "../../src/inference/open.ts";
import { inits } from "../../src/nn/init.ts";
import { Random } from "../../src/random.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { modelOptions } from "../options.ts";
import { expectSame, ownRuns, patience, platform } from "./runs.ts";

const { checkpointsDir, dirOf, read, resume, start } = ownRuns();

const student = { ngf: 1, lambdaL1: 0, distill: "whole", lambdaDistill: 10 };

describe("a student", () => {
  it("has as its loss the distance to the teacher's pictures", async () => {
    const shape = { n: 1, height: 32, width: 32 };
    const model = modelOptions({ netG: "unet_32", ngf: 1, ndf: 2, netD: "pixel", lambdaL1: 0, lambdaDistill: 7 });
    const trainer = new Trainer(platform, { model, seed: 1, threads: 1 }, shape);
    for (const net of [trainer.netG, trainer.netD]) net.initialise(inits.normal, 0.2, 1);
    const picture = (seed: number) => {
      const random = new Random(seed, "picture", 0);
      return Float32Array.from({ length: 3 * 32 * 32 }, () => random.float() * 2 - 1);
    };
    const teacher = picture(3);
    await trainer.step({ A: picture(1), B: picture(2), teacher, ...shape }, { step: 1, lr: 2e-4 });
    const fake = await trainer.fakeB();
    const distance = fake.reduce((sum, value, i) => sum + Math.abs(value - teacher[i]!), 0) / fake.length;
    const [losses] = await trainer.losses();
    expect(losses!.G_Distill! / (7 * distance)).toBeCloseTo(1, 5);
    await trainer.close();
  });

  it("comes near to its teacher, and goes on exactly after a stop", { timeout: patience }, async () => {
    await start("student", { ...student, maxSteps: 60, lr: 0.002, noDropout: true, lambdaGan: 0, saveEpochFreq: 100 });
    const losses = read("student", "loss_log.jsonl")
      .toString()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).G_Distill);
    const mean = (from: number) => losses.slice(from, from + 10).reduce((sum: number, v: number) => sum + v, 0) / 10;
    expect(mean(50)).toBeLessThan(0.7 * mean(0));
    await start("student-whole", { ...student, maxSteps: 7 });
    await start("student-parts", { ...student, maxSteps: 7 }, { stopAfter: 4 });
    await resume("student-parts");
    expectSame(dirOf("student-parts"), dirOf("student-whole"));
    const translator = await openTranslator({ name: "student", checkpointsDir }, platform);
    expect(translator.config.ngf).toBe(1);
    await translator.close();
  });

  it("is refused for a teacher of other pictures, and without one", { timeout: patience }, async () => {
    const swapped = start("student-swapped", { ...student, direction: "BtoA" });
    await expect(swapped).rejects.toThrow(ConfigError);
    await expect(swapped).rejects.toThrow(/--distill whole: that run has other pictures \(direction AtoB, here BtoA\)/);
    await expect(start("student-alone", { ...student, distill: "nobody" })).rejects.toThrow(/no run "nobody"/);
  });
});
