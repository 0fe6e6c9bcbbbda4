/**
 * Updates of networks on a device by kernels of this project: Adam and the running average. Each reads and writes its tensors once,
 * without working memory. The platform has to reach the runtime's device (Platform.gpuKernel).
 */
import { adamWgsl, averageWgsl } from "../kernels/wgsl.ts";
import { adamNumbers, type Betas, type Factors, momentGroups } from "../nn/adam.ts";
import type { BoundKernel, Platform, Tensor } from "../platform.ts";
import { tensorsOf } from "./layout.ts";
import type { NetworkState } from "./state.ts";

/** The tensors of networks on the device, by their names there. */
type Memory = ReadonlyMap<string, Tensor>;

/** The groups of moments for these kernels: each tensor has moments of its own. */
export const mostMomentsOfKernels = 0;

export class KernelUpdates {
  readonly #compile: NonNullable<Platform["gpuKernel"]>;
  readonly #adam = new Map<NetworkState, Promise<BoundKernel>>();
  readonly #averages = new Map<NetworkState, Promise<BoundKernel>>();

  constructor(compile: NonNullable<Platform["gpuKernel"]>) {
    this.#compile = compile;
  }

  /** A step of Adam on every trained tensor of a network. */
  async adam(state: NetworkState, memory: Memory, factors: Factors, betas: Betas): Promise<void> {
    const numbers = adamNumbers(factors, betas);
    const bind = async () => {
      const kernel = await this.#compile(adamWgsl);
      return kernel.bind(setsOf(state, memory, ["", ".grad", ".m", ".v"]), numbers.length);
    };
    (await once(this.#adam, state, bind)).run(numbers);
  }

  /** A step of the running average of a network. */
  async average(state: NetworkState, memory: Memory, share: number): Promise<void> {
    const bind = async () => {
      const kernel = await this.#compile(averageWgsl);
      return kernel.bind(setsOf(state, memory, [".average", ""]), 1);
    };
    (await once(this.#averages, state, bind)).run([share]);
  }

  async release(): Promise<void> {
    const bound = [...this.#adam.values(), ...this.#averages.values()];
    for (const kernel of await Promise.all(bound)) kernel.release();
  }
}

/** For each trained tensor of a network: the tensors of these parts. */
function setsOf(state: NetworkState, memory: Memory, parts: readonly string[]): Tensor[][] {
  return momentGroups(tensorsOf(state).trained, mostMomentsOfKernels).map(({ name: moments, specs: [tensor] }) =>
    parts.map((part) => {
      const name = part === ".m" || part === ".v" ? moments : tensor!.name;
      return memory.get(`${state.network}.${name}${part}`)!;
    }),
  );
}

/** The kernel of a network, bound at the first call. */
function once(
  known: Map<NetworkState, Promise<BoundKernel>>,
  state: NetworkState,
  bind: () => Promise<BoundKernel>,
): Promise<BoundKernel> {
  const kernel = known.get(state) ?? bind();
  known.set(state, kernel);
  return kernel;
}
