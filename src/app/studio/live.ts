/** Translates pictures one after the other. Of the pictures requested during a translation only the last is translated. */
import type { Picture } from "../../platform.ts";
import { median } from "../../statistics.ts";
import type { OpenRun, Translated, TranslateSettings } from "../home.ts";

/** Where a picture takes less than so many milliseconds, the output follows the stroke. */
export const fast = 150;
/** Number of times of which the median is shown. */
const remembered = 5;

export interface Job {
  /** As it was when the job was requested. */
  picture: Picture;
  /** The picture of the sheet, which may have been drawn on since. */
  source: Picture;
  settings: TranslateSettings;
}

export interface LiveEvents {
  done(job: Job, output: Translated): void;
  failed(error: unknown): void;
  busy(now: boolean): void;
}

export class Live {
  readonly #run: OpenRun;
  readonly #events: LiveEvents;
  #next: Job | undefined;
  #running = false;
  #times: number[] = [];
  #size = "";
  #closed = false;

  constructor(run: OpenRun, events: LiveEvents) {
    this.#run = run;
    this.#events = events;
  }

  /** Milliseconds that a picture of the last size takes; undefined before two were translated. */
  get milliseconds(): number | undefined {
    return this.#times.length > 0 ? median(this.#times) : undefined;
  }

  /** Whether the output may follow a stroke. */
  get follows(): boolean {
    return (this.milliseconds ?? 0) < fast;
  }

  /** Whether a newer picture waits for its turn. */
  get waits(): boolean {
    return this.#next !== undefined;
  }

  /** @param source the picture of the sheet, of which a copy is translated: the user may draw on it meanwhile */
  request(source: Picture, settings: TranslateSettings): void {
    this.#next = { source, settings, picture: { ...source, data: source.data.slice() } };
    if (!this.#running) void this.#work();
  }

  close(): void {
    this.#closed = true;
    this.#next = undefined;
  }

  async #work(): Promise<void> {
    this.#running = true;
    this.#events.busy(true);
    while (this.#next && !this.#closed) {
      const job = this.#next;
      this.#next = undefined;
      try {
        const output = await this.#run.translate(job.picture, job.settings);
        this.#remember(job, output.milliseconds);
        if (!this.#closed) this.#events.done(job, output);
      } catch (error) {
        if (!this.#closed) this.#events.failed(error);
      }
    }
    this.#running = false;
    if (!this.#closed) this.#events.busy(false);
  }

  /** The first picture of a size or of settings does not count: creating its session takes time. */
  #remember({ picture: { width, height }, settings }: Job, milliseconds: number): void {
    const size = JSON.stringify([width, height, { ...settings, sample: undefined, name: undefined }]);
    if (size !== this.#size) this.#times = [];
    else this.#times = [...this.#times.slice(1 - remembered), milliseconds];
    this.#size = size;
  }
}
