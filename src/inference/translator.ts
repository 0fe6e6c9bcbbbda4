/** Runs a trained generator on pictures. */

import type { Config } from "../config/schema.ts";
import { inputTensor, outputPicture, outputPicture16, outputValues } from "../data/sides.ts";
import type { Size } from "../data/sizes.ts";
import { baseDevice } from "../engines/device.ts";
import type { Weights } from "../engines/state.ts";
import { ConfigError, PictureSizeError } from "../errors.ts";
import { type Program, sizeOf } from "../graph/graph.ts";
import type { WeightUse } from "../lowering/cpu-options.ts";
import type { GeneratorChoice } from "../model/losses.ts";
import { type BatchShape, generatorGraph } from "../model/pix2pix.ts";
import { generators } from "../networks/generators.ts";
import { roundedUp } from "../nn/fit.ts";
import { norms } from "../nn/norms.ts";
import type { MaskSpec } from "../nn/parameters.ts";
import type { DeepPicture, Device, Picture, Platform } from "../platform.ts";
import { fnv1a, Random } from "../random.ts";
import { Turns } from "../turns.ts";
import { Compiler } from "./compiler.ts";
import { type Fit, resizedInput, resizedOutput } from "./fit.ts";
import { copyPart, window } from "./tiling/geometry.ts";
import { runTiled, type TiledGenerator, type TiledInput, type TiledOptions } from "./tiling/run.ts";

/**
 * Pictures of more pixels than this are translated in tiles: in one piece the activations of the usual generators with
 * ngf 64 would take 1 to 2 GB.
 */
const tileAbove = 2048 * 2048;

/** How the network behaves at test time. The defaults are the run's options. */
export interface TestTime {
  /** Has no effect for a run that was trained without dropout. */
  dropout?: Config["dropout"] | undefined;
  /** Which statistics batch norms use; an instance norm always uses those of the picture. */
  statistics?: Config["statistics"] | undefined;
  /** Seed of the dropout masks. Default: the run's. */
  seed?: number | undefined;
  /**
   * Height and width of tiles in pixels, which bounds the memory; 0: no tiles. The output does not depend on it, except for
   * rounding. Default: by the network, for pictures above 2048 x 2048; else none.
   */
  tile?: number | undefined;
}

/** Selects dropout masks: they are a function of (seed, name or index, sample). */
export interface Draw {
  /**
   * The name of the picture without its ending, such as that of a pair. Only the part after the last slash counts, so that
   * a picture has the same masks alone and in any folder.
   */
  name?: string | undefined;
  /** The number of the picture, where it has no name. Default 0. */
  index?: number | undefined;
  /** The number of the output for this picture. Default 0. */
  sample?: number | undefined;
  /** Default: the translator's. */
  seed?: number | undefined;
}

/** The generator for one size of its input. */
interface Ready {
  run(A: Float32Array, draws: readonly Draw[]): Promise<Float32Array>;
  release(): Promise<void>;
}

/** Input sizes that stay compiled: pictures of many sizes must not fill the memory. */
const readySizes = 4;

/** Output values with the input and the size that they belong to. */
interface Output {
  /** [outputNc, height, width] in [-1, 1]. */
  values: Float32Array;
  /** The input, [inputNc, height, width]. */
  A: Float32Array;
  height: number;
  width: number;
}

/** What a `Translator` needs: a generator whose weights are in memory, and where it runs. */
export interface TranslatorParts {
  config: Config;
  state: Weights;
  platform: Platform;
  settings?: TestTime | undefined;
  /** Default: the platform's base device. */
  device?: Device | undefined;
  /** "changing", the default: they are read again at every run; "fixed": they never change. */
  weights?: WeightUse | undefined;
}

/**
 * Runs a generator on pictures of any size. `openTranslator` opens that of a run. Pictures that are given at the same time are
 * computed one after the other.
 *
 * Sizes that the generator cannot halve often enough are padded by reflection, and the output is cut back. Large pictures are
 * translated in tiles without seams. Call `close` to free the sessions; after it each call throws an Error.
 */
