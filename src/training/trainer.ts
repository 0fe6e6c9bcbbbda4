/**
 * One training step: which programs run in which order, on which batch, with which random masks. Where the memory is and how
 * programs run is an engine's business (../engines/engine.ts).
 */
import { keepsState } from "../engines/device.ts";
import type { Bound, Engine } from "../engines/engine.ts";
import { GpuEngine } from "../engines/gpu.ts";
import { HostEngine } from "../engines/host.ts";
import { type MemoryNeed, memoryNeed } from "../engines/memory.ts";
import { NetworkState } from "../engines/state.ts";
import type { Program } from "../graph/graph.ts";
import { stepForGpu } from "../lowering/gpu.ts";
import type { BatchShape, Losses, LossName, ModelOptions } from "../model/losses.ts";
import { type Phase, type StepGraph, trainingStep } from "../model/pix2pix.ts";
import { keepInput, shareInput } from "../model/update.ts";
import { adamFactors } from "../nn/adam.ts";
import type { MaskSpec } from "../nn/parameters.ts";
import type { Device, Platform } from "../platform.ts";
import { Random } from "../random.ts";

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

/** Sizes of batches whose programs are kept. */
const mostSizes = 4;

interface Compiled {
  bound: Bound;
  /** The phases of a step, their programs by index in what is compiled. */
  phases: { state: NetworkState; before: number[]; batch: number; after: number[]; losses: Phase["losses"] }[];
  masks: readonly MaskSpec[];
  uniforms: readonly { name: string }[];
  counts: StepGraph["counts"];
}

/**
 * Trains both networks step by step. A batch of another size gets programs of its own on the same memory.
 *
 * On a device that keeps its own memory `netG` and `netD` are what the device starts from, and follow it at `toHost` only.
 */
export class Trainer {
  readonly netG: NetworkState;
  readonly netD: NetworkState;
  /** [1, 1, h, w]: what D says of a picture; undefined where there is no D. */
  readonly outputMap: readonly number[] | undefined;
  readonly device: Device;
  #options: TrainerOptions;
  #engine: Engine;
  #compiled = new Map<string, Promise<Compiled>>();
  #begun: Promise<void> | undefined;
  #last: Compiled | undefined;
  /** The graphs of the size that the trainer is made for. */
  #usual: { key: string; step: StepGraph };
  /** What the recorded rows of losses are. */
  #rows: { names: readonly LossName[]; share: number; first: boolean }[] = [];

  constructor(platform: Platform, options: TrainerOptions, shape: BatchShape) {
    const { model, threads, device = { name: platform.base, label: platform.base } } = options;
    const step = trainingStep(model, shape);
    this.#usual = { key: keyOf(shape), step };
    this.netG = new NetworkState(step.netG);
    this.netD = new NetworkState(step.netD);
    this.outputMap = step.outputMap;
    this.device = device;
    this.#options = options;
    const states = [this.netG, this.netD];
    this.#engine = keepsState(device)
      ? new GpuEngine(platform, device, states)
      : new HostEngine(platform, device, threads, states);
  }

