/** Pairs of a run's data set as pictures, and the drawing kit for its inputs that follows from them. */
import type { Config } from "../config/schema.ts";
import { type DrawingKit, drawingKit, drawingPictures } from "../data/drawing.ts";
import { inputPicture, outputPicture } from "../data/sides.ts";
import { UserError } from "../errors.ts";
import type { Picture, Platform } from "../platform.ts";
import type { Run } from "../run/run.ts";
import { openTestSet, type TestSet } from "./evaluate.ts";

/** A pair as the generator sees it: resized, and in 8 bits. */
export interface ExamplePair {
  name: string;
  input: Picture;
  target: Picture;
}

export interface Examples {
  readonly count: number;
  /** @throws UserError for a picture that cannot be read */
  pair(index: number): Promise<ExamplePair>;
}

/** The pairs of phase test or val, else those that were trained on; undefined if the data set is not found. */
export async function openExamples(
  config: Config,
  platform: Pick<Platform, "files" | "images">,
): Promise<Examples | undefined> {
  for (const phase of new Set(["test", "val", config.phase])) {
    const set = await openTestSet(config, { phase, skipUnpaired: true }, platform).catch(ifUserError);
    if (set) return { count: set.loader.batchesPerEpoch, pair: (index) => pairOf(config, set, index) };
  }
  return undefined;
}

/** Catches a UserError: a phase that does not exist or has no pairs, a picture that cannot be read. */
function ifUserError(error: unknown): undefined {
  if (!(error instanceof UserError)) throw error;
}

async function pairOf(config: Config, { loader }: TestSet, index: number): Promise<ExamplePair> {
  const { A, B, height, width, names } = await loader.batch(1, index);
  const input = inputPicture(A, config, height, width);
  return { name: names[0]!, input, target: outputPicture(B, A, config, height, width) };
}

/**
 * The drawing kit that is stored with the run, or one from its data set; without a data set the kit for photographs.
 * @throws UserError for a run whose inputs are class numbers, which cannot be drawn as colours
 */
export async function drawingOf(
  run: Run,
  config: Config,
  platform: Pick<Platform, "files" | "images">,
): Promise<DrawingKit> {
  if (config.inputLabels !== undefined) {
    throw new UserError(
      `The run "${run.name}" takes label maps of class numbers (--input-labels ${config.inputLabels}), which cannot be drawn here. ` +
        "Translate them by pix2pix translate.",
    );
  }
  return (await run.drawing()) ?? drawingKit(await firstInputs(await openExamples(config, platform)));
}

/** Computes the drawing kit of a run that has none, and stores it. */
export async function storeDrawing(
  run: Run,
  config: Config,
  platform: Pick<Platform, "files" | "images">,
): Promise<void> {
  if (config.inputLabels !== undefined || (await run.drawing())) return;
  const examples = await openExamples(config, platform);
  if (examples) await run.saveDrawing(drawingKit(await firstInputs(examples)));
}

/** Pictures that cannot be read are left out: training reports them. */
async function firstInputs(examples: Examples | undefined): Promise<Picture[]> {
  const inputs: Picture[] = [];
  for (let i = 0; i < Math.min(drawingPictures, examples?.count ?? 0); i++) {
    const pair = await examples!.pair(i).catch(ifUserError);
    if (pair) inputs.push(pair.input);
  }
  return inputs;
}
