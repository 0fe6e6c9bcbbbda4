/** The page of `test --compare`: several runs on the same pictures. */
import type { Measured } from "../metrics/compare.ts";
import { type PairMetrics, undefinedWhere } from "../metrics/pictures.ts";
import { counted } from "../text.ts";
import { columns, metricsIn } from "./columns.ts";
import { address, fixed, type Html, html, htmlPage, lines, pageHeader, scrolls, terms } from "./html.ts";

/** A figure of all runs. */
export interface ComparedFigure {
  label: string;
  meaning: string;
  /** One for each run; text where a figure has no single value. */
  runs: readonly (Measured | string)[];
  /** Decimals; undefined: four significant digits. */
  digits?: number | undefined;
}

/** A picture with the outputs of all runs. */
export interface ComparedPicture {
  name: string;
  /** Paths relative to the page, with forward slashes. */
  input: string;
  target: string;
  /** One for each run. */
  outputs: readonly { file: string; metrics: PairMetrics }[];
  width: number;
  height: number;
}

export interface ComparePageInfo {
  title: string;
  /** The names of the runs; the first is the one that the others are compared with. */
  runs: readonly string[];
  facts?: readonly (readonly [label: string, value: string])[];
  figures: readonly ComparedFigure[];
  pictures: readonly ComparedPicture[];
  /** How many resamples the intervals come from, and their seed. */
  resamples: { number: number; seed: number };
  updated?: Date;
}

/** The text of the page. */
export function comparePage(info: ComparePageInfo): string {
  const { title, runs, facts = [], figures, pictures, resamples, updated } = info;
  const keys = metricsIn(pictures[0]?.outputs ?? []);
  const names = ["input", ...runs, "target"];
  const body = html`${pageHeader(title, updated)}
${facts.length > 0 ? html`<dl class="facts">${terms(facts)}</dl>` : ""}
${table(runs, figures)}
<p class="soft small">In brackets: the middle 95 % of ${resamples.number} resamples of the pictures (paired bootstrap, seed ${resamples.seed}).
A difference from ${runs[0]} counts as better or worse where that range lies on one side of 0. It shows how sure the difference is
for pictures such as these, and says nothing about another training with another seed.</p>
<div class="tools">
<h2>${counted(pictures.length, "picture")}</h2>
<label class="soft small">sort by <select id="sort">
<option value="">name</option>
${lines(keys.flatMap((key) => orders(key, runs)))}
</select></label>
</div>
<div id="rows" style="--columns: ${names.length}">
${lines(pictures.map((picture) => card(picture, names, keys)))}
</div>`;
  return htmlPage({ title, body, css, script });
}

function orders(key: keyof PairMetrics, runs: readonly string[]): Html[] {
  const { label } = columns[key];
  const apart = html`<option value="${key}">${label}, largest difference first</option>`;
  const others = runs
    .slice(1)
    .flatMap((run, i) => [
      html`<option value="${key}-${i + 1} 1">${label}, ${run} better than ${runs[0]!} first</option>`,
      html`<option value="${key}-${i + 1} -1">${label}, ${run} worse than ${runs[0]!} first</option>`,
    ]);
  return [apart, ...others];
}

function table(runs: readonly string[], figures: readonly ComparedFigure[]): Html {
  const head = runs.map((run) => html`<th scope="col">${run}</th>`);
  const rows = figures.map((figure) => {
    const cells = figure.runs.map((run) => cell(run, figure.digits));
    return html`<tr><th scope="row">${figure.label}<div class="meaning soft small">${figure.meaning}</div></th>${cells}</tr>`;
  });
  return html`<div class="scroll" ${scrolls}><table class="card">
<thead><tr class="soft small"><td></td>${head}</tr></thead>
<tbody>
${lines(rows)}
</tbody>
</table></div>`;
}

function cell(run: Measured | string, digits: number | undefined): Html {
  if (typeof run === "string") return html`<td class="mean">${run}</td>`;
  const { value, interval, difference, verdict } = run;
  const own = difference ? decimalsOf(difference, digits) : digits;
  const text = (v: number) => shown(v, own);
  const range = ({ low, high }: { low: number; high: number }) => `[${text(low)}, ${text(high)}]`;
  const plus = (v: number) => (v > 0 ? `+${text(v)}` : text(v));
  const words = { better: "better", worse: "worse", unclear: "no clear difference" };
  const second = difference
    ? html`<div class="small ${verdict!}">${plus(difference.value)} ${range(difference.interval)}<br>${words[verdict!]}</div>`
    : interval && html`<div class="small soft">${range(interval)}</div>`;
  return html`<td><span class="mean">${shown(value, digits)}</span>${second}</td>`;
}

/** Decimals for a difference and its interval: enough for two digits of the largest, at least those of the figure. */
export function decimalsOf(
  { value, interval }: NonNullable<Measured["difference"]>,
  digits: number | undefined,
): number | undefined {
  const largest = Math.max(...[value, interval.low, interval.high].map(Math.abs));
  if (digits === undefined || !Number.isFinite(largest) || largest === 0) return digits;
  return Math.min(Math.max(digits, 1 - Math.floor(Math.log10(largest))), digits + 4);
}

