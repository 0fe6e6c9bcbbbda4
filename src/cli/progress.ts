/** Progress on the terminal: one line that is redrawn. Elsewhere, training prints plain lines. */
import { duration, visible } from "../text.ts";
import type { EpochReport, StepReport } from "../training/train.ts";
import { Line, redraws, type Screen } from "./screen.ts";
import { describeProgress } from "./stop.ts";

/**
 * The parts of a line that fit into `width` columns, in their order, two spaces between them. A part is shown whole or not
 * at all; those of the lowest rank are kept first.
 */
function fitted(parts: readonly (readonly [rank: number, text: string])[], width: number): string {
  const kept = new Set<string>();
  let used = -2;
  for (const [, text] of [...parts].sort(([a], [b]) => a - b)) {
    if (used + 2 + text.length > width) continue;
    used += 2 + text.length;
    kept.add(text);
  }
  return parts.flatMap(([, text]) => (kept.has(text) ? [text] : [])).join("  ");
}

/**
 * epoch 3/200  step 1203/80000  2.61 images/s  4h 12m left  G_GAN 1.92  G_L1 32.1  D_real 0.410  D_fake 0.380
 *
 * In fewer columns the step matters most, then the losses, the time, the epoch, the speed.
 */
export function progressLine(report: StepReport, width = Number.POSITIVE_INFINITY): string {
  const { epoch, epochs, step, lastStep, imagesPerSecond, secondsLeft, losses } = report;
  const values = Object.entries(losses).map(([name, value]) => [1, `${name} ${value.toPrecision(3)}`] as const);
  return fitted(
    [
      [3, `epoch ${epoch}/${epochs}`],
      [0, `step ${step}/${lastStep}`],
      [4, `${imagesPerSecond.toPrecision(3)} images/s`],
      [2, `${duration(secondsLeft)} left`],
      ...values,
    ],
    width,
  );
}

/** epoch 3/200 done in 2m 41s: loss_G 35.2, loss_D 0.312 (means: G_GAN 1.92, G_L1 33.3, D_real 0.410, D_fake 0.214) */
export function epochLine({ epoch, epochs, seconds, lossG, lossD, losses }: EpochReport): string {
  const totals = [`loss_G ${lossG.toPrecision(3)}`, ...(lossD === undefined ? [] : [`loss_D ${lossD.toPrecision(3)}`])];
  const means = Object.entries(losses).map(([name, value]) => `${name} ${value.toPrecision(3)}`);
  return `epoch ${epoch}/${epochs} done in ${duration(seconds)}: ${totals.join(", ")} (means: ${means.join(", ")})`;
}

/** (epoch: 3/200, step: 1200/80000, time: 0.383, images/s: 2.61, left: 4h 12m) G_GAN: 1.921 G_L1: 32.113 ... */
export function plainLine(report: StepReport): string {
  const { epoch, epochs, step, lastStep, seconds, imagesPerSecond, secondsLeft, losses } = report;
  const values = Object.entries(losses).map(([name, value]) => `${name}: ${value.toFixed(3)}`);
  return (
    `(epoch: ${epoch}/${epochs}, step: ${step}/${lastStep}, time: ${seconds.toFixed(3)}, ` +
    `images/s: ${imagesPerSecond.toPrecision(3)}, left: ${duration(secondsLeft)}) ${values.join(" ")}`
  );
}

/** Shows the steps of one run. Call `end` after the last one. */
export class Progress {
  readonly #screen: Screen;
  readonly #printFreq: number;
  #drawn = false;
  #lastDrawing = 0;
  #last: StepReport | undefined;
  #printed = -1;

  /** @param printFreq steps between two lines, where the screen is no terminal */
  constructor(screen: Screen, printFreq: number) {
    this.#screen = screen;
    this.#printFreq = printFreq;
  }

