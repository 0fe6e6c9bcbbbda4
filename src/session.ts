/**
 * Runs a training step: keeps the parameters, moments and running statistics of both networks in fixed buffers, which
 * ONNX Runtime reads as inputs and writes gradients beside, without copies.
 */
import { onCpu } from "./device.ts";
import { type Program, type Tensor as Symbolic, sizeOf } from "./graph.ts";
import { type AdamArrays, type AdamState, adamFactors, adamState } from "./nn/adam.ts";
import { type Init, initialise } from "./nn/init.ts";
import { isTrainable, type MaskSpec, type ParameterSpec, type Parameters } from "./nn/parameters.ts";
import { encode } from "./onnx/encode.ts";
import { type BatchShape, type Losses, type ModelOptions, trainingStep } from "./pix2pix.ts";
import type { InferenceSession, Platform, Tensor, Tensors } from "./platform.ts";
import { Random } from "./random.ts";

/** Buffers start at multiples of 16 values (64 bytes), a cache line and an AVX-512 register. */
const align = (offset: number): number => Math.ceil(offset / 16) * 16;

/** A network's values: one flat array for all trained parameters (and one each for Adam's moments), with views by name. */
export class NetworkState {
  readonly network: string;
  readonly specs: readonly ParameterSpec[];
  /** How many batches each batch norm has seen: upstream's num_batches_tracked. */
  readonly batches = new Map<string, number>();
  readonly adam: AdamState;
  readonly statistics = new Map<string, Float32Array>();
  readonly #offsets = new Map<string, number>();

  constructor({ network, specs, batches }: Parameters) {
    this.network = network;
    this.specs = specs;
    let end = 0;
    for (const spec of specs) {
      if (isTrainable(spec)) {
        this.#offsets.set(spec.name, end);
        end = align(end + sizeOf(spec.shape));
      } else {
        this.statistics.set(spec.name, new Float32Array(sizeOf(spec.shape)));
      }
    }
    for (const name of batches.keys()) this.batches.set(name, 0);
    this.adam = adamState(end);
  }

  /** The part of one of Adam's flat arrays that belongs to a trained parameter. */
  view(array: keyof AdamArrays, { name, shape }: ParameterSpec): Float32Array {
    const offset = this.#offsets.get(name)!;
    return this.adam[array].subarray(offset, offset + sizeOf(shape));
  }

