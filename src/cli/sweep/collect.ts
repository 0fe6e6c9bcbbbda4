/** The scores of all runs of a sweep, as a table. */
import { files } from "../../node/files.ts";
import { metricsOf } from "../../run/results.ts";
import { Run } from "../../run/run.ts";
import { deviation, mean } from "../../statistics.ts";
import { type Sweep, type SweepRun, variedIn } from "./plan.ts";

/** A run of the sweep, with its progress and its scores so far. */
export interface SweepRow {
  run: SweepRun;
  /** Steps done; undefined before the first checkpoint. */
  step: number | undefined;
  /** By the names of metrics.json; empty before the test. */
  scores: Readonly<Record<string, number>>;
  /** The folder of metrics.json and the page of its test. */
  tested: string | undefined;
}

/** Runs that differ by their seed alone. */
export interface SweepGroup {
  values: Readonly<Record<string, string>>;
  rows: readonly SweepRow[];
  /** Mean and standard deviation of each score over the runs that have it; the deviation with n - 1, undefined for one run. */
  scores: Readonly<Record<string, { mean: number; deviation: number | undefined }>>;
}

/** @param resultsOf the folder of the test of a run */
export async function collect(sweep: Sweep, resultsOf: (run: SweepRun) => string): Promise<SweepRow[]> {
  return Promise.all(
    sweep.runs.map(async (run): Promise<SweepRow> => {
      const stored = new Run(files, { name: run.name, checkpointsDir: sweep.checkpointsDir });
      const progress = await stored.progress();
      const folder = resultsOf(run);
      const metrics = await metricsOf(files, folder, stored.dir);
      return { run, step: progress?.step, tested: metrics && folder, scores: metrics ? scoresIn(metrics) : {} };
    }),
  );
}

/** The part of metrics.json that a sweep shows. */
interface StoredMetrics {
  mean?: Readonly<Record<string, unknown>>;
  classes?: { pixel?: unknown; class?: unknown; iou?: unknown };
  features?: { kid?: { mean?: unknown }; fid?: unknown };
}

/** The means of a test, and the scores of its whole set, as one flat record. */
function scoresIn({ mean = {}, classes, features }: StoredMetrics): Record<string, number> {
  const all: Record<string, unknown> = {
    ...mean,
    ...(classes && { pixelAccuracy: classes.pixel, classAccuracy: classes.class, classIoU: classes.iou }),
    ...(features && { kid: features.kid?.mean, fid: features.fid }),
  };
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) => (typeof value === "number" ? [[name, value]] : [])),
  );
}

/** Groups of the runs that differ by their seed alone, in the order of the sweep. */
export function bySeed(rows: readonly SweepRow[]): SweepGroup[] {
  const groups = new Map<string, SweepRow[]>();
  for (const row of rows) {
    const { seed: _, ...values } = row.run.values;
    const key = JSON.stringify(values);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups].map(([key, members]) => ({
    values: JSON.parse(key),
    rows: members,
    scores: Object.fromEntries(
      scoreNames(members).map((name) => [name, spreadOf(members.flatMap(({ scores }) => scores[name] ?? []))]),
    ),
  }));
}

/** The names of all scores, in the order in which runs have them. */
export const scoreNames = (rows: readonly SweepRow[]): string[] => [
  ...new Set(rows.flatMap(({ scores }) => Object.keys(scores))),
];

/** Mean and standard deviation (n - 1; undefined for one value). */
export function spreadOf(values: readonly number[]): { mean: number; deviation: number | undefined } {
  const { length } = values;
  return {
    mean: mean(values),
    deviation: length < 2 ? undefined : deviation(values) * Math.sqrt(length / (length - 1)),
  };
}

/** The table as CSV (RFC 4180): a line for each run. */
export function csvOf(rows: readonly SweepRow[]): string {
  const options = variedIn(rows.map(({ run }) => run));
  const names = scoreNames(rows);
  const cell = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = rows.map(({ run, step, scores }) => [
    ...[`${run.index}`, run.name, `${step ?? ""}`],
    ...options.map((flag) => run.values[flag] ?? ""),
    ...names.map((name) => `${scores[name] ?? ""}`),
  ]);
  return [["index", "run", "step", ...options, ...names], ...lines]
    .map((line) => `${line.map(cell).join(",")}\r\n`)
    .join("");
}
