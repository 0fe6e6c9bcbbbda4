/** `runs/<name>/index.html`: the state of a training run, during and after training. */
import { type ValidationMetric, validationMetrics } from "../metrics/pictures.ts";
import { duration } from "../text.ts";
import { chartCss, chartScript, lineChart } from "./chart.ts";
import { sampleColumns, stripGap } from "./compose.ts";
import { address, count, fixed, type Html, type HtmlValue, html, htmlPage, lines, terms, timeTag } from "./html.ts";
import { lossTerms } from "./loss-terms.ts";

/** The fields of a line of `loss_log.jsonl` that the page shows. */
export interface ShownLosses {
  step: number;
  /** This and D's are absent in a run without D. */
  G_GAN?: number;
  /** Multiplied by lambda. */
  G_L1: number;
  D_real?: number;
  D_fake?: number;
  /** Feature matching, multiplied by its lambda. */
  G_Feat?: number;
  /** Distance to the teacher's pictures, multiplied by its lambda. */
  G_Distill?: number;
  /** LPIPS, multiplied by its lambda. */
  G_LPIPS?: number;
  /** Gradient penalty, multiplied by its lambda. */
  D_GP?: number;
  /** Gradient penalty at real pictures, multiplied by its lambda. */
  D_R1?: number;
}

/** The unit of the adversarial losses, and D's losses where it cannot tell real from fake, as a number and in words. */
export interface AdversarialScale {
  unit: string;
  chance: number;
  text: string;
}

export interface RunPageInfo {
  name: string;
  /** While it is "training", the page reloads itself. */
  state: "training" | "finished" | "stopped";
  /** The main options as [label, value], such as ["network", "unet_256, ngf 64"]. */
  config: readonly (readonly [label: string, value: string])[];
  /** The axis of the adversarial losses; undefined where there is no discriminator. */
  adversarial: AdversarialScale | undefined;
  lambdaL1: number;
  /** The epoch in progress, or the last one; from 1. */
  epoch: number;
  epochs: number;
  /** Steps done since the start of the run. */
  step: number;
  lastStep: number;
  secondsPerStep: number;
  secondsLeft: number;
  /** One per step, ascending. */
  losses: readonly ShownLosses[];
  /** Scores on validation pairs, oldest first, and the metric that chooses the best weights. */
  validation?: {
    metric: Metric;
    scores: readonly ({ epoch: number; step: number } & Partial<Record<Metric, number>>)[];
  };
  /**
   * Strips of input, output and target; `file` is relative to the page, such as "samples/epoch_003.png". `step` is given for one
   * within an epoch.
   */
  samples: readonly { epoch: number; step?: number; file: string }[];
  /** The alarms that hold now: what is wrong, and what to do. */
  alarms?: readonly { epoch: number; text: string; advice: string }[];
  /** When the page was written. */
  updated: Date;
}

type Metric = ValidationMetric;

const reloadSeconds = 15;

/** The text of the page. Only the pictures of the samples are separate files. */
export function runPage(info: RunPageInfo): string {
  const { state, name } = info;
  const training = state === "training";
  const done = Math.min(1, info.lastStep > 0 ? info.step / info.lastStep : 0);
  const percent = `${Math.floor(done * 1000) / 10} %`;
  const body = html`<header>
<h1>${name}</h1>
<p class="soft"><span class="state ${state}">${state}</span> ${training ? "last written " : ""}${timeTag(info.updated)}</p>
</header>
<section class="progress card">
<div class="bar" role="progressbar" aria-label="steps" aria-valuemax="${info.lastStep}" aria-valuenow="${info.step}">
<div style="width:${(done * 100).toFixed(2)}%"></div></div>
<dl class="facts">${terms(facts(info, percent))}</dl>
</section>
${alarms(info)}<h2>Losses</h2>
${lossCharts(info)}
${validation(info)}<h2>Samples</h2>
${samples(info)}
<h2>Configuration</h2>
<dl class="config card">
${terms(info.config)}
</dl>`;
  const refresh = html`<noscript><meta http-equiv="refresh" content="${reloadSeconds}"></noscript>\n`;
  const reload = `setTimeout(() => location.reload(), ${reloadSeconds}e3);\n`;
  return htmlPage({
    title: training ? `${percent} ${name}` : `${name} (${state})`,
    head: training ? refresh : undefined,
    css: chartCss + css,
    script: chartScript + sampleScript + (training ? reload : ""),
    body,
  });
}

