/** A trained generator on pictures. */
import type { Config } from "../config/schema.ts";
import { wholePictures } from "../data/loader.ts";
import { resize } from "../data/resize.ts";
import { inputTensor, outputPicture, outputPicture16 } from "../data/sides.ts";
import { resizedSize } from "../data/sizes.ts";
import { channelBlock } from "../engines/channel-block.ts";
import { chooseDevice, keepsState, sessionOptions } from "../engines/device.ts";
import { NetworkState } from "../engines/state.ts";
import { toDevice } from "../engines/transfer.ts";
import { ConfigError } from "../errors.ts";
import { type Program, sizeOf, type Target } from "../graph/graph.ts";
import type { WeightUse } from "../lowering/channel-blocks/ops.ts";
import { forCpu } from "../lowering/cpu.ts";
import { prepared } from "../lowering/precompute.ts";
import { type BatchShape, generatorGraph } from "../model/pix2pix.ts";
import { generators } from "../networks/generators.ts";
import type { MaskSpec } from "../nn/parameters.ts";
import { encode } from "../onnx/encode.ts";
import type { DeepPicture, Device, InferenceSession, Picture, Platform, Samples } from "../platform.ts";
import { Random } from "../random.ts";
import { loadWeights, Run } from "../run/run.ts";
import { normPrograms, type Run as RunProgram, runTiled, type TileSize } from "./run-in-tiles.ts";
import { window } from "./tiles.ts";

/**
 * Pictures of more pixels than this are translated in tiles: in one piece the activations of the usual generators with ngf
 * 64 would take 1 to 2 GB.
 */
export const tileAbove = 2048 * 2048;
const usualTile = 1024;

/** What a network does at test time; the defaults are the run's, which are those of the known systems: as in training. */
export interface TestTime {
  /** A run that was trained without has none. */
  dropout?: Config["dropout"] | undefined;
  /** Of batch norms; an instance norm takes those of each image in any case. */
  statistics?: Config["statistics"] | undefined;
  /** Of the dropout noise; default the run's. */
  seed?: number | undefined;
  /** Height and width of tiles in pixels; 0: never tiles. Default: 1024 for pictures above 2048 x 2048, else none. */
  tile?: number | undefined;
  /** Pixels that neighbouring tiles share. Default: a quarter of a tile. */
  overlap?: number | undefined;
}

export interface OpenOptions extends TestTime {
  name: string;
  checkpointsDir: string;
  /** "latest" or the number of a kept epoch. */
  epoch?: string;
  /** Default: the run's. */
  device?: Config["device"] | undefined;
  threads?: number | undefined;
}

/** How pictures of any size come to the network and leave it. */
export interface Fit {
  /**
   * resize_and_crop: resized to the run's crop size, as upstream tests; scale_width and scale_width_and_crop: to the
   * run's load size in width, shape kept; crop and none: at its own size. Default: the run's.
   */
  preprocess?: Config["preprocess"] | undefined;
  /** The output is resized back to the picture's own size. */
  keepSize?: boolean | undefined;
  /** Width / height of the output, which is enlarged in one direction to have it. */
  aspectRatio?: number | undefined;
}

/** Which picture this is, and which of its samples: dropout noise is a function of (seed, index, sample). */
export interface Draw {
  index?: number;
  sample?: number;
}

/** Opens the generator of a run by name. @throws CheckpointError for a run or weights that are not there or damaged. */
export async function openRun(options: OpenOptions, platform: Platform): Promise<Translator> {
  const { epoch = "latest", threads } = options;
  const run = new Run(platform.files, options);
  const stored = await run.config();
  const config = { ...stored, threads: threads ?? stored.threads };
  const device = await chooseDevice(platform, options.device ?? stored.device);
  const { tensors, path } = await run.generator(epoch);
  const side = generators[config.netG]!.multiple;
  const { netG } = generatorGraph(config, { n: 1, height: side, width: side });
  const state = new NetworkState(netG);
  loadWeights(state, tensors, path);
  return Translator.of(config, state, platform, options, device, "fixed");
}

/** The generator for one size of its input, or of its tiles. */
interface Ready {
  run(A: Float32Array, height: number, width: number, draw: Draw): Promise<Float32Array>;
  sessions: InferenceSession[];
}

/** Pictures of one size from which what weights alone decide is computed in advance: it takes the time of ten. */
const severalPictures = 4;

type Values = Readonly<Record<string, Float32Array>>;

/** Sizes that stay ready: a folder of pictures of many sizes must not grow this for ever. */
const readySizes = 4;

/** Runs a generator on pictures of any size, one at a time. */
export class Translator {
  readonly config: Config;
  readonly statistics: Config["statistics"];
  readonly seed: number;
  /** Height and width have to be multiples of this; other sizes are padded. */
  readonly multiple: number;
  #tile: Pick<TestTime, "tile" | "overlap">;
  #state: NetworkState;
  #platform: Platform;
  #device: Device;
  #weights: WeightUse;
  #sizes = new Map<string, Promise<Ready>>();

