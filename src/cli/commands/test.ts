/** pix2pix test */
import * as z from "zod";
import { option } from "../../config/options.ts";
import { configSchema } from "../../config/schema.ts";
import { Loader, wholePictures } from "../../data/loader.ts";
import { derivedSides, findPairs } from "../../data/pairs.ts";
import { collectPalette, type Palette } from "../../data/palette.ts";
import { outputPicture } from "../../data/sides.ts";
import { ConfigError } from "../../errors.ts";
import type { Picture } from "../../platform.ts";
import type { Command } from "../command.ts";
import { namedPalette, paletteChoices } from "../palette.ts";
import { Counter } from "../progress.ts";
import { metricLines, writeResults } from "../results.ts";
import { openStoredRun, otherOptions, ownOptions, storedConfig, storedOptions } from "../runs.ts";
import { epochOption, testTime, testTimeOptions } from "../test-time.ts";

const { name, checkpointsDir, skipUnpaired, skipBadImages } = configSchema.shape;

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
  resultsDir: option(z.string().min(1).default("results"), {
    group: "results",
    value: "FOLDER",
    help: "where NAME/PHASE_EPOCH/ with the pictures, metrics.json and index.html goes",
  }),
  palette: option(z.string().min(1).optional(), {
    group: "results",
    value: `auto|${paletteChoices}`,
    help: "for label maps: score classes by the nearest of these colours; auto takes those of the targets",
  }),
  ...testTimeOptions,
});

export const test: Command = {
  name: "test",
  summary: "compare a run's outputs with their targets: pictures, metrics, a page",
  schema,
  ofRun: storedOptions,
  examples: [
    "npx pix2pix test --name facades",
    "npx pix2pix test --name facades --phase val --num-test 20 --epoch 100",
    "npx pix2pix test --name labels --eval --palette cityscapes",
    "npx pix2pix test --name facades --samples 10",
  ],
  async run(given, output) {
    const options = ownOptions(schema, given);
    const { settings, fit, notes } = testTime(options, await storedConfig(options.checkpointsDir, options.name));
    for (const note of notes) output.note(`note: ${note}`);
    const others = otherOptions(schema, given);
    const { translator, platform } = await openStoredRun({ ...options, ...settings }, others, output);
    const run = translator.config;
    const { phase, epoch, skipUnpaired, skipBadImages } = options;
    const dataroot = options.dataroot ?? run.dataroot;
    const derived = Object.keys(derivedSides(run.datasetMode)).length > 0;
    const datasetMode = options.datasetMode ?? (options.dataroot && !derived ? "auto" : run.datasetMode);
    try {
      const found = await findPairs(platform.files, dataroot, {
        phase,
        datasetMode,
        skipUnpaired,
        maxDatasetSize: options.numTest,
      });
      for (const note of found.notes) output.note(`note: ${note}`);
      const preprocess = fit.preprocess ?? run.preprocess;
      const whole = { ...run, ...wholePictures({ ...run, preprocess }) };
      const loader = new Loader(found.pairs, { ...whole, skipBadImages, cacheBytes: 0 }, platform);
      const palette = options.palette === "auto" ? await ofTargets(loader) : await named(options.palette);
      const counter = new Counter(process.stdout, found.pairs.length, "pictures");
      const results = await writeResults(
        { translator, loader, platform },
        {
          names: found.pairs.map((pair) => pair.name),
          folder: `${options.resultsDir}/${run.name}/${phase}_${epoch}`,
          title: `${run.name}: ${phase}`,
          facts: {
            ...{ run: run.name, epoch, phase, dataroot, layout: found.layout, direction: run.direction },
            ...{ preprocess: whole.preprocess, dropout: translator.dropout, statistics: translator.statistics },
            ...(translator.dropout === "on" && { samples: options.samples, seed: translator.seed }),
          },
          samples: options.samples,
          palette,
          aspectRatio: fit.aspectRatio,
        },
        () => counter.done(),
      );
      counter.clear();
      for (const [file, reason] of loader.skipped) output.note(`left out: ${file}: ${reason}`);
      const { rows, means, scores, secondsPerImage, page } = results;
      output.print(
        `${run.name}, epoch ${epoch}, ${phase}: ${rows.length} images, ${secondsPerImage.toPrecision(3)} s each`,
      );
      for (const line of metricLines(means, scores)) output.print(line);
      output.print(`Pictures and the metrics of each: ${page}`);
      return 0;
    } finally {
      await translator.close();
    }

    /** The colours of the first targets. */
    async function ofTargets(loader: Loader): Promise<Palette> {
      const targets: Picture[] = [];
      for (let index = 0; index < Math.min(50, loader.batchesPerEpoch); index++) {
        const { A, B, height, width } = await loader.batch(0, index);
        targets.push(outputPicture(B, A, run, height, width));
      }
      const palette = collectPalette(targets);
      if (palette.length < 2)
        throw new ConfigError("--palette auto: the targets are no label maps, of few colours; name a palette");
      output.print(`palette of the targets: ${palette.length} colours`);
      return palette;
    }
  },
};

const named = async (palette: string | undefined) => (palette === undefined ? undefined : namedPalette(palette));
