/** pix2pix test */
import * as z from "zod";
import { option, parseOptions } from "../../config/options.ts";
import { configSchema } from "../../config/schema.ts";
import type { Loader } from "../../data/loader.ts";
import type { Palette } from "../../data/palette.ts";
import { PairReader } from "../../data/reader.ts";
import { ConfigError } from "../../errors.ts";
import { unknownData } from "../../exchange/describe.ts";
import type { FeatureScoring } from "../../features/scorer.ts";
import { openTestSet, paletteOfTargets, type TestSet } from "../../inference/evaluate.ts";
import type { Translator } from "../../inference/translator.ts";
import type { Command, Output } from "../command.ts";
import { featureFacts, featureTestOptions, openFeatures } from "../feature-scores.ts";
import { namedPalette, paletteChoices } from "../palette.ts";
import { Counter } from "../progress.ts";
import { metricLines, writeResults } from "../results.ts";
import { otherOptions, ownOptions, storedOptions } from "../runs.ts";
import { epochOption, openForTest, testTimeOptions } from "../test-time.ts";

const { name, checkpointsDir, skipUnpaired, skipBadImages, features, lpips, featureResize } = configSchema.shape;

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
    help: "test only this many pairs, the first ones",
  }),
  skipUnpaired,
  skipBadImages,
  resultsDir: option(z.string().min(1).default("results"), {
    group: "results",
    value: "FOLDER",
    help: "folder for NAME/PHASE_EPOCH/ with the pictures, metrics.json and index.html",
  }),
  keepSize: option(z.boolean().default(false), {
    group: "results",
    help: "resize the saved pictures to the size of their input's file; the scores stay those at the network's size",
  }),
  palette: option(z.string().min(1).optional(), {
    group: "results",
    value: `auto|${paletteChoices}`,
    help: "for label maps: score classes, each pixel by the nearest of these colours; auto uses the colours of the targets",
  }),
  ...{ features, lpips, featureResize },
  ...featureTestOptions,
  ...testTimeOptions,
});

/** The PyTorch repository limits a test by either option. */
const sizeOfSet = configSchema.pick({ maxDatasetSize: true });

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
    "npx pix2pix test --name facades --features squeezenet.safetensors --lpips squeeze.safetensors",
  ],
  async run(given, output) {
    const options = ownOptions(schema, given);
    if (options.keepSize && options.aspectRatio !== undefined) {
      throw new ConfigError("--keep-size and --aspect-ratio both say what the pictures look like; give one of them");
    }
    const { maxDatasetSize, ...others } = otherOptions(schema, given);
    const count = options.numTest ?? parseOptions(sizeOfSet, { maxDatasetSize }).maxDatasetSize;
    const { translator, platform, fit } = await openForTest(options, others, output);
    let features: FeatureScoring | undefined;
    try {
      features = await openFeatures(options, platform, output);
      const { preprocess, aspectRatio } = fit;
      if ((options.dataroot ?? translator.config.dataroot) === unknownData) {
        throw new ConfigError("--dataroot is missing: imported weights do not say on which pairs they were trained");
      }
      const set = await openTestSet(translator.config, { ...options, count, preprocess }, platform);
      for (const note of set.notes) output.note(`note: ${note}`);
      if (features && set.pairs.length < 2) {
        throw new ConfigError(
          `--features: KID and FID compare sets of at least two pictures; the test has ${set.pairs.length}`,
        );
      }
      const palette = await paletteOf(options.palette, translator, set.loader, output);
      const reader = new PairReader(translator.config, platform);
      const counter = new Counter(process.stdout, set.pairs.length, "pictures");
      const { name } = translator.config;
      const results = await writeResults(
        { translator, loader: set.loader, platform },
        {
          folder: `${options.resultsDir}/${name}/${set.phase}_${options.epoch}`,
          title: `${name}: ${set.phase}`,
          facts: { ...factsOf(translator, set, options), ...featureFacts(features) },
          ...{ samples: options.samples, palette, features, aspectRatio },
          sizeOf: options.keepSize ? (index) => reader.inputSize(set.pairs[index]!) : undefined,
          onPair: () => counter.done(),
        },
      );
      counter.clear();
      for (const [file, reason] of set.loader.skipped) output.note(`left out: ${file}: ${reason}`);
      const { pairs, scores, secondsPerImage, page } = results;
      const speed = `${pairs.length} images, ${secondsPerImage.toPrecision(3)} s each`;
      output.print(`${name}, epoch ${options.epoch}, ${set.phase}: ${speed}`);
      for (const line of metricLines(results, scores)) output.print(line);
      output.print(`Pictures and the metrics of each: ${page}`);
      return 0;
    } finally {
      await features?.extractor.close();
      await translator.close();
    }
  },
};

/** Run, data set and settings of the test, for the page and metrics.json. */
function factsOf(
  { config, dropout, statistics, seed }: Translator,
  { phase, dataroot, layout, preprocess }: TestSet,
  { epoch, samples }: { epoch: string; samples: number },
): Readonly<Record<string, string | number>> {
  return {
    ...{ run: config.name, epoch, phase, dataroot, layout, direction: config.direction },
    ...{ preprocess, dropout, statistics },
    ...(dropout === "on" && { samples, seed }),
  };
}

/** The palette of --palette. @throws ConfigError for auto where the targets are no label maps */
async function paletteOf(
  name: string | undefined,
  { config }: Translator,
  loader: Loader,
  output: Output,
): Promise<Palette | undefined> {
  if (name === undefined) return undefined;
  if (name !== "auto") return namedPalette(name);
  const palette = await paletteOfTargets(config, loader);
  if (palette.length < 2)
    throw new ConfigError("--palette auto: the targets are no label maps, of few colours; name a palette");
  output.print(`palette of the targets: ${palette.length} colours`);
  return palette;
}
