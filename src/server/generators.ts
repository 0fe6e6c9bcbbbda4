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

interface Translation extends Choice {
  /** The generator, its weights and settings. */
  key: string;
  work: { picture: DeepPicture; draw: Draw; fit: Fit } | { tensor: TensorJob };
}

type Job = Translation | { other: () => Promise<unknown> };

/** A batch as a client has made it: [n, inputNc, height, width] in [-1, 1]. */
export interface TensorJob {
  A: Float32Array;
  shape: readonly [n: number, channels: number, height: number, width: number];
  draw: Draw;
}

export class Generators {
  readonly #platform: Platform;
  readonly #checkpointsDir: string;
  readonly #limits: Limits;
  readonly #threads: number | undefined;
  /** By key, the least recently used first. */
  readonly #open = new Map<string, Translator>();
  readonly #queue: Queue<Job, unknown>;

  constructor(platform: Platform, checkpointsDir: string, limits: Limits, threads?: number) {
    this.#platform = platform;
    this.#checkpointsDir = checkpointsDir;
    this.#limits = limits;
    this.#threads = threads;
    this.#queue = new Queue<Job, unknown>({
      most: limits.queue,
      seconds: limits.seconds,
      together: limits.together,
      alike: (a, b) => "key" in a && "key" in b && a.key === b.key && "picture" in a.work && "picture" in b.work,
      run: (jobs) => this.#run(jobs),
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

  /** The output for a picture. @throws Refusal 404 for weights that are not kept, 429 or 503 by the queue */
  async translate(
    choice: Choice,
    picture: DeepPicture,
    { draw, fit }: { draw: Draw; fit: Fit },
    signal?: AbortSignal,
  ): Promise<Picture> {
    const key = await this.#keyOf(choice);
    return (await this.#queue.add({ ...choice, key, work: { picture, draw, fit } }, signal)) as Picture;
  }

  /** The output for a tensor, [n, outputNc, height, width]. @throws as translate */
  async run(choice: Choice, tensor: TensorJob, signal?: AbortSignal): Promise<Float32Array> {
    const key = await this.#keyOf(choice);
    return (await this.#queue.add({ ...choice, key, work: { tensor } }, signal)) as Float32Array;
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

  async #run(jobs: Job[]): Promise<unknown[]> {
    const [first] = jobs as [Job];
    if ("other" in first) return [await first.other()];
    const translator = await this.#translator(first);
    if ("tensor" in first.work) {
      const { A, shape, draw } = first.work.tensor;
      const [n, , height, width] = shape;
      return [await translator.run(A, n, height, width, draw)];
    }
    // On two cores, four pictures together took 1.2 to 1.6 times as long as one after another (docs/overview.md).
    const together = keepsState(translator.device) ? this.#limits.together : 1;
    return translator.translateAll(
      jobs.map((job) => (job as Translation).work as Exclude<Translation["work"], { tensor: unknown }>),
      together,
    );
  }

  async #translator({ key, run, epoch, dropout, statistics }: Translation): Promise<Translator> {
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

  /** Name, settings and state of the weights: a run that trains replaces its latest weights from time to time. */
  async #keyOf({ run, epoch, dropout, statistics }: Choice): Promise<string> {
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
