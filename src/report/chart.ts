/** Line charts of noisy values over training steps, as inline SVG: a smoothed line and, fainter, the raw one. */
import { count, type Html, html, lines } from "./html.ts";

export interface Series {
  name: string;
  /** One of the page's four colours. */
  tone: 1 | 2 | 3 | 4;
  /** Values at the chart's `x`, of the same length. Values that are not finite are left out. */
  y: ArrayLike<number>;
}

export interface ChartOptions {
  title: string;
  /** Ascending, the same for all series, such as step numbers. */
  x: ArrayLike<number>;
  series: readonly Series[];
  xLabel: string;
  /** Name and unit of the values. */
  yLabel: string;
  /** A dashed horizontal line and what it means. */
  reference?: { y: number; label: string };
}

const width = 520;
const height = 280;
const plot = { left: 46, right: 66, top: 26, bottom: 40 };
const innerWidth = width - plot.left - plot.right;
const innerHeight = height - plot.top - plot.bottom;
const buckets = 250;

/**
 * One chart, a <figure>. The steps are divided into at most 250 stretches. Each gives two raw points, its lowest and
 * highest value, so no spike is lost, and one smoothed point, the mean of the 5 % of the steps around its middle.
 */
export function lineChart({ title, x, series, xLabel, yLabel, reference }: ChartOptions): Html {
  const curves = series.map((one) => ({ ...one, ...condense(x, one.y) }));
  const xEnd = Math.max(1, ...curves.flatMap(({ smooth }) => smooth.map(([at]) => at)));
  const yTicks = ticks(...rangeOf(curves, reference?.y), 5);
  const scale = scaleOf(xEnd, yTicks[0]!, yTicks.at(-1)!);
  const parts = [
    ...axes(scale, yTicks, { x: xLabel, y: yLabel }),
    ...(reference ? [level("reference", scale.toY(reference.y))] : []),
    ...lineParts(curves, scale, `clip-${title.replace(/\W/g, "")}`),
    ...nameParts(curves, scale),
  ];
  const data = curves.map(({ name, tone, smooth }) => ({ name, tone, points: smooth.map(([a, b]) => [a, round(b)]) }));
  const note = reference && html`<p class="soft small key"><i class="dash"></i>${reference.label}</p>`;
  return html`<figure class="chart card" data-scale="${JSON.stringify(place(xEnd))}" data-lines="${JSON.stringify(data)}">
<figcaption>${title}<span class="reading soft small"></span></figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
${lines(parts)}
<path class="cursor" d=""/>
</svg>
${note}</figure>
`;
}

/** Position of the plot within the drawing, for the script. */
function place(xEnd: number): object {
  return {
    left: plot.left,
    right: width - plot.right,
    top: plot.top,
    bottom: height - plot.bottom,
    xEnd,
    width,
  };
}

interface Scale {
  xEnd: number;
  yEnd: number;
  toX(value: number): number;
  toY(value: number): number;
}

/** Converts values to units of the drawing. The axis of x begins at 0. */
function scaleOf(xEnd: number, yStart: number, yEnd: number): Scale {
  return {
    xEnd,
    yEnd,
    toX: (value) => plot.left + (innerWidth * value) / xEnd,
    toY: (value) => plot.top + (innerHeight * (yEnd - value)) / (yEnd - yStart),
  };
}

/** Grid, ticks and labels. */
function axes({ xEnd, toX, toY }: Scale, yTicks: readonly number[], labels: { x: string; y: string }): Html[] {
  // Steps are whole numbers.
  const xTicks = ticks(0, xEnd, 6).filter((tick) => tick <= xEnd && Number.isInteger(tick));
  return [
    ...yTicks.flatMap((tick) => [
      level("grid", toY(tick)),
      text("tick end", plot.left - 8, toY(tick) + 4, short(tick, yTicks)),
    ]),
    ...xTicks.map((tick) => text("tick middle", toX(tick), height - plot.bottom + 18, short(tick, xTicks))),
    text("tick middle", plot.left + innerWidth / 2, height - 4, labels.x),
    text("tick", 4, 14, labels.y),
  ];
}

function level(kind: string, y: number): Html {
  return html`<path class="${kind}" d="M${plot.left} ${y.toFixed(1)}H${width - plot.right}"/>`;
}

