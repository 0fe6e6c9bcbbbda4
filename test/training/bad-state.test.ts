/** Numbers that are not finite and wrong checkpoints: each is named, and nothing that was saved is lost. */

import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/config/schema.ts";
import { writeDemo } from "../../src/demo/write.ts";
import { CheckpointError, UserError } from "../../src/errors.ts";
import { decode, encode, type StoredTensor } from "../../src/formats/safetensors.ts";
import { files } from "../../src/node/files.ts";
import { images } from "../../src/node/images.ts";
import { Run } from "../../src/run/run.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { expectSame, latest, outcome, ownRuns, platform, small } from "./runs.ts";

const { checkpointsDir, dataroot, dirOf, read, resume, start, work } = ownRuns();

describe("bad numbers", () => {
  it("a loss that is not finite stops the run; the checkpoint before is intact and the run goes on from it", async () => {
    await start("spoilt", { maxSteps: 3 });
    const before = outcome(dirOf("spoilt"));
    const message = /Step 4: a loss is not finite.*The checkpoint of step 3 is intact.*smaller --lr \(now 1e\+30\)/;
    await expect(resume("spoilt", { maxSteps: 7, lr: 1e30 })).rejects.toThrow(message);
    expect(outcome(dirOf("spoilt"))[latest[2]!] === before[latest[2]!]).toBe(true);
    await resume("spoilt", { maxSteps: 7, lr: 0.0002 });
    expectSame(dirOf("spoilt"), dirOf("whole"));
  });

  it("weights that are not finite are not saved over good ones", async () => {
    cpSync(dirOf("whole"), dirOf("infinite"), { recursive: true });
    const run = new Run(files, { checkpointsDir, name: "infinite" });
    const shape = { n: 2, height: 64, width: 64 };
    const trainer = new Trainer(platform, { model: parseConfig({ dataroot, ...small }), seed: 5, threads: 1 }, shape);
    const progress = await run.restore(trainer);
    trainer.netD.adam.values[77] = Number.POSITIVE_INFINITY;
    await expect(run.saveLatest(trainer, progress)).rejects.toThrow(/weights of netD are no longer finite.*intact/);
    expectSame(dirOf("infinite"), dirOf("whole"));
  });

  it("a NaN in the first weights is reported at the first step", async () => {
    const { tensors } = decode(Uint8Array.from(read("whole", latest[0]!)));
    (tensors["model.model.0.weight"]!.data as Float32Array)[3] = Number.NaN;
    const initG = await stored("nan.safetensors", tensors);
    await expect(start("nan", { initG, maxSteps: 2 })).rejects.toThrow(/Step 1: a loss is not finite/);
    // Nothing was saved, so the name is free.
    expect(await start("nan", { maxSteps: 1 })).toMatchObject({ step: 1 });
  });
});

async function stored(name: string, tensors: Record<string, StoredTensor>): Promise<string> {
  const path = join(work, name);
  await files.write(path, encode(tensors));
  return path;
}

describe("a wrong checkpoint", () => {
  it.each(latest)("%s truncated, of another program, or missing, is named", async (file) => {
    const name = `bad-${file}`;
    cpSync(dirOf("whole"), dirOf(name), { recursive: true });
    const path = join(dirOf(name), file);
    const whole = readFileSync(path);
    const contents: [string | Uint8Array, RegExp][] = [
      [whole.subarray(0, whole.length - 4), /truncated/],
      [whole.subarray(0, 100), /truncated/],
      ["", /not a safetensors file: it is empty/],
      ["PK\x03\x04 and so on", /not a safetensors file: it looks like a zip, such as a PyTorch \.pth/],
    ];
    for (const [content, message] of contents) {
      writeFileSync(path, content);
      const error = await resume(name).catch((e) => e);
      expect(error).toBeInstanceOf(CheckpointError);
      expect(error.message).toMatch(message);
      expect(error.message).toContain(path);
    }
    rmSync(path);
    await expect(resume(name)).rejects.toThrow(`${path} does not exist`);
    writeFileSync(path, whole);
    expect(await resume(name)).toMatchObject({ step: 7 });
  });

  it("first weights of another architecture: the first tensor that differs, with both shapes", async () => {
    const initG = join(dirOf("whole"), latest[0]!);
    const initD = join(dirOf("whole"), latest[1]!);
    const begin = (options: object) =>
      start("misfit", { maxSteps: 1, ...options }).catch((error) => String(error.message));
    expect(await begin({ initG, ngf: 3 })).toMatch(
      /latest_net_G\.safetensors is of another architecture: it has model\.model\.0\.weight F32 \[2,3,4,4\], expected F32 \[3,3,4,4\]/,
    );
    expect(await begin({ initD, netD: "n_layers", nLayersD: 2 })).toMatch(
      /latest_net_D\.safetensors is of another architecture: it has model\.8\.weight F32 \[16,8,4,4\], expected F32 \[1,8,4,4\]/,
    );
    expect(await begin({ initG, norm: "none" })).toMatch(
      /is of another netG: it has .*\.2\.bias \[4\], which this network/,
    );
    expect(await begin({ initG, norm: "instance" })).toMatch(/it has no .*bias, expected F32 \[\d+\]/);
    expect(await begin({ initG: initD })).toMatch(
      /holds a discriminator .* expected a generator\. Give the other file/,
    );
    expect(existsSync(dirOf("misfit"))).toBe(false);
    expect(await begin({ initG, initD })).toMatchObject({ step: 1 });
  });

  it("a run that exists is neither overwritten nor mixed with other data", async () => {
    await expect(start("whole", { maxSteps: 9 })).rejects.toThrow(/whole exists already.*--continue-train/);
    cpSync(dirOf("whole"), dirOf("moved"), { recursive: true });
    await writeDemo({ files, images }, join(work, "more"), { train: 6, test: 0, size: 64, seed: 1 });
    const error = await resume("moved", { dataroot: join(work, "more"), maxSteps: 9 }).catch((e) => e);
    expect(error).toBeInstanceOf(UserError);
    expect(error.message).toMatch(/trained on 5 pairs, .*more has 6/);
    expectSame(dirOf("moved"), dirOf("whole"));
  });
});