export class Translator {
  /** The options of the run; `noDropout` is also set where `TestTime.dropout` is "off". */
  readonly config: Config;
  readonly statistics: Config["statistics"];
  readonly seed: number;
  /** Height and width of the generator's input are multiples of this. */
  readonly multiple: number;
  readonly device: Device;
  readonly #network: GeneratorChoice;
  readonly #tile: number | undefined;
  readonly #weights: WeightUse;
  readonly #compiler: Compiler;
  readonly #sizes = new Map<string, Ready>();
  readonly #turns = new Turns("this translator");

  /** @throws ConfigError for a size of tiles that the generator cannot take */
  constructor({
    config,
    state,
    platform,
    settings = {},
    device = baseDevice(platform),
    weights = "changing",
  }: TranslatorParts) {
    this.config = { ...config, noDropout: config.noDropout || (settings.dropout ?? config.dropout) === "off" };
    this.#network = { ...this.config, dropoutLayers: !config.noDropout };
    this.statistics = settings.statistics ?? config.statistics;
    this.seed = settings.seed ?? config.seed;
    this.multiple = generators[config.netG].multiple;
    this.#tile = settings.tile;
    this.#weights = weights;
    this.device = device;
    this.#compiler = new Compiler(platform, device, config.threads ?? platform.cores, state);
    checkTile(this.#tile, config.netG, this.multiple);
  }

  /** Whether outputs depend on dropout masks. */
  get dropout(): "on" | "off" {
    return this.config.noDropout ? "off" : "on";
  }

  /** The output for a picture of any size, as an 8-bit picture. */
  async translate(picture: DeepPicture, draw?: Draw, fit: Fit = {}): Promise<Picture> {
    const { values, A, height, width } = await this.#outputOf(picture, draw, fit);
    return resizedOutput(outputPicture(values, A, this.config, height, width), picture, fit);
  }

  /**
   * The outputs for several pictures, each as `translate` gives it. Where no norm mixes the pictures of a batch, those
   * that have one size run together, `together` at a time.
   */
  async translateAll(
    pictures: readonly { picture: DeepPicture; draw?: Draw; fit?: Fit }[],
    together = 4,
  ): Promise<Picture[]> {
    const inputs = pictures.map(({ picture, draw = {}, fit = {} }) => {
      return { picture, draw, fit, resized: this.#resized(picture, fit) };
    });
    const outputs = new Array<Picture>(pictures.length);
    const left = new Set(inputs.keys());
    for (const i of left) {
      const { width, height } = inputs[i]!.resized;
      const alike = [...left].filter((k) => inputs[k]!.resized.width === width && inputs[k]!.resized.height === height);
      const whole = this.independent && !this.inTiles(height, width) && alike.length >= together;
      const batch = whole ? alike.slice(0, together) : [i];
      const made = await this.#translateBatch(batch.map((k) => inputs[k]!));
      for (const [at, k] of batch.entries()) {
        outputs[k] = made[at]!;
        left.delete(k);
      }
    }
    return outputs;
  }

  /** @param batch of one size */
  async #translateBatch(
    batch: readonly { picture: DeepPicture; resized: DeepPicture; draw: Draw; fit: Fit }[],
  ): Promise<Picture[]> {
    const { width, height } = batch[0]!.resized;
    const inputs = batch.map(({ resized }) => inputTensor(resized, this.config));
    const draws = batch.map(({ draw }) => draw);
    const values = await this.run(joinedValues(inputs), batch.length, height, width, draws);
    const size = values.length / batch.length;
    return batch.map(({ picture, fit }, i) => {
      const own = values.subarray(i * size, (i + 1) * size);
      return resizedOutput(outputPicture(own, inputs[i]!, this.config, height, width), picture, fit);
    });
  }

  /** Whether the output for a picture does not depend on the others of its batch. */
  get independent(): boolean {
    return !norms[this.config.norm].mixesBatch || this.statistics !== "batch";
  }

  /** As `translate`, as a 16-bit picture. */
  async translate16(picture: DeepPicture, draw?: Draw, fit: Fit = {}): Promise<Picture<Uint16Array>> {
    const { values, A, height, width } = await this.#outputOf(picture, draw, fit);
    return resizedOutput(outputPicture16(values, A, this.config, height, width), picture, fit);
  }

  /**
   * The values of the output as the network computes them: in [-1, 1], channels interleaved, at the size of the
   * network's output. Only `preprocess` of `fit` counts.
   */
  async translateValues(picture: DeepPicture, draw?: Draw, fit: Fit = {}): Promise<Picture<Float32Array>> {
    const { values, height, width } = await this.#outputOf(picture, draw, fit);
    return outputValues(values, height, width);
  }

  #resized(picture: DeepPicture, fit: Fit): DeepPicture {
    const resized = resizedInput(picture, this.config, fit);
    const { width, height } = resized;
    if (fit.mostPixels !== undefined) this.checkPadded({ n: 1, height, width }, fit.mostPixels);
    return resized;
  }

