/**
 * One training step: which programs run in which order, on which batch, with which random draws. An engine
 * (../engines/engine.ts) holds the memory and runs the programs.
 */
import { baseDevice, keepsState } from "../engines/device.ts";
import type { Bound, Engine } from "../engines/engine.ts";
import { GpuEngine } from "../engines/gpu.ts";
import { HostEngine } from "../engines/host.ts";
import { memoryOnDevice } from "../engines/layout.ts";
import { checkMemory, type MemoryNeed, memoryNeed } from "../engines/memory.ts";
import { NetworkState, type Weights } from "../engines/state.ts";
import { ShapeError } from "../errors.ts";
import type { Program } from "../graph/graph.ts";
import type { BatchShape, Losses, LossName, ModelOptions, PerceptualLoss } from "../model/losses.ts";
import { type StepGraph, type Substep, trainingStep } from "../model/pix2pix.ts";
import { keepInput, shareInput } from "../model/update.ts";
import { adamFactors } from "../nn/adam.ts";
import { averageShare } from "../nn/average.ts";
import type { MaskSpec } from "../nn/parameters.ts";
import type { Device, Platform } from "../platform.ts";
import { Random } from "../random.ts";
import { type Parts, type Running, Together } from "./together.ts";

/** The options of a trainer. */
export interface TrainerOptions {
  /** Networks, losses and optimiser. A `Config` is one. */
  model: ModelOptions;
  /** Of dropout masks and of the points of the gradient penalty. */
  seed: number;
  /** Threads of the CPU. */
  threads: number;
  /** The distance that `model.lambdaLpips` weights. */
  perceptual?: PerceptualLoss | undefined;
  /** From `chooseDevice`. Default: the platform's base device. */
  device?: Device | undefined;
}

/**
 * A prepared batch: `A` is the input [n, inputNc, height, width], `B` the target [n, outputNc, height, width], in [-1,
 * 1]. With `lambdaDistill`, `teacher` are the pictures of the teacher, in the form of `B`.
 */
export interface StepBatch extends BatchShape {
  A: Float32Array;
  B: Float32Array;
  teacher?: Float32Array;
}

/** Where a step is in its run. */
export interface StepPlace {
  /** From 1, over the whole run. */
  step: number;
  /** The learning rate. */
  lr: number;
  /** D's learning rate. Default: `lr`. */
  lrD?: number | undefined;
  /** The step before the first that Adam's moments have seen. Default: 0. */
  momentsFrom?: number | undefined;
}

/** Sizes of batches whose programs stay compiled. */
const mostSizes = 4;

/** The programs of a substep, by their index in what the engine has compiled. */
interface CompiledSubstep {
  state: NetworkState;
  before: number[];
  batch: number;
  after: number[];
  losses: Substep["losses"];
}

/** The programs of a step for one size of batches. */
interface Compiled {
  bound: Bound;
  substeps: CompiledSubstep[];
  masks: readonly MaskSpec[];
  uniforms: readonly { name: string }[];
  counts: StepGraph["counts"];
}

/** A batch of a step, and the programs of its size. */
interface Work {
  batch: StepBatch;
  programs: Compiled;
}

/** What a row of values that the engine has recorded means: the losses of one network on one batch. */
interface Row {
  names: readonly LossName[];
  /** The share of the batch in the samples of its step, in (0, 1]; 0 where this process has no batch in the step. */
  share: number;
  /** Whether it is the first row of its step. */
  first: boolean;
}

/**
 * Trains both networks step by step, without files: `train` is the loop around it. Batches may have different sizes;
 * each size is compiled at its first step, and all sizes share the networks' memory.
 *
 * On a GPU, `netG` and `netD` hold the first weights until `toHost` copies the trained weights back.
 *
 * @example
 * ```ts
 * import { inits, parseConfig, Trainer } from "pix2pix";
 * import { nodePlatform } from "pix2pix/node";
 *
 * const model = parseConfig({ dataroot: "none", netG: "unet_32", ngf: 8, ndf: 8, cropSize: 32, loadSize: 32 });
 * const shape = { n: 1, height: 32, width: 32 };
 * const trainer = new Trainer(await nodePlatform(), { model, seed: 0, threads: 1 }, shape);
 * for (const net of [trainer.netG, trainer.netD]) net.initialise(inits.normal, 0.02, 0);
 * const picture = () => new Float32Array(3 * 32 * 32).fill(0.5);
 * await trainer.step({ A: picture(), B: picture(), ...shape }, { step: 1, lr: 2e-4 });
 * const [losses] = await trainer.losses();
 * console.log(losses?.G_L1);
 * await trainer.close();
 * ```
 */
