/**
 * Runs a training step: keeps the parameters, moments and running statistics of both networks in fixed buffers, which
 * ONNX Runtime reads as inputs and writes gradients beside, without copies.
 */
import { onCpu } from "./device.ts";
import { type Shape, sizeOf } from "./graph.ts";
import { adamFactors, adamInPlace } from "./nn/adam.ts";
import { type Init, initialise } from "./nn/init.ts";
import { isTrainable, type MaskSpec, type ParameterSpec, type Parameters } from "./nn/parameters.ts";
import { encode } from "./onnx/encode.ts";
import { type BatchShape, type Losses, lossNames, type ModelOptions, trainingStep } from "./pix2pix.ts";
import type { InferenceSession, Platform, Tensor } from "./platform.ts";
import { Random } from "./random.ts";

/** Buffers start at multiples of 16 values (64 bytes), a cache line and an AVX-512 register. */
const align = (offset: number): number => Math.ceil(offset / 16) * 16;

/** A network's values: one flat array for all trained parameters (and one each for Adam's moments), with views by name. */
export class NetworkState {
  readonly network: string;
  readonly specs: readonly ParameterSpec[];
  /** Values seen by each batch norm, in batches: upstream's num_batches_tracked. */
  readonly batches = new Map<string, number>();
  readonly values: Float32Array;
  readonly m: Float32Array;
  readonly v: Float32Array;
  readonly statistics = new Map<string, Float32Array>();
  readonly offsets = new Map<string, number>();

  constructor({ network, specs, batches }: Parameters) {
    this.network = network;
    this.specs = specs;
    let end = 0;
    for (const spec of specs) {
      if (isTrainable(spec)) {
        this.offsets.set(spec.name, end);
        end = align(end + sizeOf(spec.shape));
      } else {
        this.statistics.set(spec.name, new Float32Array(sizeOf(spec.shape)));
      }
    }
    for (const name of batches.keys()) this.batches.set(name, 0);
    this.values = new Float32Array(end);
    this.m = new Float32Array(end);
    this.v = new Float32Array(end);
  }

  /** The part of a flat array that belongs to a trained parameter. */
  view(flat: Float32Array, { name, shape }: ParameterSpec): Float32Array {
    const offset = this.offsets.get(name)!;
    return flat.subarray(offset, offset + sizeOf(shape));
  }

  /** The values of any parameter or running statistic. */
  get(spec: ParameterSpec): Float32Array {
    return this.statistics.get(spec.name) ?? this.view(this.values, spec);
  }

  /** Draws the starting values; every parameter has a random stream of its own. */
  initialise(init: Init, gain: number, seed: number): void {
    for (const spec of this.specs) initialise(this.get(spec), spec, { init, gain, seed, network: this.network });
  }
}

export interface TrainerOptions {
  model: ModelOptions;
  seed: number;
  threads: number;
}

/** One prepared batch: `A` the input and `B` the target, NCHW in [-1, 1]. */
export interface Batch extends BatchShape {
  A: Float32Array;
  B: Float32Array;
}

interface Compiled {
  session: InferenceSession;
  feeds: Record<string, Tensor>;
  fetches: Record<string, Tensor>;
  masks: { spec: MaskSpec; values: Float32Array }[];
  /** Where D's new values appear, and where they go after the step. */
  moves: { from: Float32Array; to: Float32Array }[];
  batches: { state: NetworkState; name: string; count: number }[];
}

/** Trains both networks step by step. A batch of another size gets a graph of its own on the same buffers. */
export class Trainer {
  readonly netG: NetworkState;
  readonly netD: NetworkState;
  readonly outputMap: readonly number[];
  #options: TrainerOptions;
  #platform: Platform;
  #gradients: Float32Array;
  #compiled = new Map<string, Promise<Compiled>>();

  constructor(platform: Platform, options: TrainerOptions, shape: BatchShape) {
    this.#platform = platform;
    this.#options = options;
    const { netG, netD, outputMap } = trainingStep(options.model, shape);
    this.netG = new NetworkState(netG);
    this.netD = new NetworkState(netD);
    this.outputMap = outputMap;
    this.#gradients = new Float32Array(this.netG.values.length);
  }

