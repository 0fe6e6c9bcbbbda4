/** pix2pix test */
import * as z from "zod";
import { option, parseOptions } from "../../config/options.ts";
import { type Config, configSchema } from "../../config/schema.ts";
import type { Loader } from "../../data/loader.ts";
import type { Palette } from "../../data/palette.ts";
import { PairReader } from "../../data/reader.ts";
import { partOf, type Shard } from "../../data/shard.ts";
import { outputPicture, showsColour } from "../../data/sides.ts";
import { ConfigError } from "../../errors.ts";
import { nameOf, unknownData } from "../../exchange/describe.ts";
import type { FeatureScoring } from "../../features/scorer.ts";
import { listTestSet, openTestSet, paletteOfTargets, type TestSet } from "../../inference/evaluate.ts";
import type { Fit } from "../../inference/fit.ts";
import { openJudge } from "../../inference/judge.ts";
import { Tally } from "../../inference/tally.ts";
import type { Translator } from "../../inference/translator.ts";
import { files } from "../../node/files.ts";
import type { Platform } from "../../platform.ts";
import { lockPart, lockResults, refuseOtherResults } from "../../run/results.ts";
import { counted } from "../../text.ts";
import type { Command, Output } from "../command.ts";
import { compareOptions, compareRuns, type TestedPictures, type TestedRun } from "../compare.ts";
import { checkSetSizes, featureFacts, featureTestOptions, openFeatures } from "../feature-scores.ts";
import { jsonLine, jsonLinesOption, onStandardError } from "../json-lines.ts";
import { namedPalette, paletteChoices } from "../palette.ts";
import { writePatchMaps } from "../patch-maps.ts";
import { loadImages, loadPlatform } from "../platform.ts";
import { Counter } from "../progress.ts";
import { type Heading, metricLines, type Results, scorePairs, writeSummary } from "../results.ts";
import { otherOptions, ownOptions, storedConfig, storedOptions } from "../runs.ts";
import { shardOf, shardOption } from "../shard.ts";
import { beginPart, donePart, mergeParts, partName, weightsDigest, writePart } from "../test-parts.ts";
import { epochOption, openForTest, refuseTwoSizes, testTimeOptions } from "../test-time.ts";

const { name, checkpointsDir, skipUnpaired, skipBadImages, features, lpips, featureResize } = configSchema.shape;

const schema = z.object({
  name,
  checkpointsDir,
  ...compareOptions,
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
  shard: shardOption,
  skipExisting: option(z.boolean().default(false), {
    group: "parts",
    help: "with --shard: skip a part that is already done with these weights and settings",
  }),
  merge: option(z.boolean().default(false), {
    group: "parts",
    help: "combine the parts of --shard: the scores and the page are those of a test without parts",
  }),
  jsonLines: jsonLinesOption,
  resultsDir: option(z.string().min(1).default("results"), {
    group: "results",
    value: "FOLDER",
    help: "folder for NAME/PHASE_EPOCH/ with the pictures, metrics.json and index.html",
  }),
  keepSize: option(z.boolean().default(false), {
    group: "results",
    help: "resize the saved pictures to the size of their input's file; the scores stay those at the network's size",
  }),
  patchMap: option(z.boolean().default(false), {
    group: "results",
    help: "also write where the run's discriminator takes outputs and targets for real, patch by patch: images/NAME_patches.png",
  }),
  palette: option(z.string().min(1).optional(), {
    group: "results",
    value: `auto|${paletteChoices}`,
    help: "for label maps: score classes, each pixel by the nearest of these colours; auto uses the colours of the targets",
  }),
  features,
  lpips,
  featureResize,
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
    "npx pix2pix test --compare facades facades_resnet",
    "npx pix2pix test --name facades --features squeezenet.safetensors --lpips squeeze.safetensors",
    "npx pix2pix test --name facades --shard 2/4",
    "npx pix2pix test --name facades --merge",
  ],
  async run(given, terminal) {
    const parsed = ownOptions(schema, given);
    const { weights } = parsed;
    const options = weights === undefined || given.name !== undefined ? parsed : { ...parsed, name: nameOf(weights) };
    refuseTwoSizes(options);
    const output = options.jsonLines ? onStandardError(terminal) : terminal;
    const { compare } = options;
    if (compare !== undefined && (options.merge || options.shard !== undefined || options.jsonLines)) {
      throw new ConfigError("--compare tests whole runs: leave out --merge, --shard and --json-lines");
    }
    if (compare !== undefined && weights !== undefined) {
      throw new ConfigError("--compare tests runs, and --weights is a file; create a run from it with pix2pix import");
    }
    if (options.patchMap && (options.shard !== undefined || options.merge || weights !== undefined)) {
      throw new ConfigError(
        "--patch-map needs the discriminator and all pairs of a run: leave out --shard, --merge and --weights",
      );
    }
    if (options.patchMap && options.keepSize) {
      throw new ConfigError("--patch-map judges pictures at the network's size; leave out --keep-size");
    }
    if (options.merge) return merge(options, output);
    const shard = shardOf(options.shard, output);
    const { maxDatasetSize, ...others } = otherOptions(schema, given);
    const count = options.numTest ?? parseOptions(sizeOfSet, { maxDatasetSize }).maxDatasetSize;
    const each = { ...options, numTest: count };
    if (compare !== undefined) {
      const one = (run: Pick<Options, "name" | "epoch">) =>
        withOpenedTest({ ...each, ...run }, others, output, testedRun);
      const look = (run: string) => picturesOf(run, each);
      return compareRuns({ ...options, compare, seed: options.compareSeed }, look, one, output);
    }
    const work = (opened: OpenedTest): Promise<unknown> => (shard ? testPart(opened, shard) : testAll(opened));
    await withOpenedTest(each, others, output, work, shard);
    return 0;
  },
};

