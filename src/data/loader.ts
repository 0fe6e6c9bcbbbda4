/**
 * Batches of pairs, prepared while the step before runs.
 *
 * Everything is a pure function of (seed, epoch, index) and the files, so a run continues where it stopped, with any
 * amount of work done ahead:
 * - the order of epoch e is the permutation of Random(seed, "order", e), or that of the names with `serialBatches`;
 * - the pair at position p of that order is cropped and flipped by Random(seed, "augment", e * pairs + p);
 * - with `skipBadImages`, a pair that cannot be decoded is replaced by the next good one in the order of the names.
 */
import { ConfigError, DatasetError, UserError } from "../errors.ts";
import type { Files, Images, Picture } from "../platform.ts";
import { Random } from "../random.ts";
import type { Pair, Side } from "./layouts.ts";
import { resize } from "./resize.ts";
import { drawJitter, halves, reduceChannels, type TransformOptions, writeCrop } from "./transforms.ts";

export interface LoaderOptions extends TransformOptions {
  /** Pixels; both sides are resized to loadSize x loadSize when preprocess is resize_and_crop. */
  loadSize: number;
  batchSize: number;
  serialBatches: boolean;
  direction: "AtoB" | "BtoA";
  /** Channels 1 to 4 of the network's input and output. */
  inputNc: number;
  outputNc: number;
  seed: number;
  skipBadImages?: boolean | undefined;
  /** Memory for pictures that are decoded and resized once and kept for later epochs. Default 256 MB. */
  cacheBytes?: number | undefined;
}

/** A: [n, inputNc, height, width], B: [n, outputNc, height, width], in [-1, 1]; A is the network's input, B its target. */
export interface Batch {
  A: Float32Array;
  B: Float32Array;
  /** The names of the pairs, in the order of the batch. */
  names: string[];
  n: number;
  height: number;
  width: number;
}

/** A pair that is decoded, resized and reduced to the channels needed: all that does not depend on a draw. */
interface Prepared {
  pair: Pair;
  input: Picture;
  target: Picture;
}

/** A file that is there but cannot be decoded. */
class BadImage extends DatasetError {}

export class Loader {
  readonly batchesPerEpoch: number;
  /** Files that could not be decoded and what is wrong with each, as far as they were met (`skipBadImages`). */
  readonly skipped = new Map<string, string>();
  readonly #pairs: readonly Pair[];
  readonly #options: LoaderOptions;
  readonly #files: Files;
  readonly #decode: (bytes: Uint8Array, options?: { alpha?: boolean }) => Promise<Picture>;
  readonly #cache = new Map<number, Prepared>();
  readonly #loading = new Map<number, Promise<Prepared>>();
  readonly #bad = new Map<number, BadImage>();
  readonly #waiting = new Map<number, Promise<Batch>>();
  /** Batches prepared ahead: about four pairs, for reading, decoding and resizing each wait for the step to let go. */
  readonly #ahead: number;
  #cacheLeft: number;
  #order: { epoch: number; order: Uint32Array } | undefined;
  #size: Promise<{ height: number; width: number }> | undefined;

  /** @throws DatasetError without pairs, ConfigError for sizes that cannot be */
  constructor(pairs: readonly Pair[], options: LoaderOptions, platform: { files: Files; images: Images }) {
    const { preprocess, loadSize, cropSize, batchSize } = options;
    if (pairs.length === 0) throw new DatasetError("there are no pairs to load.");
    if (!Number.isInteger(batchSize) || batchSize < 1)
      throw new ConfigError(`--batch-size is 1 or more, got ${batchSize}.`);
    if (preprocess === "resize_and_crop" && loadSize < cropSize) {
      throw new ConfigError(
        `--load-size ${loadSize} is below --crop-size ${cropSize}: the crop does not fit. Use --load-size ` +
          `${Math.round((cropSize * 286) / 256)} (as much jitter as 286 with 256) or ${cropSize} (none).`,
      );
    }
    this.#pairs = pairs;
    this.#options = options;
    this.#files = platform.files;
    this.#decode = platform.images.decode.bind(platform.images);
    this.#cacheLeft = options.cacheBytes ?? 256 * 2 ** 20;
    this.#ahead = Math.max(1, Math.ceil(4 / batchSize));
    this.batchesPerEpoch = Math.ceil(pairs.length / batchSize);
  }

  /** Height and width of every batch: the crop's, or with preprocess none those of the first pair. */
  size(): Promise<{ height: number; width: number }> {
    const { preprocess, cropSize } = this.#options;
    if (preprocess !== "none") return Promise.resolve({ height: cropSize, width: cropSize });
    this.#size ??= this.#good(0).then(({ input: { height, width } }) => ({ height, width }));
    return this.#size;
  }

