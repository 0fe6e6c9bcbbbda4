/** GET /api/runs/:name/onnx: generators as ONNX files, which are as large as their weights. */
import { exportOnnx } from "../exchange/onnx/export.ts";
import type { Precision } from "../formats/compact.ts";
import type { Platform } from "../platform.ts";
import { weightsFile } from "../run/paths.ts";
import type { Run } from "../run/run.ts";
import type { Generators } from "./generators.ts";
import type { Limits } from "./limits.ts";
import { Unread } from "./unread.ts";

/** A file in memory, for all clients that read it now. */
interface Shared {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readers: number;
  /** Gives its memory back. */
  readonly release: () => void;
}

/** Which weights, and their precision in the file. */
interface Form {
  epoch: string;
  precision: Precision;
}

interface ExportServices {
  platform: Platform;
  checkpointsDir: string;
  generators: Generators;
  limits: Limits;
}

export class Exports {
  readonly #services: ExportServices;
  /** By precision and the key of the weights, which changes when they are written anew. */
  readonly #shared = new Map<string, Shared>();
  readonly #unread: Unread;

  constructor(services: ExportServices) {
    this.#services = services;
    this.#unread = new Unread("ONNX files", services.limits);
  }

  /**
   * The file of a run's weights. It is made in turn with other work, and shared by the clients that read it at one time.
   * @throws Refusal 404 or 409 for weights that are not there; 429 where other files that clients read fill the memory; 429 or
   *   503 by the queue
   */
  async answer(run: Run, form: Form, headers: Readonly<Record<string, string>>, signal: AbortSignal) {
    const { generators } = this.#services;
    const key = `${form.precision} ${await generators.keyOf({ run, epoch: form.epoch })}`;
    let isOver = false;
    const take = async () => {
      const shared = this.#shared.get(key) ?? (await this.#make(key, run, form));
      shared.readers++;
      const leave = () => this.#leave(key, shared);
      // The client has gone meanwhile, and nobody would read.
      if (isOver) leave();
      return { bytes: shared.bytes, leave };
    };
    try {
      const { bytes, leave } = await generators.inTurn(take, signal);
      const length = { "Content-Length": String(bytes.length) };
      return new Response(this.#unread.untilRead(bytes, leave), { headers: { ...headers, ...length } });
    } finally {
      isOver = true;
    }
  }

  async #make(key: string, run: Run, { epoch, precision }: Form): Promise<Shared> {
    const { checkpointsDir, platform } = this.#services;
    // The weights are nearly all of the file, so that a file without room need not be made.
    const weights = await platform.files.stat?.(run.path(weightsFile(epoch, "G")));
    const release = this.#unread.hold(weights?.bytes ?? 0);
    try {
      const weightsIn = { fp16: precision === "float16", int8: precision === "int8" };
      const bytes = await exportOnnx({ name: run.name, checkpointsDir, epoch, ...weightsIn }, platform.files);
      const shared = { bytes, readers: 0, release };
      this.#shared.set(key, shared);
      return shared;
    } catch (error) {
      release();
      throw error;
    }
  }

  #leave(key: string, shared: Shared): void {
    shared.readers--;
    if (shared.readers > 0) return;
    this.#shared.delete(key);
    shared.release();
  }
}