/**
 * Opens a run, its pairs and the feature network for `work`, and closes them.
 * @param shard the part that is to be done; default: all pairs
 * @throws UserError before anything is written, where another run of the same name has its results there, and where another process
 *   writes them
 */
async function withOpenedTest<T>(
  options: Options,
  others: Readonly<Record<string, unknown>>,
  output: Output,
  work: (opened: OpenedTest) => Promise<T>,
  shard?: Shard,
): Promise<T> {
  const run = await openForTest(options, others, output);
  const { translator, platform, fit } = run;
  const folder = folderOf(options);
  let features: FeatureScoring | undefined;
  let release: (() => Promise<void>) | undefined;
  try {
    await refuseOtherResults(files, folder, sourceOf(options));
    release = await (shard ? lockPart(files, folder, partName(shard)) : lockResults(files, folder));
    features = await openFeatures(options, platform, output);
    refuseUnknownData(options, translator.config);
    const choice = { ...options, count: options.numTest, preprocess: fit.preprocess };
    const set = await openTestSet(translator.config, choice, platform);
    for (const note of set.notes) output.note(`note: ${note}`);
    if (features) checkSetSizes(features, set.pairs.length, options.samples);
    const palette = await paletteOf(options.palette, translator, set.loader, output);
    return await work({ ...run, options, set, palette, features, output });
  } finally {
    await release?.();
    await features?.extractor.close();
    await translator.close();
  }
}

/** @throws ConfigError for a run of imported weights, which names no pairs, without --dataroot */
function refuseUnknownData({ dataroot }: Pick<Options, "dataroot">, config: Pick<Config, "dataroot">): void {
  if ((dataroot ?? config.dataroot) !== unknownData) return;
  throw new ConfigError("--dataroot is missing: imported weights do not say on which pairs they were trained");
}

/** The pictures on which a run would be tested. Its weights are not read. */
async function picturesOf(name: string, options: Options): Promise<TestedPictures> {
  const config = await storedConfig(options.checkpointsDir, name);
  refuseUnknownData(options, config);
  const access = { files, images: await loadImages() };
  const { loader, dataroot, pairs } = await listTestSet(config, { ...options, count: options.numTest }, access);
  const { width, height } = await loader.size();
  const targetOf = async (index: number) => {
    const { A, B, height, width, names } = await loader.batch(1, index);
    return names[0] === loader.names[index] ? outputPicture(B, A, config, height, width) : undefined;
  };
  return {
    dataroot,
    names: loader.names,
    targets: pairs.map(targetSide(config)),
    size: `${width}x${height}`,
    targetOf,
  };
}

const targetSide =
  ({ direction }: Pick<Config, "direction">) =>
  ({ A, B }: TestSet["pairs"][number]) =>
    direction === "AtoB" ? B : A;

type Options = z.output<typeof schema>;

interface OpenedTest {
  translator: Translator;
  platform: Platform;
  fit: Fit;
  options: Options;
  set: TestSet;
  palette: Palette | undefined;
  features: FeatureScoring | undefined;
  output: Output;
}

const folderOf = ({ resultsDir, name, phase, epoch }: Pick<Options, "resultsDir" | "name" | "phase" | "epoch">) =>
  `${resultsDir}/${name}/${phase}_${epoch}`;

const sourceOf = ({ weights, checkpointsDir, name }: Pick<Options, "weights" | "checkpointsDir" | "name">) =>
  weights ?? `${checkpointsDir}/${name}`;

const headingOf = ({ translator, set, options, features }: OpenedTest): Heading => ({
  title: `${translator.config.name}: ${set.phase}`,
  facts: { ...factsOf(translator, set, options), ...featureFacts(features) },
  source: sourceOf(options),
});

const testedRun = async (work: OpenedTest): Promise<TestedRun> => ({
  results: await testAll(work),
  facts: headingOf(work).facts,
});

async function testAll(work: OpenedTest): Promise<Results> {
  const { options, set, platform, output } = work;
  const judge = options.patchMap ? await openJudge(options, platform) : undefined;
  try {
    const { tally, rows } = await scoreShown(work, set.pairs, set.loader);
    const results = await writeSummary(files, folderOf(options), headingOf(work), tally, rows);
    printResults(results, options, set.loader.skipped, output);
    if (judge) await writePatchMaps(judge, results, platform, output, counterOf(options, rows.length, "maps"));
    return results;
  } finally {
    await judge?.close();
  }
}

