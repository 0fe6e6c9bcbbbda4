/**
 * Where the arrays of compiled programs lie: the networks' own arrays and those that only the programs use. In the host's memory
 * (onnxruntime-node), or in the runtime's (onnxruntime-web), where the networks' arrays have copies.
 */
import type { BoundSession, InferenceSession, Placed, Platform, RuntimeMemory, Tensors } from "../platform.ts";
import { memoryOf } from "./engine.ts";
import type { NetworkState } from "./state.ts";

/** The networks' arrays on the host, by their names in the graphs. */
export type OwnArrays = ReadonlyMap<string, Float32Array>;

export interface Placement {
  /** The array of a network that programs read and write; undefined for other names. @param memory as of `memoryOf` */
  own(memory: string): Float32Array | undefined;
  /** An array of zeros. */
  allocate(length: number): Float32Array;
  free(array: Float32Array): void;
  /** After each run the networks' arrays on the host have the values that it has written. */
  bind(session: InferenceSession, inputs: Placed, outputs: Placed): BoundSession;
  /** The host has changed parameters or statistics of these networks. It must not change their gradients. */
  changed(states: readonly NetworkState[]): void;
  /** Frees the copies of the networks' arrays. */
  close(): void;
}

/** The host's memory, which sessions read and write in place. */
export function inHostMemory({ ort, runInto }: Platform, arrays: OwnArrays): Placement {
  const tensors = (placed: Placed): Tensors =>
    Object.fromEntries(
      Object.entries(placed).map(([name, { data, shape }]) => [name, new ort.Tensor("float32", data, shape)]),
    );
  return {
    own: (memory) => arrays.get(memory),
    allocate: (length) => new Float32Array(length),
    free: () => {},
    bind(session, inputs, outputs) {
      const [feeds, fetches] = [tensors(inputs), tensors(outputs)];
      return { run: () => runInto(session, feeds, fetches), release: () => {} };
    },
    changed: () => {},
    close: () => {},
  };
}

/** The runtime's memory. A parameter is copied into it when the host has changed it, a gradient out of it when it was computed. */
export function inRuntimeMemory(runtime: RuntimeMemory, arrays: OwnArrays): Placement {
  const copies = new Map<string, Float32Array>();
  /** The arrays whose copies have the host's values. */
  const fresh = new Set<string>();
  const own = (memory: string): Float32Array | undefined => {
    const host = arrays.get(memory);
    if (!host) return undefined;
    const copy = copies.get(memory) ?? runtime.allocate(host.length);
    copies.set(memory, copy);
    return copy;
  };
  return {
    own,
    allocate: (length) => runtime.allocate(length),
    free: (array) => runtime.free(array),
    bind(session, inputs, outputs) {
      const bound = runtime.bind(session, inputs, outputs);
      const namesOf = (placed: Placed) =>
        Object.keys(placed)
          .map(memoryOf)
          .filter((name) => arrays.has(name));
      const [read, written] = [namesOf(inputs), namesOf(outputs)];
      return {
        async run() {
          for (const name of read) {
            if (fresh.has(name)) continue;
            copies.get(name)!.set(arrays.get(name)!);
            fresh.add(name);
          }
          await bound.run();
          for (const name of written) arrays.get(name)!.set(copies.get(name)!);
        },
        release: () => bound.release(),
      };
    },
    changed(states) {
      for (const { network, specs } of states) {
        for (const { name } of specs) fresh.delete(`${network}.${name}`);
      }
    },
    close() {
      for (const copy of copies.values()) runtime.free(copy);
      copies.clear();
      fresh.clear();
    },
  };
}
