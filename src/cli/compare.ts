/** `test --compare`: several runs on the same pictures, and a page that compares each with the first. */
import * as z from "zod";
import { option } from "../config/options.ts";
import type { Side } from "../data/layouts.ts";
import { ConfigError, UserError } from "../errors.ts";
import { figureNames } from "../features/scorer.ts";
import { compareDistances, compareMeans, type Measured } from "../metrics/compare.ts";
import { eachMetric, type PairMetrics } from "../metrics/pictures.ts";
import { files } from "../node/files.ts";
import type { Picture } from "../platform.ts";
import { columns, metricsIn } from "../report/columns.ts";
import { type ComparedFigure, type ComparedPicture, comparePage, decimalsOf } from "../report/compare-page.ts";
import { Run } from "../run/run.ts";
import { counted } from "../text.ts";
import { listedWords } from "./arguments.ts";
import type { Output } from "./command.ts";
import { Counter } from "./progress.ts";
import type { Results } from "./results.ts";

export const compareOptions = {
  compare: option(z.string().min(1).optional(), {
    group: "compare",
    value: "RUN RUN ...",
    list: true,
    absent: "test one run, --name",
    help: "test these runs on the same pictures and compare each with the first on one page; RUN:EPOCH takes other weights",
  }),
  compareSeed: option(z.int().min(0).default(0), {
    group: "compare",
    help: "seed of the resamples from which the intervals of differences come",
  }),
};

/** One run, tested. */
export interface TestedRun {
  results: Results;
  facts: Readonly<Record<string, string | number>>;
}

/** What a run is tested on. */
export interface TestedPictures {
  dataroot: string;
  names: readonly string[];
  /** The targets, in the order of the names. */
  targets: readonly Side[];
  /** Of the first picture, as the network takes it. */
  size: string;
  /** A target as it is scored; undefined for one that --skip-bad-images leaves out. */
  targetOf(index: number): Promise<Picture | undefined>;
}

interface Options {
  compare: string;
  epoch: string;
  checkpointsDir: string;
  resultsDir: string;
  seed: number;
}

/** Metrics to complete a record for `badness`, which reads only the metric in question. */
const zero: PairMetrics = eachMetric(() => 0);

/** The prefix of the label of a class's figure. */
const iouOf = "IoU of ";

/** Number of bootstrap resamples of the pictures. */
const number = 2000;

/**
 * Tests the runs one after the other and writes the page.
 * @param look finds what a run would be tested on
 * @throws ConfigError for fewer than two runs, UserError for runs with different pictures
 */
export async function compareRuns(
  { compare, epoch, checkpointsDir, resultsDir, seed }: Options,
  look: (name: string) => Promise<TestedPictures>,
  test: (run: { name: string; epoch: string }) => Promise<TestedRun>,
  output: Output,
): Promise<number> {
  const labels = await listedWords(compare, (label) => isRun(label, checkpointsDir));
  if (labels.length < 2 || new Set(labels).size < labels.length) {
    throw new ConfigError(`--compare: got ${labels.join(", ")}, expected two or more different runs, RUN or RUN:EPOCH`);
  }
  const runs = labels.map((label) => {
    const [name, ownEpoch = epoch] = label.split(":") as [string, string?];
    return { name, epoch: ownEpoch };
  });
  await checkRuns(labels, runs, checkpointsDir);
  const pictures: TestedPictures[] = [];
  for (const { name } of runs) pictures.push(await look(name));
  refuseOtherNames(labels, pictures);
  refuseOtherSizes(labels, pictures);
  await refuseOtherTargets(labels, pictures);
  const tested: TestedRun[] = [];
  for (const run of runs) tested.push(await test(run));
  // With --skip-bad-images other pictures may have been left out in another folder.
  const scored = tested.map(({ results }) => results.pairs.map(({ name }) => name));
  refuseOtherNames(
    labels,
    scored.map((names, i) => ({ ...pictures[i]!, names })),
  );
  const joined = labels.map((label) => label.replace(/[/:]/g, "_")).join("_");
  const folder = `${resultsDir}/compare_${joined.slice(0, 100)}`;
  const figures = figuresOf(tested, seed);
  const page = `${folder}/index.html`;
  await files.write(
    page,
    comparePage({
      title: `${labels.join(", ")}: compared`,
      runs: labels,
      facts: factsOf(tested),
      figures,
      pictures: picturesOf(tested, resultsDir),
      resamples: { number, seed },
      updated: new Date(),
    }),
  );
  const stored = { runs: labels, resamples: number, seed, figures };
  await files.write(`${folder}/comparison.json`, `${JSON.stringify(stored, null, 2)}\n`);
  const classes = figures.filter(({ label }) => label.startsWith(iouOf));
  for (const line of linesOf(
    labels,
    figures.filter((figure) => !classes.includes(figure)),
  ))
    output.print(line);
  if (classes.length > 0) output.print(`The page also has ${classes.length} classes one by one.`);
  output.print(`Comparison: ${page}`);
  return 0;
}

