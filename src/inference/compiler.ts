/** Compiles programs of a network into sessions of ONNX Runtime that have the network's weights. */
import { cpuKernels } from "../engines/cpu-kernels.ts";
import { keepsState, sessionOptions } from "../engines/device.ts";
import type { Weights } from "../engines/state.ts";
import { toDevice } from "../engines/transfer.ts";
import type { Program, Tensor } from "../graph/graph.ts";
import { forCpu } from "../lowering/cpu.ts";
import type { WeightUse } from "../lowering/cpu-options.ts";
import { forGpu } from "../lowering/gpu.ts";
import { splitOffWeights } from "../lowering/precompute.ts";
import { encode } from "../onnx/encode.ts";
import type { Device, Platform } from "../platform.ts";

type Values = Readonly<Record<string, Float32Array>>;

/** Runs a program on its inputs by name, without the parameters; returns its outputs by name. */
export type RunProgram = (inputs: Values) => Promise<Record<string, Float32Array>>;

/** A program in a session that has the weights. */
export interface CompiledProgram {
  run: RunProgram;
  /** Frees its sessions. */
  release(): Promise<void>;
}

/**
 * From this picture on, computations that depend only on fixed weights are done once and kept. Doing so takes about as
 * long as ten pictures, so it must not delay a user who translates one.
 */
const precomputeFrom = 4;

/** Inputs of at least this many values become constants of the model (`withConstants`). */
const largeInput = 4096;

/**
 * The program with large values as constants: onnxruntime-web copies every input into its memory at each run, 0.2 GB for the weights of
 * unet_256. Small values stay inputs: the runtime would merge ops with such constants, which would change the rounding.
 */
function withConstants(program: Program, values: Values): Program {
  const isLarge = (t: Tensor) => t.size >= largeInput && t.name in values;
  const constants = program.inputs.filter(isLarge).map((tensor) => ({ tensor, data: values[tensor.name]! }));
  const inputs = program.inputs.filter((t) => !isLarge(t));
  return { ...program, inputs, constants: [...program.constants, ...constants] };
}

export class Compiler {
  readonly #platform: Platform;
  readonly #device: Device;
  readonly #threads: number;
  readonly #state: Weights;

  /** @param state the weights of the network */
  constructor(platform: Platform, device: Device, threads: number, state: Weights) {
    this.#platform = platform;
    this.#device = device;
    this.#threads = threads;
    this.#state = state;
  }

  /** @param weights "fixed": weights never change, so values that depend only on them may be computed once */
  async compile(program: Program, weights: WeightUse = "changing"): Promise<CompiledProgram> {
    if (keepsState(this.#device)) return this.#session(forGpu(program));
    const kernels = await cpuKernels(this.#platform, this.#device);
    // All pictures get the same forms of ops, because the rounding of forms differs: an output must not depend on its place in a list.
    const lowered = forCpu(program, kernels, kernels === 1 ? "changing" : weights);
    const plain = await this.#session(lowered);
    return kernels === 1 || weights === "changing" ? plain : this.#precomputing(lowered, plain);
  }

  /** Starts with the plain session and changes to one with precomputed values at picture `precomputeFrom`. */
  #precomputing(lowered: Program, plain: CompiledProgram): CompiledProgram {
    const opened = [plain];
    let pictures = 0;
    return {
      run: async (inputs) => {
        pictures += 1;
        if (pictures === precomputeFrom) {
          const faster = await this.#precomputed(lowered);
          if (faster) opened.push(faster);
        }
        return opened.at(-1)!.run(inputs);
      },
      release: async () => {
        for (const each of opened) await each.release();
      },
    };
  }

  /** A session with precomputed values; undefined if the program has none and inputs are not copied at each run. */
  async #precomputed(lowered: Program): Promise<CompiledProgram | undefined> {
    const parameters = this.#parameters();
    const { fromWeights, perPicture } = splitOffWeights(lowered, ({ name }) => name in parameters);
    const copiesInputs = this.#device.name === "wasm";
    if (fromWeights.outputs.length === 0)
      return copiesInputs ? this.#session(withConstants(lowered, parameters)) : undefined;
    const first = await this.#session(fromWeights);
    const values = await first.run({});
    await first.release();
    const program = copiesInputs ? withConstants(perPicture, { ...parameters, ...values }) : perPicture;
    return this.#session(program, values);
  }

  #parameters(): Values {
    return Object.fromEntries(
      this.#state.specs.map((spec) => [`${this.#state.network}.${spec.name}`, this.#state.get(spec)]),
    );
  }

  /** @param constant inputs whose values never change */
  async #session(program: Program, constant: Values = {}): Promise<CompiledProgram> {
    const { ort } = this.#platform;
    const options = sessionOptions(this.#device, this.#threads);
    const session = await ort.InferenceSession.create(encode(program), options);
    const shapes = new Map(program.inputs.map((t) => [t.name, t.shape]));
    const tensor = (name: string, values: Float32Array) => new ort.Tensor("float32", values, shapes.get(name)!);
    const all = Object.entries({ ...this.#parameters(), ...constant });
    const known = new Map(all.filter(([name]) => shapes.has(name)));
    const values = Object.fromEntries([...known].map(([name, data]) => [name, tensor(name, data)]));
    const fixed = await toDevice(this.#platform, this.#device, values);
    const names = session.inputNames.filter((name) => !known.has(name));
    return {
      run: async (inputs) => {
        const given = Object.fromEntries(names.map((name) => [name, tensor(name, inputs[name]!)]));
        const outputs = await session.run({ ...fixed, ...given });
        return Object.fromEntries(session.outputNames.map((name) => [name, outputs[name]!.data as Float32Array]));
      },
      release: () => session.release(),
    };
  }
}