function alarms({ alarms = [] }: RunPageInfo): HtmlValue {
  return alarms.map(
    ({ epoch, text, advice }) => html`<p class="alarm"><b>Since epoch ${epoch}:</b> ${text} ${advice}</p>\n`,
  );
}

function facts(info: RunPageInfo, percent: string): [string, string][] {
  const { state, epoch, epochs, step, lastStep, secondsPerStep, secondsLeft } = info;
  const left: [string, string][] = state === "training" ? [["time left", duration(secondsLeft)]] : [];
  return [
    ["epoch", `${count(epoch)} of ${count(epochs)}`],
    ["step", `${count(step)} of ${count(lastStep)}`],
    ["time per step", `${fixed(secondsPerStep, secondsPerStep < 1 ? 3 : 2)} s`],
    ...left,
    ["done", percent],
  ];
}

/** The charts of a run's losses, with a note on how to read them. They need chartCss. */
export function lossCharts(info: Pick<RunPageInfo, "losses" | "adversarial" | "lambdaL1">): Html {
  const { losses, adversarial } = info;
  if (losses.length === 0) return html`<p class="soft">The curves begin with the first steps.</p>`;
  const of = (key: keyof ShownLosses) => Float64Array.from(losses, (line) => line[key] ?? 0);
  const x = of("step");
  const charts: Html[] = [];
  if (adversarial) {
    const { unit, chance, text } = adversarial;
    charts.push(
      lineChart({
        title: "Adversarial losses",
        x,
        xLabel: "step",
        yLabel: unit,
        reference: { y: chance, label: `${text}: a discriminator that cannot tell real from fake` },
        series: [
          { name: "G_GAN", tone: 1, y: of("G_GAN") },
          { name: "D_real", tone: 3, y: of("D_real") },
          { name: "D_fake", tone: 2, y: of("D_fake") },
        ],
      }),
    );
  }
  charts.push(
    lineChart({
      title: "Distance to the target",
      x,
      xLabel: "step",
      yLabel: `G_L1 = ${info.lambdaL1} \u00d7 mean |output \u2212 target|, range [\u22121, 1]`,
      series: [{ name: "G_L1", tone: 4, y: of("G_L1") }],
    }),
  );
  for (const { key, title, yLabel } of lossTerms) {
    if (losses[0]![key] === undefined) continue;
    charts.push(lineChart({ title, x, xLabel: "step", yLabel, series: [{ name: key, tone: 1, y: of(key) }] }));
  }
  return html`<div class="charts">
${charts}</div>
<details class="note"><summary>How to read them</summary>
${adversarial ? adversarialNote(adversarial.text) : ""}<p><code>G_L1</code> falls while the output comes closer to the target, but where many answers are right a blurred average
has a lower <code>G_L1</code> than a sharp guess. Curves tell little about quality: look at the pictures.</p>
</details>`;
}

function validation({ validation: { metric, scores } = { metric: "L1", scores: [] } }: RunPageInfo): HtmlValue {
  if (scores.length === 0) return undefined;
  const x = Float64Array.from(scores, ({ step }) => step);
  const had = (name: Metric) => scores.some((score) => score[name] !== undefined);
  const others = (Object.keys(validationMetrics) as Metric[]).filter((name) => name !== metric && had(name));
  const charts = [metric, ...others].map((name, i) =>
    lineChart({
      title: name === metric ? `${name} (chooses the best weights)` : name,
      x,
      xLabel: "step",
      yLabel: `${validationMetrics[name].unit}: ${validationMetrics[name].better === "smaller" ? "lower" : "higher"} is better`,
      series: [{ name, tone: i === 0 ? 4 : 2, y: Float64Array.from(scores, (score) => score[name] ?? Number.NaN) }],
    }),
  );
  return html`<h2>Validation</h2>\n<div class="charts">\n${charts}</div>\n`;
}

