/** `pix2pix test --patch-map`: which patches of outputs and targets the run's discriminator takes for real. */
import type { Judge, PatchMap } from "../inference/judge.ts";
import type { Picture, Platform } from "../platform.ts";
import { strip } from "../report/compose.ts";
import { patchPicture } from "../report/patch-map.ts";
import type { Output } from "./command.ts";
import type { Counter } from "./progress.ts";
import type { Results } from "./results.ts";

/**
 * Writes `images/NAME_patches.png` beside the pictures of a test: output, map over it, target, map over it.
 * @param counter of the rows
 * @throws UserError for pictures of another size than the discriminator was trained with
 */
export async function writePatchMaps(
  judge: Judge,
  results: Results,
  platform: Platform,
  output: Output,
  counter: Counter,
): Promise<void> {
  const { files, images } = platform;
  const { folder, rows } = results;
  const means = { output: 0, target: 0 };
  try {
    for (const row of rows) {
      const read = async (file: string) => images.decode(await files.read(`${folder}/${file}`));
      const [input, made, target] = await Promise.all([row.input, row.output, row.target].map(read));
      const { pairs } = await judge.samples(strip([input!, made!, target!]));
      const [judged] = pairs;
      const shown = (picture: Picture, map: PatchMap) => [picture, patchPicture(picture, map)];
      const sheet = strip([...shown(made!, judged!.output), ...shown(target!, judged!.target)]);
      await files.write(`${folder}/images/${row.name}_patches.png`, await images.encodePng(sheet));
      means.output += judged!.output.mean / rows.length;
      means.target += judged!.target.mean / rows.length;
      counter.done();
    }
  } finally {
    counter.clear();
  }
  output.print(
    `D rates the outputs ${means.output.toFixed(2)} on average, the targets ${means.target.toFixed(2)} (0 fake, 1 real); ` +
      `maps, from blue (fake) to orange (real), in ${folder}/images`,
  );
}