/** The raw and the smoothed line of each curve, clipped to the plot. */
function lineParts(curves: readonly Curve[], { toX, toY }: Scale, clip: string): Html[] {
  const path = (points: readonly Point[]) =>
    points.map(([a, b], i) => `${i === 0 ? "M" : "L"}${toX(a).toFixed(1)} ${toY(b).toFixed(1)}`).join("");
  const box = html`x="${plot.left}" y="${plot.top}" width="${innerWidth}" height="${innerHeight}"`;
  return [
    html`<clipPath id="${clip}"><rect ${box}/></clipPath><g clip-path="url(#${clip})">`,
    ...curves.map(({ tone, raw }) => html`<path class="raw tone${tone}" d="${path(raw)}"/>`),
    ...curves.map(({ tone, smooth }) => html`<path class="smooth tone${tone}" d="${path(smooth)}"/>`),
    html`</g>`,
  ];
}

/** The name of each curve, at its right end. */
function nameParts(curves: readonly Curve[], { yEnd, toY }: Scale): Html[] {
  const ends = curves.flatMap(({ name, tone, smooth }) => {
    const last = smooth.at(-1);
    return last ? [{ name, tone, y: toY(Math.min(yEnd, last[1])) }] : [];
  });
  return apart(ends).map(({ name, tone, y }) => text(`label tone${tone}`, width - plot.right + 6, y + 4, name));
}

export const chartCss = `
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 16px; }
.chart { margin: 0; padding: 14px 10px 10px 14px; }
.chart figcaption { font-weight: 600; padding-right: 6px; }
/* The line is reserved, so that nothing below moves when values are shown. */
.chart .reading {
  display: block; font-weight: 400; min-height: 1.5em; white-space: nowrap; overflow: hidden; text-overflow: ellipsis;
}
.chart svg { display: block; width: 100%; height: auto; overflow: visible; }
.chart .key { margin: 0 0 2px; }
.chart .dash {
  display: inline-block; width: 22px; border-top: 1.5px dashed var(--soft); vertical-align: middle; margin-right: 8px;
}
.chart text { font-size: 12px; fill: var(--soft); }
/* The drawing is 520 units wide at any width of the screen. */
@media (max-width: 640px) { .chart text { font-size: 17px; } }
.chart text.end { text-anchor: end; }
.chart text.middle { text-anchor: middle; }
.chart text.label { font-weight: 600; }
.chart .grid { stroke: var(--grid); }
.chart .reference { stroke: var(--soft); stroke-dasharray: 4 4; }
.chart .cursor { stroke: var(--soft); }
.chart path { fill: none; vector-effect: non-scaling-stroke; }
.chart .raw { opacity: 0.22; stroke-width: 1; }
.chart .smooth { stroke-width: 2; stroke-linejoin: round; }
${[1, 2, 3, 4]
  .map((i) => `.tone${i} { stroke: var(--tone${i}); } .chart text.tone${i} { fill: var(--tone${i}); stroke: none; }`)
  .join("\n")}
`;

/** Script: shows the smoothed values at the pointer. */
export const chartScript = `for (const chart of document.querySelectorAll(".chart")) {
  const scale = JSON.parse(chart.dataset.scale);
  const lines = JSON.parse(chart.dataset.lines);
  const [svg, cursor, reading] = ["svg", ".cursor", ".reading"].map((part) => chart.querySelector(part));
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * scale.width;
    const x = ((at - scale.left) / (scale.right - scale.left)) * scale.xEnd;
    const near = (points) => points.reduce((a, b) => (Math.abs(b[0] - x) < Math.abs(a[0] - x) ? b : a));
    const found = lines.filter(({ points }) => points.length).map(({ name, points }) => [name, ...near(points)]);
    if (at < scale.left || at > scale.right || !found.length) return;
    const px = scale.left + (found[0][1] / scale.xEnd) * (scale.right - scale.left);
    cursor.setAttribute("d", "M" + px + " " + scale.top + "V" + scale.bottom);
    const values = found.map(([name, , y]) => name + " " + y);
    reading.textContent = "step " + Math.round(found[0][1]) + ": " + values.join(", ");
  });
  svg.addEventListener("pointerleave", () => {
    cursor.setAttribute("d", "");
    reading.textContent = "";
  });
}
`;

