/**
 * One training step: which programs run in which order, on which batch, with which random masks. Where the memory is and how
 * programs run is an engine's business (./engines/engine.ts).
 */
import type { Bound, Engine } from "./engines/engine.ts";
import { HostEngine } from "./engines/host.ts";
import { NetworkState } from "./engines/state.ts";
import { adamFactors } from "./nn/adam.ts";
import type { MaskSpec } from "./nn/parameters.ts";
import { type BatchShape, type Losses, type ModelOptions, trainingStep } from "./pix2pix.ts";
import type { Device, Platform } from "./platform.ts";
import { Random } from "./random.ts";

export interface TrainerOptions {
  model: ModelOptions;
  seed: number;
  threads: number;
  /** Where to compute, of `chooseDevice`; by default what the platform always has. */
  device?: Device;
}

/** One prepared batch: `A` the input and `B` the target, NCHW in [-1, 1]. */
export interface Batch extends BatchShape {
  A: Float32Array;
  B: Float32Array;
}

interface Compiled {
  bound: Bound;
  masks: readonly MaskSpec[];
  batches: { state: NetworkState; name: string; count: number }[];
}

/** The programs of a step, by their index in what is compiled. */
const stepD = 0;
const stepG = 1;

/**
 * Trains both networks step by step. A batch of another size gets programs of its own on the same memory.
 *
 * On a device that keeps its own memory `netG` and `netD` are what the device starts from, and follow it at `toHost` only.
 */
export class Trainer {
  readonly netG: NetworkState;
  readonly netD: NetworkState;
  readonly outputMap: readonly number[];
  readonly device: Device;
  #options: TrainerOptions;
  #engine: Engine;
  #compiled = new Map<string, Promise<Compiled>>();
  #begun: Promise<void> | undefined;
  #last: Compiled | undefined;

  constructor(platform: Platform, options: TrainerOptions, shape: BatchShape) {
    const { model, threads, device = { name: platform.base, label: platform.base } } = options;
    const { netG, netD, outputMap } = trainingStep(model, shape);
    this.netG = new NetworkState(netG);
    this.netD = new NetworkState(netD);
    this.outputMap = outputMap;
    this.device = device;
    this.#options = options;
    this.#engine = new HostEngine(platform, device, threads, [this.netG, this.netD]);
  }

  /** Steps after which `losses` has to be called at the latest; 1 where that does not wait for anything. */
  get capacity(): number {
    return this.#engine.capacity;
  }

  /** Builds the sessions of a batch size ahead of its first step. */
  async prepare(shape: BatchShape): Promise<void> {
    await this.#compile(shape);
  }

  /**
   * Step number `step` (from 1) of the run on one batch. Everything random is a function of (seed, step). A device may still
   * be at work when this resolves; `losses` waits for it.
   */
  async step(batch: Batch, { step, lr }: { step: number; lr: number }): Promise<void> {
    const compiled = await this.#compile(batch);
    const { bound, masks, batches } = compiled;
    this.#begun ??= this.#engine.toDevice();
    await this.#begun;
    this.#last = compiled;
    const { seed, model } = this.#options;
    const factors = adamFactors(step, lr, model);
    bound.input("real_A").set(batch.A);
    bound.input("real_B").set(batch.B);
    for (const { name, p } of masks) new Random(seed, `dropout ${name}`, step).fillDropout(bound.input(name), p);

    await bound.run(stepD);
    await this.#engine.optimise(this.netD, factors, model);
    await bound.run(stepG);
    await this.#engine.optimise(this.netG, factors, model);

    await bound.record(["losses_D", "losses_G"]);
    for (const { state, name, count } of batches) state.batches.set(name, state.batches.get(name)! + count);
  }

  /**
   * The losses before the update of every step since the last call, oldest first.
   * When one is not finite, the networks are not to be used any more.
   */
  async losses(): Promise<Losses[]> {
    return (await this.#engine.recorded()).map((row) => {
      const [D_real, D_fake, G_GAN, G_L1] = row as unknown as [number, number, number, number];
      return { G_GAN, G_L1, D_real, D_fake };
    });
  }

  /** G's pictures in the last step, [n, outputNc, height, width]; valid until the next. */
  async fakeB(): Promise<Float32Array> {
    return this.#last!.bound.read("fake_B");
  }

  /** Brings what the device has made of both networks to `netG` and `netD`, to be saved or looked at. */
  async toHost(): Promise<void> {
    if (this.#begun) await this.#engine.toHost();
  }

  #compile(shape: BatchShape): Promise<Compiled> {
    const key = `${shape.n}x${shape.height}x${shape.width}`;
    const known = this.#compiled.get(key) ?? this.#build(shape);
    this.#compiled.set(key, known);
    return known;
  }

  async #build(shape: BatchShape): Promise<Compiled> {
    const { model } = this.#options;
    const step = trainingStep(model, shape, this.#engine.target);
    const bound = await this.#engine.compile([step.stepD, step.stepG]);
    const counted = [
      { state: this.netG, from: step.netG },
      { state: this.netD, from: step.netD },
    ];
    const batches = counted.flatMap(({ state, from }) =>
      [...from.batches].map(([name, count]) => ({ state, name, count })),
    );
    return { bound, masks: step.netG.masks, batches };
  }
}
