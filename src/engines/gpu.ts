/**
 * The engine that keeps everything in the device's memory. Values, moments and carried values are GPU tensors. Adam and the
 * running average are kernels of this project (gpu-updates.ts) or, where the platform hides the runtime's device, graphs.
 * Each step uploads only pictures, masks and Adam's factors. Losses are downloaded for many steps at
 * once, other values on request.
 *
 * onnxruntime 1.30 writes a GPU tensor that is given as a fetch in place, unless the session has
 * `preferredOutputLocation`. Its getData() aborts Node, so values are uploaded and downloaded by graphs of one
 * Identity.
 *
 * Where the platform can (`Platform.captures`), the runtime captures the kernels of a program and launches the same ones at
 * each run, which takes a quarter of the host's time. It captures no copies of buffers: a Reshape that makes an output
 * is one.
 */

import { DeviceLostError, messageOf } from "../errors.ts";
import { Graph, type Node, type Program, type Shape, sameShape, sizeOf, unshaped } from "../graph/graph.ts";
import { greater, neg, where } from "../graph/ops/elementwise.ts";
import { concat, Identity, mostParts, pad, reshape } from "../graph/ops/movement.ts";
import { Expand } from "../graph/ops/reduce.ts";
import { forGpu } from "../lowering/gpu.ts";
import { type Betas, type Factors, graphFactors, momentGroups } from "../nn/adam.ts";
import { averageGraph } from "../nn/average.ts";
import { encode } from "../onnx/encode.ts";
import type { Device, InferenceSession, Platform, Tensor, Tensors } from "../platform.ts";
import { cached } from "./cached.ts";
import { sessionOptions } from "./device.ts";
import { type Bound, type Engine, memoryOf } from "./engine.ts";
import { KernelUpdates, mostMomentsOfKernels } from "./gpu-updates.ts";
import { adamOnDevice, mostMoments, stepOnDevice, tensorsOf } from "./layout.ts";
import { checkLimits } from "./memory.ts";
import type { NetworkState } from "./state.ts";

/** A session and the tensors of its inputs and outputs. */
interface Stage {
  session: InferenceSession;
  feeds: Tensors;
  fetches: Tensors;
}

/** A stage whose kernels the runtime has captured. Its feeds are all on the device. */
interface Captured extends Stage {
  captured: true;
  /** Copies the inputs of the host into feeds; absent where the program has none. */
  upload?: Stage;
}

/** A stage on a network's memory, and its inputs in the host's. */
interface Update {
  stage: Stage;
  inputs: ReadonlyMap<string, Tensor>;
}

/** A stage that writes `width` values into the table of losses. */
interface Recorder {
  stage: Stage;
  width: number;
}

/** The size of the table of losses on the device; a row is kept until it is read. */
const rows = 64;
const columns = 8;

export class GpuEngine implements Engine {
  readonly capacity = rows;
  readonly #platform: Platform;
  readonly #device: Device;
  readonly #states: readonly NetworkState[];
  /** Undefined where Adam and the average are graphs. */
  readonly #kernels: KernelUpdates | undefined;
  readonly #sessions = new Set<InferenceSession>();
  /** Tensors on the device that are not freed. */
  readonly #tensors = new Set<Tensor>();
  #lost = false;
  /** Sessions that allocate a tensor, and that copy one, by shape. */
  readonly #makers = new Map<string, Promise<InferenceSession>>();
  readonly #copiers = new Map<string, Promise<InferenceSession>>();
  readonly #adam = new Map<NetworkState, Promise<Update>>();
  readonly #averages = new Map<NetworkState, Promise<Update>>();
  /** Values, statistics, gradients and moments of the networks, by their names in the graphs. */
  #own: Promise<ReadonlyMap<string, Tensor>> | undefined;
  #history: Promise<Tensor> | undefined;
  /** Whether a size of batches was compiled: only the first, which is the usual one, is captured. */
  #compiled = false;
  /** The number of values in each row of the table that is not read yet. */
  readonly #widths: number[] = [];
  readonly #read: Float32Array[] = [];

