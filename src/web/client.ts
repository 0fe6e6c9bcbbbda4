/** Training and translating in a worker, with the names and arguments of the core's API. */
import type { Config } from "../config/schema.ts";
import type { DemoOptions } from "../demo/write.ts";
import type { ExportOptions } from "../exchange/onnx/export.ts";
import type { ProjectOptions } from "../exchange/project.ts";
import type { Evaluation } from "../inference/evaluate.ts";
import type { JudgedSamples } from "../inference/judge.ts";
import type { OpenOptions } from "../inference/open.ts";
import type { Translator } from "../inference/translator.ts";
import type { RunPlace } from "../run/run.ts";
import type { StepTime } from "../training/measure.ts";
import type { TrainEvents, TrainResult } from "../training/train.ts";
import type { Capabilities } from "./capabilities.ts";
import type { HeldOut, HoldOutOptions } from "./hold-out.ts";
import type { Imported, Picked } from "./import.ts";
import type { ImportedWeights, ImportWeightsOptions } from "./import-weights.ts";
import {
  type Call,
  type EventReply,
  type EventValues,
  type Method,
  type Methods,
  type Question,
  type RemoteEvaluateOptions,
  type Reply,
  received,
  type WorkerOptions,
} from "./protocol.ts";

/** A call that is not answered yet. */
interface Waiting {
  resolve(result: ReturnType<Methods[Method]>): void;
  reject(error: Error): void;
  events: TrainEvents;
}

/** The worker of a client, and the place of the runtime's files. */
export interface ClientOptions extends WorkerOptions {
  /** By default the package's own `worker.js` beside this module; Vite and webpack copy it. */
  worker?: Worker | undefined;
}

/** A trained generator in the worker: the methods of the core's `Translator` that a page needs. */
export interface RemoteTranslator {
  /** The options of the run. */
  readonly config: Config;
  /** The output for a picture of any size, as an 8-bit picture. */
  translate: Translator["translate"];
  /** Scores the generator on pairs in the browser's storage, by default the phase "test" of the run's data set. */
  evaluate(options?: RemoteEvaluateOptions): Promise<Evaluation>;
  /** Frees its memory. */
  close(): Promise<void>;
}

/** An error without a message is that of a script that is not there. */
const notLoaded =
  "The worker cannot be loaded. dist/web/worker.js and dist/web/ort of the package pix2pix must lie beside the script that " +
  'holds Client. Vite 8 and webpack copy them; Vite before 8 needs optimizeDeps: { exclude: ["pix2pix"] } while it serves; with ' +
  "other bundlers copy them yourself, or pass the option worker.";

/**
 * Trains and translates in a worker, so that the page stays responsive. Paths are those of the browser's own storage
 * for the site (the origin private file system). Methods reject with the errors of the core: UserError and its
 * subclasses.
 *
 * @example
 * ```ts
 * import { parseConfig } from "pix2pix";
 * import { Client } from "pix2pix/web";
 *
 * const client = new Client();
 * await client.writeDemo("facades", { train: 100, test: 4, size: 64, seed: 1 });
 * const sizes = { netG: "unet_64", loadSize: 64, cropSize: 64 } as const;
 * const config = parseConfig({ dataroot: "facades", name: "mine", ...sizes, maxSteps: 500 });
 * await client.train(config, { step: ({ step, losses }) => console.log(step, losses.G_L1) });
 * const translator = await client.openTranslator({ name: "mine", checkpointsDir: "runs" });
 * const { mean } = await translator.evaluate();
 * console.log(`SSIM ${mean.ssim}`);
 * await translator.close();
 * ```
 */
export class Client {
  /** The devices of this browser, its threads, and notes on its limits. */
  readonly capabilities: Promise<Capabilities>;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #count = 0;
  /** Why the worker is gone: no call can be answered any more. */
  #failed: Error | undefined;

  constructor({ worker, ...options }: ClientOptions = {}) {
    this.#worker = worker ?? new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }: MessageEvent<Reply>) => this.#receive(data);
    this.#worker.onerror = ({ message }) =>
      this.#fail(new Error(message ? `The worker has ended: ${message}` : notLoaded));
    this.capabilities = this.#call("start", [options]);
    this.capabilities.catch(() => {});
  }

  /**
   * Trains a run, as the core's `train` does.
   * @param signal abort it to pause: the run is saved and can go on later
   * @throws UserError also when another tab trains the same run
   */
  train(config: Config, events: TrainEvents = {}, signal?: AbortSignal): Promise<TrainResult> {
    return this.#call("train", [config], events, signal);
  }

  /**
   * Times a few steps of a training on noise; nothing is read or stored. `terminate` ends it at once.
   * @throws UserError for networks that do not fit into memory
   */
  measureStep(config: Config, signal?: AbortSignal): Promise<StepTime> {
    return this.#call("measureStep", [config], {}, signal);
  }

  /**
   * Opens the generator of a run, as the core's `openTranslator` does.
   * @param say called with a sentence when the device that was asked for is not there and another one is used
   * @throws CheckpointError when the run or its weights do not exist or are damaged
   */
  async openTranslator(options: OpenOptions, say?: (note: string) => void): Promise<RemoteTranslator> {
    const { id, config } = await this.#call("open", [options], say ? { message: say } : {});
    return {
      config,
      translate: (...args) => this.#call("translate", [id, ...args]),
      evaluate: (options = {}) => this.#call("evaluate", [id, options]),
      close: () => this.#call("close", [id]),
    };
  }