/** Scores one part and stores its scores for --merge. */
async function testPart(work: OpenedTest, shard: Shard): Promise<void> {
  const { translator, options, set, palette, output } = work;
  const folder = folderOf(options);
  const common = {
    ...headingOf(work),
    weights: await weightsDigest(options),
    names: set.pairs.map(({ name }) => name),
    colours: showsColour(translator.config),
    palette,
  };
  const which = `Part ${shard.index} of ${shard.count}`;
  const merging = "When all parts are done, pix2pix test --merge puts them together.";
  if (options.skipExisting && (await donePart(folder, shard, common))) {
    output.print(`${which} is done already. ${merging}`);
    return;
  }
  await beginPart(folder, shard, sourceOf(options));
  const pairs = partOf(set.pairs, ({ name }) => name, shard);
  const loader = pairs.length > 0 ? set.loaderOf(pairs) : undefined;
  const nothing = { tally: new Tally(common), rows: [] };
  const scored = !loader
    ? nothing
    : await scoreShown(work, pairs, loader).catch((error: unknown) => {
        // The other parts may have pairs that can be decoded.
        if (options.skipBadImages && loader.skipped.size === pairs.length) return nothing;
        throw error;
      });
  const skipped = [...(loader?.skipped ?? [])];
  await writePart(folder, { ...common, shard, tally: scored.tally.state(), rows: scored.rows, skipped });
  for (const [file, reason] of skipped) output.note(`left out: ${file}: ${reason}`);
  output.print(`${which}: ${scored.rows.length} of ${set.pairs.length} pairs, in ${folder}. ${merging}`);
}

/** Shows progress; with --json-lines on standard error, because standard output has only the lines. */
const counterOf = ({ jsonLines }: Options, total: number, what: string): Counter =>
  new Counter(jsonLines ? process.stderr : process.stdout, total, what);

/** Scores pairs and writes their pictures, with progress. */
async function scoreShown(
  { translator, platform, fit, options, palette, features }: OpenedTest,
  pairs: TestSet["pairs"],
  loader: Loader,
): ReturnType<typeof scorePairs> {
  const { jsonLines, keepSize, samples } = options;
  const reader = new PairReader(translator.config, platform);
  const counter = counterOf(options, pairs.length, "pictures");
  try {
    return await scorePairs(
      { translator, loader, platform },
      {
        folder: folderOf(options),
        samples,
        palette,
        features,
        aspectRatio: fit.aspectRatio,
        sizeOf: keepSize ? (index) => reader.inputSize(pairs[index]!) : undefined,
        onPair: ({ name, output, metrics }) => {
          if (jsonLines) jsonLine({ name, output, ...metrics });
          counter.done();
        },
      },
    );
  } finally {
    counter.clear();
  }
}

/** --merge */
async function merge(options: Options, output: Output): Promise<number> {
  const source = sourceOf(options);
  // Parts can be combined on a machine that does not have the run.
  if (await files.exists(source)) await refuseOtherResults(files, folderOf(options), source);
  const release = await lockResults(files, folderOf(options));
  let features: FeatureScoring | undefined;
  try {
    features = await openFeatures(options, await loadPlatform({ threads: options.threads }), output);
    const { skipped, parts, ...results } = await mergeParts(folderOf(options), features);
    printResults(results, options, skipped, output);
    output.print(`Put together from ${parts} parts.`);
    return 0;
  } finally {
    await release();
    await features?.extractor.close();
  }
}

function printResults(
  results: Results,
  { name, epoch, phase }: Pick<Options, "name" | "epoch" | "phase">,
  skipped: Iterable<readonly [file: string, reason: string]>,
  output: Output,
): void {
  for (const [file, reason] of skipped) output.note(`left out: ${file}: ${reason}`);
  const { pairs, scores, secondsPerImage, page } = results;
  output.print(
    `${name}, epoch ${epoch}, ${phase}: ${counted(pairs.length, "image")}, ${secondsPerImage.toPrecision(3)} s each`,
  );
  for (const line of metricLines(results, scores)) output.print(line);
  output.print(`Pictures and the metrics of each: ${page}`);
}

/** Run, data set and settings of the test, for the page and metrics.json. */
function factsOf(
  { config, dropout, statistics, seed }: Translator,
  { phase, dataroot, layout, preprocess }: TestSet,
  { epoch, samples }: { epoch: string; samples: number },
): Readonly<Record<string, string | number>> {
  return {
    run: config.name,
    epoch,
    phase,
    dataroot,
    layout,
    direction: config.direction,
    preprocess,
    dropout,
    statistics,
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
    throw new ConfigError(
      "--palette auto: the targets have fewer than two flat colours, so they are no label maps; name a palette",
    );
  output.print(`palette of the targets: ${palette.length} colours`);
  return palette;
}
