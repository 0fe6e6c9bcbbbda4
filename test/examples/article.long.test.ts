/** The training loop of examples/article.ts, with and without the article's mistakes. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { articleOptions, trainArticle } from "../../examples/article/training.ts";
import { parseOptions } from "../../src/config/options.ts";
import { writeDemo } from "../../src/demo/write.ts";
import { decode } from "../../src/formats/safetensors.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { workFolder } from "../work-folder.ts";

const work = workFolder("article");
const platform = await nodePlatform({ threads: 1 });

it("the loop goes on exactly; each mistake changes what it names", { timeout: 60_000 }, async () => {
  const dataroot = join(work, "data");
  await writeDemo(platform, dataroot, { train: 3, test: 1, size: 40, seed: 1 });
  const small = { netG: "unet_32", netD: "pixel", ngf: "2", size: "32", threads: "1", dataroot };
  const train = async (more: Record<string, string | true>) =>
    trainArticle(parseOptions(articleOptions, { ...small, ...more }), platform, () => {});
  const weights = (out: string) =>
    decode(new Uint8Array(readFileSync(join(out, "article/latest_net_G.safetensors"))), out).tensors;
  const [whole, parts] = [join(work, "whole"), join(work, "parts")];
  const right = await train({ out: whole, epochs: "2" });
  await train({ out: parts, epochs: "1" });
  const again = await train({ out: parts, epochs: "2" });
  const withoutTime = (history: typeof right) => history.map(({ seconds: _, ...values }) => values);
  expect(withoutTime(again)).toEqual(withoutTime(right));
  expect(weights(parts)).toEqual(weights(whole));
  await expect(train({ out: parts, epochs: "3", ngf: "3" })).rejects.toThrow(/trained with other options \(ngf\)/);

  const first = right[0]!.first!;
  const [slip] = await train({ out: whole, epochs: "1", targetCondition: true });
  expect(slip!.first).toMatchObject({ G_L1: first.G_L1, D_real: first.D_real, D_fake: first.D_fake });
  expect(slip!.first!.G_GAN).not.toBe(first.G_GAN);
  const [independent] = await train({ out: whole, epochs: "1", independent: true });
  // G sees the same input, but another photo stands beside it.
  expect(independent!.first!.D_fake).toBe(first.D_fake);
  expect(independent!.first!.G_L1).not.toBe(first.G_L1);
  expect(independent!.first!.D_real).not.toBe(first.D_real);
});
