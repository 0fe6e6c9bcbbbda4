/** pix2pix test */
import * as z from "zod";
import { configSchema } from "../config.ts";
import { Loader } from "../data/loader.ts";
import { findPairs } from "../data/pairs.ts";
import { option } from "../options.ts";
import type { Command } from "./command.ts";
import { Counter } from "./progress.ts";
import { metricLines, writeResults } from "./results.ts";
import { openStoredRun, otherOptions, ownOptions, storedOptions } from "./runs.ts";
import { epochOption } from "./translate.ts";

const { name, checkpointsDir, skipUnpaired, skipBadImages, noDropout, device, threads } = configSchema.shape;

const schema = z.object({
  name,
  checkpointsDir,
  epoch: epochOption,
  dataroot: option(z.string().min(1).optional(), {
    group: "data",
    value: "FOLDER",
    absent: "the run's",
    help: "folder of the pairs",
  }),
  phase: option(z.string().min(1).default("test"), {
    group: "data",
    value: "NAME",
    help: "subfolder of the dataroot: test, val, train, ...",
  }),
  datasetMode: option(configSchema.shape.datasetMode.unwrap().optional(), {
    group: "data",
    absent: "the run's",
    help: "layout of the dataroot",
  }),
  numTest: option(z.int().min(1).optional(), {
    group: "data",
    unit: "pairs",
    absent: "all",
    help: "test only the first so many pairs",
  }),
  skipUnpaired,
  skipBadImages,
  noDropout,
  resultsDir: option(z.string().min(1).default("results"), {
    group: "results",
    value: "FOLDER",
    help: "where NAME/PHASE_EPOCH/ with the pictures, metrics.json and index.html goes",
  }),
  device,
  threads,
});

export const test: Command = {
  name: "test",
  summary: "compare a run's outputs with their targets: pictures, metrics, a page",
  schema,
  ofRun: storedOptions,
  examples: [
    "npx pix2pix test --name facades",
    "npx pix2pix test --name facades --phase val --num-test 20 --epoch 100",
  ],
  async run(given, output) {
    const options = ownOptions(schema, given);
    const { translator, platform } = await openStoredRun(options, otherOptions(schema, given), output);
    const run = translator.config;
    const { phase, epoch, skipUnpaired, skipBadImages } = options;
    const dataroot = options.dataroot ?? run.dataroot;
    const datasetMode = options.datasetMode ?? (options.dataroot ? "auto" : run.datasetMode);
    try {
      const found = await findPairs(platform.files, dataroot, {
        phase,
        datasetMode,
        skipUnpaired,
        maxDatasetSize: options.numTest,
      });
      for (const note of found.notes) output.note(`note: ${note}`);
      // The whole picture at the size that the network knows, without jitter, as upstream tests.
      const preprocess = run.preprocess === "none" ? "none" : "resize_and_crop";
      const whole = { preprocess, loadSize: run.cropSize, noFlip: true, serialBatches: true, batchSize: 1 } as const;
      const loader = new Loader(found.pairs, { ...run, ...whole, skipBadImages, cacheBytes: 0 }, platform);
      const counter = new Counter(process.stdout, found.pairs.length, "pictures");
      const results = await writeResults(
        { translator, loader, platform },
        {
          names: found.pairs.map((pair) => pair.name),
          folder: `${options.resultsDir}/${run.name}/${phase}_${epoch}`,
          title: `${run.name}: ${phase}`,
          facts: { run: run.name, epoch, phase, dataroot, layout: found.layout, direction: run.direction },
        },
        () => counter.done(),
      );
      counter.clear();
      for (const [file, reason] of loader.skipped) output.note(`left out: ${file}: ${reason}`);
      const { rows, means, secondsPerImage, page } = results;
      output.print(
        `${run.name}, epoch ${epoch}, ${phase}: ${rows.length} images, ${secondsPerImage.toPrecision(3)} s each`,
      );
      for (const line of metricLines(means)) output.print(line);
      output.print(`Pictures and the metrics of each: ${page}`);
      return 0;
    } finally {
      await translator.close();
    }
  },
};
