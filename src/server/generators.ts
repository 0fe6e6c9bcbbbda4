/**
 * The work that takes all cores, one after the other: pictures, and whatever else is computed on request. The generators stay open,
 * one for each run, its weights and settings that pictures are asked for with.
 */
import type { Config } from "../config/schema.ts";
import { keepsState } from "../engines/device.ts";
import type { Fit } from "../inference/fit.ts";
import { openTranslator } from "../inference/open.ts";
import type { Draw, Translator } from "../inference/translator.ts";
import type { DeepPicture, Picture, Platform } from "../platform.ts";
import { weightsFile } from "../run/paths.ts";
import type { Run } from "../run/run.ts";
import type { Limits } from "./limits.ts";
import { Refusal } from "./problem.ts";
import { Queue } from "./queue.ts";

/** Which generator, and how it behaves. */
export interface Choice {
  run: Run;
  /** "latest", "best", the number of a kept epoch, or "iter_500". */
  epoch: string;
  dropout?: Config["dropout"] | undefined;
  statistics?: Config["statistics"] | undefined;
}

/** A picture that a client sends. Only while its job is open it takes more memory than its file. */
export interface PictureOrder<Answer> {
  /** The name of its file, for messages. */
  file?: string | undefined;
  draw: Draw;
  fit: Fit;
  decode(): Promise<DeepPicture>;
  /** @param output of the generator */
  answer(output: Picture): Promise<Answer>;
}

/** A batch as a client has made it: [n, inputNc, height, width] in [-1, 1]. */
export interface TensorBatch extends Omit<Choice, "run"> {
  A: Float32Array;
  shape: readonly [n: number, channels: number, height: number, width: number];
  draw: Draw;
}

/** A batch that a client sends. */
export interface TensorOrder<Batch extends TensorBatch, Answer> {
  run: Run;
  decode(): Promise<Batch>;
  /** @param values [n, outputNc, height, width] */
  answer(values: Float32Array, batch: Batch): Promise<Answer>;
}

interface Keyed extends Choice {
  /** The generator, its weights and settings. */
  key: string;
}

type Job =
  | (Keyed & { picture: PictureOrder<unknown> })
  | { tensor: TensorOrder<TensorBatch, unknown> }
  | { other: () => Promise<unknown> };

/** What a job has when it runs: its picture, its batch, or nothing. */
type Ready = DeepPicture | TensorBatch | undefined;

export class Generators {
  readonly #platform: Platform;
  readonly #checkpointsDir: string;
  readonly #limits: Limits;
  readonly #threads: number | undefined;
  /** By key, the least recently used first. */
  readonly #open = new Map<string, Translator>();
  readonly #queue: Queue<Job, Ready, unknown, unknown>;

