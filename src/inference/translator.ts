/** A trained generator on pictures. */

import type { Config } from "../config/schema.ts";
import { inputTensor, outputPicture, outputPicture16 } from "../data/sides.ts";
import { baseDevice } from "../engines/device.ts";
import type { Weights } from "../engines/state.ts";
import { ConfigError } from "../errors.ts";
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
import { type CompiledProgram, Compiler } from "./compiler.ts";
import { type Fit, resizedInput, resizedOutput } from "./fit.ts";
import { type TileSize, window } from "./tiling/geometry.ts";
import { runTiled } from "./tiling/run.ts";
import { normPrograms } from "./tiling/statistics.ts";

/**
 * Pictures of more pixels than this are translated in tiles: in one piece the activations of the usual generators with
 * ngf 64 would take 1 to 2 GB.
 */
const tileAbove = 2048 * 2048;
const usualTile = 1024;

/** How the network behaves at test time. The defaults are the run's, which are those of training. */
export interface TestTime {
  /** Without effect for a run that was trained without dropout. */
  dropout?: Config["dropout"] | undefined;
  /** Which statistics batch norms use; an instance norm always uses those of the picture. */
  statistics?: Config["statistics"] | undefined;
  /** Of the dropout masks. Default: the run's. */
  seed?: number | undefined;
  /** Height and width of tiles in pixels; 0: never tiles. Default: 1024 for pictures above 2048 x 2048, else none. */
  tile?: number | undefined;
  /** Pixels that neighbouring tiles share. Default: a quarter of a tile. */
  overlap?: number | undefined;
}

/** Selects dropout masks: they are a function of (seed, name or index, sample). */
export interface Draw {
  /**
   * The name of the picture without its ending, such as that of a pair. Only the part after the last slash counts, so that
   * a picture has the same masks alone and in any folder.
   */
  name?: string;
  /** The number of the picture, where it has no name. Default 0. */
  index?: number;
  /** The number of the output for this picture. Default 0. */
  sample?: number;
  /** Default: the translator's. */
  seed?: number | undefined;
}

