/**
 * The engine in host memory: ONNX Runtime reads and writes the networks' arrays in place, and Adam is a loop in
 * WebAssembly.
 */
import { type Program, type Tensor as Symbolic, sizeOf, unshaped } from "../graph/graph.ts";
import { stepForCpu } from "../lowering/cpu.ts";
import type { Betas, Factors } from "../nn/adam.ts";
import { isTrainable } from "../nn/parameters.ts";
import { encode } from "../onnx/encode.ts";
import type { Device, InferenceSession, Platform, Tensor, Tensors } from "../platform.ts";
import { cpuKernels } from "./cpu-kernels.ts";
import { sessionOptions } from "./device.ts";
import { type Bound, type Engine, memoryOf } from "./engine.ts";
import type { NetworkState } from "./state.ts";

export class HostEngine implements Engine {
  readonly capacity = 1;
  readonly #platform: Platform;
  readonly #device: Device;
  readonly #threads: number;
  /** The networks' arrays by their names in the graphs. */
  readonly #own = new Map<string, Float32Array>();
  readonly #sessions = new Set<InferenceSession>();
  #rows: Float32Array[] = [];

  constructor(platform: Platform, device: Device, threads: number, states: readonly NetworkState[]) {
    this.#platform = platform;
    this.#device = device;
    this.#threads = threads;
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
    const buffers = new Map(this.#own);
    const at = (name: string) => buffers.get(name)!;
    const stages: { session: InferenceSession; feeds: Tensors; fetches: Tensors }[] = [];
    const kernels = await cpuKernels(this.#platform, this.#device);
    const lowered = stepForCpu(programs, kernels, ({ name }) => this.#own.has(memoryOf(name)));
    for (const program of lowered) stages.push(await this.#stage(program, buffers));
    return {
      run: async (index) => {
        const { session, feeds, fetches } = stages[index]!;
        await this.#platform.runInto(session, feeds, fetches);
      },
      input: at,
      read: async (name) => at(memoryOf(name)),
      record: async (names) => void this.#rows.push(Float32Array.from(names.flatMap((name) => [...at(name)]))),
      release: async () => {
        for (const { session } of stages) {
          this.#sessions.delete(session);
          await session.release();
        }
      },
    };
  }

  /** A session with a buffer for each input and output. Equal names in two programs share a buffer. */
  async #stage(program: Program, buffers: Map<string, Float32Array>) {
    const { ort, runInto } = this.#platform;
    const outputs = program.outputs.map(({ name, tensor }) => ({ name, tensor: unshaped(tensor) }));
    const model = encode({ ...program, outputs }, { sequence: runInto.sequenceOutput });
    const session = await ort.InferenceSession.create(model, sessionOptions(this.#device, this.#threads));
    this.#sessions.add(session);
    const bound = (name: string, { shape }: Symbolic): [string, Tensor] => {
      const memory = memoryOf(name);
      const data = buffers.get(memory) ?? new Float32Array(sizeOf(shape));
      buffers.set(memory, data);
      return [name, new ort.Tensor("float32", data, shape)];
    };
    return {
      session,
      feeds: Object.fromEntries(program.inputs.map((t) => bound(t.name, t))),
      fetches: Object.fromEntries(outputs.map(({ name, tensor }) => bound(name, tensor))),
    };
  }

  async optimise(state: NetworkState, factors: Factors, betas: Betas): Promise<void> {
    state.adam.step(factors, betas);
  }

  async average(state: NetworkState, share: number): Promise<void> {
    state.adam.blend(share);
  }

  async recorded(): Promise<Float32Array[]> {
    const rows = this.#rows;
    this.#rows = [];
    return rows;
  }

  /** Programs run on the networks' host memory, so there is nothing to copy. */
  async toDevice(): Promise<void> {}
  async toHost(): Promise<void> {}

  async close(): Promise<void> {
    for (const session of this.#sessions) await session.release();
    this.#sessions.clear();
  }
}
