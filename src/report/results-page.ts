/** The page of `test`: the metrics of every image, and their means. */
import { finiteMean, type PairMetrics, undefinedWhere } from "../metrics/pictures.ts";
import { counted } from "../text.ts";
import { columns, metricsIn } from "./columns.ts";
import { sampleColumns } from "./compose.ts";
import { address, fixed, type Html, html, htmlPage, lines, pageHeader, terms } from "./html.ts";

/** A score of all pairs together. */
export interface SetScore {
  label: string;
  value: number | string;
  meaning: string;
}

export interface ResultRow {
  /** Name of the pair. */
  name: string;
  /** Pictures: paths relative to the page, with forward slashes. */
  input: string;
  output: string;
  target: string;
  /** Size of the pictures in pixels. Small ones are enlarged without smoothing. */
  width: number;
  height: number;
  metrics: PairMetrics;
}

export interface ResultsPageInfo {
  title: string;
  /** More facts as [label, value], such as ["direction", "BtoA"]. */
  facts?: readonly (readonly [label: string, value: string])[];
  rows: readonly ResultRow[];
  scores?: readonly SetScore[];
  /** When the page was written. Without it, equal results give equal pages. */
  updated?: Date;
}

/** The order of names as people count: 2 comes before 10. */
const byNumber = new Intl.Collator("en", { numeric: true });

/** The text of the page. The pictures are separate files. Rows are in the order of their names until the reader sorts them. */
export function resultsPage(info: ResultsPageInfo): string {
  const { title, facts = [], rows, scores = [], updated } = info;
  const orders = metricsIn(rows).flatMap((key) =>
    ["worst", "best"].map((end) => html`<option value="${key} ${end}">${columns[key].label}, ${end} first</option>`),
  );
  const body = html`${pageHeader(title, updated)}
${facts.length > 0 ? html`<dl class="facts">${terms(facts)}</dl>` : ""}
${summary(rows, scores)}
<div class="tools">
<h2>${counted(rows.length, "image")}</h2>
<label class="soft small">sort by <select id="sort">
<option value="">name</option>
${lines(orders)}
</select></label>
</div>
<div class="heading soft small">${sampleColumns.map((name) => html`<span>${name}</span>`)}<span></span></div>
<div id="rows">
${lines([...rows].sort((a, b) => byNumber.compare(a.name, b.name)).map(card))}
</div>`;
  return htmlPage({ title, body, css, script });
}

/** The table of means: a row for each metric of the pairs, and for each score of the whole set. */
function summary(rows: readonly ResultRow[], scores: readonly SetScore[]): Html {
  if (rows.length === 0) return html`<p class="soft">No images.</p>`;
  const all = rows.map(({ metrics }) => metrics);
  const together = scores.map(({ label, value, meaning }) =>
    tableRow(label, [typeof value === "number" ? fixed(value, 3) : value, "", ""], meaning),
  );
  return html`<table class="card">
<thead><tr class="soft small"><td></td><th>mean</th><th>best</th><th>worst</th><td class="meaning"></td></tr></thead>
<tbody>
${lines([...metricsIn(rows).map((key) => metricRow(key, all)), ...together])}
</tbody>
</table>`;
}

function metricRow(key: keyof PairMetrics, all: readonly PairMetrics[]): Html {
  const { label, unit, digits, meaning, badness } = columns[key];
  const finite = all.filter((metrics) => Number.isFinite(metrics[key]));
  const sorted = finite.sort((a, b) => badness(a) - badness(b));
  const value = (metrics: PairMetrics | undefined) => fixed(metrics?.[key] ?? Number.NaN, digits);
  const { mean, without } = finiteMean(all, key);
  const cells = [
    sorted.length > 0 ? `${fixed(mean, digits)}${unit}` : dash,
    value(sorted[0]),
    value(sorted.at(-1)),
  ] as const;
  const why = without > 0 ? `; not defined for ${without} of ${all.length} images, where ${undefinedWhere(key)}` : "";
  return tableRow(label, cells, meaning + why);
}

function tableRow(label: string, [mean, best, worst]: readonly [string, string, string], meaning: string): Html {
  const cells = html`<td class="mean">${mean}</td><td>${best}</td><td>${worst}</td>`;
  return html`<tr><th scope="row">${label}</th>${cells}<td class="meaning soft small">${meaning}</td></tr>`;
}

