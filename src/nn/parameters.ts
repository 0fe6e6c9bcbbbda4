/**
 * The named parameters of a network. A layer asks for a tensor by its PyTorch name. The first request adds a graph
 * input; later requests return the current value, which is the updated tensor after an optimiser step in the same
 * graph.
 */
import { type Graph, type Shape, sizeOf, type Tensor } from "../graph/graph.ts";

/**
 * The role of a parameter, which determines its initial value: `weight` and `bias` (see init.ts), `scale` of a norm (N(1, gain)), a
 * batch norm's running `mean` (0) and `variance` (1), and a `direction`, a random vector of length 1
 * (spectral.ts). The optimiser does not train the last three.
 */
export type Role = "weight" | "scale" | "bias" | "mean" | "variance" | "direction";

export interface ParameterSpec {
  name: string;
  shape: Shape;
  role: Role;
}

export interface MaskSpec {
  name: string;
  shape: Shape;
  /** Probability that a value is dropped. */
  p: number;
}

/** Mean and variance with which a norm standardises, each [1, C, 1, 1]. */
export interface Moments {
  mean: Tensor;
  variance: Tensor;
}

/** The networks that are trained. */
export type NetworkName = "netG" | "netD";

/** The weights of a network by their PyTorch names, as inputs of a graph. */
export class Parameters<Network extends string = string> {
  readonly graph: Graph;
  /** The first part of the input names. */
  readonly network: Network;
  readonly spectral: boolean;
  readonly specs: ParameterSpec[] = [];
  readonly masks: MaskSpec[] = [];
  /** Inputs that the host fills with uniform random numbers in [0, 1). */
  readonly uniforms: { name: string; shape: Shape }[] = [];
  /** How many batches each batch norm sees in a training step, by the norm's name. */
  readonly batches = new Map<string, number>();
  /** The norms whose statistics are graph inputs, in the order of the graph, with their input `x`. */
  readonly norms: (Moments & { x: Tensor })[] = [];
  readonly #maskName: string;
  #current = new Map<string, Tensor>();

  /**
   * @param spectral whether layers divide their weights by their largest singular value (spectral.ts)
   * @param masks the first part of the names of the dropout masks; masks of other names get other random numbers
   */
  constructor(graph: Graph, network: Network, { spectral = false, masks = "mask" } = {}) {
    this.graph = graph;
    this.network = network;
    this.spectral = spectral;
    this.#maskName = masks;
  }

  /** The current value of a parameter; at the first request a new graph input. */
  get(name: string, shape: Shape, role: Role): Tensor {
    let tensor = this.#current.get(name);
    if (!tensor) {
      tensor = this.graph.input(`${this.network}.${name}`, shape);
      this.specs.push({ name, shape, role });
      this.#current.set(name, tensor);
    }
    return tensor;
  }

  /** The current value of a parameter that was requested before. */
  current(name: string): Tensor {
    return this.#current.get(name)!;
  }

  /** Sets the current value of a parameter: an updated weight, a new running mean. */
  replace(name: string, tensor: Tensor): void {
    this.#current.set(name, tensor);
  }

  /** A dropout mask that the host draws: values 0 or 1 / (1 - p). */
  mask(shape: Shape, p: number): Tensor {
    const name = `${this.network}.${this.#maskName}${this.masks.length}`;
    this.masks.push({ name, shape, p });
    return this.graph.input(name, shape);
  }

  /** Uniform random numbers in [0, 1) that the host draws. */
  uniform(shape: Shape): Tensor {
    const name = `${this.network}.uniform${this.uniforms.length}`;
    this.uniforms.push({ name, shape });
    return this.graph.input(name, shape);
  }

  /** Statistics of the norm `name` on `x` as graph inputs, "<network>.<name>.mean" and ".variance". */
  given(name: string, x: Tensor): Moments {
    const input = (of: string) => this.graph.input(`${this.network}.${name}.${of}`, [1, x.shape[1]!, 1, 1]);
    const moments = { mean: input("mean"), variance: input("variance") };
    this.norms.push({ x, ...moments });
    return moments;
  }

  /** The parameters that the optimiser trains, in the order of the first requests. */
  get trainable(): ParameterSpec[] {
    return this.specs.filter(isTrainable);
  }

  /** The other parameters: running statistics and directions. */
  get statistics(): ParameterSpec[] {
    return this.specs.filter((s) => !isTrainable(s));
  }
}

const untrained: ReadonlySet<Role> = new Set(["mean", "variance", "direction"]);

/** Whether the optimiser trains a parameter; running statistics and directions are not trained. */
export const isTrainable = ({ role }: { role: Role }): boolean => !untrained.has(role);

/** The number of trained values: PyTorch's `sum(p.numel() for p in net.parameters())`. */
export const countParameters = (specs: readonly ParameterSpec[]): number =>
  specs.filter(isTrainable).reduce((total, { shape }) => total + sizeOf(shape), 0);
