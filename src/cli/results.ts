/** The scores of a run as files and lines: pictures, metrics.json, a page. Used by `test` and `demo`. */
import type { Loader } from "../data/loader.ts";
import { resize } from "../data/resize.ts";
import type { Size } from "../data/sizes.ts";
import { type EvaluateOptions, score } from "../inference/evaluate.ts";
import { withAspect } from "../inference/fit.ts";
import { InOrder } from "../inference/overlap.ts";
import type { Evaluation, ScoredPair, Tally } from "../inference/tally.ts";
import type { Translator } from "../inference/translator.ts";
import { finiteMean, type Metrics, metricNames, pictureMetrics, undefinedWhere } from "../metrics/pictures.ts";
import type { Files, Picture, Platform } from "../platform.ts";
import { type ResultRow, resultsPage, type SetScore } from "../report/results-page.ts";
import { metricsFile } from "../run/results.ts";
import { featureScores, storedScores } from "./feature-scores.ts";

/** How pairs are scored, and how their pictures are written. */
export interface PairOptions extends Omit<EvaluateOptions, "onPair"> {
  folder: string;
  /** Width / height of the pictures that are written. */
  aspectRatio?: number | undefined;
  /** The size of the pictures that are written, by the index of the pair. Default: as the network takes them. */
  sizeOf?: ((index: number) => Promise<Size>) | undefined;
  /** Called with each pair when its pictures are written. */
  onPair?: ((pair: ResultRow) => void) | undefined;
}

/** What a page says besides the scores. */
export interface Heading {
  title: string;
  /** Shown on the page and stored in metrics.json, such as { run: "facades", epoch: "latest" }. */
  facts: Readonly<Record<string, string | number>>;
  /** The folder of the run that is tested, or the file of weights, for metrics.json. */
  source?: string | undefined;
}

export interface Results extends Evaluation {
  /** Scores of all pairs together. */
  scores: SetScore[];
  /** The pictures and scores of each pair, in the order of `pairs`; paths are relative to `folder`. */
  rows: readonly ResultRow[];
  folder: string;
  /** The path of the page. */
  page: string;
}

interface Tools {
  translator: Translator;
  loader: Loader;
  platform: Platform;
}

/**
 * Scores every pair of a loader and writes into `folder`: images/<name>_real_A.png, _fake_B.png and _real_B.png (input,
 * output and target by upstream's names; folders in names are kept), metrics.json and index.html. With several samples
 * _fake_B_1.png and so on and _spread.png; with a palette _classes.png.
 * @throws DatasetError when no pair can be decoded
 */
export async function writeResults(tools: Tools, options: PairOptions & Heading): Promise<Results> {
  const { tally, rows } = await scorePairs(tools, options);
  return writeSummary(tools.platform.files, options.folder, options, tally, rows);
}

/** The part of `writeResults` for each pair: its scores and its pictures. */
export async function scorePairs(
  { translator, loader, platform }: Tools,
  { folder, samples = 1, palette, features, aspectRatio, sizeOf, onPair }: PairOptions,
): Promise<{ tally: Tally; rows: ResultRow[] }> {
  const rows: ResultRow[] = [];
  // Pictures are written while the next pairs are translated.
  const writing = new InOrder<ResultRow>((row, error) => {
    if (error !== undefined) throw error;
    onPair?.(row);
  });
  try {
    const tally = await score(translator, loader, {
      samples,
      palette,
      features,
      onPair: async (pair) => {
        const size = await sizeOf?.(pair.index);
        const shaped = (picture: Picture) =>
          size ? resize(picture, size.width, size.height) : withAspect(picture, aspectRatio);
        const row = rowOf(pair, size ?? withAspect(pair.target, aspectRatio));
        rows.push(row);
        const bytes = (pair.outputs.length + 2) * pair.target.data.byteLength;
        await writing.add(row, writePictures(pair, platform, folder, shaped), bytes);
      },
    });
    await writing.end();
    return { tally, rows };
  } finally {
    await writing.settled();
  }
}