  /** The size that a picture is padded to. */
  #padded({ height, width }: Size): Size {
    return { height: roundedUp(height, this.multiple), width: roundedUp(width, this.multiple) };
  }

  /**
   * A narrow picture may be padded to hundreds of times its pixels; most are padded by less than half.
   * @throws PictureSizeError for a batch that is padded to more than twice `most` pixels
   */
  checkPadded({ n, height, width }: BatchShape, most: number): void {
    const { height: h, width: w } = this.#padded({ height, width });
    if (n * h * w <= 2 * most) return;
    throw new PictureSizeError(
      `${width}x${height} is padded to ${w}x${h} (${this.config.netG} takes multiples of ${this.multiple}), ${n * h * w} pixels; at most ${2 * most} are taken`,
    );
  }

  async #outputOf(picture: DeepPicture, draw: Draw | undefined, fit: Fit): Promise<Output> {
    const resized = this.#resized(picture, fit);
    const { width, height } = resized;
    const A = inputTensor(resized, this.config);
    return { values: await this.run(A, 1, height, width, draw), A, height, width };
  }

  /**
   * @param A input, [n, inputNc, height, width] in [-1, 1]; a size that the network cannot take is padded by
   *   reflection to the right and below, and the output is cut back
   * @param draws one for all pictures, or one for each
   * @returns output, [n, outputNc, height, width] in [-1, 1]
   */
  async run(
    A: Float32Array,
    n: number,
    height: number,
    width: number,
    draws: Draw | readonly Draw[] = {},
  ): Promise<Float32Array> {
    return this.#turns.take(() => this.#outputFor(A, n, height, width, draws));
  }

  async #outputFor(
    A: Float32Array,
    n: number,
    height: number,
    width: number,
    draws: Draw | readonly Draw[],
  ): Promise<Float32Array> {
    const { inputNc, outputNc } = this.config;
    const whole = { y: 0, x: 0, height, width };
    const source = { data: A, planes: n * inputNc, height, width };
    if (n === 1 && this.inTiles(height, width)) {
      const draw = Array.isArray(draws) ? draws[0]! : draws;
      const data = new Float32Array(outputNc * height * width);
      await this.#outputInTiles({ ...whole, read: async (part) => window(source, part) }, draw, {
        output: async (tile, part, at) => copyPart(tile, part, { data, height, width }, at),
      });
      return data;
    }
    const { height: h, width: w } = this.#padded({ height, width });
    const fits = h === height && w === width;
    const input = fits ? A : window(source, { ...whole, height: h, width: w });
    const output = await (await this.#ready({ n, height: h, width: w })).run(
      input,
      Array.isArray(draws) ? draws : [draws],
    );
    return fits ? output : window({ data: output, planes: n * outputNc, height: h, width: w }, whole);
  }

  /**
   * Runs the generator on a picture in tiles. The output equals that of `run`, except for rounding, and the memory does not depend
   * on the size of the picture.
   * @param input of any size. `read` is asked for parts that reach beyond the right and the lower edge, where the picture is
   *   continued by reflection
   */
  async runTiles(input: TiledInput, draw: Draw, options: TiledOptions): Promise<void> {
    return this.#turns.take(() => this.#outputInTiles(input, draw, options));
  }

  async #outputInTiles(input: TiledInput, draw: Draw, options: TiledOptions): Promise<void> {
    const { height, width } = input;
    const padded = { ...input, ...this.#padded(input) };
    await runTiled(this.#tiled(draw), padded, {
      ...options,
      output: async (tile, part, at) => {
        const inside = {
          ...part,
          height: Math.min(part.height, height - at.y),
          width: Math.min(part.width, width - at.x),
        };
        if (inside.height > 0 && inside.width > 0) await options.output(tile, inside, at);
      },
    });
  }

  /** Whether a picture of this size is translated in tiles. A narrow one is padded to many times its pixels. */
  inTiles(height: number, width: number): boolean {
    if (this.#tile === undefined) {
      const padded = this.#padded({ height, width });
      return padded.height * padded.width > tileAbove;
    }
    return this.#tile > 0 && (height > this.#tile || width > this.#tile);
  }

  /** Frees the sessions, after the pictures that were given before. */
  async close(): Promise<void> {
    await this.#turns.close(async () => {
      for (const key of [...this.#sizes.keys()]) await this.#release(key);
    });
  }

  async #release(key: string): Promise<void> {
    const ready = this.#sizes.get(key)!;
    this.#sizes.delete(key);
    await ready.release();
  }

  async #ready(shape: BatchShape): Promise<Ready> {
    const key = `${shape.n}x${shape.height}x${shape.width}`;
    let ready = this.#sizes.get(key);
    if (!ready) {
      if (this.#sizes.size >= readySizes) await this.#release(this.#sizes.keys().next().value!);
      ready = await this.#compiled(shape);
      this.#sizes.set(key, ready);
    }
    return ready;
  }

  async #compiled(shape: BatchShape): Promise<Ready> {
    const { program, netG } = generatorGraph(this.#network, shape, this.statistics);
    const { run, release } = await this.#compiler.compile(program, this.#weights);
    return {
      release,
      run: async (A, draws) => {
        const masks = netG.masks.map((spec) => [spec.name, this.#maskOf(spec, draws)] as const);
        return (await run({ real_A: A, ...Object.fromEntries(masks) })).fake_B!;
      },
    };
  }

  #tiled(draw: Draw): TiledGenerator {
    // Running statistics are the same for all tiles; an instance norm has none.
    const running = this.statistics === "running" && !norms[this.config.norm].perPicture;
    return {
      build: (height, width) => generatorGraph(this.#network, { n: 1, height, width }, running ? "running" : "given"),
      // The weights do not change while one picture is translated.
      compile: (part: Program) => this.#compiler.compile(part, "fixed"),
      drawMask: (out, spec, from) => this.#drawMask(out, spec, draw, from),
      multiple: this.multiple,
      tile: this.#tile,
    };
  }

  /** The mask of a batch: each picture has the mask that it has when translated alone. */
  #maskOf(spec: MaskSpec, draws: readonly Draw[]): Float32Array {
    const each = sizeOf(spec.shape) / draws.length;
    const values = new Float32Array(each * draws.length);
    for (const [i, draw] of draws.entries()) this.#drawMask(values.subarray(i * each, (i + 1) * each), spec, draw);
    return values;
  }

  #drawMask(out: Float32Array, { name, p }: MaskSpec, draw: Draw, from = 0): void {
    const { name: picture, index = 0, sample = 0, seed = this.seed } = draw;
    const stream = sample === 0 ? `test ${name}` : `test ${name} sample ${sample}`;
    const step = picture === undefined ? index : fnv1a(picture.slice(picture.lastIndexOf("/") + 1));
    new Random(seed, stream, step).fillDropout(out, p, from);
  }
}

function joinedValues(parts: readonly Float32Array[]): Float32Array {
  const values = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    values.set(part, at);
    at += part.length;
  }
  return values;
}

function checkTile(tile: number | undefined, netG: string, multiple: number): void {
  if (tile === undefined || tile % multiple === 0) return;
  const near = Math.max(multiple, Math.round(tile / multiple) * multiple);
  throw new ConfigError(`--tile: got ${tile}, expected a multiple of ${multiple} for ${netG}, such as ${near}`);
}