export class Trainer {
  readonly netG: NetworkState;
  readonly netD: NetworkState;
  /** The shape of D's map of logits for one picture, [1, 1, h, w]; undefined where there is no D. */
  readonly outputMap: readonly number[] | undefined;
  readonly device: Device;
  readonly #options: TrainerOptions;
  readonly #engine: Engine;
  readonly #platform: Platform;
  /** The programs by the size of batches, the least recently used first. */
  readonly #compiled = new Map<string, Promise<Compiled>>();
  /** The upload of the first weights to the device; undefined before the first step. */
  #upload: Promise<void> | undefined;
  /** The programs of the last batch: they run what a step does once, not for each batch. */
  #last: Compiled | undefined;
  /** The graphs of the size that the trainer was constructed with. */
  readonly #usual: { key: string; shape: BatchShape; step: StepGraph };
  /** Undefined where this process trains alone. */
  readonly #together: Together | undefined;
  /** What the recorded rows mean, oldest first. */
  #rows: Row[] = [];

  /**
   * @param shape the usual size of a batch; memory for others is taken when they come
   * @throws DeviceError when the networks and the batch need more memory than the machine has
   */
  constructor(platform: Platform, options: TrainerOptions, shape: BatchShape) {
    const { model, threads, device = baseDevice(platform) } = options;
    this.device = device;
    this.#options = options;
    this.#platform = platform;
    const step = trainingStep(model, shape, options.perceptual);
    this.#checkMemory(step, shape);
    this.#usual = { key: keyOf(shape), shape, step };
    this.#together = platform.collective && new Together(platform.collective, model.accumulate);
    this.netG = new NetworkState(step.netG, { averaged: model.ema > 0 });
    this.netD = new NetworkState(step.netD);
    this.outputMap = step.outputMap;
    const states = [this.netG, this.netD];
    this.#engine = keepsState(device)
      ? new GpuEngine(platform, device, states)
      : new HostEngine(platform, device, threads, states);
  }

  /** The weights of G to draw and score with: their running average where one is kept. */
  get shownG(): Weights {
    return this.netG.averaged ?? this.netG;
  }

