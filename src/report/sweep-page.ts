/** The page of a sweep: the scores of every run, and means over runs that differ only in their seed. */
import { type PictureMetric, pictureMetrics } from "../metrics/pictures.ts";
import { badness } from "./columns.ts";
import {
  address,
  fixed,
  type Html,
  type HtmlValue,
  html,
  htmlPage,
  lines,
  pageHeader,
  scrolls,
  terms,
} from "./html.ts";

export interface SweepPageRun {
  /** In the order of `SweepPageInfo.options`. */
  values: readonly string[];
  step: number | undefined;
  /** In the order of `SweepPageInfo.scores`; undefined before the test. */
  scores: readonly (number | undefined)[];
  /** Pages of the run and of its test, relative to this page. */
  run: string | undefined;
  test: string | undefined;
}

export interface SweepPageGroup {
  values: readonly string[];
  count: number;
  scores: readonly ({ mean: number; deviation: number | undefined } | undefined)[];
}

export interface SweepPageInfo {
  name: string;
  /** Flags of the options that vary. */
  options: readonly string[];
  scores: readonly string[];
  runs: readonly SweepPageRun[];
  /** Without the seed; empty where the seed does not vary. */
  groups: readonly SweepPageGroup[];
  facts: readonly (readonly [label: string, value: string])[];
  updated: Date;
}

interface ScoreColumn {
  label: string;
  digits: number;
  better: PictureMetric["better"];
}

const known: Readonly<Record<string, ScoreColumn>> = {
  ...Object.fromEntries(
    Object.entries(pictureMetrics).map(([name, { label, meanDigits: digits, better }]) => [
      name,
      { label, digits, better },
    ]),
  ),
  lpips: { label: "LPIPS", digits: 4, better: "smaller" },
  kid: { label: "KID", digits: 5, better: "smaller" },
  fid: { label: "FID", digits: 2, better: "smaller" },
  pixelAccuracy: { label: "Per-pixel accuracy", digits: 3, better: "larger" },
  classAccuracy: { label: "Per-class accuracy", digits: 3, better: "larger" },
  classIoU: { label: "Class IoU", digits: 3, better: "larger" },
};

/** How a score is shown, and which of its values is the better one. */
export const scoreColumn = (name: string): ScoreColumn => known[name] ?? { label: name, digits: 4, better: "smaller" };

/** A score with its column's decimals; large values have five digits in all. */
export function scoreText(name: string, value: number): string {
  const whole = Math.max(0, Math.floor(Math.log10(Math.abs(value))) + 1);
  return fixed(value, Math.min(scoreColumn(name).digits, Math.max(0, 5 - whole)));
}

/** A mean with its deviation over runs, where there are several. */
export function meanText(name: string, { mean, deviation }: { mean: number; deviation: number | undefined }): string {
  const text = scoreText(name, mean);
  if (deviation === undefined) return text;
  return `${text} \u00b1 ${fixed(deviation, text.split(".")[1]?.length ?? 0)}`;
}

/** The index of the best value; -1 where there is none. */
export function bestOf(name: string, values: readonly (number | undefined)[]): number {
  const { better } = scoreColumn(name);
  let best = -1;
  values.forEach((value, i) => {
    if (value !== undefined && (best < 0 || badness(better, value) < badness(better, values[best]!))) best = i;
  });
  return best;
}

/** The text of the page. */
export function sweepPage(info: SweepPageInfo): string {
  const { name, options, runs, groups, facts, updated } = info;
  const own = options.filter((flag) => flag !== "seed");
  const body = html`${pageHeader(name, updated)}
<dl class="facts">${terms(facts)}</dl>
${groups.length > 0 ? html`<h2>Means over seeds</h2>\n${table([...own, "runs"], info.scores, groups.map(groupRow))}` : undefined}
<h2>Runs</h2>
${table([...options, "step"], info.scores, runs.map(runRow))}
<p class="soft small">The best value of each score is marked: the smallest L1, LPIPS, KID and FID, the sharpness nearest to 1, the
largest of the others.</p>`;
  return htmlPage({ title: name, body, css });
}

interface Row {
  head: readonly HtmlValue[];
  scores: readonly (number | undefined)[];
  shown: (score: string, i: number) => HtmlValue;
}

function groupRow({ values, count, scores }: SweepPageGroup): Row {
  return {
    head: [...values, count],
    scores: scores.map((score) => score?.mean),
    shown: (name, i) => meanText(name, scores[i]!),
  };
}

function runRow({ values, step, scores, run, test }: SweepPageRun): Row {
  const [first = "run", ...rest] = values;
  const named = run ? html`<a href="${address(run)}">${first}</a>` : first;
  return {
    head: [named, ...rest, step === undefined ? "\u2013" : `${step}`],
    scores,
    shown: (name, i) => {
      const value = scoreText(name, scores[i]!);
      return test ? html`<a href="${address(test)}">${value}</a>` : value;
    },
  };
}

function table(heads: readonly string[], names: readonly string[], rows: readonly Row[]): Html {
  const best = names.map((name, i) =>
    bestOf(
      name,
      rows.map(({ scores }) => scores[i]),
    ),
  );
  const cells = ({ head, scores, shown }: Row, at: number) =>
    html`<tr>${head.map((value) => html`<td>${value}</td>`)}${names.map((name, i) =>
      scores[i] === undefined
        ? html`<td class="number">\u2013</td>`
        : html`<td class="number${best[i] === at ? " best" : ""}">${shown(name, i)}</td>`,
    )}</tr>`;
  const labels = [
    ...heads.map((head) => html`<th>${head}</th>`),
    ...names.map((name) => html`<th class="number">${scoreColumn(name).label}</th>`),
  ];
  return html`<div class="card scroll" ${scrolls}><table>
<thead><tr class="soft small">${labels}</tr></thead>
<tbody>
${lines(rows.map(cells))}
</tbody>
</table></div>`;
}

const css = `.facts { display: flex; flex-wrap: wrap; gap: 10px 40px; margin-top: 18px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 8px 16px; white-space: nowrap; font-weight: 400; border-top: 1px solid var(--line); }
thead th { border-top: 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.best { font-weight: 600; background: var(--mark); }
td a { color: inherit; }
`;
