/** Pictures that keep their own sizes, some of which the networks cannot take. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parseConfig } from "../../src/config/schema.ts";
import { ConfigError, DeviceError } from "../../src/errors.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { Random } from "../../src/random.ts";
import { sampleLoader } from "../../src/training/samples.ts";
import { train } from "../../src/training/train.ts";
import { workFolder } from "../work-folder.ts";

const work = workFolder("sizes");
const platform = await nodePlatform({ threads: 1 });

/** Pairs of noise of these sides, and a training on them with their own sizes. */
async function trained(name: string, sides: readonly number[], memory?: number): Promise<Error> {
  const random = new Random(1, name, 0);
  for (const [i, side] of sides.entries()) {
    const data = Uint8Array.from({ length: 3 * side ** 2 }, () => random.int(256));
    const png = await platform.images.encodePng({ width: side, height: side, channels: 3, data });
    for (const folder of ["A", "B"]) await platform.files.write(join(work, name, folder, `${i}.png`), png);
  }
  const own = { preprocess: "none", serialBatches: true, netG: "unet_32", ngf: 2, ndf: 2, threads: 1 } as const;
  const config = parseConfig({
    dataroot: join(work, name),
    name,
    checkpointsDir: join(work, "runs"),
    ...own,
    maxSteps: 9,
  });
  return train(config, { ...platform, memory: memory ?? platform.memory }).then(
    () => new Error("no error was thrown"),
    (error) => error,
  );
}

it("names the file whose size the discriminator cannot take, at the start and in an epoch, after a save", async () => {
  const message = (name: string, i: number) =>
    `--netD basic: its map is empty for pictures of 8x8 (width x height), such as ${join(work, name)}/A/${i}.png; expected ` +
    "pictures of at least 24";
  const first = await trained("first", [8, 64]);
  expect(first).toBeInstanceOf(ConfigError);
  expect(first.message).toContain(message("first", 0));
  expect(existsSync(join(work, "runs/first"))).toBe(false);
  const later = await trained("later", [64, 64, 8]);
  expect(later).toBeInstanceOf(ConfigError);
  expect(later.message).toContain(message("later", 2));
  expect(existsSync(join(work, "runs/later/latest_state.safetensors"))).toBe(true);
});

it("refuses a later pair that needs more memory than there is, after a save", async () => {
  const error = await trained("large", [64, 64, 512], 20e6);
  expect(error).toBeInstanceOf(DeviceError);
  expect(error.message).toMatch(
    /\/A\/2\.png: .* at 512x512 px needs \d+ MB of memory or more .*, but this machine has 20 MB\./,
  );
  expect(existsSync(join(work, "runs/large/latest_state.safetensors"))).toBe(true);
});

it.each([
  ["scale_width", { width: 64, height: 32 }],
  ["scale_width_and_crop", { width: 32, height: 32 }],
] as const)("samples have the scale of training with --preprocess %s", async (preprocess, size) => {
  // Each column is 2 levels lighter than the one to its left, at half the size 4 levels.
  const data = Uint8Array.from({ length: 3 * 128 * 64 }, (_, i) => 2 * (Math.floor(i / 3) % 128));
  const png = await platform.images.encodePng({ width: 128, height: 64, channels: 3, data });
  for (const side of ["A", "B"]) await platform.files.write(join(work, preprocess, side, "x.png"), png);
  const options = { netG: "unet_32", loadSize: 64, cropSize: 32 } as const;
  const config = parseConfig({ dataroot: join(work, preprocess), preprocess, ...options });
  const { A, width, height } = await (await sampleLoader(config, platform)).batch(1, 0);
  expect({ width, height }).toEqual(size);
  expect((A[20]! - A[10]!) * 127.5).toBeCloseTo(10 * 4, 0);
});
