/** Curves of one or several runs: smoothed, zoomed by dragging, with values under the pointer. */
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { lossTerms } from "../../report/loss-terms.ts";
import { Slider } from "../parts/basics.tsx";
import type { WatchedRun } from "./board.ts";

/** A chart: the series of every run that has them. */
interface Chart {
  title: string;
  /** What the vertical axis means. */
  unit: string;
  series: readonly { name: string; label: string }[];
  /** It is never smoothed. */
  exact?: boolean;
}

const charts: readonly Chart[] = [
  {
    title: "Distance to the target",
    unit: "lambda × L1",
    series: [{ name: "G_L1", label: "G_L1" }],
  },
  {
    title: "Adversarial losses",
    unit: "loss",
    series: ["G_GAN", "D_real", "D_fake"].map((name) => ({ name, label: name })),
  },
  ...lossTerms.map(({ key, title }) => ({ title, unit: "weighted loss", series: [{ name: key, label: key }] })),
  {
    title: "How often D is right",
    unit: "share of patches",
    series: [
      { name: "D_right_real", label: "on real pairs" },
      { name: "D_right_fake", label: "on fake pairs" },
    ],
  },
  { title: "Learning rate", unit: "lr", series: [{ name: "lr", label: "lr" }], exact: true },
  { title: "Time of a step", unit: "seconds", series: [{ name: "seconds", label: "seconds" }] },
];

const tones = 6;
const toneOf = (index: number): string =>
  getComputedStyle(document.documentElement)
    .getPropertyValue(`--tone${(index % tones) + 1}`)
    .trim();

/** Lines of one run in a chart of several runs: on the chart, in pixels, and in its legend. */
const dashes = [
  { pixels: [], border: "solid" },
  { pixels: [8, 4], border: "dashed" },
  { pixels: [2, 3], border: "dotted" },
] as const;

interface Line {
  label: string;
  look: Look;
  steps: readonly number[];
  mean: readonly (number | null)[];
  min?: readonly (number | null)[];
  max?: readonly (number | null)[];
}

/** The colour and the dash of a line, as indices of `tones` and `dashes`. */
interface Look {
  tone: number;
  dash: number;
}

/** What identifies a line. Of several runs each has one colour in all charts. Of one run each series of a chart has its own. */
function identityOf(
  runs: readonly WatchedRun[],
  run: number,
  series: number,
  label: string,
): Pick<Line, "label" | "look"> {
  if (runs.length === 1) return { label, look: { tone: series, dash: 0 } };
  return { label: `${runs[run]!.detail.name}: ${label}`, look: { tone: run, dash: series % dashes.length } };
}

export function Curves({ runs }: { runs: readonly WatchedRun[] }) {
  const [smoothing, smooth] = useState(0.6);
  const [log, setLog] = useState(false);
  if (runs.every(({ losses }) => losses.steps.length === 0)) return null;
  return (
    <section aria-labelledby="curves-title">
      <h2 id="curves-title">Curves</h2>
      <div class="row curve-tools">
        <Slider
          label="Smoothing"
          value={smoothing}
          min={0}
          max={0.99}
          step={0.01}
          text={smoothing.toFixed(2)}
          change={smooth}
        />
        <label class="tick">
          <input type="checkbox" checked={log} onChange={({ currentTarget }) => setLog(currentTarget.checked)} />{" "}
          Logarithmic
        </label>
        <span class="soft small">Drag in a chart to zoom, double click to see all.</span>
      </div>
      <div class="charts">
        {charts.map((chart) => {
          const lines = linesOf(chart, runs);
          return (
            lines.length > 0 && (
              <Plot key={chart.title} {...{ ...chart, lines, log }} smoothing={chart.exact ? 0 : smoothing} />
            )
          );
        })}
        {scoresOf(runs).map(({ title, unit, lines }) => (
          <Plot key={title} {...{ title, unit, lines, log }} smoothing={0} />
        ))}
      </div>
    </section>
  );
}

function linesOf({ series }: Chart, runs: readonly WatchedRun[]): Line[] {
  return runs.flatMap(({ losses }, run) =>
    series.flatMap(({ name, label }, i) => {
      const found = losses.series[name];
      return found ? [{ ...identityOf(runs, run, i, label), steps: losses.steps, ...found }] : [];
    }),
  );
}

/** A chart for each score of validation. */
function scoresOf(runs: readonly WatchedRun[]): { title: string; unit: string; lines: Line[] }[] {
  const names = ["L1", "PSNR", "SSIM", "LPIPS", "KID"] as const;
  return names.flatMap((name) => {
    const lines = runs.flatMap(({ detail }, run) => {
      const scores = detail.scores.filter((score) => score[name] !== undefined);
      if (scores.length === 0) return [];
      const identity = identityOf(runs, run, 0, name);
      return [{ ...identity, steps: scores.map(({ step }) => step), mean: scores.map((score) => score[name] ?? null) }];
    });
    return lines.length > 0 ? [{ title: `Validation: ${name}`, unit: name, lines }] : [];
  });
}

interface PlotProps {
  title: string;
  unit: string;
  lines: readonly Line[];
  smoothing: number;
  log: boolean;
}

const height = 220;

