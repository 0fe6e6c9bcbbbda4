/** What the worker does for the page: one method for each question that `client.ts` may send. */
import type { Config } from "../config/schema.ts";
import { type DemoOptions, writeDemo } from "../demo/write.ts";
import { DeviceLostError, UserError } from "../errors.ts";
import { type ExportOptions, exportOnnx } from "../inference/export.ts";
import { type OpenOptions, openRun, type Translator } from "../inference/translator.ts";
import type { Picture, Platform } from "../platform.ts";
import { type TrainEvents, type TrainResult, train } from "../training/train.ts";
import { type Capabilities, capabilities, chooseDevice, withoutWebGpu } from "./capabilities.ts";
import { files } from "./files.ts";
import { images } from "./images.ts";
import { importPictures } from "./import.ts";
import { webPlatform } from "./platform.ts";

export interface WorkerOptions {
  /** See RuntimeOptions.base. */
  runtimeBase?: string | undefined;
}

/** How a method talks to the page before it is done. */
export interface Context {
  emit<K extends keyof TrainEvents>(event: K, value: Parameters<NonNullable<TrainEvents[K]>>[0]): void;
  signal: AbortSignal;
}

export class Service {
  #options: WorkerOptions = {};
  #found: Capabilities | undefined;
  #opened = new Map<number, Translator>();
  #count = 0;

  async start(_: Context, options: WorkerOptions): Promise<Capabilities> {
    this.#options = options;
    this.#found = await capabilities();
    return this.#found;
  }

  importPictures(_: Context, ...args: Parameters<typeof importPictures>): Promise<number> {
    return importPictures(...args);
  }

  writeDemo(_: Context, root: string, options: DemoOptions): Promise<void> {
    return writeDemo({ files, images }, root, options);
  }

  async train({ emit, signal }: Context, config: Config): Promise<TrainResult> {
    const { platform, device } = await this.#platform(config, (note) => emit("message", note));
    const events: TrainEvents = {
      start: (info) => emit("start", info),
      step: (report) => emit("step", report),
      message: (text) => emit("message", text),
    };
    const release = await lockRun(`${config.checkpointsDir}/${config.name}`);
    try {
      return await train({ ...config, device }, platform, events, signal);
    } catch (error) {
      if (error instanceof DeviceLostError) this.#found = withoutWebGpu(this.#found!);
      throw error;
    } finally {
      release();
    }
  }

  async open({ emit }: Context, options: OpenOptions): Promise<{ id: number; config: Config }> {
    const { platform, device } = await this.#platform(options, (note) => emit("message", note));
    const translator = await openRun({ ...options, device }, platform);
    this.#opened.set(++this.#count, translator);
    return { id: this.#count, config: translator.config };
  }

  translate(_: Context, id: number, ...args: Parameters<Translator["translate"]>): Promise<Picture> {
    const translator = this.#opened.get(id);
    if (!translator) throw new UserError("This generator has been closed: open the run again.");
    return translator.translate(...args);
  }

  async close(_: Context, id: number): Promise<void> {
    await this.#opened.get(id)?.close();
    this.#opened.delete(id);
  }

  exportOnnx(_: Context, options: ExportOptions): Promise<Uint8Array> {
    return exportOnnx(options, files);
  }

  async #platform(
    { device: asked = "auto", threads }: Pick<OpenOptions, "device" | "threads">,
    say: (note: string) => void,
  ): Promise<{ platform: Platform; device: Config["device"] }> {
    this.#found ??= await capabilities();
    const { name, note } = chooseDevice(asked, this.#found);
    if (note) say(note);
    const { runtimeBase } = this.#options;
    const platform = await webPlatform({ device: name, threads, runtimeBase, found: this.#found });
    // The run keeps what was asked for, so that it can be opened elsewhere; cpu and cuda are Node's.
    return { platform, device: asked === "auto" || note ? "auto" : name };
  }
}

/** A tab that was closed or reloaded may take a moment to let go. */
const patience = 3000;

/**
 * One run is trained by one tab at a time: two would write over each other's checkpoints.
 * @returns what lets go of it
 */
function lockRun(run: string): Promise<() => void> {
  // Without a secure context there are no locks, nor storage, which says so.
  if (!navigator.locks) return Promise.resolve(() => {});
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(
        `pix2pix ${run}`,
        { signal: AbortSignal.timeout(patience) },
        () => new Promise<void>((release) => resolve(release)),
      )
      .catch(() =>
        reject(new UserError(`The run ${run} is being trained in another tab of this page. Stop it there first.`)),
      );
  });
}