  /**
   * Batch `index` (0..batchesPerEpoch-1) of an epoch (0 and up), and preparation of the next ones begins. The last batch
   * of an epoch may be smaller.
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

  /** Begins to prepare a batch. A failure is reported by `batch`. */
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
   * Decodes every pair once, so that a bad file is known before hours of training (and the cache is filled, so this costs
   * a first epoch nothing more unless the data exceed `cacheBytes`).
   * @returns one line per bad file, with `skipBadImages`
   * @throws DatasetError naming the bad files without it; DatasetError for the first pair whose size cannot be used
   */
  async check(progress?: (done: number, total: number) => void): Promise<string[]> {
    const { skipBadImages } = this.#options;
    let next = 0;
    let done = 0;
    const work = async () => {
      while (next < this.#pairs.length) {
        const index = next++;
        try {
          await this.#checkSize(await this.#prepare(index));
        } catch (error) {
          if (!(error instanceof BadImage)) throw error;
        }
        progress?.(++done, this.#pairs.length);
      }
    };
    await Promise.all([work(), work(), work(), work()]);
    const bad = [...this.#bad].sort(([a], [b]) => a - b).map(([, { message }]) => message);
    if (bad.length > 0 && (!skipBadImages || bad.length === this.#pairs.length)) throw this.#badImages(bad);
    return bad;
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

  async #assemble(epoch: number, index: number): Promise<Batch> {
    const { batchSize, inputNc, outputNc, seed } = this.#options;
    const order = this.#orderOf(epoch);
    const first = index * batchSize;
    const positions = Array.from(order.subarray(first, first + batchSize), (pair, i) => ({ pair, at: first + i }));
    const prepared = await Promise.all(positions.map(async ({ pair }) => this.#checkSize(await this.#good(pair))));
    const { height, width } = await this.size();
    const n = prepared.length;
    const A = new Float32Array(n * inputNc * height * width);
    const B = new Float32Array(n * outputNc * height * width);
    prepared.forEach(({ input, target }, i) => {
      const random = new Random(seed, "augment", epoch * this.#pairs.length + positions[i]!.at);
      const jitter = drawJitter(random, input.width, input.height, this.#options);
      writeCrop(A, i * inputNc * height * width, input, inputNc, width, height, jitter);
      writeCrop(B, i * outputNc * height * width, target, outputNc, width, height, jitter);
    });
    return { A, B, names: prepared.map(({ pair }) => pair.name), n, height, width };
  }

  #orderOf(epoch: number): Uint32Array {
    if (this.#order?.epoch !== epoch) {
      const { seed, serialBatches } = this.#options;
      const order = serialBatches
        ? Uint32Array.from(this.#pairs, (_, i) => i)
        : new Random(seed, "order", epoch).permutation(this.#pairs.length);
      this.#order = { epoch, order };
    }
    return this.#order.order;
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
    const { A, B } = pair;
    const { direction, inputNc, outputNc } = this.#options;
    let prepared: Prepared;
    try {
      const [a, b] = A.file === B.file ? await this.#both(A, B) : await Promise.all([this.#side(A), this.#side(B)]);
      const [input, target] = direction === "AtoB" ? [a, b] : [b, a];
      prepared = { pair, ...this.#resized(reduceChannels(input, inputNc), reduceChannels(target, outputNc), A, B) };
    } catch (error) {
      if (error instanceof BadImage) this.#bad.set(index, error);
      throw error;
    }
    const bytes = prepared.input.data.length + prepared.target.data.length;
    // What came first stays: with a new order every epoch, putting out old pictures for new ones would gain nothing.
    if (bytes <= this.#cacheLeft) {
      this.#cacheLeft -= bytes;
      this.#cache.set(index, prepared);
    }
    return prepared;
  }

  async #both(A: Side, B: Side): Promise<[Picture, Picture]> {
    const picture = await this.#picture(A.file);
    return [half(picture, A), half(picture, B)];
  }

  async #side(side: Side): Promise<Picture> {
    return half(await this.#picture(side.file), side);
  }

  async #picture(file: string): Promise<Picture> {
    const bytes = await this.#files.read(file);
    try {
      const alpha = this.#options.inputNc % 2 === 0 || this.#options.outputNc % 2 === 0;
      return await this.#decode(bytes, { alpha });
    } catch (error) {
      const reason = (error instanceof Error ? error.message : String(error)).replace(/\.$/, "");
      if (this.#options.skipBadImages) this.skipped.set(file, reason);
      throw new BadImage(`${file}: ${reason}.`);
    }
  }

  /** Both sides at one size, with room for the crop. */
  #resized(input: Picture, target: Picture, A: Side, B: Side): { input: Picture; target: Picture } {
    const { preprocess, loadSize, cropSize, direction } = this.#options;
    if (preprocess === "resize_and_crop") {
      return { input: resize(input, loadSize, loadSize), target: resize(target, loadSize, loadSize) };
    }
    const [a, b] = direction === "AtoB" ? [input, target] : [target, input];
    if (a.width !== b.width || a.height !== b.height) {
      throw new DatasetError(
        `${A.file} is ${a.width}x${a.height}, but its partner ${B.file} is ${b.width}x${b.height}; with --preprocess ` +
          `${preprocess} both must be of one size. Use --preprocess resize_and_crop.`,
      );
    }
    if (preprocess === "crop" && (a.width < cropSize || a.height < cropSize)) {
      const most = Math.min(a.width, a.height);
      throw new DatasetError(
        `${A.file}: ${A.half ? "each half" : "the picture"} is ${a.width}x${a.height}, below the crop of ` +
          `${cropSize}x${cropSize}. Use --preprocess resize_and_crop, or a --crop-size of at most ${most}.`,
      );
    }
    return { input, target };
  }

  async #checkSize(prepared: Prepared): Promise<Prepared> {
    if (this.#options.preprocess !== "none") return prepared;
    const { height, width } = await this.size();
    const { input, pair } = prepared;
    if (input.height !== height || input.width !== width) {
      throw new DatasetError(
        `${pair.A.file}: pair "${pair.name}" is ${input.width}x${input.height}, the first pair ` +
          `${width}x${height}; with --preprocess none all pairs must be of one size. Use --preprocess resize_and_crop or crop.`,
      );
    }
    return prepared;
  }
}

function half(picture: Picture, { file, half: which }: Side): Picture {
  return which === undefined ? picture : halves(picture, file)[which];
}