/** The part of `writeResults` for all pairs together: metrics.json and index.html. */
export async function writeSummary(
  files: Files,
  folder: string,
  { title, facts, source }: Heading,
  tally: Tally,
  rows: readonly ResultRow[],
): Promise<Results> {
  const evaluation = tally.evaluation();
  const scores = [...featureScores(evaluation), ...classScores(evaluation), ...labScores(evaluation)];
  const { pairs, mean, classes, labIntersection, secondsPerImage } = evaluation;
  const stored = {
    ...facts,
    source,
    images: pairs.length,
    secondsPerImage: Number(secondsPerImage.toPrecision(4)),
    mean,
    ...(classes && { classes }),
    ...(labIntersection && { labIntersection }),
    ...(evaluation.features && { features: storedScores(evaluation.features) }),
    each: pairs.map(({ name, metrics }) => ({ name, ...metrics })),
  };
  await files.write(`${folder}/${metricsFile}`, `${JSON.stringify(stored, null, 2)}\n`);
  const page = `${folder}/index.html`;
  const shown = Object.entries(facts).map(([label, value]) => [label, String(value)] as const);
  await files.write(page, resultsPage({ title, facts: shown, scores, rows, updated: new Date() }));
  return { ...evaluation, scores, rows, folder, page };
}

const pictureFile = (name: string, kind: string) => `images/${name}_${kind}.png`;
const outputKind = (sample: number, samples: number) => (samples === 1 ? "fake_B" : `fake_B_${sample + 1}`);

async function writePictures(
  { name, input, outputs, target, spread, classes }: ScoredPair,
  { files, images }: Platform,
  folder: string,
  shaped: (picture: Picture) => Picture,
): Promise<void> {
  const pictures: [kind: string, picture: Picture][] = [
    ["real_A", input],
    ...outputs.map((output, i): [string, Picture] => [outputKind(i, outputs.length), output]),
    ["real_B", target],
  ];
  if (spread) pictures.push(["spread", spread]);
  if (classes) pictures.push(["classes", classes]);
  const write = async ([kind, picture]: [string, Picture]) =>
    files.write(`${folder}/${pictureFile(name, kind)}`, await images.encodePng(shaped(picture)));
  await Promise.all(pictures.map(write));
}

function rowOf({ name, outputs, metrics }: ScoredPair, { width, height }: Size): ResultRow {
  return {
    name,
    input: pictureFile(name, "real_A"),
    output: pictureFile(name, outputKind(0, outputs.length)),
    target: pictureFile(name, "real_B"),
    width,
    height,
    metrics,
  };
}

function classScores({ classes }: Evaluation): SetScore[] {
  if (!classes) return [];
  const all = `mean over all ${classes.each.length} classes of the palette`;
  return [
    {
      label: "Per-pixel accuracy",
      value: classes.pixel,
      meaning: "share of pixels whose nearest palette colour is right",
    },
    { label: "Per-class accuracy", value: classes.class, meaning: `the same for each class, ${all}` },
    { label: "Class IoU", value: classes.iou, meaning: `intersection over union, ${all}` },
  ];
}

function labScores({ labIntersection: found }: Evaluation): SetScore[] {
  if (!found) return [];
  const value = `${found.L.toFixed(2)} / ${found.a.toFixed(2)} / ${found.b.toFixed(2)}`;
  const meaning = "histogram intersection of L, a and b of all outputs and all targets: 1 is equal";
  return [{ label: "Lab colours", value, meaning }];
}

/** The means as lines for a terminal, a dash for a mean that no picture defines; then the reasons for undefined metrics. */
export function metricLines(
  { mean, pairs }: Pick<Evaluation, "mean" | "pairs">,
  scores: readonly SetScore[] = [],
): string[] {
  const { lpips } = mean;
  const figure = (value: number, digits: number) => (Number.isFinite(value) ? value.toFixed(digits) : "\u2013");
  return [
    ...metricNames.map((name) => {
      const { unit, digits, hint } = pictureMetrics[name];
      const value = figure(mean[name], digits).padEnd(digits + 4) + unit;
      return `  ${terminalLabel(name).padEnd(11)}${value.padEnd(10)}${hint}`.trimEnd();
    }),
    ...(lpips === undefined ? [] : [`  LPIPS      ${figure(lpips, 3)}     perceptual distance, 0 is equal`]),
    ...scores.map(
      ({ label, value, meaning }) => `  ${label}  ${typeof value === "number" ? value.toFixed(3) : value}  ${meaning}`,
    ),
    ...undefinedLines(pairs),
  ];
}

function undefinedLines(pairs: Evaluation["pairs"]): string[] {
  const all = pairs.map(({ metrics }) => metrics);
  return metricNames.flatMap((name) => {
    const { without } = finiteMean(all, name);
    if (without === 0) return [];
    return [
      `  ${terminalLabel(name)} is not defined for ${without} of ${all.length} pictures, where ${undefinedWhere(name)}`,
    ];
  });
}

/** "L1", "sharpness". */
const terminalLabel = (name: keyof Metrics): string =>
  pictureMetrics[name].label.replace(/^[A-Z](?=[a-z])/, (first) => first.toLowerCase());