  /** The values of any parameter or running statistic. */
  get(spec: ParameterSpec): Float32Array {
    return this.statistics.get(spec.name) ?? this.view("values", spec);
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

interface Stage {
  session: InferenceSession;
  feeds: Tensors;
  fetches: Tensors;
}

interface Compiled {
  stepD: Stage;
  stepG: Stage;
  masks: { spec: MaskSpec; values: Float32Array }[];
  /** Where new running statistics appear, and where they are kept. */
  statistics: { from: Float32Array; to: Float32Array }[];
  batches: { state: NetworkState; name: string; count: number }[];
}

/** Trains both networks step by step. A batch of another size gets a graph of its own on the same buffers. */
export class Trainer {
  readonly netG: NetworkState;
  readonly netD: NetworkState;
  readonly outputMap: readonly number[];
  #options: TrainerOptions;
  #platform: Platform;
  #compiled = new Map<string, Promise<Compiled>>();

  constructor(platform: Platform, options: TrainerOptions, shape: BatchShape) {
    this.#platform = platform;
    this.#options = options;
    const { netG, netD, outputMap } = trainingStep(options.model, shape);
    this.netG = new NetworkState(netG);
    this.netD = new NetworkState(netD);
    this.outputMap = outputMap;
  }

  /** Builds the sessions of a batch size ahead of its first step. */
  async prepare(shape: BatchShape): Promise<void> {
    await this.#compile(shape);
  }

  /**
   * Step number `step` (from 1) of the run on one batch. Everything random is a function of (seed, step).
   * @returns the losses before the update, and G's pictures as [n, outputNc, height, width], valid until the next step;
   *   undefined when a loss is not finite: then the networks are not to be used any more.
   */
  async step(
    batch: Batch,
    { step, lr }: { step: number; lr: number },
  ): Promise<{ losses: Losses; fakeB: Float32Array } | undefined> {
    const { stepD, stepG, masks, statistics, batches } = await this.#compile(batch);
    const { seed, model } = this.#options;
    const factors = adamFactors(step, lr, model);
    valuesOf(stepD.feeds.real_A).set(batch.A);
    valuesOf(stepD.feeds.real_B).set(batch.B);
    for (const { spec, values } of masks) new Random(seed, `dropout ${spec.name}`, step).fillDropout(values, spec.p);

    await this.#platform.runInto(stepD.session, stepD.feeds, stepD.fetches);
    this.netD.adam.step(factors, model);
    await this.#platform.runInto(stepG.session, stepG.feeds, stepG.fetches);
    this.netG.adam.step(factors, model);

    for (const { from, to } of statistics) to.set(from);
    for (const { state, name, count } of batches) state.batches.set(name, state.batches.get(name)! + count);
    const [D_real, D_fake] = valuesOf(stepD.fetches.losses_D) as unknown as [number, number];
    const [G_GAN, G_L1] = valuesOf(stepG.fetches.losses_G) as unknown as [number, number];
    const losses = { G_GAN, G_L1, D_real, D_fake };
    if (!Object.values(losses).every(Number.isFinite)) return undefined;
    return { losses, fakeB: valuesOf(stepD.fetches.fake_B) };
  }

  #compile(shape: BatchShape): Promise<Compiled> {
    const key = `${shape.n}x${shape.height}x${shape.width}`;
    const known = this.#compiled.get(key) ?? this.#build(shape);
    this.#compiled.set(key, known);
    return known;
  }

  async #build(shape: BatchShape): Promise<Compiled> {
    const { stepD, stepG, netG, netD } = trainingStep(this.#options.model, shape);
    const buffers = this.#buffers();
    const [first, second] = [await this.#stage(stepD, buffers), await this.#stage(stepG, buffers)];
    const masks = netG.masks.map((spec) => ({ spec, values: buffers.get(spec.name)! }));
    const statistics = [this.netG, this.netD].flatMap((state) =>
      [...state.statistics].map(([name, to]) => ({ from: buffers.get(`${state.network}.${name}.new`)!, to })),
    );
    const batches = [
      { state: this.netG, from: netG },
      { state: this.netD, from: netD },
    ].flatMap(({ state, from }) => [...from.batches].map(([name, count]) => ({ state, name, count })));
    return { stepD: first, stepG: second, masks, statistics, batches };
  }

  /** A session with a buffer for every input and output; what has the same name in two programs shares one. */
  async #stage(program: Program, buffers: Map<string, Float32Array>): Promise<Stage> {
    const { ort, runInto } = this.#platform;
    const model = encode(program, { sequence: runInto.sequenceOutput });
    const session = await ort.InferenceSession.create(model, onCpu(this.#options.threads));
    const bound = (name: string, { shape, size }: Symbolic): [string, Tensor] => {
      const data = buffers.get(name) ?? new Float32Array(size);
      buffers.set(name, data);
      return [name, new ort.Tensor("float32", data, shape)];
    };
    return {
      session,
      feeds: Object.fromEntries(program.inputs.map((t) => bound(t.name, t))),
      fetches: Object.fromEntries(program.outputs.map(({ name, tensor }) => bound(name, tensor))),
    };
  }

  /** The buffers of parameters and gradients by their names in the graphs. */
  #buffers(): Map<string, Float32Array> {
    const buffers = new Map<string, Float32Array>();
    for (const state of [this.netG, this.netD]) {
      for (const spec of state.specs) {
        const name = `${state.network}.${spec.name}`;
        buffers.set(name, state.get(spec));
        if (!isTrainable(spec)) continue;
        buffers.set(`${name}.updated`, state.get(spec));
        buffers.set(`${name}.grad`, state.view("gradients", spec));
      }
    }
    return buffers;
  }
}

const valuesOf = (tensor: Tensor | undefined): Float32Array => tensor!.data as Float32Array;
