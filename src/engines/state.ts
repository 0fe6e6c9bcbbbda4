/** A network's values and Adam's moments in host memory, by PyTorch's names. */
import { sizeOf } from "../graph/graph.ts";
import { type AdamArrays, type AdamState, adamState } from "../nn/adam.ts";
import { type BiasInit, type Init, initialise } from "../nn/init.ts";
import { isTrainable, type ParameterSpec, type Parameters } from "../nn/parameters.ts";

/** Arrays start at multiples of 16 values: 64 bytes are a cache line and an AVX-512 register. */
const align = (offset: number): number => Math.ceil(offset / 16) * 16;

/** The name of a parameter's layer: "model.0" of "model.0.weight". */
const layerOf = ({ name }: ParameterSpec): string => name.slice(0, name.lastIndexOf("."));

/** The weights that a network runs with, by PyTorch's names. */
export interface Weights {
  readonly network: string;
  readonly specs: readonly ParameterSpec[];
  /** The values of any parameter or running statistic. */
  get(spec: ParameterSpec): Float32Array;
}

/**
 * A network's values, gradients, moments and, with `averaged`, the running average of the values: one flat array each for all
 * trained parameters, with views by name.
 */
export class NetworkState implements Weights {
  readonly network: string;
  readonly specs: readonly ParameterSpec[];
  /** The number of batches that each batch norm has seen: PyTorch's num_batches_tracked. */
  readonly batches = new Map<string, number>();
  readonly adam: AdamState;
  /** Values that the optimiser does not train, by name: running statistics and directions. */
  readonly statistics = new Map<string, Float32Array>();
  readonly #offsets = new Map<string, number>();

  constructor({ network, specs, batches }: Parameters, { averaged = false } = {}) {
    this.network = network;
    this.specs = specs;
    let end = 0;
    for (const spec of specs) {
      if (isTrainable(spec)) {
        this.#offsets.set(spec.name, end);
        end = align(end + sizeOf(spec.shape));
      } else {
        this.statistics.set(spec.name, new Float32Array(sizeOf(spec.shape)));
      }
    }
    for (const name of batches.keys()) this.batches.set(name, 0);
    this.adam = adamState(end, averaged);
  }

  /** The part of a flat array that belongs to a trained parameter. */
  view(array: keyof AdamArrays | "average", { name, shape }: ParameterSpec): Float32Array {
    const offset = this.#offsets.get(name)!;
    return this.adam[array]!.subarray(offset, offset + sizeOf(shape));
  }

  /** The running average of the weights, with the present running statistics; undefined where none is kept. */
  get averaged(): Weights | undefined {
    if (!this.adam.average) return undefined;
    const { network, specs } = this;
    return { network, specs, get: (spec) => this.statistics.get(spec.name) ?? this.view("average", spec) };
  }

  /** Makes the present values the average, where one is kept. */
  startAverage(): void {
    this.adam.average?.set(this.adam.values);
  }

  get(spec: ParameterSpec): Float32Array {
    return this.statistics.get(spec.name) ?? this.view("values", spec);
  }

  /** Draws initial values. Every parameter has a separate random stream. */
  initialise(init: Init, gain: number, seed: number, bias?: BiasInit): void {
    const how = { init, gain, seed, network: this.network, bias };
    const weights = new Map(
      this.specs.filter(({ role }) => role === "weight").map((spec) => [layerOf(spec), spec.shape]),
    );
    for (const spec of this.specs) initialise(this.get(spec), spec, how, weights.get(layerOf(spec)));
  }
}
