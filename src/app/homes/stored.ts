/** The data set of a run in the browser's storage, as the studio uses it. */
import type { Config } from "../../config/schema.ts";
import { type DrawingKit, drawingKit, drawingPictures } from "../../data/drawing.ts";
import { findPairs, type Pair } from "../../data/pairs.ts";
import { halves } from "../../data/transforms.ts";
import type { Picture } from "../../platform.ts";
import type { Run } from "../../run/run.ts";
import { files } from "../../web/files.ts";
import { images } from "../../web/images.ts";
import type { StudioPair } from "../home.ts";

/** The kit that was stored with the run, or one that is computed from its data set. */
export async function drawingOf(_run: Run, config: Config): Promise<DrawingKit> {
  const pairs = (await pairsOf(config)).slice(0, drawingPictures);
  return drawingKit(await Promise.all(pairs.map((pair) => side(pair, config, "input"))));
}

/** A pair at random, of the test pairs where the data set has them. */
export async function pairOf(config: Config): Promise<StudioPair | undefined> {
  const pairs = await pairsOf(config);
  const pair = pairs[Math.floor(Math.random() * pairs.length)];
  if (!pair) return undefined;
  const [input, target] = await Promise.all([side(pair, config, "input"), side(pair, config, "target")]);
  return { name: pair.name, input, target };
}

async function pairsOf({ dataroot, phase }: Config): Promise<readonly Pair[]> {
  for (const wanted of ["test", "val", phase]) {
    const found = await findPairs(files, dataroot, { phase: wanted, skipUnpaired: true }).catch(() => undefined);
    if (found && found.pairs.length > 0) return found.pairs;
  }
  return [];
}

async function side({ A, B }: Pair, { direction }: Config, which: "input" | "target"): Promise<Picture> {
  const { file, half } = (direction === "AtoB") === (which === "input") ? A : B;
  const picture = await images.decode(await files.read(file));
  return half ? halves(picture, file)[half] : picture;
}
