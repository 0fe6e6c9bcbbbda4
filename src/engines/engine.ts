/**
 * Where the memory of a training step is and how its programs run. ../training/trainer.ts decides the order of the programs. An
 * engine runs them: ./host.ts with tensors in the host's memory (cpu, cuda, wasm), ./gpu.ts with tensors on the device (webgpu).
 */
import type { Program } from "../graph/graph.ts";
import type { Betas, Factors } from "../nn/adam.ts";
import type { NetworkState } from "./state.ts";

export interface Engine {
  /** How many rows `record` can hold until `recorded` has to take them; 1 where reading them costs nothing. */
  readonly capacity: number;

  /**
   * Lowers programs for the device and makes them ready on the same memory. A name stands for one piece of memory in all of them:
   * * `<network>.<parameter>`: its value, with `.grad` its gradient and with `.m` and `.v` its moments: the networks' own
   *   memory, shared by everything that an engine compiles;
   * * an input that none of the earlier programs has as an output: the host's, see Bound.input;
   * * everything else: values that one program leaves to a later one.
   *
   * An output `<name>.updated` or `<name>.new` is written over `<name>`, so no node but those that lead to it may read that
   * input. Steps between gradient and optimiser (sums over batches, clipping) are programs of that kind.
   */
  compile(programs: readonly Program[]): Promise<Bound>;

  /** One step of Adam on every trained parameter of a network. */
  optimise(state: NetworkState, factors: Factors, betas: Betas): Promise<void>;

  /** The rows that were recorded since the last call, oldest first. Waits for the device. */
  recorded(): Promise<Float32Array[]>;

  /** Takes the networks' values and moments from their host memory. To be called before the first run. */
  toDevice(): Promise<void>;

  /** Brings values, running statistics and moments to the networks' host memory. Waits for the device. */
  toHost(): Promise<void>;

  /** Frees everything that the engine has made. */
  close(): Promise<void>;
}

/** Programs on their memory. */
export interface Bound {
  /** Runs the program of this index. It is under way when the promise resolves, but need not be done. */
  run(index: number): Promise<void>;
  /** The host memory that is read as this input by each run. */
  input(name: string): Float32Array;
  /** A value that a program has left. Waits for the device. */
  read(name: string): Promise<Float32Array>;
  /** Keeps the present values of these outputs, one after the other, as a row for `recorded`. */
  record(names: readonly string[]): Promise<void>;
  /** Frees what is theirs alone; the networks' memory and what was recorded stay. */
  release(): Promise<void>;
}

/** The memory that a name stands for: that of the value which it replaces. */
export const memoryOf = (name: string): string => name.replace(/\.(updated|new)$/, "");
