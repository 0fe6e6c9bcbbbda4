/** One step of several processes: each has some of its batches, and sums go over all of them. */
import type { NetworkState } from "../engines/state.ts";
import { ConfigError, UserError } from "../errors.ts";
import { extraLossNames, type Losses, lossNames, measureNames } from "../model/losses.ts";
import type { Collective } from "../platform.ts";

/** The batches of a step and this process's part of them. */
export interface Parts {
  /** Samples of all batches. */
  samples: number;
  /** Batches of all processes. */
  batches: number;
  /** Batches of the processes before this one, and of those after it. */
  before: number;
  after: number;
}

/** The running statistics of a norm around a substep. */
export interface Running {
  /** Updates by each batch. */
  count: number;
  /** Mean and variance, as this process's batches have left them; replaced by those of all batches. */
  values: Float32Array;
  /** Before this process's first batch: equal in all processes. */
  first: Float32Array;
}

/** Everything that a step may report. */
const names = [...lossNames, ...extraLossNames, ...measureNames] as const;

/** The processes that train together, as a step uses them. Each method is called by all of them. */
export class Together {
  readonly collective: Collective;
  readonly #accumulate: number;

  /** @throws ConfigError where the batches of a step cannot be shared equally */
  constructor(collective: Collective, accumulate: number) {
    this.collective = collective;
    this.#accumulate = accumulate;
    const { size } = collective;
    if (accumulate % size === 0) return;
    throw new ConfigError(
      `--accumulate: a step has ${accumulate} batches, expected a multiple of ${size}, the number of processes, which share them ` +
        `equally; give --accumulate ${Math.ceil(accumulate / size) * size}, or start another number of processes ` +
        "(a run keeps its --accumulate)",
    );
  }

  /** This process's batches [from, to) of the `count` that a step has. */
  own(count: number): { from: number; to: number } {
    const each = this.#accumulate / this.collective.size;
    const from = Math.min(count, this.collective.rank * each);
    return { from, to: Math.min(count, from + each) };
  }

  /**
   * Compares what the processes have found in folders that must be the same for all.
   * @throws UserError where their numbers differ
   */
  refuseDifferent(what: string, unit: string, count: number): void {
    const counts = new Float32Array(this.collective.size);
    counts[this.collective.rank] = count;
    this.collective.sum(counts);
    const other = counts.find((each) => each !== counts[0]);
    if (other === undefined) return;
    throw new UserError(
      `The processes that train together have found different ${what}: ${counts[0]} and ${other} ${unit}. All need the same ` +
        "folders of the data and of the run, on a shared file system or as equal copies.",
    );
  }

  /** The parts of a step of which this process has these batches. */
  parts(batches: readonly { n: number }[]): Parts {
    const { rank, size } = this.collective;
    const counts = new Float32Array(size + 1);
    counts[rank] = batches.length;
    counts[size] = batches.reduce((sum, { n }) => sum + n, 0);
    this.collective.sum(counts);
    const sum = (from: number, to: number) => counts.subarray(from, to).reduce((total, count) => total + count, 0);
    return { samples: counts[size]!, batches: sum(0, size), before: sum(0, rank), after: sum(rank + 1, size) };
  }

  /** Sums gradients, each process's weighted by its samples, in place. */
  sumGradients({ adam }: NetworkState): void {
    this.collective.sum(adam.gradients);
  }

  /**
   * Running statistics after all batches, as if one process had computed them in the order of the processes' ranks. With a = 1 -
   * `momentum`, an update by a batch replaces r by a r + momentum m, m being the batch's statistic. From `first` a process computes
   *
   *     values = a^k first + rest
   *
   * by its k updates. Each update of a later process multiplies this rest by a, so after all K updates, b of them by the processes
   * after this one,
   *
   *     r = a^K first + (the sum of a^b rest over the processes)
   * @param momentum the share of a new batch
   */
  joinStatistics(all: readonly Running[], momentum: number, { batches, before, after }: Parts): void {
    const keep = 1 - momentum;
    const own = batches - before - after;
    const rests = new Float32Array(all.reduce((sum, { values }) => sum + values.length, 0));
    let at = 0;
    for (const { count, values, first } of all) {
      const [byOwn, byLater] = [keep ** (count * own), keep ** (count * after)];
      for (let i = 0; i < values.length; i++) rests[at++] = byLater * (values[i]! - byOwn * first[i]!);
    }
    this.collective.sum(rests);
    at = 0;
    for (const { count, values, first } of all) {
      const byAll = keep ** (count * batches);
      for (let i = 0; i < values.length; i++) values[i] = byAll * first[i]! + rests[at++]!;
    }
  }

  /** Sums the losses of steps, each process's weighted by its samples. */
  sumLosses(steps: readonly Losses[]): void {
    const values = Float32Array.from(steps.flatMap((losses) => names.map((name) => losses[name] ?? 0)));
    this.collective.sum(values);
    for (const [k, losses] of steps.entries()) {
      for (const [i, name] of names.entries()) {
        const value = values[k * names.length + i]!;
        if (name in losses || value !== 0) losses[name] = value;
      }
    }
  }

  /** Whether `said` is true in one process or more. */
  any(said: boolean): boolean {
    const count = Float32Array.of(said ? 1 : 0);
    this.collective.sum(count);
    return count[0]! > 0;
  }
}