  /** The most steps between two calls of `losses`; 1 where reading losses does not wait for a device. */
  get capacity(): number {
    const { accumulate } = this.#options.model;
    return Math.max(1, Math.floor(this.#engine.capacity / (2 * accumulate)));
  }

  /** Bytes that a batch of this size takes of a device's own memory; undefined on a device that uses the host's. */
  memoryNeed(shape: BatchShape): MemoryNeed | undefined {
    if (!keepsState(this.device)) return undefined;
    const { substeps } = this.#graphsFor(shape);
    return memoryOnDevice(
      substeps.map(({ batch }) => batch),
      [this.netG, this.netD],
      this.device,
      this.#platform,
    );
  }

  /** @throws DeviceError when the networks and a batch of this size need more memory than the machine has */
  #checkMemory(step: StepGraph, shape: BatchShape): void {
    checkMemory(
      needOnHost(step, keepsState(this.device)),
      this.#platform.memory,
      described(this.#options.model, shape),
    );
  }

  /**
   * Compiles the programs of a batch size ahead of its first step.
   * @throws DeviceError when the networks and a batch of this size need more memory than the machine has
   */
  async prepare(shape: BatchShape): Promise<void> {
    await this.#compile(shape);
  }

  /**
   * One update of both networks, on one batch or, with `accumulate`, on up to so many. Random draws are functions of (seed,
   * step). A GPU may still compute when the promise resolves; `losses` waits for it. A call has to wait for the one before.
   * @returns the samples of the step, over all processes
   * @throws ShapeError for a side of a batch that does not have as many values as its shape says
   * @throws RangeError for no batch or more than `accumulate`, and for a step that is not above `momentsFrom`
   */
  async step(batch: StepBatch | readonly StepBatch[], at: StepPlace): Promise<number> {
    const batches = "A" in batch ? [batch] : batch;
    this.#check(batches, at);
    const work: Work[] = [];
    for (const each of batches) work.push({ batch: each, programs: await this.#compile(each) });
    this.#last = work.at(-1)?.programs ?? (await this.#compile(this.#usual.shape));
    const samples = batches.reduce((sum, { n }) => sum + n, 0);
    const parts = this.#together?.parts(batches) ?? { samples, batches: batches.length, before: 0, after: 0 };
    this.#upload ??= this.#engine.toDevice();
    await this.#upload;
    const { substeps, counts } = this.#last;
    const updatesLast = this.#options.model.updateOrder === "simultaneous";
    for (const substep of substeps.keys()) {
      await this.#computeGradients(substep, work, parts, at.step);
      if (!updatesLast) await this.#update(substep, at);
    }
    if (updatesLast) for (const substep of substeps.keys()) await this.#update(substep, at);
    for (const { network, name, count } of counts) {
      const { batches: seen } = this[network];
      seen.set(name, seen.get(name)! + count * parts.batches);
    }
    await this.#forgetSizes();
    return parts.samples;
  }

  /** Refuses arguments that would silently train on wrong values: those of an earlier batch, or Adam's factors of no step. */
  #check(batches: readonly StepBatch[], { step, momentsFrom = 0 }: StepPlace): void {
    const { inputNc, outputNc, accumulate, lambdaDistill } = this.#options.model;
    const fewest = this.#together ? 0 : 1;
    if (batches.length < fewest || batches.length > accumulate) {
      throw new RangeError(`A step takes ${fewest} to ${accumulate} batches (accumulate), got ${batches.length}.`);
    }
    if (!(Number.isSafeInteger(step) && step > momentsFrom)) {
      throw new RangeError(`A step is a whole number above ${momentsFrom} (momentsFrom), got ${step}.`);
    }
    for (const { A, B, teacher, n, height, width } of batches) {
      const sides: [name: string, values: Float32Array, channels: number][] = [
        ["A", A, inputNc],
        ["B", B, outputNc],
      ];
      if (lambdaDistill > 0) sides.push(["teacher", teacher ?? new Float32Array(0), outputNc]);
      for (const [side, { length }, channels] of sides) {
        const expected = n * channels * height * width;
        if (length === expected) continue;
        const shape = `[${n}, ${channels}, ${height}, ${width}]`;
        throw new ShapeError(`The batch's ${side} has ${length} values, expected ${expected}: ${shape}.`);
      }
    }
  }

  /** Runs a substep on all batches of the step: the losses of one network, and its gradients. */
  async #computeGradients(substep: number, work: readonly Work[], parts: Parts, step: number): Promise<void> {
    const { accumulate, normMomentum } = this.#options.model;
    const { bound: last, substeps } = this.#last!;
    const { state, before } = substeps[substep]!;
    const running = this.#together ? this.#runningOf(substep) : [];
    if (work.length === 0) await this.#addNothing(substep);
    for (const index of before) await last.run(index);
    for (const [i, { batch, programs }] of work.entries()) {
      const { bound } = programs;
      const share = batch.n / parts.samples;
      // The second substep of a single batch finds the inputs of the first in memory.
      if (substep === 0 || work.length > 1) this.#feed(programs, batch, (step - 1) * accumulate + parts.before + i + 1);
      if (accumulate > 1) {
        bound.input(keepInput)[0] = i === 0 ? 0 : 1;
        bound.input(shareInput)[0] = share;
      }
      const { batch: program, losses } = programs.substeps[substep]!;
      await bound.run(program);
      await bound.record([losses.output]);
      this.#rows.push({ names: losses.names, share, first: substep === 0 && i === 0 });
    }
    this.#together?.sumGradients(state);
    this.#together?.joinStatistics(running, normMomentum, parts);
  }

  /** A substep without a batch of this process: the last step of an epoch may have fewer batches than processes. */
  async #addNothing(substep: number): Promise<void> {
    const { bound, substeps } = this.#last!;
    substeps[substep]!.state.adam.gradients.fill(0);
    if (substep > 0) return;
    await bound.record([]);
    this.#rows.push({ names: [], share: 0, first: true });
  }

  /**
   * The running statistics that a substep updates, with a copy of their values before it. `counts` has a norm of D twice, first
   * for D's substep and then for G's; a norm of G belongs to G's substep.
   */
  #runningOf(substep: number): Running[] {
    const { counts, substeps } = this.#last!;
    const isFirst = ({ network, name }: Compiled["counts"][number], at: number) =>
      network === "netD" && counts.findIndex((other) => other.network === network && other.name === name) === at;
    const own = counts.filter((each, at) => substeps.length === 1 || isFirst(each, at) === (substep === 0));
    return own.flatMap(({ network, name, count }) =>
      ["running_mean", "running_var"].map((of) => {
        const values = this[network].statistics.get(`${name}.${of}`)!;
        return { count, values, first: values.slice() };
      }),
    );
  }

