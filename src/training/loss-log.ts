/** The losses of a run: read from the device, checked and logged. */
import { UserError } from "../errors.ts";
import type { LossLine, Run } from "../run/run.ts";
import type { Trainer } from "./trainer.ts";

/** A step whose losses are not read yet. */
interface Pending {
  epoch: number;
  step: number;
  lr: number;
  /** Pictures of the step. */
  images: number;
}

/** Losses that a device has computed are read at least this often, in seconds. */
const unreadSeconds = 1;

export interface LossLogOptions {
  run: Run;
  trainer: Trainer;
  /** The learning rate of the run, for messages. */
  lr: number;
  /** The step of the checkpoint from which the training begins, 0 without one. */
  saved: number;
  /** Called with each line after it is written, and the pictures of its step. */
  onLine(line: LossLine, images: number): void;
}

/**
 * The log of losses, `loss_log.jsonl`. Waiting for a GPU after every step would slow it down. So the losses of several steps are
 * read together, and their time is divided evenly among the steps. On the CPU the losses are known when the step is done.
 */
export class LossLog {
  /** The step of the last checkpoint, for the message when a loss is not finite. */
  saved: number;
  readonly #options: LossLogOptions;
  #pending: Pending[] = [];
  /** Seconds that the pending steps have taken on the host. */
  #busy = 0;
  /** When losses were last read: performance.now(). */
  #settled = performance.now();
  #closed = false;

  constructor(options: LossLogOptions) {
    this.#options = options;
    this.saved = options.saved;
  }

  /** @param seconds duration of the step on the host, with the time it waited for its pictures */
  async add(step: Pending, seconds: number): Promise<void> {
    this.#pending.push(step);
    this.#busy += seconds;
    const late = performance.now() - this.#settled > unreadSeconds * 1000;
    if (late || this.#pending.length >= this.#options.trainer.capacity) await this.settle();
  }

  /** Waits for the device and logs the losses of all pending steps. @throws UserError for a loss that is not finite */
  async settle(): Promise<void> {
    if (this.#pending.length === 0) return;
    const { run, trainer, onLine } = this.#options;
    const began = performance.now();
    const losses = await trainer.losses();
    this.#settled = performance.now();
    const steps = this.#pending.splice(0);
    const seconds = Number(((this.#busy + (this.#settled - began) / 1000) / steps.length).toFixed(4));
    this.#busy = 0;
    for (const [i, { epoch, step, lr, images }] of steps.entries()) {
      if (!Object.values(losses[i]!).every(Number.isFinite)) throw this.#notFinite(step);
      if (this.#closed) continue;
      const line = { epoch, step, ...losses[i]!, lr, seconds };
      await run.losses.append(line);
      onLine(line, images);
    }
  }

  /** From now on losses are checked and not logged: the folder of the run is gone, or another run's. */
  close(): void {
    this.#closed = true;
  }

  #notFinite(step: number): UserError {
    const { run, lr } = this.#options;
    const kept =
      this.saved > 0
        ? `The checkpoint of step ${this.saved} is intact in ${run.dir}: continue from it with a smaller --lr (now ${lr})`
        : `Nothing was saved yet: start again with a smaller --lr (now ${lr})`;
    return new UserError(
      `Step ${step}: a loss is not finite, so training stopped. ${kept}, --clip-grad 1, or look for damaged pictures with ` +
        "pix2pix inspect.",
    );
  }
}
