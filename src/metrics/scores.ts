/** Scores of whole test sets: the classes of label maps and the distributions of colours. */
import { abScale, lScale, writeLab } from "../data/lab.ts";
import { toTensor } from "../data/transforms.ts";
import { ShapeError } from "../errors.ts";
import type { Picture } from "../platform.ts";

/** Scores from 0 to 1. */
export interface ClassScores {
  /** Share of the scored pixels whose class is right. */
  pixel: number;
  /** The mean over all classes of the share of their pixels that is right. */
  class: number;
  /** The mean over all classes of intersection over union. */
  iou: number;
}

/**
 * A confusion matrix over classes 0..n-1, for the FCN score of Isola et al. 2017 (4.2). Pixels whose target is not a class
 * are left out. Pixel accuracy is trace over sum; the other two scores are means over all n classes with 1e-12 added to
 * each denominator, so a class that never occurs counts as 0.
 */
export class Confusion {
  readonly classes: number;
  /** Pixels at target * (classes + 1) + output; the last column has the outputs that are not a class, which are wrong. */
  readonly counts: Float64Array;

  constructor(classes: number) {
    this.classes = classes;
    this.counts = new Float64Array(classes * (classes + 1));
  }

  /**
   * Adds a picture, one class a pixel; `classes` and above are not a class.
   * @returns the share of right pixels in it
   * @throws ShapeError for different numbers of pixels
   */
  add(output: ArrayLike<number>, target: ArrayLike<number>): number {
    if (output.length !== target.length) {
      throw new ShapeError(`Confusion: an output of ${output.length} pixels, a target of ${target.length}.`);
    }
    const n = this.classes;
    let [right, all] = [0, 0];
    for (let i = 0; i < target.length; i++) {
      if (target[i]! >= n) continue;
      this.counts[target[i]! * (n + 1) + Math.min(n, output[i]!)]!++;
      all++;
      if (output[i] === target[i]) right++;
    }
    return right / (all + 1e-12);
  }

  /** Adds the counts of another matrix of the same classes. */
  merge(counts: readonly number[]): void {
    if (counts.length !== this.counts.length) {
      throw new ShapeError(
        `Confusion: ${counts.length} counts, but ${this.counts.length} for ${this.classes} classes.`,
      );
    }
    counts.forEach((count, i) => {
      this.counts[i]! += count;
    });
  }

  /** The scores over all pictures together. */
  scores(): ClassScores {
    const { class: accuracy, iou } = this.perClass().reduce((sum, one) => ({
      class: sum.class + one.class,
      iou: sum.iou + one.iou,
    }));
    const right = Array.from({ length: this.classes }, (_, c) => this.#at(c, c)).reduce((a, b) => a + b, 0);
    const all = this.counts.reduce((a, b) => a + b, 0);
    return { pixel: right / (all + 1e-12), class: accuracy / this.classes, iou: iou / this.classes };
  }

  perClass(): Omit<ClassScores, "pixel">[] {
    const n = this.classes;
    const indices = Array.from({ length: n }, (_, c) => c);
    return indices.map((c) => {
      const right = this.#at(c, c);
      const targets = this.counts.subarray(c * (n + 1), (c + 1) * (n + 1)).reduce((a, b) => a + b, 0);
      const outputs = indices.reduce((sum, t) => sum + this.#at(t, c), 0);
      return { class: right / (targets + 1e-12), iou: right / (targets + outputs - right + 1e-12) };
    });
  }

  #at(target: number, output: number): number {
    return this.counts[target * (this.classes + 1) + output]!;
  }
}

/** Whole units of L 0..100, a and b -128..127. */
const bins = { L: 101, a: 256, b: 256 };
/** The intersections of the histograms of L, a and b: 1 equal, 0 disjoint. */
export type LabScores = Record<keyof typeof bins, number>;

/**
 * Similarity of the colours of two sets of pictures (Isola et al. 2017, 4.1): for each of L, a and b of CIELAB the
 * intersection of the histograms over all pixels, that is the sum over bins of the smaller share. Bins are one unit wide; 1
 * is equal, 0 is disjoint.
 */
export class LabHistograms {
  readonly #outputs = histogram();
  readonly #targets = histogram();

  add(output: Picture, target: Picture): void {
    count(this.#outputs, output);
    count(this.#targets, target);
  }

  /** The counts, of outputs and of targets. */
  state(): { outputs: Counts; targets: Counts } {
    return { outputs: counts(this.#outputs), targets: counts(this.#targets) };
  }

  /** Adds the counts of other pictures. */
  merge({ outputs, targets }: { outputs: Counts; targets: Counts }): void {
    for (const channel of Object.keys(bins) as (keyof typeof bins)[]) {
      for (let i = 0; i < bins[channel]; i++) {
        this.#outputs[channel][i]! += outputs[channel][i]!;
        this.#targets[channel][i]! += targets[channel][i]!;
      }
    }
  }

  intersection(): LabScores {
    const of = (channel: keyof typeof bins) => {
      const [a, b] = [this.#outputs[channel], this.#targets[channel]];
      const [m, n] = [a, b].map((counts) => counts.reduce((x, y) => x + y, 0)) as [number, number];
      return a.reduce((sum, value, i) => sum + Math.min(value / m, b[i]! / n), 0);
    };
    return { L: of("L"), a: of("a"), b: of("b") };
  }
}

type Histogram = Record<keyof typeof bins, Float64Array>;
type Counts = Record<keyof typeof bins, number[]>;
const counts = ({ L, a, b }: Histogram): Counts => ({ L: Array.from(L), a: Array.from(a), b: Array.from(b) });
const histogram = (): Histogram => ({
  L: new Float64Array(bins.L),
  a: new Float64Array(bins.a),
  b: new Float64Array(bins.b),
});

function count(into: Histogram, picture: Picture): void {
  const plane = picture.width * picture.height;
  const rgb = toTensor(picture, 3);
  const lab = new Float32Array(3 * plane);
  writeLab(lab, 0, rgb, plane, "Lab");
  for (let i = 0; i < plane; i++) {
    into.L[Math.round((lab[i]! + 1) * lScale)]!++;
    into.a[Math.round(lab[plane + i]! * abScale) + 128]!++;
    into.b[Math.round(lab[2 * plane + i]! * abScale) + 128]!++;
  }
}
