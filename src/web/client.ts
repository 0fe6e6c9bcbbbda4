/** The page's end: training and translating in a worker, with the names and arguments of the core's own API. */
import type { Config } from "../config/schema.ts";
import type { DemoOptions } from "../demo/write.ts";
import type { ExportOptions } from "../inference/export.ts";
import type { OpenOptions, Translator } from "../inference/translator.ts";
import type { TrainEvents, TrainResult } from "../training/train.ts";
import type { Capabilities } from "./capabilities.ts";
import type { Picked } from "./import.ts";
import { type Question, type Reply, received } from "./protocol.ts";
import type { Context, Service, WorkerOptions } from "./service.ts";

/** A method of the service as the page calls it: without the context. */
type Call<K extends keyof Service> = Service[K] extends (context: Context, ...args: infer A) => infer R
  ? { args: A; result: Awaited<R> }
  : never;

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
  events: TrainEvents;
}

export interface ClientOptions extends WorkerOptions {
  /** By default the package's own `worker.js` beside this module; Vite and webpack copy it. */
  worker?: Worker;
}

/** A trained generator that lives in the worker: the core's Translator as far as a page needs it. */
export interface RemoteTranslator {
  readonly config: Config;
  translate: Translator["translate"];
  close(): Promise<void>;
}

/** An error without a message is that of a script that is not there. */
const notLoaded =
  "The worker cannot be loaded. dist/web/worker.js and dist/web/ort of the package pix2pix must lie beside the script that " +
  'holds Client. Vite 8 and webpack copy them; Vite before 8 needs optimizeDeps: { exclude: ["pix2pix"] } while it serves; with ' +
  "other bundlers copy them yourself, or pass the option worker.";

export class Client {
  /** What this browser can compute on. */
  readonly capabilities: Promise<Capabilities>;
  #worker: Worker;
  #waiting = new Map<number, Waiting>();
  #count = 0;

  constructor({ worker, ...options }: ClientOptions = {}) {
    this.#worker = worker ?? new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }: MessageEvent<Reply>) => this.#receive(data);
    this.#worker.onerror = ({ message }) =>
      this.#fail(new Error(message ? `The worker has ended: ${message}` : notLoaded));
    this.capabilities = this.#call("start", [options]);
    this.capabilities.catch(() => {});
  }

  /** Trains in the worker as the core's `train` does. Abort the signal to pause: the run is saved and can go on later. */
  train(config: Config, events: TrainEvents = {}, signal?: AbortSignal): Promise<TrainResult> {
    return this.#call("train", [config], events, signal);
  }

  /** @param say is told when the device that was asked for is not there */
  async openRun(options: OpenOptions, say?: (note: string) => void): Promise<RemoteTranslator> {
    const { id, config } = await this.#call("open", [options], say ? { message: say } : {});
    return {
      config,
      translate: (...args) => this.#call("translate", [id, ...args]),
      close: () => this.#call("close", [id]),
    };
  }

  /** Replaces the data set `root` by picked pictures, zip archives or an opened folder. @returns how many pictures */
  importPictures(root: string, picked: readonly Picked[] | FileSystemDirectoryHandle): Promise<number> {
    return this.#call("importPictures", [root, picked]);
  }

  /** Draws the built-in data set into `root`. */
  writeDemo(root: string, options: DemoOptions): Promise<void> {
    return this.#call("writeDemo", [root, options]);
  }

  /** The generator of a run as an ONNX file. */
  exportOnnx(options: ExportOptions): Promise<Uint8Array> {
    return this.#call("exportOnnx", [options]);
  }

  /** Ends the worker at once; what is not saved is lost. */
  terminate(): void {
    this.#worker.terminate();
    this.#fail(new Error("The worker was ended."));
  }

  #call<K extends keyof Service>(
    method: K,
    args: Call<K>["args"],
    events: TrainEvents = {},
    signal?: AbortSignal,
  ): Promise<Call<K>["result"]> {
    const id = ++this.#count;
    const send = (question: Question) => this.#worker.postMessage(question);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject, events });
      send({ id, method, args });
      const abort = () => send({ id, abort: true });
      if (signal?.aborted) abort();
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  #receive(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    if (!waiting) return;
    if ("event" in reply) {
      (waiting.events[reply.event] as ((value: unknown) => void) | undefined)?.(reply.value);
      return;
    }
    this.#waiting.delete(reply.id);
    if ("error" in reply) waiting.reject(received(reply.error));
    else waiting.resolve(reply.result);
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