function adversarialNote(chance: string): Html {
  return html`<p>Generator and discriminator play against each other, so neither side's loss has to fall for the pictures to get
better. Near ${chance}, <code>D_real</code> and <code>D_fake</code> say that
the discriminator cannot tell real from fake. Both far below, with a rising <code>G_GAN</code>, say that it can tell
easily, which is common and not a fault.</p>
`;
}

function samples({ samples }: RunPageInfo): Html {
  if (samples.length === 0) return html`<p class="soft">The first strip appears at the end of the first epoch.</p>`;
  const columns = sampleColumns.map((name) => html`<span>${name}</span>`);
  const at = ({ step = Number.POSITIVE_INFINITY }) => step;
  const newestFirst = [...samples].sort((a, b) => b.epoch - a.epoch || (at(a) < at(b) ? 1 : -1));
  const figures = newestFirst.map(({ epoch, step, file }) => {
    const when = step === undefined ? `epoch ${epoch}` : `epoch ${epoch}, step ${count(step)}`;
    return html`<figure>
<figcaption>${when}</figcaption>
<div class="columns soft small">${columns}</div>
<img src="${address(file)}" alt="${sampleColumns.join(", ")} after ${when}" loading="lazy">
</figure>`;
  });
  return html`<div class="samples">
${lines(figures)}
</div>`;
}

/**
 * Once a strip has loaded, its headings get the gap of strip(), in pixels at the scale of the strip,
 * and a strip that is enlarged more than twice keeps square pixels.
 */
const sampleScript = `function fitSample(img) {
  if (!img.naturalWidth) return;
  img.previousElementSibling.style.gap = (${100 * stripGap} / img.naturalWidth) + "%";
  img.classList.toggle("pixels", img.clientWidth > 2 * img.naturalWidth);
}
const samples = document.querySelectorAll(".samples img");
for (const img of samples) {
  fitSample(img);
  img.addEventListener("load", () => fitSample(img));
}
addEventListener("resize", () => samples.forEach(fitSample));
`;

const css = `
header .state {
  display: inline-block; padding: 1px 10px; border-radius: 99px; border: 1px solid var(--line); color: var(--ink);
  font-size: 14px; margin-right: 6px;
}
header .state::before {
  content: ""; display: inline-block; width: 8px; height: 8px; border-radius: 50%; background: var(--soft);
  margin-right: 7px;
}
header .state.training::before { background: var(--tone3); }
header .state.finished::before { background: var(--accent); }
.progress { padding: 18px 20px; margin-top: 20px; }
.bar { height: 8px; border-radius: 99px; background: var(--grid); overflow: hidden; }
.bar div { height: 100%; background: var(--accent); border-radius: 99px; }
.facts { display: flex; flex-wrap: wrap; gap: 10px 44px; margin-top: 16px; }
.facts dd { font-size: 18px; }
.alarm { border-radius: 8px; padding: 10px 14px; background: var(--mark); max-width: none; }
.note { margin-top: 14px; }
.note summary { color: var(--soft); }
.samples { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 500px), 1fr)); gap: 26px 28px; }
.samples figure { margin: 0; }
.samples figure:first-child { grid-column: 1 / -1; max-width: 860px; }
.samples figcaption { font-weight: 600; }
.samples img { width: 100%; border-radius: 4px; }
.columns { display: flex; gap: 0.5%; margin-bottom: 3px; }
.columns span { flex: 1; min-width: 0; overflow: hidden; text-overflow: ellipsis; }
.config {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 250px), 1fr)); gap: 12px 28px;
  padding: 18px 20px;
}
`;
