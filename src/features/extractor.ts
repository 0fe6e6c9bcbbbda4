/** Runs a feature network on pictures. */
import { baseDevice, sessionOptions } from "../engines/device.ts";
import { ShapeError, UserError } from "../errors.ts";
import { Graph, type Shape, type Tensor } from "../graph/graph.ts";
import { slice } from "../graph/ops/movement.ts";
import { Parameters, type Role } from "../nn/parameters.ts";
import { encode } from "../onnx/encode.ts";
import type { InferenceSession, Picture, Platform } from "../platform.ts";
import { Turns } from "../turns.ts";
import { type FeatureFile, type LinearFile, readFeatures, readLinear, type Values } from "./file.ts";
import { lpipsDistance } from "./lpips.ts";
import { type FeatureInput, type FeatureResizeName, featureInput } from "./resizes.ts";

/** The files of a feature network, and how pictures are prepared for it. */
export interface FeatureOptions {
  /** The file of the network's weights. */
  features: string;
  /** The file of LPIPS's linear layers, for `distance`. */
  lpips?: string | undefined;
  /** How pictures are resized for FID and KID. Default "clean-fid". LPIPS takes pictures at their size. */
  resize?: FeatureResizeName | undefined;
  /** Threads of the CPU. Default: all cores. */
  threads?: number | undefined;
}

/** Features can be compared where these are equal. */
export interface FeatureIdentity {
  /** The network's name. */
  network: string;
  /** The digest of its weights. */
  weights: string;
  resize: FeatureResizeName;
}

/** The parameters of a network whose values are known: they become constants of the graph. */
export class FixedParameters extends Parameters {
  readonly #values: Values;

  constructor(graph: Graph, network: string, values: Values) {
    super(graph, network);
    this.#values = values;
  }

  override get(name: string, shape: Shape, _role: Role): Tensor {
    return this.graph.constant(this.#values.get(name)!, shape);
  }
}

/** Picture sizes whose sessions are kept: those of many sizes would fill the memory. */
const readySizes = 2;

/**
 * A feature network on the CPU (in a browser: WebAssembly), so that a score does not depend on the device. Call `close` to
 * free its sessions.
 *
 * @example
 * ```ts
 * import { FeatureExtractor } from "pix2pix";
 * import { nodePlatform } from "pix2pix/node";
 *
 * const platform = await nodePlatform();
 * const files = { features: "squeezenet.safetensors", lpips: "squeeze.safetensors" };
 * const extractor = await FeatureExtractor.open(files, platform);
 * const read = async (path: string) => platform.images.decode(await platform.files.read(path));
 * console.log(await extractor.distance(await read("new/output.png"), await read("new/target.png")));
 * await extractor.close();
 * ```
 */
export class FeatureExtractor {
  readonly file: FeatureFile;
  readonly linear: LinearFile | undefined;
  readonly resize: FeatureResizeName;
  readonly #platform: Platform;
  readonly #threads: number;
  readonly #sessions = new Map<string, InferenceSession>();
  readonly #turns = new Turns("this feature extractor");

  /** @throws CheckpointError for files that are missing, damaged, or of another network */
  static async open(options: FeatureOptions, platform: Platform): Promise<FeatureExtractor> {
    const file = await readFeatures(platform.files, options.features);
    const linear =
      options.lpips === undefined ? undefined : await readLinear(platform.files, options.lpips, file.network);
    return new FeatureExtractor(file, linear, options, platform);
  }

  private constructor(file: FeatureFile, linear: LinearFile | undefined, options: FeatureOptions, platform: Platform) {
    this.file = file;
    this.linear = linear;
    this.resize = options.resize ?? "clean-fid";
    this.#platform = platform;
    this.#threads = options.threads ?? platform.cores;
  }

  get identity(): FeatureIdentity {
    const { network, weights } = this.file;
    return { network: network.label, weights, resize: this.resize };
  }

  /**
   * The features of a picture that FID and KID compare.
   * @param name of the picture, for messages
   * @throws UserError for a picture that is too small for the network, when it is not resized
   */
  async features(picture: Picture, name?: string): Promise<Float32Array> {
    const input = featureInput(picture, this.file.network, this.resize, name);
    return this.#turns.take(() => this.#run("features", [input], (x, p) => this.file.network.build(p, x).pooled));
  }

  /**
   * LPIPS of two pictures of one size, which are not resized.
   * @throws ShapeError for pictures of two sizes; UserError for pictures that are too small, and without linear layers
   */
  async distance(a: Picture, b: Picture, name?: string): Promise<number> {
    const { linear, file } = this;
    if (!linear) throw new UserError("LPIPS needs its linear layers: give their file with --lpips");
    const inputs = [a, b].map((picture) => featureInput(picture, file.network, "none", name));
    if (inputs[0]!.values.length !== inputs[1]!.values.length) {
      throw new ShapeError(`distance: the pictures are ${a.width}x${a.height} and ${b.width}x${b.height}.`);
    }
    const build = (x: Tensor, p: Parameters) => {
      const { layers } = file.network.build(p, x);
      const of = (index: number) => layers.map((t) => slice(t, [0], [index], [index + 1]));
      const weights = linear.values.map((value) => p.graph.constant(value, [value.length]));
      return lpipsDistance(of(0), of(1), weights);
    };
    const values = await this.#turns.take(() => this.#run("lpips", inputs, build));
    return values[0]!;
  }

  /** Frees the sessions, after the pictures that were given before. After it each call throws an Error. */
  async close(): Promise<void> {
    await this.#turns.close(async () => {
      for (const session of this.#sessions.values()) await session.release();
      this.#sessions.clear();
    });
  }

  async #run(
    what: "features" | "lpips",
    inputs: readonly FeatureInput[],
    build: (x: Tensor, p: Parameters) => Tensor,
  ): Promise<Float32Array> {
    const { height, width } = inputs[0]!;
    const shape = [inputs.length, 3, height, width];
    const key = `${what} ${height}x${width}`;
    let session = this.#sessions.get(key);
    if (!session) {
      if (this.#sessions.size >= 2 * readySizes) await this.#forgetFirst();
      session = await this.#compile(shape, build);
      this.#sessions.set(key, session);
    }
    const values = new Float32Array(inputs.reduce((sum, input) => sum + input.values.length, 0));
    for (const [i, input] of inputs.entries()) values.set(input.values, i * input.values.length);
    const { y } = await session.run({ x: new this.#platform.ort.Tensor("float32", values, shape) });
    return Float32Array.from(y!.data as Float32Array);
  }

  async #forgetFirst(): Promise<void> {
    const [key, session] = this.#sessions.entries().next().value!;
    this.#sessions.delete(key);
    await session.release();
  }

  async #compile(shape: Shape, build: (x: Tensor, p: Parameters) => Tensor): Promise<InferenceSession> {
    const graph = new Graph();
    const x = graph.input("x", shape);
    try {
      graph.output("y", build(x, new FixedParameters(graph, "features", this.file.values)));
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      throw new UserError(`pictures of ${shape[3]}x${shape[2]} are too small for ${this.file.network.label}`);
    }
    // With its weights as constants, ONNX Runtime chooses its blocked kernels itself.
    const options = sessionOptions(baseDevice(this.#platform), this.#threads);
    return this.#platform.ort.InferenceSession.create(encode(graph.program()), options);
  }
}