  /** Copies a batch and its random draws to the inputs. @param draw the number of the batch in the run, from 1 */
  #feed({ bound, masks, uniforms }: Compiled, { A, B, teacher }: StepBatch, draw: number): void {
    const { seed } = this.#options;
    bound.input("real_A").set(A);
    bound.input("real_B").set(B);
    if (teacher) bound.input("teacher_B").set(teacher);
    for (const { name, p } of masks) new Random(seed, `dropout ${name}`, draw).fillDropout(bound.input(name), p);
    for (const { name } of uniforms) fillUniform(bound.input(name), new Random(seed, name, draw));
  }

  /** Updates the network of a substep by its gradients. */
  async #update(substep: number, { step, lr, lrD = lr, momentsFrom = 0 }: StepPlace): Promise<void> {
    const { model } = this.#options;
    const { bound, substeps } = this.#last!;
    const { state, after } = substeps[substep]!;
    for (const index of after) await bound.run(index);
    const rate = state === this.netD ? lrD : lr;
    await this.#engine.optimise(state, adamFactors(step - momentsFrom, rate, model), model);
    if (state.averaged) await this.#engine.average(state, averageShare(step - momentsFrom, model.ema));
  }

  /**
   * The losses of every step since the last call, oldest first: means over the samples of a step, of weights before their update
   * (G's losses: of the D that `updateOrder` names). Losses that the step does not have are absent. When one is not finite, the
   * weights must not be used any more.
   */
  async losses(): Promise<Losses[]> {
    const steps: Losses[] = [];
    const values = await this.#engine.recorded();
    for (const [i, { names, share, first }] of this.#rows.splice(0).entries()) {
      if (first) steps.push({ G_L1: 0 });
      const losses = steps.at(-1)!;
      for (const [k, name] of names.entries()) losses[name] = (losses[name] ?? 0) + share * values[i]![k]!;
    }
    this.#together?.sumLosses(steps);
    return steps;
  }

  /**
   * G's pictures of the last batch of the last step, before its update: [n, outputNc, height, width] in [-1, 1]; valid until the
   * next step. Needs a step before.
   */
  async fakeB(): Promise<Float32Array> {
    return this.#last!.bound.read("fake_B");
  }

  /** Copies weights, moments and running statistics from the device to `netG` and `netD`. */
  async toHost(): Promise<void> {
    if (this.#upload) await this.#engine.toHost();
  }

  /** Frees the sessions. */
  async close(): Promise<void> {
    await this.#engine.close();
  }

  /** The programs of a size, compiled at its first use. */
  #compile(shape: BatchShape): Promise<Compiled> {
    const key = keyOf(shape);
    const before = this.#compiled.get(key);
    const known = before ?? this.#build(shape);
    this.#compiled.delete(key);
    this.#compiled.set(key, known);
    // A size that is refused has no programs to free.
    if (!before) known.catch(() => this.#compiled.delete(key));
    return known;
  }

  #graphsFor(shape: BatchShape): StepGraph {
    const { key, step } = this.#usual;
    return key === keyOf(shape) ? step : trainingStep(this.#options.model, shape, this.#options.perceptual);
  }

  /** Frees the least recently used sizes: pictures of many sizes must not fill the memory. */
  async #forgetSizes(): Promise<void> {
    for (const [key, compiled] of this.#compiled) {
      if (this.#compiled.size <= mostSizes) break;
      this.#compiled.delete(key);
      await (await compiled).bound.release();
    }
  }

  async #build(shape: BatchShape): Promise<Compiled> {
    const graphs = this.#graphsFor(shape);
    this.#checkMemory(graphs, shape);
    const { substeps, masks, uniforms, counts } = graphs;
    const programs: Program[] = [];
    const placed = (program: Program) => programs.push(program) - 1;
    const indexed = substeps.map(({ network, before, batch, after, losses }) => ({
      state: this[network],
      losses,
      before: before.map(placed),
      batch: placed(batch),
      after: after.map(placed),
    }));
    const bound = await this.#engine.compile(programs);
    return { bound, substeps: indexed, masks, uniforms, counts };
  }
}

/**
 * A lower bound of the host's memory for a step, from the programs as they are before they are lowered.
 * @param onDevice whether activations lie in a device's own memory
 */
function needOnHost({ substeps, netG, netD }: StepGraph, onDevice: boolean): MemoryNeed {
  const programs = substeps.flatMap(({ before, batch, after }) => [...before, batch, ...after]);
  return memoryNeed(onDevice ? [] : programs, [netG, netD]);
}

/** Networks and batch for a message. */
function described({ netG, ngf, netD, ndf }: ModelOptions, { n, height, width }: BatchShape): string {
  return `A training step of netG ${netG} with ngf ${ngf}, netD ${netD} with ndf ${ndf} and batch ${n} at ${width}x${height} px`;
}

const keyOf = ({ n, height, width }: BatchShape): string => `${n}x${height}x${width}`;

function fillUniform(out: Float32Array, random: Random): void {
  for (let i = 0; i < out.length; i++) out[i] = random.float();
}
