/** Estimates of the memory of programs. */
import { DeviceError } from "../errors.ts";
import { type Dtype, type Program, sizeOf, type Tensor, unshaped } from "../graph/graph.ts";
import { isTrainable } from "../nn/parameters.ts";
import type { Device } from "../platform.ts";
import { byteCount } from "../text.ts";
import { memoryOf } from "./engine.ts";
import type { NetworkState } from "./state.ts";

/** The parameters of a network, before or after memory is taken for them. */
export type Network = Pick<NetworkState, "network" | "specs">;

const bytesPerValue: Record<Dtype, number> = { float32: 4, int64: 8, bool: 1 };
const bytesOf = (t: Tensor): number => t.size * bytesPerValue[t.dtype];

/** The memory that a step needs, in bytes. */
export interface MemoryNeed {
  /** Values, gradients and both moments of the networks. */
  networks: number;
  /** Values that one program leaves to a later one, mostly activations. */
  carried: number;
  /** The largest set of other values that a program needs at the same time; of captured programs, all of these sets. */
  working: number;
  total: number;
}

/**
 * The least memory of the programs of a step, which have to be lowered for the device. A runtime that keeps free
 * buffers takes somewhat more.
 * @param updates programs on the networks' memory alone: optimisers
 * @param captured whether a program keeps its working memory between its runs (Platform.captures)
 */
export function memoryNeed(
  programs: readonly Program[],
  states: readonly Network[],
  updates: readonly Program[] = [],
  captured = false,
): MemoryNeed {
  const own = new Set<string>();
  let networks = 0;
  for (const { network, specs } of states) {
    // Several vectors may be one tensor (layout.ts).
    for (const name of ["vectors", "vectors.grad", "statistics"]) own.add(`${network}.${name}`);
    for (const spec of specs) {
      const parts = isTrainable(spec) ? ["", ".grad", ".m", ".v"] : [""];
      for (const part of parts) own.add(`${network}.${spec.name}${part}`);
      networks += 4 * parts.length * sizeOf(spec.shape);
    }
  }
  const left = new Map<string, number>();
  for (const { inputs, outputs } of programs) {
    for (const t of inputs) left.set(memoryOf(t.name), bytesOf(t));
    for (const { name, tensor } of outputs) left.set(memoryOf(name), bytesOf(tensor));
  }
  const carried = [...left].reduce((total, [name, bytes]) => total + (own.has(name) ? 0 : bytes), 0);
  const sets = [...programs, ...updates].map(largestLiveSet);
  const working = captured ? sets.reduce((total, bytes) => total + bytes, 0) : Math.max(0, ...sets);
  return { networks, carried, working, total: networks + carried + working };
}

/**
 * The most bytes of values that are computed and still needed, over all nodes. Inputs, constants and outputs do not
 * count.
 */
function largestLiveSet({ nodes, inputs, constants, outputs }: Program): number {
  const elsewhere = new Set([
    ...inputs,
    ...constants.map(({ tensor }) => tensor),
    ...outputs.map((o) => unshaped(o.tensor)),
  ]);
  const lastUse = new Map<Tensor, number>();
  nodes.forEach((node, i) => {
    for (const t of node.inputs) lastUse.set(unshaped(t), i);
  });
  const ending = new Map<number, Tensor[]>();
  for (const [t, i] of lastUse) ending.set(i, [...(ending.get(i) ?? []), t]);
  let [live, most] = [0, 0];
  const alive = new Set<Tensor>();
  nodes.forEach(({ output }, i) => {
    const t = unshaped(output);
    if (!elsewhere.has(t) && !alive.has(t)) {
      alive.add(t);
      live += bytesOf(t);
    }
    most = Math.max(most, live);
    for (const ended of ending.get(i) ?? []) if (alive.delete(ended)) live -= bytesOf(ended);
  });
  return most;
}

/**
 * Compares a need with the memory of the machine, before that memory is taken.
 * @param what needs it, such as "netG unet_256 with ngf 64"
 * @param memory in bytes; undefined where it is unknown
 * @param advice what to do; by default the options that lower the need most
 * @throws DeviceError with both figures and the advice
 */
export function checkMemory(need: MemoryNeed, memory: number | undefined, what: string, advice?: string): void {
  const { networks, carried, working, total } = need;
  if (memory === undefined || total <= memory) return;
  const rest = carried + working;
  const parts =
    rest > 0
      ? ` (networks with gradients and moments ${byteCount(networks)}, activations and the like ${byteCount(rest)})`
      : "";
  const smaller = `Take a smaller ${networks > rest ? "--ngf or --ndf" : "--crop-size or --batch-size"}.`;
  throw new DeviceError(
    `${what} needs ${byteCount(total)} of memory or more${parts}, but this machine has ${byteCount(memory)}. ${advice ?? smaller}`,
  );
}

/**
 * @throws DeviceError if a value of the lowered program exceeds the device's limit for buffers; names the value and the
 * limit
 */
export function checkLimits({ inputs, nodes }: Program, { label, adapter }: Device): void {
  const limits = [
    ["maxBufferSize", adapter?.maxBufferSize],
    ["maxStorageBufferBindingSize", adapter?.maxStorageBufferBindingSize],
  ] as const;
  for (const t of [...inputs, ...nodes.map(({ output }) => output)]) {
    for (const [name, limit] of limits) {
      if (limit === undefined || bytesOf(t) <= limit) continue;
      const place = t.producer ? `${t.producer.op.type} in ${t.producer.scope || "the step"}` : t.name;
      throw new DeviceError(
        `${label} cannot hold ${place}: [${t.shape.join(", ")}] takes ${byteCount(bytesOf(t))}, ${name} is ` +
          `${byteCount(limit)}. Take a smaller --crop-size, --batch-size or --ngf, or --device cpu.`,
      );
    }
  }
}