/** Whether a label, RUN or RUN:EPOCH, names a run as it stands. A run's name has no colon, an epoch no comma. */
async function isRun(label: string, checkpointsDir: string): Promise<boolean> {
  const [, name] = /^([^:]+)(:[^:,]*)?$/.exec(label) ?? [];
  return name !== undefined && new Run(files, { name, checkpointsDir }).isStarted();
}

/**
 * Checks that need no test: a test may take long.
 * @throws CheckpointError for a run or weights that do not exist, UserError for runs of two directions
 */
async function checkRuns(
  labels: readonly string[],
  runs: readonly { name: string; epoch: string }[],
  checkpointsDir: string,
): Promise<void> {
  const directions: string[] = [];
  for (const { name, epoch } of runs) {
    const run = new Run(files, { name, checkpointsDir });
    directions.push((await run.config()).direction);
    await run.weightsPath(epoch, "G");
  }
  const other = directions.findIndex((direction) => direction !== directions[0]);
  if (other > 0) {
    throw new UserError(
      `--compare: ${labels[0]} has ${directions[0]}, ${labels[other]} has ${directions[other]}: their targets are different pictures`,
    );
  }
}

type Names = Pick<TestedPictures, "dataroot" | "names">;

/** @throws UserError for runs with pictures of other names than the first run's */
function refuseOtherNames(labels: readonly string[], all: readonly Names[]): void {
  const [first] = all;
  const i = all.findIndex(({ names }) => names.join("\n") !== first!.names.join("\n"));
  if (i < 0) return;
  const has = (label: string, { dataroot, names }: Names, pairs: string) =>
    `${label} has ${counted(names.length, pairs)} of ${dataroot}`;
  throw new UserError(
    `--compare: the runs have different pictures: ${has(labels[0]!, first!, "pair")}, ` +
      `${has(labels[i]!, all[i]!, "other")}; give one --dataroot and --phase for all`,
  );
}

/** @throws UserError for runs whose networks take another size than the first run's */
function refuseOtherSizes(labels: readonly string[], all: readonly Pick<TestedPictures, "size">[]): void {
  const sizes = all.map(({ size }) => size);
  const i = sizes.findIndex((size) => size !== sizes[0]);
  if (i < 0) return;
  throw new UserError(
    `--compare: ${labels[0]} has outputs of ${sizes[0]}, ${labels[i]} has ${sizes[i]}; figures of two sizes cannot be compared`,
  );
}

/**
 * Inputs may differ: runs that take other inputs for the same targets, such as edges and label maps, can be compared.
 * @throws UserError for runs whose targets of equal names are other pictures than the first run's
 */
async function refuseOtherTargets(labels: readonly string[], all: readonly TestedPictures[]): Promise<void> {
  const first = all[0]!;
  const elsewhere = all.filter(({ targets }) => targets.some((side, i) => !sameSide(side, first.targets[i]!)));
  if (elsewhere.length === 0) return;
  const counter = new Counter(process.stdout, first.names.length, "targets compared");
  try {
    for (const [i, name] of first.names.entries()) {
      const target = await first.targetOf(i);
      for (const one of elsewhere) {
        if (sameSide(one.targets[i]!, first.targets[i]!)) continue;
        const other = await one.targetOf(i);
        if (!target || !other || samePicture(target, other)) continue;
        const [here, there] = [labels[0]!, labels[all.indexOf(one)]!];
        throw new UserError(
          `--compare: the target of ${name} is another picture for ${there} (${one.targets[i]!.file}) than for ${here} ` +
            `(${first.targets[i]!.file}); give one --dataroot and --phase for all`,
        );
      }
      counter.done();
    }
  } finally {
    counter.clear();
  }
}

const sameSide = (a: Side, b: Side): boolean => a.file === b.file && a.half === b.half && a.derive === b.derive;

const samePicture = (a: Picture, b: Picture): boolean =>
  a.width === b.width && a.height === b.height && Buffer.compare(a.data, b.data) === 0;

