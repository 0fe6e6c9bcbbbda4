/** The scores of a sweep as tables on the terminal. The best value of each score has an asterisk. */
import { bestOf, meanText, scoreColumn, scoreText } from "../../report/sweep-page.ts";
import { visible } from "../../text.ts";
import { type SweepGroup, type SweepRow, scoreNames } from "./collect.ts";

/** A line for each run. */
export function runLines(rows: readonly SweepRow[]): string[] {
  const head = (row: SweepRow) => [visible(row.run.name), `${row.step ?? nothing}`];
  const scored = rows.map((row) => ({ head: head(row), values: row.scores }));
  return tableLines(["run", "step"], scoreNames(rows), scored, scoreText);
}

/** A line for each set of runs that differ by their seed alone: means, and deviations over the seeds. */
export function meanLines(groups: readonly SweepGroup[]): string[] {
  const names = scoreNames(groups.flatMap(({ rows }) => rows));
  const head = ({ values, rows }: SweepGroup) => {
    const tested = rows.filter(({ tested }) => tested).length;
    const options = Object.entries(values).map(([flag, value]) => (flag === "name" ? value : `${flag}=${value}`));
    return [visible(options.join(" ")) || "all", `${tested}`];
  };
  const scored = groups.map((group) => ({
    head: head(group),
    values: Object.fromEntries(Object.entries(group.scores).map(([name, { mean }]) => [name, mean])),
    group,
  }));
  return tableLines(["mean over seeds", "runs"], names, scored, (name, _, { group }) =>
    meanText(name, group.scores[name]!),
  );
}

const nothing = "\u2013";

interface Scored {
  head: readonly string[];
  values: Readonly<Record<string, number>>;
}

function tableLines<Row extends Scored>(
  heads: readonly string[],
  names: readonly string[],
  rows: readonly Row[],
  shown: (name: string, value: number, row: Row) => string,
): string[] {
  const best = names.map(
    (name) =>
      rows[
        bestOf(
          name,
          rows.map(({ values }) => values[name]),
        )
      ],
  );
  const cells = rows.map((row) => [
    ...row.head,
    ...names.map((name, i) => {
      const value = row.values[name];
      return value === undefined ? `${nothing} ` : `${shown(name, value, row)}${best[i] === row ? "*" : " "}`;
    }),
  ]);
  const table = [[...heads, ...names.map((name) => `${scoreColumn(name).label} `)], ...cells];
  const widths = table[0]!.map((_, i) => Math.max(...table.map((row) => row[i]!.length)));
  return table.map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join("  ")
      .trimEnd(),
  );
}