function Plot({ title, unit, lines, smoothing, log }: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const dark = useDark();
  const shape = JSON.stringify([lines.map(({ label, min }) => [label, min !== undefined]), log, dark]);
  const data = dataOf(lines, smoothing, log);
  useEffect(() => {
    const frame = place.current!;
    const made = new uPlot(optionsOf(unit, lines, log, frame.clientWidth), data, frame);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: frame.clientWidth, height }));
    observer.observe(frame);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, [shape]);
  useEffect(() => {
    const { current } = plot;
    if (!current) return;
    // A zoom stays while new values come.
    const { min, max } = current.scales.x!;
    const [first, last] = [current.data[0]?.[0], current.data[0]?.at(-1)];
    // uPlot has null for a scale that it has not set yet.
    const range = typeof min === "number" && typeof max === "number" ? { min, max } : undefined;
    const zoomed = range !== undefined && (range.min !== first || range.max !== last);
    current.setData(data, !zoomed);
    if (zoomed) current.setScale("x", range);
  }, [lines, smoothing]);
  const ends = lines.map(({ label, mean }) => `${label} ${lastOf(mean)}`).join(", ");
  return (
    <figure class="chart">
      <figcaption>{title}</figcaption>
      <div ref={place} role="img" aria-label={`${title} by step; last values: ${ends}`} />
    </figure>
  );
}

const lastOf = (values: readonly (number | null)[]): string => {
  const last = values.findLast((value) => value !== null);
  return last === null || last === undefined ? "none" : last.toPrecision(4);
};

/** The columns for uPlot. A line of buckets gives three: largest, least (the edges of its band) and mean. Another gives its values. */
function dataOf(lines: readonly Line[], smoothing: number, log: boolean): uPlot.AlignedData {
  const positive = (values: readonly (number | null)[]) =>
    log ? values.map((v) => (v !== null && v > 0 ? v : null)) : [...values];
  const tables = lines.map(({ steps, mean, min, max }): uPlot.AlignedData => {
    const edges = min && max ? [positive(max), positive(min)] : [];
    return [[...steps], ...edges, positive(smoothed(mean, smoothing))] as uPlot.AlignedData;
  });
  if (tables.length === 0) return [[]];
  const shared = lines.every(({ steps }) => steps === lines[0]!.steps);
  if (!shared) return uPlot.join(tables);
  return [tables[0]![0], ...tables.flatMap(([, ...columns]) => columns)] as uPlot.AlignedData;
}

/** An exponential moving average, normalised by the sum of its weights so that the first values are not biased towards 0. */
function smoothed(values: readonly (number | null)[], factor: number): (number | null)[] {
  let [sum, weight] = [0, 0];
  return values.map((value) => {
    if (value === null) return null;
    sum = factor * sum + value;
    weight = factor * weight + 1;
    return sum / weight;
  });
}

function optionsOf(unit: string, lines: readonly Line[], log: boolean, width: number): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const [ink, grid] = [style.getPropertyValue("--soft").trim(), style.getPropertyValue("--grid").trim()];
  const series: uPlot.Series[] = [{ label: "step" }];
  const bands: uPlot.Band[] = [];
  const borders = ["solid"];
  for (const { label, look, min } of lines) {
    const stroke = toneOf(look.tone);
    const { pixels, border } = dashes[look.dash]!;
    if (min) {
      const edge = { stroke: "transparent", width: 0, points: { show: false } };
      bands.push({ series: [series.length, series.length + 1], fill: `${stroke}2b` });
      series.push({ ...edge, label: `${label}, largest` }, { ...edge, label: `${label}, least` });
      borders.push(border, border);
    }
    borders.push(border);
    series.push({
      label,
      stroke,
      dash: [...pixels],
      width: 2,
      spanGaps: true,
      points: { show: false },
      value: (_, value) => shown(value),
    });
  }
  const axis = {
    stroke: ink,
    grid: { stroke: grid, width: 1 },
    ticks: { stroke: grid, width: 1 },
    font: "13px system-ui",
  };
  return {
    title: "",
    width,
    height,
    series,
    bands,
    legend: { live: true, markers: { width: 3, dash: (_, at) => borders[at] ?? "solid" } },
    cursor: { sync: { key: "pix2pix" }, drag: { x: true, y: false } },
    scales: { x: { time: false }, y: { distr: log ? 3 : 1 } },
    axes: [
      // Steps are integers.
      {
        ...axis,
        incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6],
        space: 60,
      },
      {
        ...axis,
        size: 62,
        label: unit,
        labelFont: "13px system-ui",
        labelSize: 20,
        values: (_, splits) => splits.map(tickText),
      },
    ],
    hooks: { ready: [(made) => hideEdges(made, lines)] },
  };
}

/** Removes the edges of bands from the legend. */
function hideEdges(made: uPlot, lines: readonly Line[]): void {
  const rows = made.root.querySelectorAll<HTMLElement>(".u-legend .u-series");
  let at = 1;
  for (const { min } of lines) {
    if (min) {
      for (const row of [rows[at], rows[at + 1]]) row?.remove();
      at += 2;
    }
    at++;
  }
}

/** A number in its shortest form: "2e-4", "20000"; null stands for a tick without text. */
const tickText = (value: number | null): string =>
  value === null
    ? ""
    : value !== 0 && Math.abs(value) < 1e-3
      ? Number(value.toPrecision(3)).toExponential()
      : String(Number(value.toPrecision(4)));

const shown = (value: number | null): string => (value === null || value === undefined ? "–" : value.toPrecision(4));

function useDark(): boolean {
  const query = matchMedia("(prefers-color-scheme: dark)");
  const [dark, set] = useState(query.matches);
  useEffect(() => {
    const changed = () => set(query.matches);
    query.addEventListener("change", changed);
    return () => query.removeEventListener("change", changed);
  }, []);
  return dark;
}
