/** pix2pix demo */

import { rm } from "node:fs/promises";
import * as z from "zod";
import { option } from "../../config/options.ts";
import { type Config, configSchema, parseConfig } from "../../config/schema.ts";
import { writeDemo } from "../../demo/write.ts";
import { ConfigError } from "../../errors.ts";
import { openTestSet } from "../../inference/evaluate.ts";
import { files } from "../../node/files.ts";
import { Run } from "../../run/run.ts";
import { counted, duration } from "../../text.ts";
import type { Command, Output } from "../command.ts";
import { loadImages } from "../platform.ts";
import { metricLines, type Results, writeResults } from "../results.ts";
import { folderFlag, openStoredRun, ownOptions } from "../runs.ts";
import { trainShown } from "../training.ts";

const { checkpointsDir, seed, device, threads } = configSchema.shape;
const name = "demo";
const pairs = { train: 250, test: 12 };
/**
 * A small network with the paper's objective, for minutes of training on two cores. The light comes from one side, so
 * pairs are not mirrored. With so few steps a higher learning rate that decays helps more than dropout.
 */
const network = { ngf: 24, ndf: 24, norm: "batch", noFlip: true, noDropout: true, lr: 6e-4 } as const;

const schema = z.object({
  dir: option(z.string().min(1).default("runs/demo-data"), {
    group: "demo",
    value: "FOLDER",
    help: "folder for the built-in pairs",
  }),
  steps: option(z.int().min(1).default(2000), { group: "demo", unit: "steps", help: "steps to train" }),
  size: option(z.enum(["32", "64", "128", "256"]).default("64"), {
    group: "demo",
    unit: "px",
    help: "width and height of the pictures",
  }),
  quiet: option(z.boolean().default(false), { group: "demo", help: "print only the result" }),
  checkpointsDir,
  seed,
  device,
  threads,
});

export const demo: Command = {
  name,
  summary: "train on built-in pairs for a minute or two and show what was learned",
  schema,
  examples: ["npx pix2pix demo", "npx pix2pix demo --steps 300 --size 32"],
  async run(given, output) {
    const { dir, steps, size: side, quiet, ...shared } = ownOptions(schema, given);
    const size = Number(side);
    const began = performance.now();
    const epochs = Math.ceil(steps / Math.min(pairs.train, steps));
    const decay = Math.floor((3 * epochs) / 8);
    const config = parseConfig({
      ...shared,
      ...network,
      name,
      dataroot: dir,
      ...{ loadSize: size, cropSize: size },
      netG: `unet_${side}`,
      maxSteps: steps,
      nEpochs: epochs - decay,
      nEpochsDecay: decay,
    });
    const images = await loadImages();
    // A run of few steps needs no more pairs than it sees.
    const { train, test } = { ...pairs, train: Math.min(pairs.train, steps) };
    const run = new Run(files, config);
    await run.locked(async () => {
      const replaced = await removeEarlier(run, dir);
      if (replaced && !quiet) output.print(`The earlier demo in ${run.dir} is replaced.`);
      await clear(dir);
      await writeDemo({ files, images }, dir, { train, test, size, seed: shared.seed });
    });
    if (!quiet) {
      output.print(
        `Drew ${counted(train, "pair")} of facades (label map and photo) to learn from, ${test} to try it on: ${dir}`,
      );
    }
    const end = await trainShown(config, output, { quiet });
    if (end.stopped && end.code !== 0) return end.code;

    const results = await writeDemoResults(config, { steps: end.step, size }, output);
    if (!quiet) {
      output.print(`Outputs on ${results.pairs.length} pairs it did not train on, against their targets:`);
      for (const line of metricLines(results)) output.print(line);
      output.print(`To draw with it: npx pix2pix serve${folderFlag(shared.checkpointsDir)}`);
      output.print(`Done in ${duration((performance.now() - began) / 1000)}. Input, output and target side by side:`);
    }
    output.print(results.page);
    return 0;
  },
};

/** Removes the run of an earlier demo. @returns whether there was one @throws ConfigError for a run on other pairs */
async function removeEarlier(run: Run, dataroot: string): Promise<boolean> {
  if (!(await run.isStarted())) return false;
  const earlier = await run.config();
  if (earlier.dataroot !== dataroot) {
    throw new ConfigError(
      `${run.dir} is a run on ${earlier.dataroot}, not an earlier demo; choose another --checkpoints-dir`,
    );
  }
  await rm(run.dir, { recursive: true });
  return true;
}

/** Scores the run on its test pairs. */
async function writeDemoResults(
  config: Config,
  { steps, size }: { steps: number; size: number },
  output: Output,
): Promise<Results> {
  const { translator, platform } = await openStoredRun(config, output);
  try {
    const { loader } = await openTestSet(config, {}, platform);
    return await writeResults(
      { translator, loader, platform },
      {
        folder: `${new Run(platform.files, config).dir}/results`,
        title: "pix2pix demo: facades from label maps",
        facts: { steps, network: config.netG, ngf: config.ngf, size },
      },
    );
  } finally {
    await translator.close();
  }
}

/** Removes the pairs of an earlier demo. @throws ConfigError where the folders hold anything else */
async function clear(dir: string): Promise<void> {
  for (const side of ["trainA", "trainB", "testA", "testB"]) {
    const found = (await files.list(`${dir}/${side}`)) ?? [];
    const other = found.find((entry) => entry.folder || !/^facade_\d+\.png(\.part)?$/.test(entry.name));
    if (other) {
      throw new ConfigError(
        `--dir: ${dir}/${side} holds ${other.name}, which the demo did not write; choose another folder`,
      );
    }
    for (const entry of found) await files.remove(`${dir}/${side}/${entry.name}`);
  }
}
