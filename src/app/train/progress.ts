/** Shows a run: progress, samples and curves, updated while it trains. */
import { ganLosses } from "../../nn/losses.ts";
import { chartCss } from "../../report/chart.ts";
import { count, duration, fixed, terms } from "../../report/html.ts";
import { lossCharts } from "../../report/run-page.ts";
import type { StepReport } from "../../training/train.ts";
import { files } from "../../web/files.ts";
import { part, show } from "./dom.ts";
import { runOf, type StoredRun } from "./runs.ts";

/** Milliseconds between two updates. */
const factsEvery = 200;
const curvesEvery = 2000;
/** Samples are drawn every 20 s (settings.ts). */
const samplesEvery = 5000;
/** Thumbnails of earlier samples. */
const filmLength = 24;

export class Progress {
  /** The object that the page shows now; others must not draw any more. */
  static #shown: Progress;
  #run: StoredRun;
  #factsAt = 0;
  #curvesAt = 0;
  #samplesAt = 0;
  #epoch = 0;
  #sampled = "";
  #urls: string[] = [];

  constructor(run: StoredRun) {
    this.#run = run;
    Progress.#shown = this;
    show(run.losses.length > 0, "progress");
    show(false, "sample");
    part("film").replaceChildren();
    const last = run.losses.at(-1);
    if (last) this.#facts(last.epoch, last.step);
    this.#curves();
    void this.samples();
  }

  step(report: StepReport): void {
    const { epoch, step, losses, lr, seconds } = report;
    this.#run.losses.push({ epoch, step, ...losses, lr, seconds });
    show(true, "progress");
    const now = performance.now();
    if (now - this.#factsAt > factsEvery || step === report.lastStep) {
      this.#factsAt = now;
      this.#facts(epoch, step, report);
    }
    if (now - this.#curvesAt > curvesEvery || step === report.lastStep) this.#curves();
    if (epoch !== this.#epoch || now - this.#samplesAt > samplesEvery) {
      this.#samplesAt = now;
      void this.samples();
    }
    this.#epoch = epoch;
  }

  #facts(epoch: number, step: number, report?: StepReport): void {
    const { maxSteps = step } = this.#run.config;
    const percent = Math.floor((100 * step) / maxSteps);
    part("bar").style.width = `${(100 * step) / maxSteps}%`;
    part("bar").parentElement!.setAttribute("aria-valuenow", String(percent));
    if (report) document.title = `${percent} % \u00b7 ${this.#run.config.name} \u00b7 pix2pix`;
    const facts: [string, string][] = [
      ["step", `${count(step)} of ${count(maxSteps)}`],
      ["epoch", count(epoch)],
    ];
    if (report) {
      facts.push(["pictures a second", fixed(report.imagesPerSecond, 1)], ["time left", duration(report.secondsLeft)]);
    }
    part("facts").innerHTML = `${terms(facts)}`;
  }

  #curves(): void {
    this.#curvesAt = performance.now();
    const { losses, config } = this.#run;
    const { ganMode, lambdaL1, lambdaGan } = config;
    const adversarial = lambdaGan > 0 ? ganLosses[ganMode].chart : undefined;
    const open = part("losses").querySelector("details")?.open ?? false;
    part("losses").innerHTML =
      losses.length > 1 ? `<style>${chartCss}</style>${lossCharts({ losses, adversarial, lambdaL1 })}` : "";
    const note = part("losses").querySelector("details");
    if (note) note.open = open;
  }

  /** Shows the newest samples, and earlier ones as thumbnails to choose from. */
  async samples(): Promise<void> {
    const { name, cropSize } = this.#run.config;
    const run = runOf(name);
    const all = await run.samples();
    const known = all.map(({ file }) => file).join();
    if (all.length === 0 || known === this.#sampled) return;
    this.#sampled = known;
    const shown = all.length <= filmLength ? all : spread(all, filmLength);
    const made = await Promise.all(
      shown.map(async ({ epoch, step, file }) => {
        const bytes = (await files.read(run.path(file))) as Uint8Array<ArrayBuffer>;
        const when =
          step === 0 ? "before the first step" : step === undefined ? `after epoch ${epoch}` : `at step ${step}`;
        return { when, url: URL.createObjectURL(new Blob([bytes], { type: "image/png" })) };
      }),
    );
    if (Progress.#shown !== this) return;
    for (const url of this.#urls) URL.revokeObjectURL(url);
    this.#urls = made.map(({ url }) => url);
    const buttons = made.map(({ when, url }) => {
      const button = Object.assign(document.createElement("button"), { type: "button", title: when });
      button.append(Object.assign(new Image(), { src: url, alt: when }));
      button.addEventListener("click", () => select(button, when, url));
      return button;
    });
    const select = (button: HTMLButtonElement, when: string, url: string) => {
      for (const each of buttons) each.classList.toggle("shown", each === button);
      part("sample-title").textContent = `Samples ${when}`;
      part<HTMLImageElement>("sample-picture").alt = `Samples ${when}: input, output and target in a row for each pair`;
      part<HTMLImageElement>("sample-picture").src = url;
    };
    part("sample-picture").style.imageRendering = cropSize < 200 ? "pixelated" : "auto";
    part("film").replaceChildren(...buttons.toReversed());
    const newest = made.at(-1)!;
    select(buttons.at(-1)!, newest.when, newest.url);
    show(true, "sample");
  }
}

/** `wanted` of the items, evenly spaced, the last among them. */
function spread<T>(items: readonly T[], wanted: number): T[] {
  return Array.from({ length: wanted }, (_, i) => items[Math.round(((i + 1) * items.length) / wanted) - 1]!);
}