const dash = "\u2013";

/** A finite number, so that differences of two are numbers. */
const sortKey = (key: keyof PairMetrics, metrics: PairMetrics) =>
  Math.max(-1e9, Math.min(1e9, columns[key].badness(metrics)));

function card(row: ResultRow): Html {
  const { name, width, height } = row;
  const keys = metricsIn([row]);
  const pixels = width < 200 ? html` class="pixels"` : "";
  const pictures = [row.input, row.output, row.target].map((file, i) => {
    const size = html`width="${width}" height="${height}"${pixels}`;
    return html`<img src="${address(file)}" alt="${sampleColumns[i]}" ${size} loading="lazy">`;
  });
  const metrics = keys.map((key) => {
    const { label, unit, digits } = columns[key];
    const value = row.metrics[key]!;
    const shown = Number.isFinite(value)
      ? html`${fixed(value, digits)}${unit}`
      : html`<span title="not defined: ${undefinedWhere(key) ?? ""}">${dash}</span>`;
    return html`<div data-metric="${key}"><dt>${label}</dt><dd>${shown}</dd></div>`;
  });
  const badness = keys.map((key) => html`data-${key}="${sortKey(key, row.metrics)}" `);
  return html`<article ${badness}style="--ratio: ${width} / ${height}">
${lines(pictures)}
<div class="about"><h3>${name}</h3><dl>${metrics}</dl></div>
</article>`;
}

const css = `.facts { display: flex; flex-wrap: wrap; gap: 10px 40px; margin-top: 18px; }
table { border-collapse: separate; border-spacing: 0; margin-top: 22px; width: 100%; }
th, td {
  text-align: right; padding: 8px 14px; white-space: nowrap; font-weight: 400; border-top: 1px solid var(--line);
}
thead > tr > * { border-top: 0; }
th:first-child { text-align: left; padding-left: 20px; font-weight: 600; }
td.mean { font-weight: 600; font-size: 18px; }
.meaning { text-align: left; white-space: normal; width: 60%; }
.tools { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between; gap: 4px 24px; }
.tools h2 { margin-bottom: 8px; }
select {
  font: inherit; color: var(--ink); background: var(--card); border: 1px solid var(--line); border-radius: 6px;
  padding: 4px 8px; margin-left: 4px;
}
article, .heading {
  display: grid; grid-template-columns: repeat(3, minmax(0, 256px)) minmax(150px, 1fr); gap: 6px 8px;
}
.heading { position: sticky; top: 0; background: var(--page); padding: 6px 0; z-index: 1; }
article { margin-bottom: 14px; }
article img { width: 100%; aspect-ratio: var(--ratio); border-radius: 4px; background: var(--grid); }
.about { padding: 0 0 0 14px; }
h3 { font-size: 15px; margin: 0 0 8px; overflow-wrap: anywhere; }
article dl { display: grid; gap: 3px; }
article dl div {
  display: flex; justify-content: space-between; gap: 10px; max-width: 220px; padding: 1px 6px; margin-left: -6px;
  border-radius: 5px;
}
article .sorted { background: var(--mark); }
@media (max-width: 760px) {
  article, .heading { grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 4px; }
  article { margin-bottom: 26px; }
  .about { grid-column: 1 / -1; padding: 4px 0 0; }
  article dl { grid-template-columns: repeat(2, 1fr); gap: 2px 24px; }
  .meaning { display: none; }
  th, td { padding: 7px 8px; }
  th:first-child { padding-left: 12px; white-space: normal; }
  td.mean { font-size: 16px; white-space: normal; }
}
`;

const script = `const list = document.getElementById("rows");
const given = [...list.children];
document.getElementById("sort").addEventListener("change", ({ target }) => {
  const [key, end] = target.value.split(" ");
  const sign = end === "worst" ? -1 : 1;
  const sorted = key ? [...given].sort((a, b) => sign * (a.dataset[key] - b.dataset[key])) : given;
  list.replaceChildren(...sorted);
  for (const line of list.querySelectorAll("[data-metric]")) {
    line.classList.toggle("sorted", line.dataset.metric === key);
  }
});
`;
