/** Outputs of a run beside their targets: pictures, metrics and a page. `test` and `demo` share it. */
import type { Loader } from "../data/loader.ts";
import { classesFirst, nearestColours, type Palette, paint } from "../data/palette.ts";
import { inputPicture, outputPicture } from "../data/sides.ts";
import { DatasetError } from "../errors.ts";
import { type Translator, withAspect } from "../inference/translator.ts";
import { type Metrics, mean, measure, spread } from "../metrics/pictures.ts";
import { Confusion, LabHistograms } from "../metrics/scores.ts";
import type { Picture, Platform } from "../platform.ts";
import { type ResultRow, resultsPage, type SetScore } from "../report/results-page.ts";

export interface ResultOptions {
  /** Of the pairs, in order; a pair that the loader replaced because it cannot be decoded is left out. */
  names: readonly string[];
  folder: string;
  title: string;
  /** Shown on the page and stored in metrics.json. */
  facts: Facts;
  /** Outputs for each pair, each with other dropout noise; metrics are their means. Default 1. */
  samples?: number;
  /** Of label maps: outputs and targets get the nearest of these colours, and classes are scored. */
  palette?: Palette | undefined;
  /** Width / height of the pictures that are written. */
  aspectRatio?: number | undefined;
}

export interface Results {
  rows: ResultRow[];
  means: Metrics;
  /** Of all pairs together. */
  scores: SetScore[];
  /** Of the generator alone, the first image aside, which also prepares the session. */
  secondsPerImage: number;
  /** The page. */
  page: string;
}

/**
 * Translates every pair of a loader (serial, one pair a batch) and writes into `folder`: images/<name>_real_A.png,
 * _fake_B.png and _real_B.png (upstream's names: input, output, target; folders in names are kept), metrics.json and
 * index.html. Of several samples _fake_B_1.png and so on and _spread.png; with a palette _classes.png.
 * @throws DatasetError when no pair is left
 */
export async function writeResults(
  { translator, loader, platform }: { translator: Translator; loader: Loader; platform: Platform },
  { names, folder, title, facts, samples = 1, palette, aspectRatio }: ResultOptions,
  done: () => void,
): Promise<Results> {
  const { files, images } = platform;
  const run = translator.config;
  const rows: ResultRow[] = [];
  const times: number[] = [];
  const colours = run.outputNc >= 3 || run.datasetMode === "colorization" ? new LabHistograms() : undefined;
  const classes = palette && new ClassScorer(palette);
  let writing: Promise<unknown> = Promise.resolve();
  for (const [index, name] of names.entries()) {
    const { A, B, height, width, names: loaded } = await loader.batch(0, index);
    if (loaded[0] !== name) continue;
    const outputs: Picture[] = [];
    for (let sample = 0; sample < samples; sample++) {
      const began = performance.now();
      const fake = await translator.run(A, 1, height, width, { index, sample });
      times.push((performance.now() - began) / 1000);
      outputs.push(outputPicture(fake, A, run, height, width));
    }
    const target = outputPicture(B, A, run, height, width);
    const pixel = outputs.map((output) => {
      colours?.add(output, target);
      return classes?.add(output, target);
    });
    const differ = samples > 1 ? spread(outputs) : undefined;
    const metrics: ResultRow["metrics"] = {
      ...mean(outputs.map((output) => measure(output, target))),
      ...(classes && { pixel: pixel.reduce<number>((sum, share) => sum + share!, 0) / samples }),
      ...(differ && { spread: differ.mean }),
    };
    const at = (kind: string) => `images/${name}_${kind}.png`;
    const fakes = outputs.map((_, i) => (samples === 1 ? "fake_B" : `fake_B_${i + 1}`));
    const pictures: [string, Picture][] = [
      ["real_A", inputPicture(A, run, height, width)],
      ...outputs.map((output, i): [string, Picture] => [fakes[i]!, output]),
      ["real_B", target],
    ];
    if (differ) pictures.push(["spread", differ.picture]);
    if (classes) pictures.push(["classes", classes.painted(outputs[0]!)]);
    const save = async ([kind, picture]: [string, Picture]) =>
      files.write(`${folder}/${at(kind)}`, await images.encodePng(withAspect(picture, aspectRatio)));
    await writing;
    writing = Promise.all(pictures.map(save));
    const size = withAspect(target, aspectRatio);
    const paths = { input: at("real_A"), output: at(fakes[0]!), target: at("real_B") };
    rows.push({ name, ...paths, width: size.width, height: size.height, metrics });
    done();
  }
  await writing;
  if (rows.length === 0) throw new DatasetError("none of the pairs can be decoded, so there is nothing to test");
  const means = mean(rows.map(({ metrics }) => metrics));
  const later = times.length > 1 ? times.slice(1) : times;
  const secondsPerImage = later.reduce((sum, seconds) => sum + seconds, 0) / later.length;
  const lab = colours?.intersection();
  const scores = [...(classes?.scores() ?? []), ...(lab ? labScores(lab) : [])];
  const stored = {
    ...facts,
    images: rows.length,
    secondsPerImage: Number(secondsPerImage.toPrecision(4)),
    mean: means,
    ...(classes && { classes: classes.stored() }),
    ...(lab && { labIntersection: lab }),
    each: rows.map(({ name, metrics }) => ({ name, ...metrics })),
  };
  await files.write(`${folder}/metrics.json`, `${JSON.stringify(stored, null, 2)}\n`);
  const page = `${folder}/index.html`;
  const shown = Object.entries(facts).map(([label, value]) => [label, String(value)] as const);
  await files.write(page, resultsPage({ title, facts: shown, scores, rows, updated: new Date() }));
  return { rows, means, scores, secondsPerImage, page };
}

