/**
 * Updates of networks on a device by kernels of this project: Adam and the running average. Each reads and writes its tensors once,
 * without working memory. The platform has to reach the runtime's device (Platform.gpuKernel).
 */
import { adamWgsl, averageWgsl } from "../kernels/wgsl.ts";
import { adamNumbers, type Betas, type Factors, momentGroups } from "../nn/adam.ts";
import type { BoundKernel, GpuKernel, Platform, Tensor } from "../platform.ts";
import { cached } from "./cached.ts";
import { tensorsOf } from "./layout.ts";
import type { NetworkState } from "./state.ts";

/** The tensors of networks on the device, by their names there. */
type Memory = ReadonlyMap<string, Tensor>;

/** The groups of moments for these kernels: each tensor has moments of its own. */
export const mostMomentsOfKernels = 0;

export class KernelUpdates {
  readonly #compile: NonNullable<Platform["gpuKernel"]>;
  /** By their code. */
  readonly #kernels = new Map<string, Promise<GpuKernel>>();
  /** By the name of a network and the code. */
  readonly #bound = new Map<string, Promise<BoundKernel>>();

  constructor(compile: NonNullable<Platform["gpuKernel"]>) {
    this.#compile = compile;
  }

  /** A step of Adam on every trained tensor of a network. */
  adam(state: NetworkState, memory: Memory, factors: Factors, betas: Betas): Promise<void> {
    const parts = ["", ".grad", ".m", ".v"];
    return this.#run(adamWgsl, state, () => setsOf(state, memory, parts), adamNumbers(factors, betas));
  }

  /** A step of the running average of a network. */
  average(state: NetworkState, memory: Memory, share: number): Promise<void> {
    return this.#run(averageWgsl, state, () => setsOf(state, memory, [".average", ""]), [share]);
  }

  async #run(code: string, { network }: NetworkState, sets: () => Tensor[][], numbers: number[]): Promise<void> {
    const bound = await cached(this.#bound, `${network} ${code}`, async () => {
      const kernel = await cached(this.#kernels, code, () => this.#compile(code));
      return kernel.bind(sets(), numbers.length);
    });
    bound.run(numbers);
  }

  async release(): Promise<void> {
    for (const kernel of await Promise.all(this.#bound.values())) kernel.release();
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