type Point = [x: number, y: number];
type Curve = Series & { raw: Point[]; smooth: Point[] };

/** The lowest and highest value of each stretch, in the order of x, and the smoothed value at its middle. */
function condense(x: ArrayLike<number>, y: ArrayLike<number>): { raw: Point[]; smooth: Point[] } {
  const points: Point[] = [];
  for (let i = 0; i < x.length; i++) if (Number.isFinite(y[i])) points.push([x[i]!, y[i]!]);
  const sums = new Float64Array(points.length + 1);
  for (let i = 0; i < points.length; i++) sums[i + 1] = sums[i]! + points[i]![1];
  const reach = Math.floor(points.length / 40);
  const raw: Point[] = [];
  const smooth: Point[] = [];
  const stretches = Math.min(buckets, points.length);
  for (let bucket = 0; bucket < stretches; bucket++) {
    const from = Math.floor((bucket * points.length) / stretches);
    const to = Math.floor(((bucket + 1) * points.length) / stretches);
    let [low, high] = [from, from];
    for (let i = from; i < to; i++) {
      if (points[i]![1] < points[low]![1]) low = i;
      if (points[i]![1] > points[high]![1]) high = i;
    }
    for (const i of new Set([Math.min(low, high), Math.max(low, high)])) raw.push(points[i]!);
    // Towards the ends the window shrinks, so it stays centred. The last point is at the last step.
    const middle = bucket === stretches - 1 ? points.length - 1 : Math.floor((from + to - 1) / 2);
    const half = Math.min(reach, Math.max(middle, Math.floor(reach / 2)));
    const [start, end] = [Math.max(0, middle - half), Math.min(points.length, middle + half + 1)];
    smooth.push([points[middle]![0], (sums[end]! - sums[start]!) / (end - start)]);
  }
  return { raw, smooth };
}

/**
 * The least range of the value axis: 0, all smoothed values and 97 % of the raw ones on either side. Single spikes may leave
 * the chart.
 */
function rangeOf(curves: readonly Curve[], reference = 0): [low: number, high: number] {
  const smooth = curves.flatMap(({ smooth }) => smooth.map(([, y]) => y * 1.05));
  const raw = curves.flatMap(({ raw }) => raw.map(([, y]) => y)).sort((a, b) => a - b);
  const bulk = Math.floor(raw.length * 0.97);
  const low = Math.min(0, reference * 1.2, raw[raw.length - 1 - bulk] ?? 0, ...smooth);
  const high = Math.max(0, reference * 1.2, raw[bulk] ?? 0, ...smooth);
  return [low, low < high ? high : 1e-6];
}

/** Multiples of a step of 1, 2 or 5 * 10^n, from at most `from` to at least `to`, about `wanted` of them. */
export function ticks(from: number, to: number, wanted: number): number[] {
  const rough = (to - from) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) ?? 10);
  const first = Math.floor(from / step + 1e-9);
  const last = Math.ceil(to / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Text of a tick, with as many decimals as the distance of two ticks has; thousands as k. */
function short(tick: number, all: readonly number[]): string {
  const step = (all[1] ?? 1) - (all[0] ?? 0);
  if (step >= 1000) return tick === 0 ? "0" : `${count(tick / 1000)}k`;
  return step >= 1 ? count(tick) : tick.toFixed(Math.ceil(-Math.log10(step) - 1e-9));
}

/** Moves overlapping labels to a distance of 14 units, in the same order. */
function apart<T extends { y: number }>(labels: readonly T[]): T[] {
  const sorted = [...labels].sort((a, b) => a.y - b.y).map((label) => ({ ...label }));
  for (let i = 1; i < sorted.length; i++) sorted[i]!.y = Math.max(sorted[i]!.y, sorted[i - 1]!.y + 14);
  const over = (sorted[sorted.length - 1]?.y ?? 0) - (height - plot.bottom);
  if (over > 0) for (const label of sorted) label.y -= over;
  return sorted;
}

function text(kind: string, x: number, y: number, content: string): Html {
  return html`<text class="${kind}" x="${x.toFixed(1)}" y="${y.toFixed(1)}">${content}</text>`;
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