/** Labels and values, such as { run: "facades", epoch: "latest" }. */
export type Facts = Readonly<Record<string, string | number>>;

/** Snaps label maps to a palette and counts classes; colours that are no class are not scored. */
class ClassScorer {
  readonly #palette: Palette;
  readonly #names: string[];
  readonly #confusion: Confusion;

  constructor(palette: Palette) {
    const { colours, classes } = classesFirst(palette);
    this.#palette = colours;
    this.#names = classes;
    this.#confusion = new Confusion(this.#names.length);
  }

  add(output: Picture, target: Picture): number {
    return this.#confusion.add(nearestColours(output, this.#palette), nearestColours(target, this.#palette));
  }

  painted(picture: Picture): Picture {
    return paint(nearestColours(picture, this.#palette), this.#palette, picture);
  }

  scores(): SetScore[] {
    const { pixel, class: accuracy, iou } = this.#confusion.scores();
    const all = `mean over all ${this.#names.length} classes of the palette`;
    return [
      { label: "Per-pixel accuracy", value: pixel, meaning: "share of pixels whose nearest palette colour is right" },
      { label: "Per-class accuracy", value: accuracy, meaning: `the same for each class, ${all}` },
      { label: "Class IoU", value: iou, meaning: `intersection over union, ${all}` },
    ];
  }

  stored(): object {
    const each = this.#confusion.perClass().map((scores, i) => ({ name: this.#names[i]!, ...scores }));
    return { ...this.#confusion.scores(), each };
  }
}

function labScores({ L, a, b }: { L: number; a: number; b: number }): SetScore[] {
  const value = `${L.toFixed(2)} / ${a.toFixed(2)} / ${b.toFixed(2)}`;
  const meaning = "histogram intersection of L, a and b of all outputs and all targets: 1 is equal";
  return [{ label: "Lab colours", value, meaning }];
}

/** The means as lines for a terminal. */
export function metricLines({ l1, psnr, ssim, sharpness }: Metrics, scores: readonly SetScore[] = []): string[] {
  return [
    `  L1         ${l1.toFixed(3)}     mean absolute difference in [-1, 1], 0 is equal`,
    `  PSNR       ${psnr.toFixed(2).padEnd(6)} dB`,
    `  SSIM       ${ssim.toFixed(3)}     1 is equal`,
    `  sharpness  ${sharpness.toFixed(2)}      detail over the target's: 1 alike, below blurred, above noisy`,
    ...scores.map(
      ({ label, value, meaning }) => `  ${label}  ${typeof value === "number" ? value.toFixed(3) : value}  ${meaning}`,
    ),
  ];
}
