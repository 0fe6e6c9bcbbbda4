/**
 * The engine whose networks lie in host memory, where Adam is a loop in WebAssembly. ONNX Runtime reads and writes them in place or,
 * where it has a memory of its own, through copies.
 */
import { type Program, type Tensor as Symbolic, sizeOf, unshaped } from "../graph/graph.ts";
import { stepForCpu } from "../lowering/cpu.ts";
import type { Betas, Factors } from "../nn/adam.ts";
import { isTrainable } from "../nn/parameters.ts";
import { encode } from "../onnx/encode.ts";
import type { BoundSession, Device, InferenceSession, Platform } from "../platform.ts";
import { cpuKernels } from "./cpu-kernels.ts";
import { sessionOptions } from "./device.ts";
import { type Bound, type Engine, memoryOf } from "./engine.ts";
import { inHostMemory, inRuntimeMemory, type Placement } from "./placement.ts";
import type { NetworkState } from "./state.ts";

/** What was made for programs that are compiled together. */
interface Compiled {
  /** The arrays that only these programs use, by name. */
  arrays: Map<string, Float32Array>;
  sessions: InferenceSession[];
  /** By the index of the program. */
  bound: BoundSession[];
}

export class HostEngine implements Engine {
  readonly capacity = 1;
  readonly #platform: Platform;
  readonly #device: Device;
  readonly #threads: number;
  readonly #states: readonly NetworkState[];
  /** The networks' arrays by their names in the graphs. */
  readonly #own = new Map<string, Float32Array>();
  /** What frees the programs that were compiled. */
  readonly #releases = new Set<() => Promise<void>>();
  /** Known after the first session. */
  #placement: Placement | undefined;
  #rows: Float32Array[] = [];

  constructor(platform: Platform, device: Device, threads: number, states: readonly NetworkState[]) {
    this.#platform = platform;
    this.#device = device;
    this.#threads = threads;
    this.#states = states;
    for (const state of states) {
      for (const spec of state.specs) {
        const name = `${state.network}.${spec.name}`;
        this.#own.set(name, state.get(spec));
        if (!isTrainable(spec)) continue;
        this.#own.set(`${name}.grad`, state.view("gradients", spec));
        for (const moment of ["m", "v"] as const) this.#own.set(`${name}.${moment}`, state.view(moment, spec));
      }
    }
  }

  async compile(programs: readonly Program[]): Promise<Bound> {
    const made: Compiled = { arrays: new Map(), sessions: [], bound: [] };
    const release = async () => {
      if (!this.#releases.delete(release)) return;
      for (const bound of made.bound) bound.release();
      for (const session of made.sessions) await session.release();
      for (const array of made.arrays.values()) this.#placement?.free(array);
    };
    this.#releases.add(release);
    const kernels = await cpuKernels(this.#platform, this.#device);
    const lowered = stepForCpu(programs, kernels, ({ name }) => this.#own.has(memoryOf(name)));
    for (const program of lowered) await this.#add(program, made);
    const at = (name: string) => made.arrays.get(name) ?? this.#own.get(name)!;
    return {
      run: (index) => made.bound[index]!.run(),
      input: at,
      read: async (name) => at(memoryOf(name)).slice(),
      record: async (names) => void this.#rows.push(Float32Array.from(names.flatMap((name) => [...at(name)]))),
      release,
    };
  }

  /** Creates the session of a program, with an array for each input and output. Equal names in two programs share an array. */
  async #add(program: Program, { arrays, sessions, bound }: Compiled): Promise<void> {
    const outputs = program.outputs.map(({ name, tensor }) => ({ name, tensor: unshaped(tensor) }));
    const model = encode({ ...program, outputs }, { sequence: this.#platform.runInto.sequenceOutput });
    const options = sessionOptions(this.#device, this.#threads);
    const session = await this.#platform.ort.InferenceSession.create(model, options);
    sessions.push(session);
    const placement = await this.#placed(session);
    const placed = (name: string, { shape }: Symbolic) => {
      const memory = memoryOf(name);
      const data = placement.own(memory) ?? arrays.get(memory) ?? placement.allocate(sizeOf(shape));
      if (!this.#own.has(memory)) arrays.set(memory, data);
      return [name, { data, shape }] as const;
    };
    const inputs = Object.fromEntries(program.inputs.map((t) => placed(t.name, t)));
    const results = Object.fromEntries(outputs.map(({ name, tensor }) => placed(name, tensor)));
    bound.push(placement.bind(session, inputs, results));
  }

  /** Where arrays lie; to be asked for after a session was created. */
  async #placed(session: InferenceSession): Promise<Placement> {
    const runtime = this.#placement ? undefined : await this.#platform.runtimeMemory?.();
    this.#placement ??= runtime?.holds(session)
      ? inRuntimeMemory(runtime, this.#own)
      : inHostMemory(this.#platform, this.#own);
    return this.#placement;
  }

  async optimise(state: NetworkState, factors: Factors, betas: Betas): Promise<void> {
    state.adam.step(factors, betas);
    this.#placement?.changed([state]);
  }

  async average(state: NetworkState, share: number): Promise<void> {
    state.adam.blend(share);
  }

  async recorded(): Promise<Float32Array[]> {
    const rows = this.#rows;
    this.#rows = [];
    return rows;
  }

  async toDevice(): Promise<void> {
    this.#placement?.changed(this.#states);
  }

  /** After each run the host has the values. */
  async toHost(): Promise<void> {}

  async close(): Promise<void> {
    for (const release of this.#releases) await release();
    this.#placement?.close();
  }
}