  constructor(platform: Platform, checkpointsDir: string, limits: Limits, threads?: number) {
    this.#platform = platform;
    this.#checkpointsDir = checkpointsDir;
    this.#limits = limits;
    this.#threads = threads;
    this.#queue = new Queue<Job, Ready, unknown, unknown>({
      most: limits.queue,
      seconds: limits.seconds,
      together: limits.together,
      open: limits.open,
      alike: (a, b) => "picture" in a && "picture" in b && a.key === b.key,
      prepare: async (job) =>
        "picture" in job ? job.picture.decode() : "tensor" in job ? job.tensor.decode() : undefined,
      run: (jobs, ready) => this.#run(jobs, ready),
      finish: async (job, made) => ("picture" in job ? job.picture.answer(made as Picture) : made),
    });
  }

  /** Pictures and other work that wait. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** @throws Refusal where so many more pictures find no room */
  checkRoom(count: number): void {
    this.#queue.checkRoom(count);
  }

  /**
   * The answers to pictures of one request. All find room in the queue, or none; after a failure of one the others are dropped.
   * @throws Refusal 404 for weights that are not kept, 429 or 503 by the queue
   */
  async translate<Answer>(
    choice: Choice,
    pictures: readonly PictureOrder<Answer>[],
    signal: AbortSignal,
  ): Promise<Answer[]> {
    const key = await this.keyOf(choice);
    this.#queue.checkRoom(pictures.length);
    // Each has its own signal: listeners to one signal are meant to be few.
    const jobs = pictures.map((picture) => ({ picture, gone: new AbortController() }));
    const drop = () => {
      for (const { gone } of jobs) gone.abort();
    };
    signal.addEventListener("abort", drop);
    if (signal.aborted) drop();
    const ask = ({ picture, gone }: (typeof jobs)[number]) =>
      this.#queue.add({ ...choice, key, picture }, gone.signal).catch((error) => {
        throw named(error, picture.file);
      });
    try {
      return (await Promise.all(jobs.map(ask))) as Answer[];
    } finally {
      signal.removeEventListener("abort", drop);
      drop();
    }
  }

  /** The answer to a batch. @throws as translate */
  async infer<Batch extends TensorBatch, Answer>(
    order: TensorOrder<Batch, Answer>,
    signal: AbortSignal,
  ): Promise<Answer> {
    const tensor = order as unknown as TensorOrder<TensorBatch, unknown>;
    return (await this.#queue.add({ tensor }, signal)) as Answer;
  }

  /** Does other work that takes all cores, such as an export, when it is its turn. @throws Refusal 429 or 503 by the queue */
  async inTurn<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return (await this.#queue.add({ other: work }, signal)) as T;
  }

  /** Waits for what is asked for already, and frees the generators. */
  async close(): Promise<void> {
    await this.#queue.close();
    for (const translator of this.#open.values()) await translator.close();
    this.#open.clear();
  }

  async #run(jobs: Job[], ready: Ready[]): Promise<unknown[]> {
    const first = jobs[0]!;
    if ("other" in first) return [await first.other()];
    if ("tensor" in first) return [await this.#infer(first.tensor, ready[0] as TensorBatch)];
    const translator = await this.#translator(first);
    // On two cores, four pictures together took 1.2 to 1.6 times as long as one after another (docs/overview.md).
    const together = keepsState(translator.device) ? this.#limits.together : 1;
    const pictures = jobs.map((job, i) => {
      const { draw, fit } = (job as typeof first).picture;
      return { picture: ready[i] as DeepPicture, draw, fit };
    });
    return translator.translateAll(pictures, together);
  }

  async #infer({ run, answer }: TensorOrder<TensorBatch, unknown>, batch: TensorBatch): Promise<unknown> {
    const { A, shape, draw, epoch, dropout, statistics } = batch;
    const choice = { run, epoch, dropout, statistics };
    const translator = await this.#translator({ ...choice, key: await this.keyOf(choice) });
    const [n, , height, width] = shape;
    translator.checkPadded({ n, height, width }, this.#limits.pixels);
    return answer(await translator.run(A, n, height, width, draw), batch);
  }

  async #translator({ key, run, epoch, dropout, statistics }: Keyed): Promise<Translator> {
    const known = this.#open.get(key);
    if (known) {
      this.#open.delete(key);
      this.#open.set(key, known);
      return known;
    }
    // The same generator with other weights: those of before are asked for no more.
    const settings = key.slice(0, key.lastIndexOf("\n") + 1);
    for (const [old, translator] of this.#open) {
      if (!old.startsWith(settings) && this.#open.size < this.#limits.generators) continue;
      this.#open.delete(old);
      await translator.close();
    }
    const place = { name: run.name, checkpointsDir: this.#checkpointsDir, epoch, threads: this.#threads };
    const translator = await openTranslator({ ...place, dropout, statistics }, this.#platform);
    this.#open.set(key, translator);
    return translator;
  }

  /**
   * Name, settings and state of the weights: a run that trains replaces its latest weights from time to time.
   * @throws Refusal 404 for weights that are not kept, 409 where there are none yet
   */
  async keyOf({ run, epoch, dropout, statistics }: Choice): Promise<string> {
    const path = run.path(weightsFile(epoch, "G"));
    const { files } = this.#platform;
    if (!/^[\w-]+$/.test(epoch) || !(await files.exists(path))) {
      const kept = await run.keptWeights();
      if (kept.length === 0) throw new Refusal(409, `the run "${run.name}" has saved no weights yet`, 30);
      throw new Refusal(404, `the run "${run.name}" has no weights "${epoch}"; it has ${kept.join(", ")}`);
    }
    const average = run.path(weightsFile(epoch, "G_ema"));
    const states = [await files.stat?.(path), (await files.exists(average)) && (await files.stat?.(average))];
    return [run.name, epoch, dropout ?? "", statistics ?? "", JSON.stringify(states)].join("\n");
  }
}

/** An error with the name of the picture that it is about. */
function named(error: unknown, file: string | undefined): unknown {
  if (file !== undefined && error instanceof Error) error.message = `${file}: ${error.message}`;
  return error;
}
