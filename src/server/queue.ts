/** A bounded queue in front of what computes: one batch at a time, since each uses all cores. */
import { Refusal } from "./problem.ts";

export interface QueueOptions<Job, Result> {
  /** Jobs that may wait. */
  most: number;
  /** Seconds that a job may wait and run. */
  seconds: number;
  /** Jobs that run together at most. */
  together: number;
  /** Whether two jobs can run together. */
  alike(a: Job, b: Job): boolean;
  /** Results in the order of the jobs. After a failure of several each is done alone: they may be of several clients. */
  run(jobs: Job[]): Promise<Result[]>;
}

interface Waiting<Job, Result> {
  job: Job;
  settle(result: Result): void;
  fail(error: unknown): void;
}

const clientGone = "the client has gone";

export class Queue<Job, Result> {
  readonly #options: QueueOptions<Job, Result>;
  #waiting: Waiting<Job, Result>[] = [];
  #working: Promise<void> | undefined;
  #closed = false;
  /** Moving average of the seconds of a job. */
  #pace = 0.5;

  constructor(options: QueueOptions<Job, Result>) {
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
        this.#waiting = this.#waiting.filter((each) => each !== entry);
        entry.fail(error);
      };
      const gone = () => drop(new Refusal(400, clientGone));
      const late = () =>
        drop(
          new Refusal(503, `not done within ${seconds} seconds; try again later, a picture also with fewer pixels`, 10),
        );
      const timer = setTimeout(late, seconds * 1000);
      const ended = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", gone);
      };
      const entry: Waiting<Job, Result> = {
        job,
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
      this.#working ??= this.#work();
    });
  }

  /** Takes no more jobs; resolves when those that wait are done. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#working;
  }

  async #work(): Promise<void> {
    const { alike, together } = this.#options;
    while (this.#waiting.length > 0) {
      const [first] = this.#waiting;
      const batch = this.#waiting.filter(({ job }) => job === first!.job || alike(job, first!.job)).slice(0, together);
      this.#waiting = this.#waiting.filter((each) => !batch.includes(each));
      const began = performance.now();
      await this.#run(batch);
      const seconds = (performance.now() - began) / 1000 / batch.length;
      this.#pace += (seconds - this.#pace) / 8;
    }
    this.#working = undefined;
  }

  async #run(batch: readonly Waiting<Job, Result>[]): Promise<void> {
    try {
      const results = await this.#options.run(batch.map(({ job }) => job));
      for (const [i, { settle }] of batch.entries()) settle(results[i]!);
    } catch (error) {
      if (batch.length === 1) batch[0]!.fail(error);
      else for (const each of batch) await this.#run([each]);
    }
  }
}