  step(report: StepReport): void {
    this.#last = report;
    if (!redraws(this.#screen)) {
      if (report.step % this.#printFreq === 0) this.#print(report);
      return;
    }
    const now = performance.now();
    if (now - this.#lastDrawing < 100 && report.step !== report.lastStep) return;
    this.#lastDrawing = now;
    this.#draw(report);
  }

  /** Prints a line above the one that is redrawn. Control characters are shown as escapes. */
  line(text: string): void {
    this.#screen.write(`${this.#drawn ? "\r\x1b[K" : ""}${visible(text)}\n`);
    this.#drawn = false;
    this.#lastDrawing = 0;
  }

  /** Prints the line of the last step and leaves it on the screen. */
  end(): void {
    if (!this.#last) return;
    if (redraws(this.#screen)) {
      this.#draw(this.#last);
      this.#screen.write("\n");
      this.#drawn = false;
    } else if (this.#printed !== this.#last.step) this.#print(this.#last);
    this.#last = undefined;
  }

  #print(report: StepReport): void {
    this.#printed = report.step;
    this.#screen.write(`${plainLine(report)}\n`);
  }

  #draw(report: StepReport): void {
    this.#screen.write(`\r${progressLine(report, (this.#screen.columns || 80) - 1)}\x1b[K`);
    this.#drawn = true;
  }
}

/**
 * Counts equal pieces of work: `12/400 pictures  0.31 s each  2m 01s left`. Redrawn on a terminal; elsewhere a line every
 * 5 seconds.
 */
export class Counter {
  readonly #line: Line;
  readonly #total: number;
  readonly #what: string;
  #count = 0;

  /** @param clock the time in milliseconds */
  constructor(screen: Screen, total: number, what: string, clock?: () => number) {
    this.#line = new Line(screen, clock);
    this.#total = total;
    this.#what = what;
    describeProgress(() => `after ${this.#count} of ${this.#total} ${this.#what}`);
  }

  /** Seconds since the counter was created. */
  get seconds(): number {
    return this.#line.seconds;
  }

  /** Shows the total before the first piece is done. */
  start(): void {
    this.#line.draw(`0/${this.#total} ${this.#what}`);
  }

  /** Counts one more piece. */
  done(): void {
    this.#count++;
    const each = this.seconds / this.#count;
    const left = duration(each * (this.#total - this.#count));
    this.#line.show(`${this.#count}/${this.#total} ${this.#what}  ${each.toPrecision(2)} s each  ${left} left`);
  }

  /** Shows which share of the next piece is done, 0 to 1, for pieces that take long: `0/1 pictures  34 % of the next  2m 01s left`. */
  within(share: number): void {
    const done = this.#count + share;
    const percent = Math.floor(100 * share);
    // The start-up distorts an estimate from a smaller share.
    const left = done < smallestShare ? "" : `  ${duration((this.seconds / done) * (this.#total - done))} left`;
    this.#line.show(`${this.#count}/${this.#total} ${this.#what}  ${percent} % of the next${left}`);
  }

  /** Removes the line; call it before other output. */
  clear(): void {
    this.#line.clear();
  }
}

/** The share of a piece from which on the time left is shown. */
const smallestShare = 0.01;

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);

/** Shows the bytes of a download: `12.3/30.2 MB  41 %  2.1 MB/s  9s left`. Redrawn on a terminal; elsewhere a line every 5 seconds. */
export class Bytes {
  readonly #line: Line;
  #first: number | undefined;
  #done = 0;
  #total: number | undefined;
  #drawn = Number.NEGATIVE_INFINITY;

  /** @param clock the time in milliseconds */
  constructor(screen: Screen, clock?: () => number) {
    this.#line = new Line(screen, clock);
  }

  /** @param done all bytes that are there, also those of an earlier try */
  show(done: number, total: number | undefined): void {
    this.#first ??= done;
    this.#done = done;
    this.#total = total;
    const { seconds } = this.#line;
    if (seconds - this.#drawn < 0.1) return;
    this.#drawn = seconds;
    const rate = (done - this.#first) / Math.max(0.001, seconds);
    const parts = [`${megabytes(done)}${total === undefined ? "" : `/${megabytes(total)}`} MB`];
    if (total) parts.push(`${Math.floor((100 * done) / total)} %`);
    parts.push(`${megabytes(rate)} MB/s`);
    if (total && rate > 0) parts.push(`${duration((total - done) / rate)} left`);
    this.#line.show(parts.join("  "));
  }

  /** How far the download is: "after 12.3 of 30.2 MB". */
  place(): string {
    if (this.#done === 0) return "before the first byte";
    return `after ${megabytes(this.#done)}${this.#total === undefined ? "" : ` of ${megabytes(this.#total)}`} MB`;
  }

  /** "30.2 MB fetched (12.1 MB of them earlier)" */
  summary(): string {
    const before = this.#first ? ` (${megabytes(this.#first)} MB of them earlier)` : "";
    return `${megabytes(this.#done)} MB fetched${before}`;
  }

  /** Removes the line; call it before other output. */
  clear(): void {
    this.#line.clear();
  }
}
