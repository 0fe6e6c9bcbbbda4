/**
 * Batches of pairs, prepared while the step before runs.
 *
 * A batch is a pure function of (seed, epoch, index) and the files, so a continued run gets the same batches, however many
 * were prepared ahead:
 * - the order of epoch e is the permutation of Random(seed, "order", e), or that of the names with `serialBatches`, or
 *   with `replacement` as many independent draws of Random(seed, "replacement", e);
 * - the pair at position p of that order is changed by drawJitter of Random(seed, "augment", e * pairs + p);
 * - with `skipBadImages`, a pair that cannot be decoded is replaced by the next good one in the order of the names.
 */
import { DatasetError, refuse, UserError } from "../errors.ts";
import type { Files, Images } from "../platform.ts";
import { Random } from "../random.ts";
import { type AugmentOptions, drawJitter } from "./augment.ts";
import type { Pair } from "./layouts.ts";
import { BadImage, checkPairs, PairReader, type Prepared, type ReaderOptions, warpedPair } from "./reader.ts";
import { dataProblems } from "./rules.ts";
import { writeSide } from "./sides.ts";
import { crops, preprocessings, type Size, type SizeOptions } from "./sizes.ts";
import { placesOf } from "./warp.ts";

/** Size and order of batches, random changes of pairs, and memory. */
export interface LoaderOptions extends AugmentOptions, ReaderOptions {
  batchSize: number;
  /** An epoch ends with its last whole batch. */
  dropLast: boolean;
  serialBatches: boolean;
  /** Each pair is drawn from all pairs (with replacement). Has no effect with `serialBatches`. */
  replacement: boolean;
  seed: number;
  skipBadImages: boolean;
  /** Memory for decoded and resized pictures that are kept for later epochs. Default: 16 MB, enough for small pictures. */
  cacheBytes?: number | undefined;
}

/** Options with which a loader gives each pair once, by name, unchanged but for its size: for samples and tests. */
export const still = {
  noFlip: true,
  flipVertical: false,
  rotate90: false,
  colorJitter: 0,
  warp: 0,
  serialBatches: true,
  replacement: false,
  batchSize: 1,
  dropLast: false,
} as const satisfies Partial<LoaderOptions>;

/**
 * Options with which a loader gives each pair whole, as `still`: at the crop's size where training resized pictures to a
 * fixed one, else with the scale of training.
 */
export function wholePictures({
  preprocess,
  cropSize,
  cropHeight,
}: Pick<SizeOptions, "preprocess" | "cropSize" | "cropHeight">) {
  const { whole } = preprocessings[preprocess];
  if (whole !== "resize_and_crop") return { ...still, preprocess: whole };
  return { ...still, preprocess: whole, loadSize: cropSize, loadHeight: cropHeight };
}

/**
 * A: [n, inputNc, height, width], B: [n, outputNc, height, width], in [-1, 1]; A is the network's input, B its target.
 * `inputPicture` and `outputPicture` convert them to pictures.
 */
export interface Batch {
  A: Float32Array;
  B: Float32Array;
  /** The names of the pairs, in the order of the batch. */
  names: string[];
  /** The file of side A of each pair. */
  files: string[];
  n: number;
  height: number;
  width: number;
}

/** The batches that an epoch of so many pairs has; the last one may be smaller unless it is dropped. */
export function batchesPerEpoch(pairs: number, { batchSize, dropLast }: Pick<LoaderOptions, "batchSize" | "dropLast">) {
  const batches = pairs / batchSize;
  return dropLast ? Math.floor(batches) : Math.ceil(batches);
}

/**
 * Batches of a list of pairs, decoded, resized, cropped and varied by the options (a `Config` has all of them). `findPairs`
 * has an example.
 */
export class Loader {
  readonly batchesPerEpoch: number;
  /** The names of the pairs, in the order in which they were given. */
  readonly names: readonly string[];
  /** Files that could not be decoded and what is wrong with each, as far as they have been read (`skipBadImages`). */
  readonly skipped = new Map<string, string>();
  readonly #pairs: readonly Pair[];
  readonly #options: LoaderOptions;
  readonly #reader: PairReader;
  readonly #cache = new Map<number, Prepared>();
  readonly #loading = new Map<number, Promise<Prepared>>();
  readonly #bad = new Map<number, BadImage>();
  readonly #waiting = new Map<number, Promise<Batch>>();
  /** Batches prepared ahead, about four pairs: reading, decoding and resizing each wait until the running step yields. */
  readonly #ahead: number;
  #cacheLeft: number;
  #order: { epoch: number; order: Uint32Array } | undefined;
  #size: Promise<Located> | undefined;