  /** Builds the session of a batch size ahead of its first step. */
  async prepare(shape: BatchShape): Promise<void> {
    await this.#compile(shape);
  }

  /**
   * Step number `step` (from 1) of the run on one batch. Everything random is a function of (seed, step).
   * @returns the losses before the update, and G's pictures as [n, outputNc, height, width], valid until the next step.
   */
  async step(
    batch: Batch,
    { step, lr }: { step: number; lr: number },
  ): Promise<{ losses: Losses; fakeB: Float32Array } | undefined> {
    const { session, feeds, fetches, masks, moves, batches } = await this.#compile(batch);
    const { seed, model } = this.#options;
    const factors = adamFactors(step, lr, model);
    (feeds.real_A!.data as Float32Array).set(batch.A);
    (feeds.real_B!.data as Float32Array).set(batch.B);
    (feeds["adam.size"]!.data as Float32Array)[0] = factors.size;
    (feeds["adam.correction"]!.data as Float32Array)[0] = factors.correction;
    for (const { spec, values } of masks) new Random(seed, `dropout ${spec.name}`, step).fillDropout(values, spec.p);
    await session.run(feeds, fetches);
    const values = fetches.losses!.data as Float32Array;
    if (!values.every(Number.isFinite)) return undefined;
    for (const { from, to } of moves) to.set(from);
    for (const { state, name, count } of batches) state.batches.set(name, state.batches.get(name)! + count);
    adamInPlace(this.netG.values, this.#gradients, this.netG.m, this.netG.v, factors, model);
    const losses = Object.fromEntries(lossNames.map((name, i) => [name, values[i]!])) as Losses;
    return { losses, fakeB: fetches.fake_B!.data as Float32Array };
  }

  #compile(shape: BatchShape): Promise<Compiled> {
    const key = `${shape.n}x${shape.height}x${shape.width}`;
    const known = this.#compiled.get(key) ?? this.#build(shape);
    this.#compiled.set(key, known);
    return known;
  }

  async #build(shape: BatchShape): Promise<Compiled> {
    const { ort } = this.#platform;
    const step = trainingStep(this.#options.model, shape);
    const session = await ort.InferenceSession.create(encode(step.graph), onCpu(this.#options.threads));
    const tensor = (data: Float32Array, dims: Shape) => new ort.Tensor("float32", data, dims);
    const buffers = this.#buffers();
    const feeds: Record<string, Tensor> = {};
    for (const name of session.inputNames) {
      const { shape: dims, size } = step.graph.inputs.find((t) => t.name === name)!;
      feeds[name] = tensor(buffers.get(name) ?? new Float32Array(size), dims);
    }
    const moves: Compiled["moves"] = [];
    const fetches: Record<string, Tensor> = {};
    for (const { name, tensor: symbol } of step.graph.outputs) {
      const own = buffers.get(name);
      const data = own ?? new Float32Array(symbol.size);
      fetches[name] = tensor(data, symbol.shape);
      const to = buffers.get(name.replace(/\.new$/, ""));
      if (!own && to) moves.push({ from: data, to });
    }
    const masks = step.netG.masks.map((spec) => ({ spec, values: feeds[spec.name]!.data as Float32Array }));
    const batches = [
      { state: this.netG, from: step.netG },
      { state: this.netD, from: step.netD },
    ].flatMap(({ state, from }) => [...from.batches].map(([name, count]) => ({ state, name, count })));
    return { session, feeds, fetches, masks, moves, batches };
  }

  /** The fixed buffers by graph name. */
  #buffers(): Map<string, Float32Array> {
    const buffers = new Map<string, Float32Array>();
    for (const state of [this.netG, this.netD]) {
      for (const spec of state.specs) {
        const name = `${state.network}.${spec.name}`;
        buffers.set(name, state.get(spec));
        if (!isTrainable(spec)) continue;
        if (state === this.netG) buffers.set(`${name}.grad`, state.view(this.#gradients, spec));
        buffers.set(`${name}.m`, state.view(state.m, spec));
        buffers.set(`${name}.v`, state.view(state.v, spec));
      }
    }
    return buffers;
  }
}