  /**
   * Replaces the data set in the folder `root` by picked pictures, archives or an opened folder.
   * @param say called with a sentence on the progress
   * @returns the number of pictures
   * @throws UserError when there are no pictures, or an archive is damaged
   */
  importPictures(
    root: string,
    picked: readonly Picked[] | FileSystemDirectoryHandle,
    say?: (text: string) => void,
  ): Promise<Imported> {
    return this.#call("importPictures", [root, picked], say ? { message: say } : {});
  }

  /**
   * Where the latest discriminator of a run takes the outputs and targets of a sample for real.
   * @param sample the file in the run's folder: "samples/epoch_003.png"
   * @throws UserError for a run without a discriminator
   */
  judgeSamples(place: RunPlace, sample: string): Promise<JudgedSamples> {
    return this.#call("judgeSamples", [place, sample]);
  }

  /**
   * Keeps a share of the pairs in the folder `root` from training: they become the phase "val", which is validated on.
   * @throws UserError for a data set that has phases already
   */
  holdOut(root: string, options: HoldOutOptions): Promise<HeldOut> {
    return this.#call("holdOut", [root, options]);
  }

  /** Draws the built-in data set, pairs of facades, into the folder `root`. */
  writeDemo(root: string, options: DemoOptions): Promise<void> {
    return this.#call("writeDemo", [root, options]);
  }

  /** The generator of a run as an ONNX file, as the core's `exportOnnx`. */
  exportOnnx(options: ExportOptions): Promise<Uint8Array<ArrayBuffer>> {
    return this.#call("exportOnnx", [options]);
  }

  /**
   * A run as one zip, which `pix2pix import` and other pages read; pictures of the data set are not in it.
   * @throws CheckpointError for a run without weights
   */
  exportProject(place: RunPlace, options: ProjectOptions): Promise<Uint8Array<ArrayBuffer>> {
    return this.#call("exportProject", [place, options]);
  }

  /**
   * Makes a run of such a zip.
   * @param path for messages
   * @param name of the run; by default that in the zip
   * @returns the name of the run
   * @throws UserError for a zip that is no project, and for a run that exists
   *
   * @example
   * ```ts
   * import { Client, files, images } from "pix2pix/web";
   *
   * const client = new Client();
   * if (!(await files.exists("runs/mine/config.json"))) {
   *   const zip = await (await fetch("mine.zip")).blob();
   *   await client.importProject(zip, "mine.zip", "runs");
   * }
   * const generator = await client.openTranslator({ name: "mine", checkpointsDir: "runs" });
   * const label = new Uint8Array(await (await fetch("label.png")).arrayBuffer());
   * const output = await generator.translate(await images.decode(label));
   * const picture = new Blob([await images.encodePng(output)], { type: "image/png" });
   * document.querySelector("img")!.src = URL.createObjectURL(picture);
   * ```
   */
  importProject(file: Blob, path: string, checkpointsDir: string, name?: string): Promise<string> {
    return this.#call("importProject", [file, path, checkpointsDir, name]);
  }

  /**
   * Makes a run of files of weights that were trained elsewhere: .pth of PyTorch, .safetensors, a TensorFlow checkpoint (its index
   * and its data), .t7 of Torch, or .pict. The architecture is found from the tensors.
   * @param picked a generator's file, and a discriminator's if there is one
   * @throws UserError for files that are no weights, are damaged or hold no generator, and for a run that exists
   *
   * @example
   * ```ts
   * import { Client } from "pix2pix/web";
   *
   * const client = new Client();
   * const file = document.querySelector("input")!.files![0]!;
   * const place = { name: "facades", checkpointsDir: "runs" };
   * const { found } = await client.importWeights([{ path: file.name, file }], place);
   * console.log(found); // read off the tensors: netG unet_256, ngf 64, ...
   * const generator = await client.openTranslator(place);
   * ```
   */
  importWeights(picked: readonly Picked[], options: ImportWeightsOptions): Promise<ImportedWeights> {
    return this.#call("importWeights", [picked, options]);
  }

  /** Ends the worker at once. Steps since the last checkpoint are lost, and pending calls reject. */
  terminate(): void {
    this.#worker.terminate();
    this.#fail(new Error("The worker was ended."));
  }

  #call<M extends Method>(
    method: M,
    args: Parameters<Methods[M]>,
    events: TrainEvents = {},
    signal?: AbortSignal,
  ): Promise<ReturnType<Methods[M]>> {
    if (this.#failed) return Promise.reject(this.#failed);
    const id = ++this.#count;
    const call: Call<M> = { id, method, args };
    const abort = () => this.#worker.postMessage({ id, abort: true } satisfies Question);
    const answer = new Promise<ReturnType<Methods[M]>>((resolve, reject) => {
      // The reply with this id has the result of this method.
      this.#waiting.set(id, { resolve: (result) => resolve(result as ReturnType<Methods[M]>), reject, events });
      this.#worker.postMessage(call);
      if (signal?.aborted) abort();
      signal?.addEventListener("abort", abort, { once: true });
    });
    return answer.finally(() => signal?.removeEventListener("abort", abort));
  }

  #receive(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    if (!waiting) return;
    if ("event" in reply) {
      report(waiting.events, reply);
      return;
    }
    this.#waiting.delete(reply.id);
    if ("error" in reply) waiting.reject(received(reply.error));
    else waiting.resolve(reply.result);
  }

  #fail(error: Error): void {
    this.#failed = error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

function report<E extends keyof EventValues>(events: TrainEvents, { event, value }: EventReply<E>): void {
  const handlers: { [K in keyof EventValues]?: ((value: EventValues[K]) => void) | undefined } = events;
  handlers[event]?.(value);
}
