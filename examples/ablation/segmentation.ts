/**
 * Segmentation scores of finished tests (the FCN score of Isola et al. 2017, 4.2). The segmentation network is a run of this project, trained
 * from photos to labels. The first row scores the real photos. A row gives the mean ± deviation over the seeds of a recipe.
 *
 * `node --import tsx examples/ablation/segmentation.ts --segmenter NAME --palette facades results/facades-small/*`
 */
import { existsSync } from "node:fs";
import { basename } from "node:path";
import { scriptOptions, usageError } from "../../scripts/options.ts";
import { namedPalette } from "../../src/cli/palette.ts";
import { spreadOf } from "../../src/cli/sweep/collect.ts";
import { classesFirst, nearestColours } from "../../src/data/palette.ts";
import { openTranslator } from "../../src/inference/open.ts";
import { type ClassScores, Confusion } from "../../src/metrics/scores.ts";
import { files } from "../../src/node/files.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { ownSegmenter } from "../paper/segmenters.ts";

const { values, positionals } = scriptOptions(import.meta.url, {
  allowPositionals: true,
  options: {
    segmenter: { type: "string" },
    "checkpoints-dir": { type: "string", default: "runs" },
    palette: { type: "string", default: "facades" },
    threads: { type: "string", default: "1" },
  },
});
const { segmenter: name, "checkpoints-dir": checkpointsDir } = values;
const picturesOf = (folder: string) => `${folder}/test_latest/images`;
// A pattern such as results/facades-small/* also matches files of the sweep, such as its page.
const tests = positionals.filter((folder) => existsSync(picturesOf(folder)));
if (!name || tests.length === 0) usageError("--segmenter NAME and folders with test_latest/images are needed");
const platform = await nodePlatform({ threads: Number(values.threads) });
const { colours, classes } = classesFirst(await namedPalette(values.palette));
const segmenter = ownSegmenter(await openTranslator({ name, checkpointsDir, dropout: "off" }, platform), colours);

const read = async (path: string) => platform.images.decode(await files.read(path));

/** @param photo the photos that are scored: outputs or targets */
async function scoresOf(folder: string, photo: "fake_B" | "real_B"): Promise<ClassScores> {
  const images = picturesOf(folder);
  const inputs = (await files.list(images))!.filter((entry) => entry.name.endsWith("_real_A.png"));
  const confusion = new Confusion(classes.length);
  for (const { name: input } of inputs) {
    const labels = nearestColours(await read(`${images}/${input}`), colours);
    confusion.add(await segmenter.classes(await read(`${images}/${input.replace("real_A", photo)}`)), labels);
  }
  return confusion.scores();
}

function row(label: string, all: readonly ClassScores[]): void {
  const cells = (["pixel", "class", "iou"] as const).map((score) => {
    const { mean, deviation } = spreadOf(all.map((scores) => scores[score]));
    return mean.toFixed(3) + (deviation === undefined ? "" : ` ± ${deviation.toFixed(3)}`);
  });
  console.log(`| ${[label, all.length, ...cells].join(" | ")} |`);
}

console.log("| recipe | seeds | pixel | class | IoU |\n|---|--:|--:|--:|--:|");
row("targets", [await scoresOf(tests[0]!, "real_B")]);
const recipeOf = (folder: string) => basename(folder).replace(/_seed=\d+$/, "");
for (const label of new Set(tests.map(recipeOf))) {
  const folders = tests.filter((folder) => recipeOf(folder) === label);
  const scores: ClassScores[] = [];
  for (const folder of folders) scores.push(await scoresOf(folder, "fake_B"));
  row(label, scores);
}
await segmenter.close();