/** The generator for one size of its input, or of its tiles. */
interface Ready {
  run(A: Float32Array, height: number, width: number, draws: readonly Draw[]): Promise<Float32Array>;
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

/**
 * Runs a generator on pictures of any size, one at a time. `openTranslator` opens that of a run.
 *
 * Sizes that the generator cannot halve are padded by reflection, and the output is cut back. Large pictures are
 * translated in tiles without seams. Call `close` to free the sessions.
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
  readonly #tile: Pick<TestTime, "tile" | "overlap">;
  readonly #weights: WeightUse;
  readonly #compiler: Compiler;
  readonly #sizes = new Map<string, Promise<Ready>>();

  private constructor(
    config: Config,
    state: Weights,
    platform: Platform,
    settings: TestTime,
    device: Device,
    weights: WeightUse,
  ) {
    this.config = { ...config, noDropout: config.noDropout || (settings.dropout ?? config.dropout) === "off" };
    this.#network = { ...this.config, dropoutLayers: !config.noDropout };
    this.statistics = settings.statistics ?? config.statistics;
    this.seed = settings.seed ?? config.seed;
    this.multiple = generators[config.netG].multiple;
    this.#tile = { tile: settings.tile, overlap: settings.overlap };
    this.#weights = weights;
    this.device = device;
    this.#compiler = new Compiler(platform, device, config.threads ?? platform.cores, state);
    checkTiles(this.#tile, config.netG, this.multiple);
  }

  /**
   * A translator on weights in memory.
   * @param device default: the platform's base device
   * @param weights "changing": they are read again at every run; "fixed": they never change
   * @throws ConfigError for a size of tiles that the generator cannot take
   */
  static of(
    config: Config,
    state: Weights,
    platform: Platform,
    settings: TestTime = {},
    device: Device = baseDevice(platform),
    weights: WeightUse = "changing",
  ): Translator {
    return new Translator(config, state, platform, settings, device, weights);
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
      return { picture, draw, fit, resized: resizedInput(picture, this.config, fit) };
    });
    const outputs = new Array<Picture>(pictures.length);
    const left = new Set(inputs.keys());
    for (const i of left) {
      const { width, height } = inputs[i]!.resized;
      const alike = [...left].filter((k) => inputs[k]!.resized.width === width && inputs[k]!.resized.height === height);
      const whole = this.independent && !this.tilesFor(height, width) && alike.length >= together;
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
    const { outputNc: channels } = this.config;
    const data = new Float32Array(values.length);
    const plane = height * width;
    for (let c = 0; c < channels; c++) for (let i = 0; i < plane; i++) data[i * channels + c] = values[c * plane + i]!;
    return { width, height, channels, data };
  }

  async #outputOf(picture: DeepPicture, draw: Draw | undefined, fit: Fit): Promise<Output> {
    const resized = resizedInput(picture, this.config, fit);
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
    const { inputNc, outputNc } = this.config;
    const padded = (side: number) => roundedUp(side, this.multiple);
    const [h, w] = [padded(height), padded(width)];
    const fits = h === height && w === width;
    const input = fits ? A : window({ data: A, planes: n * inputNc, height, width }, 0, 0, h, w);
    const ready = await this.#ready(n, h, w);
    const output = await ready.run(input, h, w, Array.isArray(draws) ? draws : [draws]);
    return fits ? output : window({ data: output, planes: n * outputNc, height: h, width: w }, 0, 0, height, width);
  }

  /** The tiles that pictures of this size are cut into; undefined where they are translated in one piece. */
  tilesFor(height: number, width: number): TileSize | undefined {
    const usual = roundedUp(usualTile, this.multiple);
    const tile = this.#tile.tile ?? (height * width > tileAbove ? usual : 0);
    if (tile === 0 || (height <= tile && width <= tile)) return undefined;
    return { tile, overlap: this.#tile.overlap ?? tile / 4 };
  }

  /** Frees the sessions. */
  async close(): Promise<void> {
    for (const key of [...this.#sizes.keys()]) await this.#release(key);
  }

  async #release(key: string): Promise<void> {
    const ready = await this.#sizes.get(key)!;
    this.#sizes.delete(key);
    await ready.release();
  }

  async #ready(n: number, height: number, width: number): Promise<Ready> {
    const tiles = n === 1 ? this.tilesFor(height, width) : undefined;
    const shape = tiles ? { n, height: Math.min(tiles.tile, height), width: Math.min(tiles.tile, width) } : undefined;
    const key = shape ? `tile ${shape.height}x${shape.width}` : `${n}x${height}x${width}`;
    let ready = this.#sizes.get(key);
    if (!ready) {
      if (this.#sizes.size >= readySizes) await this.#release(this.#sizes.keys().next().value!);
      ready = tiles ? this.#tiled(shape!, tiles) : this.#whole({ n, height, width });
      this.#sizes.set(key, ready);
      ready.catch(() => this.#sizes.delete(key));
    }
    return ready;
  }

  async #whole(shape: BatchShape): Promise<Ready> {
    const { program, netG } = generatorGraph(this.#network, shape, this.statistics);
    const { run, release } = await this.#compiler.compile(program, this.#weights);
    return {
      release,
      run: async (A, _height, _width, draws) => {
        const masks = netG.masks.map((spec) => [spec.name, this.#maskOf(spec, draws)] as const);
        return (await run({ real_A: A, ...Object.fromEntries(masks) })).fake_B!;
      },
    };
  }

  async #tiled(shape: BatchShape, size: TileSize): Promise<Ready> {
    // Running statistics are the same for all tiles; an instance norm has none.
    const running = this.statistics === "running" && !norms[this.config.norm].perPicture;
    const { program, netG } = generatorGraph(this.#network, shape, running ? "running" : "given");
    const known = new Map<Program, Promise<CompiledProgram>>();
    const compile = async (part: Program) => {
      const compiled = known.get(part) ?? this.#compiler.compile(part);
      known.set(part, compiled);
      return (await compiled).run;
    };
    const generator = { program, netG, compile, norms: normPrograms(netG) };
    const planes = this.config.inputNc;
    return {
      release: async () => {
        for (const compiled of known.values()) await (await compiled.catch(() => undefined))?.release();
      },
      run: (data, height, width, draws) => {
        const drawMask = (spec: MaskSpec, count: number) => this.#mask(spec, count, draws[0]!);
        return runTiled({ ...generator, drawMask }, { data, planes, height, width }, size);
      },
    };
  }

  /** The mask of a batch: each picture has that which it has alone. */
  #maskOf(spec: MaskSpec, draws: readonly Draw[]): Float32Array {
    const each = sizeOf(spec.shape) / draws.length;
    const values = new Float32Array(each * draws.length);
    for (const [i, draw] of draws.entries()) values.set(this.#mask(spec, each, draw), i * each);
    return values;
  }

  #mask(
    { name, p }: MaskSpec,
    count: number,
    { name: picture, index = 0, sample = 0, seed = this.seed }: Draw,
  ): Float32Array {
    const values = new Float32Array(count);
    const stream = sample === 0 ? `test ${name}` : `test ${name} sample ${sample}`;
    const step = picture === undefined ? index : fnv1a(picture.slice(picture.lastIndexOf("/") + 1));
    new Random(seed, stream, step).fillDropout(values, p);
    return values;
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

function checkTiles({ tile, overlap }: Pick<TestTime, "tile" | "overlap">, netG: string, multiple: number): void {
  if (tile !== undefined && tile % multiple !== 0) {
    const near = Math.max(multiple, Math.round(tile / multiple) * multiple);
    throw new ConfigError(`--tile: got ${tile}, expected a multiple of ${multiple} for ${netG}, such as ${near}`);
  }
  const side = tile || roundedUp(usualTile, multiple);
  if (overlap !== undefined && (overlap < 0 || overlap >= side)) {
    throw new ConfigError(`--overlap: got ${overlap}, expected 0 to ${side - 1}, below the tile's ${side}`);
  }
}