function figuresOf(tested: readonly TestedRun[], seed: number): ComparedFigure[] {
  const options = { number, seed };
  const pairs = metricsIn(tested[0]!.results.rows).map((key): ComparedFigure => {
    const { label, unit, digits, meaning, badness } = columns[key];
    const values = tested.map(({ results }) => results.pairs.map(({ metrics }) => metrics[key] ?? Number.NaN));
    const worse = (value: number) => badness({ ...zero, [key]: value });
    return { label: label + (unit && `, ${unit.trim()}`), meaning, digits, runs: compareMeans(values, worse, options) };
  });
  return [...featureFigures(tested, options), ...pairs, ...setFigures(tested)];
}

/** KID with intervals, FID without: it is biased in resamples. */
function featureFigures(tested: readonly TestedRun[], options: { number: number; seed: number }): ComparedFigure[] {
  const all = tested.flatMap(({ results }) => results.features ?? []);
  if (all.length < tested.length) return [];
  const names = figureNames(all[0]!);
  const { targets } = all[0]!.rows;
  const outputs = all.map(({ rows }) => rows.outputs);
  const distances = compareDistances(outputs, targets, tested[0]!.results.pairs.length, options);
  return [
    { label: names.kid, meaning: "distance of all outputs from all targets, about 0 for alike sets", runs: distances },
    {
      label: names.fid,
      meaning: "by mean and covariance: biased upwards for small sets, here without an interval; KID says more",
      runs: all.map(({ fid }): Measured => ({ value: fid })),
    },
  ];
}

/** Class scores, class by class too, and colours: of all pictures together. */
function setFigures(tested: readonly TestedRun[]): ComparedFigure[] {
  const labels = tested[0]!.results.scores.map(({ label }) => label);
  const together = labels
    .filter((label) => !/^(KID|FID)\b/.test(label))
    .map((label): ComparedFigure => {
      const found = tested.map(({ results }) => results.scores.find((score) => score.label === label));
      const runs = found.map((score) =>
        typeof score?.value === "number" ? { value: score.value } : (score?.value ?? ""),
      );
      return { label, meaning: found[0]!.meaning, digits: 3, runs };
    });
  const classes = tested[0]!.results.classes?.each ?? [];
  const each = classes.map(({ name }): ComparedFigure => {
    const runs = tested.map(({ results }) => ({
      value: results.classes?.each.find((one) => one.name === name)?.iou ?? Number.NaN,
    }));
    return { label: iouOf + name, meaning: "intersection over union of this class", digits: 3, runs };
  });
  return [...together, ...each];
}

function picturesOf(tested: readonly TestedRun[], resultsDir: string): ComparedPicture[] {
  const from = (run: TestedRun, file: string) => `..${run.results.folder.slice(resultsDir.length)}/${file}`;
  const rowsOf = tested.map(({ results }) => new Map(results.rows.map((row) => [row.name, row])));
  return tested[0]!.results.rows.map((row) => ({
    name: row.name,
    width: row.width,
    height: row.height,
    input: from(tested[0]!, row.input),
    target: from(tested[0]!, row.target),
    outputs: tested.map((run, i) => {
      const own = rowsOf[i]!.get(row.name)!;
      return { file: from(run, own.output), metrics: own.metrics };
    }),
  }));
}

/** The facts that all runs share. */
function factsOf(tested: readonly TestedRun[]): [string, string][] {
  const [first, ...others] = tested.map(({ facts }) => facts);
  const shared = Object.entries(first!).filter(([key, value]) => others.every((facts) => facts[key] === value));
  return shared.map(([key, value]) => [key, String(value)]);
}

function linesOf(labels: readonly string[], figures: readonly ComparedFigure[]): string[] {
  const text = (value: number, digits?: number) =>
    !Number.isFinite(value)
      ? "\u2013"
      : digits === undefined
        ? String(Number(value.toPrecision(4)))
        : value.toFixed(digits);
  return figures.flatMap(({ label, digits, runs }) => [
    label,
    ...runs.map((run, i) => {
      const name = `  ${labels[i]!.padEnd(Math.max(...labels.map(({ length }) => length)))}  `;
      if (typeof run === "string") return name + run;
      const { value, difference, verdict } = run;
      if (!difference) return name + text(value, digits);
      const { low, high } = difference.interval;
      const own = decimalsOf(difference, digits);
      const against = `${text(difference.value, own)} [${text(low, own)}, ${text(high, own)}]`;
      return `${name}${text(value, digits)}  difference ${against}: ${verdict}`;
    }),
  ]);
}