  /** Steps after which `losses` has to be called at the latest; 1 where that does not wait for anything. */
  get capacity(): number {
    const { accumulate } = this.#options.model;
    return Math.max(1, Math.floor(this.#engine.capacity / (2 * accumulate)));
  }

  /** What a batch of this size takes of a device's own memory; undefined where the host's is used. */
  memoryNeed(shape: BatchShape): MemoryNeed | undefined {
    if (!keepsState(this.device)) return undefined;
    const { phases } = this.#graphsFor(shape);
    return memoryNeed(stepForGpu(phases.map(({ batch }) => batch)), [this.netG, this.netD]);
  }

  /** Builds the sessions of a batch size ahead of its first step. */
  async prepare(shape: BatchShape): Promise<void> {
    await this.#compile(shape);
  }

  /**
   * Step number `step` (from 1) of the run, on one batch, or with --accumulate on several. Everything random is a function of
   * (seed, step). A device may still be at work when this resolves; `losses` waits for it.
   */
  async step(batch: Batch | readonly Batch[], { step, lr }: { step: number; lr: number }): Promise<void> {
    const batches = Array.isArray(batch) ? (batch as readonly Batch[]) : [batch as Batch];
    const samples = batches.reduce((sum, { n }) => sum + n, 0);
    const compiled: Compiled[] = [];
    for (const each of batches) compiled.push(await this.#compile(each));
    this.#begun ??= this.#engine.toDevice();
    await this.#begun;
    this.#last = compiled.at(-1)!;
    const { model, seed } = this.#options;
    const { accumulate } = model;
    const factors = adamFactors(step, lr, model);

    const updates: (() => Promise<void>)[] = [];
    for (const [p, { state, before, after }] of this.#last.phases.entries()) {
      for (const index of before) await this.#last.bound.run(index);
      for (const [i, each] of batches.entries()) {
        const { bound, phases, masks, uniforms } = compiled[i]!;
        // What one batch is given for its first phase is still there for the second.
        if (p === 0 || batches.length > 1) {
          const draw = (step - 1) * accumulate + i + 1;
          bound.input("real_A").set(each.A);
          bound.input("real_B").set(each.B);
          for (const { name, p } of masks) new Random(seed, `dropout ${name}`, draw).fillDropout(bound.input(name), p);
          for (const { name } of uniforms) fillUniform(bound.input(name), new Random(seed, name, draw));
        }
        if (accumulate > 1) {
          bound.input(keepInput)[0] = i === 0 ? 0 : 1;
          bound.input(shareInput)[0] = each.n / samples;
        }
        await bound.run(phases[p]!.batch);
        await bound.record([phases[p]!.losses.output]);
        this.#rows.push({ names: phases[p]!.losses.names, share: each.n / samples, first: p === 0 && i === 0 });
      }
      updates.push(async () => {
        for (const index of after) await this.#last!.bound.run(index);
        await this.#engine.optimise(state, factors, model);
      });
      // Both networks at the end of the step, or each after its own part.
      if (model.updateOrder !== "simultaneous") await updates.pop()!();
    }
    for (const update of updates) await update();
    await this.#forget();
    for (const { counts } of compiled) {
      for (const { network, name, count } of counts) {
        const { batches: seen } = this[network];
        seen.set(name, seen.get(name)! + count);
      }
    }
  }

  /**
   * The losses before the update of every step since the last call, oldest first; 0 for those that the step does not have.
   * When one is not finite, the networks are not to be used any more.
   */
  async losses(): Promise<Losses[]> {
    const steps: Losses[] = [];
    const values = await this.#engine.recorded();
    for (const [i, { names, share, first }] of this.#rows.splice(0).entries()) {
      if (first) steps.push({ G_GAN: 0, G_L1: 0, D_real: 0, D_fake: 0 });
      const losses = steps.at(-1)!;
      for (const [k, name] of names.entries()) losses[name] = (losses[name] ?? 0) + share * values[i]![k]!;
    }
    return steps;
  }

  /** G's pictures in the last step, [n, outputNc, height, width]; valid until the next. */
  async fakeB(): Promise<Float32Array> {
    return this.#last!.bound.read("fake_B");
  }

  /** Brings what the device has made of both networks to `netG` and `netD`, to be saved or looked at. */
  async toHost(): Promise<void> {
    if (this.#begun) await this.#engine.toHost();
  }

  /** Frees the sessions. */
  async close(): Promise<void> {
    await this.#engine.close();
  }

  /** The programs of a size. They stand in the order of their last use. */
  #compile(shape: BatchShape): Promise<Compiled> {
    const key = keyOf(shape);
    const known = this.#compiled.get(key) ?? this.#build(shape);
    this.#compiled.delete(key);
    this.#compiled.set(key, known);
    return known;
  }

  #graphsFor(shape: BatchShape): StepGraph {
    const { key, step } = this.#usual;
    return key === keyOf(shape) ? step : trainingStep(this.#options.model, shape);
  }

  /** Frees the programs of sizes that were not used for longest: pictures of any size would fill the memory. */
  async #forget(): Promise<void> {
    for (const [key, compiled] of this.#compiled) {
      if (this.#compiled.size <= mostSizes) break;
      this.#compiled.delete(key);
      await (await compiled).bound.release();
    }
  }

  async #build(shape: BatchShape): Promise<Compiled> {
    const { phases, netG, netD, counts } = this.#graphsFor(shape);
    const programs: Program[] = [];
    const placed = (program: Program) => programs.push(program) - 1;
    const indexed = phases.map(({ network, before, batch, after, losses }) => ({
      ...{ state: this[network], losses },
      ...{ before: before.map(placed), batch: placed(batch), after: after.map(placed) },
    }));
    const bound = await this.#engine.compile(programs);
    return { bound, phases: indexed, masks: netG.masks, uniforms: netD.uniforms, counts };
  }
}

const keyOf = ({ n, height, width }: BatchShape): string => `${n}x${height}x${width}`;

function fillUniform(out: Float32Array, random: Random): void {
  for (let i = 0; i < out.length; i++) out[i] = random.float();
}