  /** @throws DatasetError without pairs, ConfigError for options that cannot work (rules.ts) */
  constructor(pairs: readonly Pair[], options: LoaderOptions, platform: { files: Files; images: Images }) {
    const { batchSize } = options;
    if (pairs.length === 0) throw new DatasetError("there are no pairs to load.");
    refuse(dataProblems(options));
    checkPairs(pairs, options);
    this.#pairs = pairs;
    this.names = pairs.map(({ name }) => name);
    this.#options = options;
    this.#reader = new PairReader(options, platform);
    this.#cacheLeft = options.cacheBytes ?? 16 * 2 ** 20;
    this.#ahead = Math.max(1, Math.ceil(4 / batchSize));
    this.batchesPerEpoch = batchesPerEpoch(pairs.length, options);
    if (this.batchesPerEpoch === 0) {
      throw new DatasetError(
        `--drop-last leaves no batch: --batch-size is ${batchSize} and there are ${pairs.length} pairs. Leave it out, or take a ` +
          "smaller batch.",
      );
    }
  }

  /**
   * Height and width of every batch: those of the crop. With preprocess none and scale_width each batch has its own size;
   * then this is the size of the first pair, and `file` its side A.
   */
  size(): Promise<Size & { file?: string }> {
    const { cropSize, cropHeight } = this.#options;
    if (crops(this.#options)) return Promise.resolve({ height: cropHeight, width: cropSize });
    this.#size ??= this.#good(0).then(located);
    return this.#size;
  }

  /**
   * Batch `index` (0..batchesPerEpoch-1) of an epoch (from 0); also begins to prepare the next batches. The last batch of
   * an epoch may be smaller.
   * @throws DatasetError naming the file that cannot be used
   */
  async batch(epoch: number, index: number): Promise<Batch> {
    const work = this.#start(epoch, index);
    this.#waiting.delete(this.#number(epoch, index));
    const next = this.#number(epoch, index) + 1;
    for (let k = next; k < next + this.#ahead; k++) {
      this.prefetch(Math.floor(k / this.batchesPerEpoch), k % this.batchesPerEpoch);
    }
    return work;
  }

  /** Begins to prepare a batch; `batch` reports a failure. */
  prefetch(epoch: number, index: number): void {
    const work = this.#start(epoch, index);
    work.catch(() => {});
    this.#waiting.set(this.#number(epoch, index), work);
    for (const key of this.#waiting.keys()) {
      if (this.#waiting.size <= this.#ahead + 1) break;
      this.#waiting.delete(key);
    }
  }

  /**
   * Decodes every pair once, so that a bad file is found before hours of training.
   * @returns one line per bad file, with `skipBadImages`
   * @throws DatasetError naming the bad files without it, and for sizes that cannot be used, or not together in a batch
   */
  async check(progress?: (done: number, total: number) => void): Promise<string[]> {
    const { skipBadImages } = this.#options;
    const sizes = new Map<number, Located>();
    let next = 0;
    let done = 0;
    const work = async () => {
      while (next < this.#pairs.length) {
        const index = next++;
        try {
          sizes.set(index, located(await this.#prepare(index)));
        } catch (error) {
          if (!(error instanceof BadImage)) throw error;
        }
        progress?.(++done, this.#pairs.length);
      }
    };
    await Promise.all([work(), work(), work(), work()]);
    const bad = [...this.#bad].sort(([a], [b]) => a - b).map(([, { message }]) => message);
    if (bad.length > 0 && (!skipBadImages || bad.length === this.#pairs.length)) throw this.#badImages(bad);
    this.#checkTogether(sizes);
    return bad;
  }

  /** Checks that pairs of one batch have one size: any two pairs, or with `serialBatches` those of each batch. */
  #checkTogether(sizes: Map<number, Located>): void {
    const { batchSize, serialBatches } = this.#options;
    if (crops(this.#options) || batchSize === 1) return;
    const first = new Map<number, Located>();
    for (const [index, size] of [...sizes].sort(([a], [b]) => a - b)) {
      const batch = serialBatches ? Math.floor(index / batchSize) : 0;
      if (!first.has(batch)) first.set(batch, size);
      checkEqual([first.get(batch)!, size], this.#options);
    }
  }

  #badImages(bad: string[]): DatasetError {
    const more = bad.length > 5 ? `\n  and ${bad.length - 5} more` : "";
    const advice =
      bad.length === this.#pairs.length
        ? "No pair is left."
        : "Replace or remove them, or leave them out with --skip-bad-images.";
    const list = bad.slice(0, 5).map((line) => `\n  ${line}`);
    return new DatasetError(
      `${bad.length} of ${this.#pairs.length} pairs cannot be decoded:${list.join("")}${more}\n${advice}`,
    );
  }

  /** The number of a batch, counted over all epochs. */
  #number(epoch: number, index: number): number {
    return epoch * this.batchesPerEpoch + index;
  }

  #start(epoch: number, index: number): Promise<Batch> {
    if (!Number.isInteger(epoch) || epoch < 0 || !(index >= 0 && index < this.batchesPerEpoch)) {
      const last = this.batchesPerEpoch - 1;
      throw new UserError(
        `Loader: epochs begin at 0 and batches are 0 to ${last}, got epoch ${epoch}, batch ${index}.`,
      );
    }
    return this.#waiting.get(this.#number(epoch, index)) ?? this.#assemble(epoch, index);
  }

  /** Prepares the pairs of a batch, draws their random changes, and writes their values. */
  async #assemble(epoch: number, index: number): Promise<Batch> {
    const { batchSize, inputNc, outputNc, seed, cropSize, cropHeight } = this.#options;
    const order = this.#orderOf(epoch);
    const first = index * batchSize;
    const positions = Array.from(order.subarray(first, first + batchSize), (pair, i) => ({ pair, at: first + i }));
    const prepared = await Promise.all(positions.map(({ pair }) => this.#good(pair)));
    if (!crops(this.#options)) checkEqual(prepared.map(located), this.#options);
    const { height, width } = crops(this.#options) ? { height: cropHeight, width: cropSize } : prepared[0]!.input;
    const n = prepared.length;
    const targets = prepared.every(({ target }) => target !== undefined);
    const A = new Float32Array(n * inputNc * height * width);
    const B = new Float32Array(targets ? n * outputNc * height * width : 0);
    prepared.forEach((resized, i) => {
      const random = new Random(seed, "augment", epoch * this.#pairs.length + positions[i]!.at);
      const { width: across, height: down } = resized.input;
      const { color, warp, ...drawn } = drawJitter(random, across, down, this.#options);
      const forms = this.#reader.formsOf(resized.pair);
      const places = warp && placesOf(warp, drawn.x, drawn.y, { width, height });
      const { input, target } = places ? warpedPair(resized, forms, places) : resized;
      // A warp reads the pixels of the crop only, so its result is already cropped.
      const placement = places ? { ...drawn, x: 0, y: 0 } : drawn;
      writeSide(A, i * inputNc * height * width, input, forms.input, height, width, { ...placement, color });
      if (target && targets)
        writeSide(B, i * outputNc * height * width, target, forms.target, height, width, placement);
    });
    const names = prepared.map(({ pair }) => pair.name);
    return { A, B, names, files: prepared.map(({ pair }) => pair.A.file), n, height, width };
  }

  /** The indices of an epoch's pairs, in the order in which they are given. */
  #orderOf(epoch: number): Uint32Array {
    if (this.#order?.epoch !== epoch) this.#order = { epoch, order: this.#drawOrder(epoch) };
    return this.#order.order;
  }

  #drawOrder(epoch: number): Uint32Array {
    const { seed, serialBatches, replacement } = this.#options;
    const { length } = this.#pairs;
    if (serialBatches) return Uint32Array.from({ length }, (_, i) => i);
    if (!replacement) return new Random(seed, "order", epoch).permutation(length);
    const random = new Random(seed, "replacement", epoch);
    return Uint32Array.from({ length }, () => random.int(length));
  }

  /** The pair, or with `skipBadImages` the next one by name that can be decoded. */
  async #good(pair: number): Promise<Prepared> {
    const total = this.#pairs.length;
    for (let k = 0; k < total; k++) {
      try {
        return await this.#prepare((pair + k) % total);
      } catch (error) {
        if (!(error instanceof BadImage)) throw error;
        if (!this.#options.skipBadImages) {
          throw new DatasetError(
            `${error.message} Replace or remove it, or leave such files out with --skip-bad-images.`,
          );
        }
      }
    }
    throw this.#badImages([...this.#bad.values()].map(({ message }) => message));
  }

  #prepare(index: number): Promise<Prepared> {
    const cached = this.#cache.get(index);
    if (cached) return Promise.resolve(cached);
    const bad = this.#bad.get(index);
    if (bad) return Promise.reject(bad);
    let work = this.#loading.get(index);
    if (!work) {
      work = this.#load(index).finally(() => this.#loading.delete(index));
      this.#loading.set(index, work);
    }
    return work;
  }

  async #load(index: number): Promise<Prepared> {
    const pair = this.#pairs[index]!;
    let prepared: Prepared;
    try {
      prepared = await this.#reader.read(pair);
    } catch (error) {
      if (error instanceof BadImage) {
        this.#bad.set(index, error);
        if (this.#options.skipBadImages) this.skipped.set(error.file, error.reason);
      }
      throw error;
    }
    const { input, target } = prepared;
    const bytes = input.data.byteLength + (target && target !== input ? target.data.byteLength : 0);
    // The first pictures stay cached: each epoch has another order, so replacing them would gain nothing.
    if (bytes <= this.#cacheLeft) {
      this.#cacheLeft -= bytes;
      this.#cache.set(index, prepared);
    }
    return prepared;
  }
}

interface Located extends Size {
  file: string;
}

function located({ pair, input: { width, height } }: Prepared): Located {
  return { file: pair.A.file, width, height };
}

/** @throws DatasetError naming two pairs of different sizes */
function checkEqual(all: readonly Located[], { preprocess, batchSize }: LoaderOptions): void {
  const [first, ...others] = all;
  const other = others.find(({ width, height }) => width !== first!.width || height !== first!.height);
  if (!first || !other) return;
  throw new DatasetError(
    `${first.file} is ${first.width}x${first.height} and ${other.file} ${other.width}x${other.height}: with ` +
      `--preprocess ${preprocess} each pair keeps its own size, so they cannot be in one batch of ${batchSize}. Use ` +
      "--batch-size 1, or --preprocess resize_and_crop or scale_width_and_crop.",
  );
}
