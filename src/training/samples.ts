/** Strips of input, output and target of a few pairs after each epoch: `samples/epoch_NNN.png`. */
import type { Config } from "../config/schema.ts";
import { Loader, still, wholePictures } from "../data/loader.ts";
import { findPairs, type Pair } from "../data/pairs.ts";
import { evenlySpaced } from "../data/sample.ts";
import { DatasetError } from "../errors.ts";
import { translatePairs } from "../inference/evaluate.ts";
import { Translator } from "../inference/translator.ts";
import type { Picture, Platform } from "../platform.ts";
import { stack, strip } from "../report/compose.ts";
import type { Trainer } from "./trainer.ts";

/** Pairs of a strip. */
const samplePairs = 3;

export interface Samples {
  png: Uint8Array;
  /** Of the PNG, in pixels. */
  size: { width: number; height: number };
  pairs: { input: Picture; output: Picture }[];
}

/**
 * A PNG with a row for each of a few pairs, the same pairs every time, since progress is visible only on the same
 * pictures.
 * @throws DatasetError when the pairs cannot be read
 */
export async function drawSamples(config: Config, platform: Platform, { shownG }: Trainer): Promise<Samples> {
  const loader = await sampleLoader(config, platform);
  const translator = new Translator({ config, state: shownG, platform });
  try {
    const rows: Picture[][] = [];
    for await (const { input, outputs, target } of translatePairs(translator, loader)) {
      rows.push([input, outputs[0]!, target]);
    }
    const cell = Math.max(0, ...rows.flat().map(({ width }) => width));
    const sheet = stack(rows.map((row) => strip(row, { cell })));
    const pairs = rows.map(([input, output]) => ({ input: input!, output: output! }));
    return { png: await platform.images.encodePng(sheet), size: sheet, pairs };
  } finally {
    await translator.close();
  }
}

/**
 * Gives the pairs of samples, one a batch, the same every time: whole at the crop's size where training resizes to a fixed one, else
 * with the scale and the crop of training.
 * @throws DatasetError where there are none
 */
export async function sampleLoader(config: Config, platform: Platform): Promise<Loader> {
  const how = config.preprocess === "resize_and_crop" ? wholePictures(config) : still;
  return new Loader(await pairsToShow(config, platform), { ...config, ...how }, platform);
}

/** Pairs that are not trained on where the data set has a phase val or test, else some of those that are. */
async function pairsToShow(config: Config, { files }: Platform): Promise<Pair[]> {
  for (const phase of ["val", "test", config.phase]) {
    try {
      const options = { ...config, phase, skipUnpaired: true, maxDatasetSize: undefined };
      const { pairs } = await findPairs(files, config.dataroot, options);
      return evenlySpaced(pairs, samplePairs);
    } catch (error) {
      // This data set has no such phase.
      if (!(error instanceof DatasetError)) throw error;
    }
  }
  return [];
}
