/**
 * An engine holds the memory of a training step and runs its programs: ./host.ts in the host's memory (cpu, cuda,
 * wasm), ./gpu.ts in the device's memory (webgpu). ../training/trainer.ts decides which programs run in which order.
 */
import type { Program } from "../graph/graph.ts";
import type { Betas, Factors } from "../nn/adam.ts";
import type { NetworkState } from "./state.ts";

export interface Engine {
  /** Rows that `record` can keep before `recorded` has to read them; 1 if reading is free. */
  readonly capacity: number;

  /**
   * Lowers programs for the device and makes them ready on the same memory. A name means the same memory in all
   * programs:
   * * `<network>.<parameter>` is the value of a parameter, with `.grad` its gradient, with `.m` and `.v` its moments.
   *   This memory is shared by all programs that an engine compiles;
   * * an input that is not an output of an earlier program is host memory, see Bound.input;
   * * every other name is a value that one program leaves to a later one.
   *
   * An output `<name>.updated` or `<name>.new` is written to the memory of `<name>`, so only nodes that lead to this
   * output may read the input `<name>`. Programs between gradient and optimiser (sums over batches, clipping) have such
   * outputs.
   */
  compile(programs: readonly Program[]): Promise<Bound>;

  /** One step of Adam on every trained parameter of a network. */
  optimise(state: NetworkState, factors: Factors, betas: Betas): Promise<void>;

  /** One step of the running average of a network's weights. @param share of the present weights, see nn/average.ts */
  average(state: NetworkState, share: number): Promise<void>;

  /** The rows recorded since the last call, oldest first. Waits for the device. */
  recorded(): Promise<Float32Array[]>;

  /** Copies the networks' values and moments from host memory to the device. Must be called before the first run. */
  toDevice(): Promise<void>;

  /** Copies values, running statistics and moments to host memory. Waits for the device. */
  toHost(): Promise<void>;

  /** Frees all sessions. */
  close(): Promise<void>;
}

/** Compiled programs and their memory. */
export interface Bound {
  /** Starts the program of this index. A device may still compute it when the promise resolves. */
  run(index: number): Promise<void>;
  /** The host memory that each run reads as this input. */
  input(name: string): Float32Array;
  /** The value of an output after the last run. Waits for the device. */
  read(name: string): Promise<Float32Array>;
  /** Keeps the present values of these outputs, concatenated, as a row for `recorded`. */
  record(names: readonly string[]): Promise<void>;
  /** Frees the programs and the memory that only they use. The networks' memory and recorded rows stay. */
  release(): Promise<void>;
}

/** The name of the memory of an input or output: that of the value that it replaces. */
export const memoryOf = (name: string): string => name.replace(/\.(updated|new)$/, "");