  constructor(platform: Platform, device: Device, states: readonly NetworkState[]) {
    this.#platform = platform;
    this.#device = device;
    this.#states = states;
    this.#kernels = platform.gpuKernel && new KernelUpdates(platform.gpuKernel);
  }

  async compile(programs: readonly Program[]): Promise<Bound> {
    const memory = new Map(await this.#networks());
    const lowered = stepOnDevice(programs, this.#states);
    for (const program of lowered) checkLimits(program, this.#device);
    const inputs = new Map<string, Tensor>();
    const stages: (Stage | Captured)[] = [];
    const first = !this.#compiled;
    this.#compiled = true;
    for (const program of lowered) {
      stages.push(await (first ? this.#captured(program, memory, inputs) : this.#stage(program, memory, inputs)));
    }
    const recorders = new Map<string, Promise<Recorder>>();
    return {
      run: (index) => this.#start(stages[index]!),
      input: (name) => inputs.get(name)!.data as Float32Array,
      read: (name) => this.#down(memory.get(memoryOf(name))!),
      record: async (names) => {
        const key = names.join(" ");
        const { stage, width } = await cached(recorders, key, () => this.#recorder(names, memory, inputs));
        if (this.#widths.length === rows) this.#read.push(...(await this.#readHistory()));
        const row = stage.feeds.row!.data as Float32Array;
        row.fill(0);
        row[this.#widths.length] = 1;
        this.#widths.push(width);
        await this.#run(stage);
      },
      release: async () => {
        const made = await Promise.all(recorders.values());
        const uploads = stages.flatMap((stage) => ("upload" in stage ? (stage.upload ?? []) : []));
        for (const { session } of [...stages, ...uploads, ...made.map(({ stage }) => stage)]) {
          this.#sessions.delete(session);
          await session.release();
        }
        for (const { fetches } of uploads) this.#free(Object.values(fetches));
        const kept = new Set([...(await this.#networks()).values(), await this.#history]);
        this.#free([...new Set(memory.values())].filter((tensor) => !kept.has(tensor)));
      },
    };
  }

  async optimise(state: NetworkState, factors: Factors, betas: Betas): Promise<void> {
    if (this.#kernels) return this.#kernels.adam(state, await this.#networks(), factors, betas);
    const program = () => adamOnDevice(state, betas, this.#device);
    await this.#onNetwork(this.#adam, state, program, { ...graphFactors(factors) });
  }

  async average(state: NetworkState, share: number): Promise<void> {
    if (this.#kernels) return this.#kernels.average(state, await this.#networks(), share);
    const program = () => averageGraph(state.network, tensorsOf(state).trained);
    await this.#onNetwork(this.#averages, state, program, { share });
  }

  /** Runs a program on a network's memory, compiled at its first run. @param numbers inputs of one value each */
  async #onNetwork(
    known: Map<NetworkState, Promise<Update>>,
    state: NetworkState,
    program: () => Program,
    numbers: Readonly<Record<string, number>>,
  ): Promise<void> {
    const { stage, inputs } = await cached(known, state, () => this.#update(forGpu(program())));
    for (const [name, value] of Object.entries(numbers)) (inputs.get(name)!.data as Float32Array)[0] = value;
    await this.#run(stage);
  }

  async #update(program: Program): Promise<Update> {
    const inputs = new Map<string, Tensor>();
    const stage = await this.#stage(program, new Map(await this.#networks()), inputs);
    return { stage, inputs };
  }

  async recorded(): Promise<Float32Array[]> {
    return [...this.#read.splice(0), ...(await this.#readHistory())];
  }

  async toDevice(): Promise<void> {
    const own = await this.#networks();
    for (const { name, shape, parts } of this.#hostMemory()) {
      const values = new Float32Array(sizeOf(shape));
      eachPart(parts, (part, start) => values.set(part, start));
      await this.#copy(new this.#platform.ort.Tensor("float32", values, shape), own.get(name)!);
    }
  }

  async toHost(): Promise<void> {
    const own = await this.#networks();
    for (const { name, parts } of this.#hostMemory()) {
      const values = await this.#down(own.get(name)!);
      eachPart(parts, (part, start) => part.set(values.subarray(start, start + part.length)));
    }
  }

  async close(): Promise<void> {
    await this.#kernels?.release();
    // Tensors first: ONNX Runtime fails to free one whose session is released. On a device that is lost there is none.
    if (!this.#lost) this.#free([...this.#tensors]);
    for (const session of this.#sessions) await session.release();
    this.#sessions.clear();
  }

  // ---- Memory -------------------------------------------------------------------------------------------------------

  /** Values, statistics and moments by their names on the device, with the parts that they have in the host's memory. */
  #hostMemory(): { name: string; shape: Shape; parts: Float32Array[] }[] {
    const most = this.#kernels ? mostMomentsOfKernels : mostMoments(this.#device);
    return this.#states.flatMap((state) => {
      const { trained, statistics } = tensorsOf(state);
      const named = (name: string) => `${state.network}.${name}`;
      return [
        ...[...trained, ...statistics].map(({ name, shape, specs }) => {
          return { name: named(name), shape, parts: specs.map((spec) => state.get(spec)) };
        }),
        ...momentGroups(trained, most).flatMap(({ name, specs, shape }) =>
          (["m", "v"] as const).map((moment) => {
            const parts = specs.flatMap((tensor) => tensor.specs.map((spec) => state.view(moment, spec)));
            return { name: named(`${name}.${moment}`), shape, parts };
          }),
        ),
        ...(state.adam.average ? trained : []).map(({ name, shape, specs }) => {
          return { name: named(`${name}.average`), shape, parts: specs.map((spec) => state.view("average", spec)) };
        }),
      ];
    });
  }

  #networks(): Promise<ReadonlyMap<string, Tensor>> {
    const allocate = async () => {
      const own = new Map<string, Tensor>();
      for (const { name, shape } of this.#hostMemory()) own.set(name, await this.#make(shape));
      for (const state of this.#states) {
        for (const { name, shape } of tensorsOf(state).trained) {
          own.set(`${state.network}.${name}.grad`, await this.#make(shape));
        }
      }
      return own;
    };
    this.#own ??= allocate();
    return this.#own;
  }

  /** A tensor of zeros on the device. */
  async #make(shape: Shape): Promise<Tensor> {
    // Expand of [1] gives no scalar.
    const one = shape.length === 0 ? [] : [1];
    const session = await cached(this.#makers, shape.join("x"), () => {
      const graph = new Graph();
      graph.output("y", Expand([graph.input("x", one)], { shape }));
      return this.#session(graph.program(), { preferredOutputLocation: "gpu-buffer" });
    });
    const zero = new this.#platform.ort.Tensor("float32", new Float32Array(1), one);
    const { y } = await this.#run({ session, feeds: { x: zero } });
    this.#tensors.add(y!);
    return y!;
  }

  #free(tensors: readonly Tensor[]): void {
    for (const tensor of tensors) {
      tensor.dispose();
      this.#tensors.delete(tensor);
    }
  }

  /** Copies a tensor from the host to the device, or back. */
  async #copy(from: Tensor, to: Tensor): Promise<void> {
    const session = await cached(this.#copiers, from.dims.join("x"), () => {
      const graph = new Graph();
      graph.output("to", Identity([graph.input("from", from.dims)]));
      return this.#session(graph.program());
    });
    if (to.location === "cpu") {
      // onnxruntime-web does not write to a fetch in host memory.
      const { to: result } = await this.#run({ session, feeds: { from } });
      (to.data as Float32Array).set(result!.data as Float32Array);
    } else {
      await this.#run({ session, feeds: { from }, fetches: { to } });
    }
  }

  async #down(from: Tensor): Promise<Float32Array> {
    const values = new Float32Array(sizeOf(from.dims));
    await this.#copy(from, new this.#platform.ort.Tensor("float32", values, from.dims));
    return values;
  }

  // ---- Programs -----------------------------------------------------------------------------------------------------

  async #session(given: Program, options: InferenceSession.SessionOptions = {}): Promise<InferenceSession> {
    const { ort } = this.#platform;
    const program = withoutInPlaceNodes(given);
    try {
      const all = { ...sessionOptions(this.#device, 1), ...options };
      const session = await ort.InferenceSession.create(encode(program, { split: mostParts }), all);
      this.#sessions.add(session);
      return session;
    } catch (error) {
      throw explained(error, this.#device);
    }
  }

  /** A session with a tensor for each input and output. Equal names in two programs are one tensor. */
  async #stage(
    program: Program,
    memory: Map<string, Tensor>,
    inputs: Map<string, Tensor>,
    options: InferenceSession.SessionOptions = {},
  ): Promise<Stage> {
    const { ort } = this.#platform;
    const session = await this.#session(program, options);
    // The shape of a gradient may differ from that of its memory: it has lost its last Reshape (stepForGpu).
    const view = (t: Tensor, shape: Shape) =>
      sameShape(t.dims, shape) ? t : ort.Tensor.fromGpuBuffer(t.gpuBuffer, { dataType: "float32", dims: shape });
    const feeds: Tensors = {};
    for (const { name, shape } of program.inputs) {
      const known = memory.get(memoryOf(name));
      const given = inputs.get(name) ?? new ort.Tensor("float32", new Float32Array(sizeOf(shape)), shape);
      if (!known) inputs.set(name, given);
      feeds[name] = known ? view(known, shape) : given;
    }
    const fetches: Tensors = {};
    for (const { name, tensor } of program.outputs) {
      const at = memoryOf(name);
      const known = memory.get(at) ?? (await this.#make(tensor.shape));
      memory.set(at, known);
      fetches[name] = view(known, tensor.shape);
    }
    return { session, feeds, fetches };
  }

  /**
   * A stage whose kernels are captured; one like any other where the platform cannot, or where a node runs on the CPU. The
   * first run of a session that captures runs the program twice, so values that it reads and writes, such as running statistics, are put
   * back. The host keeps them meanwhile: the device may have no room.
   */
  async #captured(
    program: Program,
    memory: Map<string, Tensor>,
    inputs: Map<string, Tensor>,
  ): Promise<Stage | Captured> {
    if (!this.#platform.captures) return this.#stage(program, memory, inputs);
    const options = { enableGraphCapture: true, extra: { session: { disable_cpu_ep_fallback: "1" } } };
    const made = await this.#stage(withoutCopies(program), memory, inputs, options).catch(() => undefined);
    if (!made) return this.#stage(program, memory, inputs);
    const stage: Captured = { ...made, captured: true };
    const hosts = Object.entries(stage.feeds).filter(([, { location }]) => location === "cpu");
    const graph = new Graph();
    const upload: Omit<Stage, "session"> = { feeds: {}, fetches: {} };
    for (const [i, [name, from]] of hosts.entries()) {
      graph.output(`to_${i}`, Identity([graph.input(`from_${i}`, from.dims)]));
      upload.feeds[`from_${i}`] = from;
      stage.feeds[name] = upload.fetches[`to_${i}`] = await this.#make(from.dims);
    }
    if (hosts.length > 0) stage.upload = { session: await this.#session(graph.program()), ...upload };
    const read = new Set(program.inputs.map(({ name }) => memoryOf(name)));
    const changed = program.outputs.map(({ name }) => memoryOf(name)).filter((name) => read.has(name));
    const tensors = changed.map((name) => memory.get(name)!);
    const kept: Float32Array[] = [];
    for (const tensor of tensors) kept.push(await this.#down(tensor));
    await this.#run(stage);
    for (const [i, to] of tensors.entries()) {
      await this.#copy(new this.#platform.ort.Tensor("float32", kept[i]!, to.dims), to);
    }
    return stage;
  }

  /**
   * Runs a stage. A captured session has bound the fetches of its first run. With fetches it would leak a handle for each
   * output at every later run; without, it returns tensors that are handles of the same buffers.
   */
  async #start(stage: Stage | Captured): Promise<void> {
    if (!("captured" in stage)) return void (await this.#run(stage));
    const { session, feeds, upload } = stage;
    if (upload) await this.#run(upload);
    for (const handle of Object.values(await this.#run({ session, feeds }))) handle.dispose();
  }

  /**
   * Writes losses into the row of the table that `row` marks with 1, by Where, so that a NaN does not reach other rows.
   */
  async #recorder(
    names: readonly string[],
    memory: Map<string, Tensor>,
    inputs: Map<string, Tensor>,
  ): Promise<Recorder> {
    this.#history ??= this.#make([rows, columns]);
    memory.set("history", await this.#history);
    const graph = new Graph();
    const losses = names.map((name) => graph.input(name, memory.get(name)!.dims));
    const width = losses.reduce((total, { size }) => total + size, 0);
    const line = pad(reshape(concat(losses, 0), [1, width]), [0, 0], [0, columns - width]);
    const chosen = greater(graph.input("row", [rows, 1]), 0.5);
    graph.output("history.updated", where(chosen, line, graph.input("history", [rows, columns])));
    return { stage: await this.#stage(graph.program(), memory, inputs), width };
  }

  /** Downloads the rows of the table that are not read yet. */
  async #readHistory(): Promise<Float32Array[]> {
    const widths = this.#widths.splice(0);
    if (widths.length === 0) return [];
    const all = await this.#down(await this.#history!);
    return widths.map((width, i) => all.slice(i * columns, i * columns + width));
  }

  async #run({ session, feeds, fetches }: Omit<Stage, "fetches"> & Partial<Stage>): Promise<Tensors> {
    try {
      return await (fetches ? session.run(feeds, fetches) : session.run(feeds));
    } catch (error) {
      this.#lost = true;
      throw explained(error, this.#device);
    }
  }
}

/**
 * The program without nodes that write to the memory of one of their inputs. WebGPU forbids that (onnxruntime-node does
 * not check).
 */
const withoutInPlaceNodes = (program: Program): Program =>
  withNodesBefore(program, ({ name, tensor }) => {
    const inPlace = tensor.producer?.inputs.some((input) => unshaped(input).name === memoryOf(name));
    return inPlace === true && name !== memoryOf(name);
  });

/** The program with a kernel for each output that ONNX Runtime would copy from another buffer. */
const withoutCopies = (program: Program): Program =>
  withNodesBefore(program, ({ tensor }) => unshaped(tensor) !== tensor || !tensor.producer);

/** The program with two more nodes in front of the outputs that need them. */
function withNodesBefore(program: Program, need: (output: Program["outputs"][number]) => boolean): Program {
  const added: Node[] = [];
  const outputs = program.outputs.map((output) => {
    if (!need(output)) return output;
    const through = neg(output.tensor);
    const out = neg(through);
    added.push(through.producer!, out.producer!);
    return { name: output.name, tensor: out };
  });
  return { ...program, nodes: [...program.nodes, ...added], outputs };
}

/** Calls `call` with each part and its offset in the concatenation of all parts. */
function eachPart(parts: readonly Float32Array[], call: (part: Float32Array, start: number) => void): void {
  let start = 0;
  for (const part of parts) {
    call(part, start);
    start += part.length;
  }
}

/** The runtime's error with advice. */
function explained(error: unknown, { label }: Device): DeviceLostError {
  const words = messageOf(error).split("\n")[0]!.replace(/\.+$/, "");
  const memory = /memory|previous error|max buffer size|binding size/i.test(words);
  const advice = memory ? " It may be out of memory: a smaller --batch-size, --ngf or --crop-size needs less." : "";
  return new DeviceLostError(`${label} failed: ${words}.${advice}`);
}
