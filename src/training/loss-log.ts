/** The losses of a run as they come in: read from the device, checked, logged and shown. */
import type { Config } from "../config/schema.ts";
import { UserError } from "../errors.ts";
import type { Run } from "../run/run.ts";
import type { Reporter, StepReport } from "./reporter.ts";
import type { Trainer } from "./trainer.ts";

/** A step that is under way. */
interface Pending {
  epoch: number;
  step: number;
  lr: number;
  images: number;
}

/** Losses that a device has computed are read at least this often. */
const unreadSeconds = 1;

/**
 * A device is not waited for at every step: its losses are read together, and the time is shared out among their steps. On
 * the CPU they are there when the step is.
 */
export class LossLog {
  /** The step of the last checkpoint, for the message when a loss is not finite. */
  saved = 0;
  readonly #run: Run;
  readonly #trainer: Trainer;
  readonly #report: Reporter;
  readonly #config: Config;
  readonly #shown: (report: StepReport) => void;
  #pending: Pending[] = [];
  #busy = 0;
  #settled = performance.now();

  constructor(run: Run, trainer: Trainer, report: Reporter, config: Config, shown: (report: StepReport) => void) {
    this.#run = run;
    this.#trainer = trainer;
    this.#report = report;
    this.#config = config;
    this.#shown = shown;
  }

  /** A step that took `seconds` of the host, waiting for its pictures included. */
  async add(step: Pending, seconds: number): Promise<void> {
    this.#pending.push(step);
    this.#busy += seconds;
    const late = performance.now() - this.#settled > unreadSeconds * 1000;
    if (late || this.#pending.length >= this.#trainer.capacity) await this.settle();
  }

  /** Waits for the device. @throws UserError for a loss that is not finite */
  async settle(): Promise<void> {
    if (this.#pending.length === 0) return;
    const began = performance.now();
    const losses = await this.#trainer.losses();
    this.#settled = performance.now();
    const steps = this.#pending.splice(0);
    const seconds = Number(((this.#busy + (this.#settled - began) / 1000) / steps.length).toFixed(4));
    this.#busy = 0;
    for (const [i, { epoch, step, lr, images }] of steps.entries()) {
      if (!Object.values(losses[i]!).every(Number.isFinite)) throw this.#notFinite(step);
      const line = { epoch, step, ...losses[i]!, lr, seconds };
      await this.#run.losses.append(line);
      this.#shown(this.#report.add(line, images));
    }
  }

  #notFinite(step: number): UserError {
    const { lr } = this.#config;
    const kept =
      this.saved > 0
        ? `The checkpoint of step ${this.saved} is intact in ${this.#run.dir}: continue from it with a smaller --lr (now ${lr})`
        : `Nothing was saved yet: start again with a smaller --lr (now ${lr})`;
    return new UserError(
      `Step ${step}: a loss is not finite, so training stopped. ${kept}, --clip-grad 1, or look for damaged pictures with ` +
        "pix2pix inspect.",
    );
  }
}