  private constructor(
    config: Config,
    state: NetworkState,
    platform: Platform,
    settings: TestTime,
    device: Device,
    weights: WeightUse,
  ) {
    this.config = { ...config, noDropout: config.noDropout || (settings.dropout ?? config.dropout) === "off" };
    this.statistics = settings.statistics ?? config.statistics;
    this.seed = settings.seed ?? config.seed;
    this.multiple = generators[config.netG]!.multiple;
    this.#tile = { tile: settings.tile, overlap: settings.overlap };
    this.#state = state;
    this.#platform = platform;
    this.#device = device;
    this.#weights = weights;
    checkTiles(this.#tile, config.netG, this.multiple);
  }

  /**
   * On weights that are already in memory; they are read anew at every run, unless they are said to be fixed.
   * @throws ConfigError for tiles that cannot be
   */
  static of(
    config: Config,
    state: NetworkState,
    platform: Platform,
    settings: TestTime = {},
    device: Device = { name: platform.base, label: platform.base },
    weights: WeightUse = "changing",
  ): Translator {
    return new Translator(config, state, platform, settings, device, weights);
  }

  get #target(): Target {
    return keepsState(this.#device) ? "gpu" : "cpu";
  }

  get dropout(): "on" | "off" {
    return this.config.noDropout ? "off" : "on";
  }

  /** The output for a picture of any size, as people see it. */
  async translate(picture: DeepPicture, draw?: Draw, fit: Fit = {}): Promise<Picture> {
    return shaped(outputPicture(...(await this.#outputOf(picture, draw, fit))), picture, fit);
  }

  /** The same with 16 bits a value. */
  async translate16(picture: DeepPicture, draw?: Draw, fit: Fit = {}): Promise<Picture<Uint16Array>> {
    return shaped(outputPicture16(...(await this.#outputOf(picture, draw, fit))), picture, fit);
  }

  /** The output's values as the network gives them, in [-1, 1]: height x width x channels, at the size of the network. */
  async translateValues(picture: DeepPicture, draw?: Draw, fit: Fit = {}): Promise<Picture<Float32Array>> {
    const [values, , { outputNc: channels }, height, width] = await this.#outputOf(picture, draw, fit);
    const data = new Float32Array(values.length);
    const plane = height * width;
    for (let c = 0; c < channels; c++) for (let i = 0; i < plane; i++) data[i * channels + c] = values[c * plane + i]!;
    return { width, height, channels, data };
  }

  async #outputOf(
    picture: DeepPicture,
    draw: Draw | undefined,
    fit: Fit,
  ): Promise<[Float32Array, Float32Array, Config, number, number]> {
    const { config } = this;
    const sizes = { ...config, ...wholePictures({ ...config, preprocess: fit.preprocess ?? config.preprocess }) };
    const size = resizedSize(picture, sizes);
    const fitted = resize(picture, size.width, size.height, config.resizeFilter);
    const { width, height } = fitted;
    const A = inputTensor(fitted, config);
    return [await this.run(A, 1, height, width, draw), A, config, height, width];
  }

  /**
   * @param A input, [n, inputNc, height, width] in [-1, 1]; sizes that the network cannot take are padded by reflection
   *   to the right and below, and the output is cut back
   * @returns output, [n, outputNc, height, width], in [-1, 1]
   */
  async run(A: Float32Array, n: number, height: number, width: number, draw: Draw = {}): Promise<Float32Array> {
    const { inputNc, outputNc } = this.config;
    const fill = (side: number) => Math.ceil(side / this.multiple) * this.multiple;
    const [h, w] = [fill(height), fill(width)];
    const fits = h === height && w === width;
    const padded = fits ? A : window({ data: A, planes: n * inputNc, height, width }, 0, 0, h, w);
    const ready = await this.#ready(n, h, w);
    const output = await ready.run(padded, h, w, draw);
    return fits ? output : window({ data: output, planes: n * outputNc, height: h, width: w }, 0, 0, height, width);
  }

  /** The tiles that pictures of this size are cut into; undefined when they are taken in one piece. */
  tilesFor(height: number, width: number): TileSize | undefined {
    const usual = Math.ceil(usualTile / this.multiple) * this.multiple;
    const tile = this.#tile.tile ?? (height * width > tileAbove ? usual : 0);
    if (tile === 0 || (height <= tile && width <= tile)) return undefined;
    return { tile, overlap: this.#tile.overlap ?? tile / 4 };
  }

  async close(): Promise<void> {
    for (const key of [...this.#sizes.keys()]) await this.#release(key);
  }

  async #release(key: string): Promise<void> {
    const { sessions } = await this.#sizes.get(key)!;
    this.#sizes.delete(key);
    for (const session of sessions) await session.release();
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
    const sessions: InferenceSession[] = [];
    const { program, netG } = generatorGraph(this.config, shape, this.statistics, this.#target);
    const run = await this.#compile(program, sessions, this.#weights);
    return {
      sessions,
      run: async (A, _height, _width, draw) => {
        const masks = netG.masks.map((spec) => [spec.name, this.#mask(spec, sizeOf(spec.shape), draw)] as const);
        return (await run({ real_A: A, ...Object.fromEntries(masks) })).fake_B!;
      },
    };
  }

  async #tiled(shape: BatchShape, size: TileSize): Promise<Ready> {
    const sessions: InferenceSession[] = [];
    // Running statistics are the same for all tiles as they are; those of an instance norm never are.
    const running = this.statistics === "running" && this.config.norm !== "instance";
    const { program, netG } = generatorGraph(this.config, shape, running ? "running" : "given", this.#target);
    const known = new Map<Program, Promise<RunProgram>>();
    const compile = (part: Program) => {
      const session = known.get(part) ?? this.#compile(part, sessions);
      known.set(part, session);
      return session;
    };
    const generator = { program, netG, compile, norms: normPrograms(netG) };
    const planes = this.config.inputNc;
    return {
      sessions,
      run: (data, height, width, draw) => {
        const drawMask = (spec: MaskSpec, count: number) => this.#mask(spec, count, draw);
        return runTiled({ ...generator, drawMask }, { data, planes, height, width }, size);
      },
    };
  }

  #mask({ name, p }: MaskSpec, count: number, { index = 0, sample = 0 }: Draw): Float32Array {
    const values = new Float32Array(count);
    const stream = sample === 0 ? `test ${name}` : `test ${name} sample ${sample}`;
    new Random(this.seed, stream, index).fillDropout(values, p);
    return values;
  }

  /** @param weights fixed: what they alone decide is computed once, as soon as several pictures repay that */
  async #compile(program: Program, sessions: InferenceSession[], weights: WeightUse = "changing"): Promise<RunProgram> {
    const block = await channelBlock(this.#platform, this.#device);
    const compiled = async (part: Program, ready?: Values) => {
      const { session, run } = await this.#session(part, ready);
      sessions.push(session);
      return run;
    };
    let run = await compiled(forCpu(program, block));
    if (block === 1 || weights === "changing") return run;
    const parameters = new Set(this.#state.specs.map(({ name }) => `netG.${name}`));
    let pictures = 0;
    return async (inputs) => {
      pictures += 1;
      if (pictures !== severalPictures) return run(inputs);
      const { once, every } = prepared(forCpu(program, block, weights), ({ name }) => parameters.has(name));
      if (once.outputs.length > 0) {
        const first = await this.#session(once);
        run = await compiled(every, await first.run({}));
        await first.session.release();
      }
      return run(inputs);
    };
  }

  /** @param ready values of some inputs, which stay as they are */
  async #session(program: Program, ready: Values = {}): Promise<{ session: InferenceSession; run: RunProgram }> {
    const { ort, cores } = this.#platform;
    const options = sessionOptions(this.#device, this.config.threads ?? cores);
    const session = await ort.InferenceSession.create(encode(program), options);
    const shapes = new Map(program.inputs.map((t) => [t.name, t.shape]));
    const tensor = (name: string, values: Float32Array) => new ort.Tensor("float32", values, shapes.get(name)!);
    const parameters = this.#state.specs.map((spec) => [`netG.${spec.name}`, this.#state.get(spec)] as const);
    const known = new Map([...parameters, ...Object.entries(ready)].filter(([name]) => shapes.has(name)));
    const values = Object.fromEntries([...known].map(([name, data]) => [name, tensor(name, data)]));
    const fixed = await toDevice(this.#platform, this.#device, values);
    const names = session.inputNames.filter((name) => !known.has(name));
    const run: RunProgram = async (inputs) => {
      const given = Object.fromEntries(names.map((name) => [name, tensor(name, inputs[name]!)]));
      const outputs = await session.run({ ...fixed, ...given });
      return Object.fromEntries(session.outputNames.map((name) => [name, outputs[name]!.data as Float32Array]));
    };
    return { session, run };
  }
}

function checkTiles({ tile, overlap }: Pick<TestTime, "tile" | "overlap">, netG: string, multiple: number): void {
  if (tile !== undefined && tile % multiple !== 0) {
    const near = Math.max(multiple, Math.round(tile / multiple) * multiple);
    throw new ConfigError(`--tile: got ${tile}, expected a multiple of ${multiple} for ${netG}, such as ${near}`);
  }
  const side = tile || Math.ceil(usualTile / multiple) * multiple;
  if (overlap !== undefined && (overlap < 0 || overlap >= side)) {
    throw new ConfigError(`--overlap: got ${overlap}, expected 0 to ${side - 1}, below the tile's ${side}`);
  }
}

function shaped<Data extends Samples>(output: Picture<Data>, { width, height }: DeepPicture, fit: Fit): Picture<Data> {
  return fit.keepSize ? resize(output, width, height) : withAspect(output, fit.aspectRatio);
}

/** The picture enlarged in one direction until width / height is `ratio`. */
export function withAspect<Data extends Samples>(picture: Picture<Data>, ratio: number | undefined): Picture<Data> {
  const { width, height } = picture;
  if (ratio === undefined || ratio === width / height) return picture;
  return ratio > width / height
    ? resize(picture, Math.round(height * ratio), height)
    : resize(picture, width, Math.round(width / ratio));
}
