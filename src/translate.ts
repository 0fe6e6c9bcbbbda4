/** A trained generator on pictures. */
import { type Config, checkSize } from "./config.ts";
import { resize } from "./data/resize.ts";
import { fromTensor, toTensor } from "./data/transforms.ts";
import { onCpu } from "./device.ts";
import { NetworkState } from "./engines/state.ts";
import { encode } from "./onnx/encode.ts";
import { type BatchShape, generatorGraph } from "./pix2pix.ts";
import type { InferenceSession, Picture, Platform, Tensor } from "./platform.ts";
import { Random } from "./random.ts";
import { fill, Run } from "./run.ts";

export interface OpenOptions {
  name: string;
  checkpointsDir: string;
  /** "latest" or the number of a kept epoch. */
  epoch?: string;
  /** Upstream keeps dropout on when it tests, and so do we; true turns it off. */
  noDropout?: boolean;
  device?: Config["device"];
  threads?: number | undefined;
}

/** Opens the generator of a run by name. @throws CheckpointError for a run or weights that are not there or damaged. */
export async function openRun(options: OpenOptions, platform: Platform): Promise<Translator> {
  const { epoch = "latest", noDropout = false, threads } = options;
  const run = new Run(platform.files, options);
  const stored = await run.config();
  const config = { ...stored, noDropout: stored.noDropout || noDropout, threads: threads ?? stored.threads };
  const { tensors, path } = await run.generator(epoch);
  const side = config.cropSize;
  const { netG } = generatorGraph(config, { n: 1, height: side, width: side });
  const state = new NetworkState(netG);
  fill(state, tensors, path);
  return Translator.of(config, state, platform);
}

interface Compiled {
  session: InferenceSession;
  feeds: Record<string, Tensor>;
  masks: { name: string; p: number }[];
}

/** Runs a generator with the statistics of the batch and, unless turned off, dropout: as upstream tests. */
export class Translator {
  readonly config: Config;
  #state: NetworkState;
  #platform: Platform;
  #compiled = new Map<string, Promise<Compiled>>();

  private constructor(config: Config, state: NetworkState, platform: Platform) {
    this.config = config;
    this.#state = state;
    this.#platform = platform;
  }

  /** On weights that are already in memory; they are read anew at every run. */
  static of(config: Config, state: NetworkState, platform: Platform): Translator {
    return new Translator(config, state, platform);
  }

  /** A picture of any size; it is resized to the run's crop size, unless the run took pictures as they are. */
  async translate(picture: Picture, index = 0): Promise<Picture> {
    const { preprocess, cropSize, inputNc, outputNc } = this.config;
    const fitted = preprocess === "none" ? picture : resize(picture, cropSize, cropSize);
    const { width, height } = fitted;
    const output = await this.run(toTensor(fitted, inputNc), 1, height, width, index);
    return fromTensor(output, outputNc, height, width);
  }

  /**
   * @param A input, [n, inputNc, height, width] in [-1, 1]
   * @param index number of the picture: its dropout masks are a function of (the run's seed, index)
   * @returns output, [n, outputNc, height, width] in [-1, 1]
   */
  async run(A: Float32Array, n: number, height: number, width: number, index = 0): Promise<Float32Array> {
    const { session, feeds, masks } = await this.#compile({ n, height, width });
    (feeds.real_A!.data as Float32Array).set(A);
    for (const { name, p } of masks) {
      new Random(this.config.seed, `test ${name}`, index).fillDropout(feeds[name]!.data as Float32Array, p);
    }
    const { fake_B } = await session.run(feeds);
    return fake_B!.data as Float32Array;
  }

  async close(): Promise<void> {
    for (const compiled of this.#compiled.values()) await (await compiled).session.release();
    this.#compiled.clear();
  }

  #compile(shape: BatchShape): Promise<Compiled> {
    const key = `${shape.n}x${shape.height}x${shape.width}`;
    const known = this.#compiled.get(key) ?? this.#build(shape);
    this.#compiled.set(key, known);
    return known;
  }

  async #build(shape: BatchShape): Promise<Compiled> {
    checkSize(this.config, shape.height, shape.width);
    const { program, netG } = generatorGraph(this.config, shape);
    const known = new Map(this.#state.specs.map((spec) => [`netG.${spec.name}`, this.#state.get(spec)]));
    const { ort } = this.#platform;
    const session = await ort.InferenceSession.create(
      encode(program),
      onCpu(this.config.threads ?? this.#platform.cores),
    );
    const feeds: Record<string, Tensor> = {};
    for (const name of session.inputNames) {
      const { shape: dims, size } = program.inputs.find((t) => t.name === name)!;
      feeds[name] = new ort.Tensor("float32", known.get(name) ?? new Float32Array(size), dims);
    }
    return { session, feeds, masks: netG.masks };
  }
}
