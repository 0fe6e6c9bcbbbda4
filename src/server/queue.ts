/** A bounded queue in front of what computes: one batch at a time, since each uses all cores. */
import { Refusal } from "./problem.ts";

export interface QueueOptions<Job, Ready, Made, Result> {
  /** Jobs that may wait. */
  most: number;
  /** Seconds that a job may wait and run. */
  seconds: number;
  /** Jobs that run together at most. */
  together: number;
  /** Jobs that are open at most: prepared, running or being finished. It bounds the memory that they take together. */
  open: number;
  /** Whether two jobs can run together. */
  alike(a: Job, b: Job): boolean;
  /** Begins a job when its turn is near, such as by decoding its picture, while others run. */
  prepare(job: Job): Promise<Ready>;
  /** Results in the order of the jobs. After a failure of several each is done alone: they may be of several clients. */
  run(jobs: Job[], ready: Ready[]): Promise<Made[]>;
  /** Makes the result, such as by encoding a picture, while others run. */
  finish(job: Job, made: Made): Promise<Result>;
}

interface Entry<Job, Ready, Result> {
  readonly job: Job;
  /** What `prepare` gives, from the moment at which the job is open until it has run. */
  ready?: Promise<Ready> | undefined;
  /** Whether `ready` has ended. */
  isReady: boolean;
  /** Whether its client has an answer. */
  isOver: boolean;
  settle(result: Result): void;
  fail(error: unknown): void;
}

const clientGone = "the client has gone";

export class Queue<Job, Ready, Made, Result> {
  readonly #options: QueueOptions<Job, Ready, Made, Result>;
  /** In the order of their arrival. Those that are open come first. */
  #waiting: Entry<Job, Ready, Result>[] = [];
  /** Jobs that are open. */
  #opened = 0;
  /** Called when the next job is closed. */
  #sleeping: (() => void)[] = [];
  #working: Promise<void> | undefined;
  #closed = false;
  /** Moving average of the seconds of a job. */
  #pace = 0.5;

  constructor(options: QueueOptions<Job, Ready, Made, Result>) {
    this.#options = options;
  }

  /** Jobs that wait. */
  get length(): number {
    return this.#waiting.length;
  }

  /**
   * @param count jobs that will come together: all are taken, or none
   * @throws Refusal 429 when the queue is full, 503 when it is closed
   */
  checkRoom(count = 1): void {
    if (this.#closed) throw new Refusal(503, "the server is about to end", 5);
    const { most } = this.#options;
    if (this.#waiting.length + count > most) {
      const wait = Math.max(1, Math.ceil(this.#waiting.length * this.#pace));
      throw new Refusal(
        429,
        `${this.#waiting.length} pictures and exports wait already, at most ${most} may; try again`,
        wait,
      );
    }
  }

  /**
   * @param signal of a client: its job is dropped when the client is gone
   * @throws Refusal 429 or 503, and what the work throws
   */
  add(job: Job, signal?: AbortSignal): Promise<Result> {
    this.checkRoom();
    return new Promise<Result>((resolve, reject) => {
      if (signal?.aborted) return reject(new Refusal(400, clientGone));
      const { seconds } = this.#options;
      const drop = (error: unknown) => {
        entry.fail(error);
        this.#leave(entry);
      };
      const gone = () => drop(new Refusal(400, clientGone));
      const late = () =>
        drop(
          new Refusal(503, `not done within ${seconds} seconds; try again later, a picture also with fewer pixels`, 10),
        );
      const timer = setTimeout(late, seconds * 1000);
      const ended = () => {
        entry.isOver = true;
        clearTimeout(timer);
        signal?.removeEventListener("abort", gone);
      };
      const entry: Entry<Job, Ready, Result> = {
        job,
        isReady: false,
        isOver: false,
        settle: (result) => {
          ended();
          resolve(result);
        },
        fail: (error) => {
          ended();
          reject(error);
        },
      };
      signal?.addEventListener("abort", gone);
      this.#waiting.push(entry);
      this.#openNext();
      this.#working ??= this.#work();
    });
  }

  /** Takes no more jobs; resolves when those that wait are done. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#working !== undefined || this.#opened > 0) await (this.#working ?? this.#nextClosed());
  }

  /** Prepares the jobs whose turn is near. */
  #openNext(): void {
    const { open, prepare } = this.#options;
    for (const entry of this.#waiting) {
      if (this.#opened >= open) return;
      if (entry.ready) continue;
      this.#opened++;
      entry.ready = prepare(entry.job);
      const ended = () => {
        entry.isReady = true;
      };
      entry.ready.then(ended, ended);
    }
  }

  /** A job that was open has left its memory. */
  #closeOne(): void {
    this.#opened--;
    for (const wake of this.#sleeping.splice(0)) wake();
    this.#openNext();
  }

  #nextClosed(): Promise<void> {
    return new Promise((resolve) => this.#sleeping.push(resolve));
  }

  /** Takes a job out that waits; one that runs is closed at its end. */
  #leave(entry: Entry<Job, Ready, Result>): void {
    if (!this.#waiting.includes(entry)) return;
    this.#waiting = this.#waiting.filter((each) => each !== entry);
    const close = () => this.#closeOne();
    entry.ready?.then(close, close);
  }

  async #work(): Promise<void> {
    const { alike, together } = this.#options;
    while (this.#waiting.length > 0) {
      const began = performance.now();
      const first = this.#waiting[0]!;
      // All that are open are being finished.
      while (!first.ready && this.#waiting[0] === first) await this.#nextClosed();
      await first.ready?.catch(() => {});
      if (this.#waiting[0] !== first) continue;
      const batch = this.#waiting
        .filter((each) => each === first || (each.isReady && alike(each.job, first.job)))
        .slice(0, together);
      this.#waiting = this.#waiting.filter((each) => !batch.includes(each));
      await this.#run(batch);
      const seconds = (performance.now() - began) / 1000 / batch.length;
      this.#pace += (seconds - this.#pace) / 8;
    }
    this.#working = undefined;
  }

  async #run(batch: readonly Entry<Job, Ready, Result>[]): Promise<void> {
    try {
      const ready = await Promise.all(batch.map((each) => each.ready!));
      const made = await this.#options.run(
        batch.map(({ job }) => job),
        ready,
      );
      for (const [i, entry] of batch.entries()) {
        entry.ready = undefined;
        void this.#finish(entry, made[i]!);
      }
    } catch (error) {
      if (batch.length > 1) {
        for (const each of batch) await this.#run([each]);
        return;
      }
      batch[0]!.fail(error);
      this.#closeOne();
    }
  }

  async #finish(entry: Entry<Job, Ready, Result>, made: Made): Promise<void> {
    try {
      if (!entry.isOver) entry.settle(await this.#options.finish(entry.job, made));
    } catch (error) {
      entry.fail(error);
    }
    this.#closeOne();
  }
}