const shown = (value: number, digits: number | undefined): string => {
  if (digits !== undefined || !Number.isFinite(value)) return fixed(value, digits ?? 0).replace("-", "\u2212");
  return String(Number(value.toPrecision(4))).replace("-", "\u2212");
};

function card(picture: ComparedPicture, names: readonly string[], keys: readonly (keyof PairMetrics)[]): Html {
  const { name, width, height, outputs } = picture;
  const pixels = width < 200 ? html` class="pixels"` : "";
  const files = [picture.input, ...outputs.map(({ file }) => file), picture.target];
  const figures = files.map((file, i) => {
    const metrics = outputs[i - 1]?.metrics;
    const values = metrics && keys.map((key) => metricOf(key, metrics));
    const image = html`<img src="${address(file)}" alt="${names[i]!}" width="${width}" height="${height}"${pixels} loading="lazy">`;
    return html`<figure>${image}<figcaption><span>${names[i]!}</span>${values && html`<dl>${values}</dl>`}</figcaption></figure>`;
  });
  return html`<article ${sortKeys(outputs, keys)}style="--ratio: ${width} / ${height}">
<h3>${name}</h3>
<div class="pictures">
${lines(figures)}
</div>
</article>`;
}

function metricOf(key: keyof PairMetrics, metrics: PairMetrics): Html {
  const { label, unit, digits } = columns[key];
  const value = metrics[key]!;
  const shown = Number.isFinite(value)
    ? `${fixed(value, digits)}${unit}`
    : html`<span title="not defined: ${undefinedWhere(key) ?? ""}">\u2013</span>`;
  return html`<div data-metric="${key}"><dt>${label}</dt><dd>${shown}</dd></div>`;
}

/** How far the runs are apart (data-l1), and by how much each is better than the first (data-l1-1). */
function sortKeys(outputs: ComparedPicture["outputs"], keys: readonly (keyof PairMetrics)[]): Html[] {
  return keys.flatMap((key) => {
    const finite = (value: number) => Math.max(-1e9, Math.min(1e9, value));
    const badness = outputs.map(({ metrics }) => finite(columns[key].badness(metrics)));
    const apart = html`data-${key}="${Math.max(...badness) - Math.min(...badness)}" `;
    return [apart, ...badness.slice(1).map((value, i) => html`data-${key}-${i + 1}="${badness[0]! - value}" `)];
  });
}

const css = `.facts { display: flex; flex-wrap: wrap; gap: 10px 40px; margin-top: 18px; }
.scroll { overflow-x: auto; margin-top: 22px; }
table { border-collapse: separate; border-spacing: 0; width: 100%; }
th, td { text-align: right; padding: 8px 14px; font-weight: 400; border-top: 1px solid var(--line); vertical-align: top; }
td, thead th { white-space: nowrap; }
thead > tr > * { border-top: 0; font-weight: 600; }
tbody th { text-align: left; padding-left: 20px; font-weight: 600; min-width: 14em; }
.meaning { font-weight: 400; max-width: 34em; }
.mean { font-weight: 600; font-size: 18px; }
.better { color: var(--tone3); }
.worse { color: var(--tone2); }
.unclear { color: var(--soft); }
.tools { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between; gap: 4px 24px; }
.tools h2 { margin-bottom: 8px; }
.tools label { display: flex; align-items: baseline; gap: 8px; min-width: 0; white-space: nowrap; }
select {
  font: inherit; color: var(--ink); background: var(--card); border: 1px solid var(--line); border-radius: 6px;
  padding: 4px 8px; min-width: 0;
}
article { margin-bottom: 26px; }
h3 { font-size: 15px; margin: 0 0 6px; overflow-wrap: anywhere; }
.pictures { display: grid; grid-template-columns: repeat(var(--columns), minmax(0, 256px)); gap: 14px; }
figure { margin: 0; }
figure img { width: 100%; aspect-ratio: var(--ratio); border-radius: 4px; background: var(--grid); }
figcaption { font-size: 13px; color: var(--soft); margin-top: 4px; overflow-wrap: anywhere; }
figcaption > span { color: var(--ink); font-weight: 600; }
figcaption dl div { display: flex; justify-content: space-between; gap: 8px; padding: 0 4px; margin: 0 -4px; border-radius: 4px; }
figcaption dt { font-size: 13px; }
.sorted { background: var(--mark); color: var(--ink); }
@media (max-width: 760px) {
  .pictures { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  td, thead th { white-space: normal; padding: 8px; }
  tbody th { min-width: 6em; padding: 8px 8px 8px 12px; }
  .meaning { display: none; }
}
`;

const script = `const list = document.getElementById("rows");
const given = [...list.children];
document.getElementById("sort").addEventListener("change", ({ target }) => {
  const [key, sign = "1"] = target.value.split(" ");
  const value = (row) => sign * Number(row.getAttribute("data-" + key));
  list.replaceChildren(...(key ? [...given].sort((a, b) => value(b) - value(a)) : given));
  for (const line of list.querySelectorAll("[data-metric]")) {
    line.classList.toggle("sorted", line.dataset.metric === key.split("-")[0]);
  }
});
`;
