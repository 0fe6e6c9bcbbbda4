/** What a trainer refuses before a step changes its weights. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { ShapeError } from "../../src/errors.ts";
import { inits } from "../../src/nn/init.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { modelOptions } from "../options.ts";

const shape = { n: 1, height: 32, width: 32 };
const model = modelOptions({ netG: "unet_32", ngf: 2, netD: "pixel", ndf: 2, lambdaDistill: 1 });
const picture = (values = 3 * 32 * 32) => new Float32Array(values).fill(0.5);
const batch = { ...shape, A: picture(), B: picture(), teacher: picture() };
let trainer: Trainer;

beforeAll(async () => {
  trainer = new Trainer(await nodePlatform(), { model, seed: 0, threads: 1 }, shape);
  for (const net of [trainer.netG, trainer.netD]) net.initialise(inits.normal, 0.02, 0);
  await trainer.step(batch, { step: 1, lr: 2e-4 });
}, 60_000);
afterAll(() => trainer.close());

it.each([
  ["A", { A: picture(12) }],
  ["B", { B: picture(12) }],
  ["teacher", { teacher: picture(12) }],
])("a side %s of fewer values than the batch: those of an earlier batch would stay behind it", async (side, short) => {
  const step = trainer.step({ ...batch, ...short }, { step: 2, lr: 2e-4 });
  await expect(step).rejects.toThrow(ShapeError);
  await expect(step).rejects.toThrow(`The batch's ${side} has 12 values, expected 3072: [1, 3, 32, 32].`);
});

it("a batch without the teacher's pictures, where the loss compares with them", async () => {
  const { teacher: _, ...alone } = batch;
  await expect(trainer.step(alone, { step: 2, lr: 2e-4 })).rejects.toThrow("The batch's teacher has 0 values");
});

it("more batches than a step accumulates, of which only the last would count, and none", async () => {
  const take = (count: number) => trainer.step(Array(count).fill(batch), { step: 2, lr: 2e-4 });
  await expect(take(2)).rejects.toThrow("A step takes 1 to 1 batches (accumulate), got 2.");
  await expect(take(0)).rejects.toThrow("A step takes 1 to 1 batches (accumulate), got 0.");
});

it("a step before the first: Adam's step size would be infinite", async () => {
  await expect(trainer.step(batch, { step: 0, lr: 2e-4 })).rejects.toThrow("above 0 (momentsFrom), got 0.");
  await expect(trainer.step(batch, { step: 7, lr: 2e-4, momentsFrom: 7 })).rejects.toThrow("above 7");
});

it("a size that D cannot take, which later steps of other sizes do not meet again", async () => {
  const own = modelOptions({ netG: "unet_32", ngf: 1, netD: "basic", ndf: 1 });
  const other = new Trainer(await nodePlatform(), { model: own, seed: 0, threads: 1 }, shape);
  const take = (side: number, step: number) => {
    const values = picture(3 * side * side);
    return other.step({ A: values, B: values, n: 1, height: side, width: side }, { step, lr: 2e-4 });
  };
  await expect(take(8, 1)).rejects.toThrow(ShapeError);
  for (const [i, side] of [32, 33, 34, 35, 36, 37].entries()) expect(await take(side, i + 1)).toBe(1);
  await other.close();
});

it("so that only the first step leaves losses, and weights stay finite", async () => {
  const weights = [trainer.netG, trainer.netD].map(({ adam }) => adam.values.slice());
  expect((await trainer.losses()).length).toBe(1);
  expect(weights.every((values) => values.every(Number.isFinite))).toBe(true);
});
