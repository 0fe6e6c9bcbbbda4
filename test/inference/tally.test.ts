import { expect, it } from "vitest";
import { Tally } from "../../src/inference/tally.ts";

it("takes a part of more pairs than a call takes arguments", () => {
  const metrics = { l1: 1, psnr: 2, ssim: 3, sharpness: 4 };
  const pairs = Array.from({ length: 300_000 }, (_, i) => ({ name: `${i}`, metrics, seconds: [0.5] }));
  const tally = new Tally({ colours: false });
  tally.merge({ pairs });
  const { mean, pairs: found } = tally.evaluation();
  expect([found.length, mean.l1]).toEqual([300_000, 1]);
});
