/**
 * Sessions of onnxruntime-web that read and write arrays in the runtime's own memory. Its `run` copies every input into that memory and
 * every output out of it, in each run, into arrays that the browser has to clear first: of a training step of unet_256 that is a sixth
 * of the time. So this file calls the runtime's functions as the script of onnxruntime-web 1.30 does, with tensors that stay.
 */
import { DeviceError } from "../errors.ts";
import type { InferenceSession, Placed, RuntimeMemory } from "../platform.ts";
import { byteCount } from "../text.ts";

/** What is used of the runtime's module. Addresses and handles are numbers. */
interface RuntimeModule {
  readonly HEAPU8: Uint8Array;
  readonly PTR_SIZE: number;
  _malloc(bytes: number): number;
  _free(address: number): void;
  setValue(address: number, value: number, type: "*" | "i32"): void;
  getValue(address: number, type: "*" | "i32"): number;
  lengthBytesUTF8(text: string): number;
  stringToUTF8(text: string, address: number, bytes: number): void;
  UTF8ToString(address: number): string;
  _OrtCreateTensor(type: number, data: number, bytes: number, dims: number, rank: number, location: number): number;
  _OrtReleaseTensor(tensor: number): number;
  _OrtRun(
    session: number,
    inputNames: number,
    inputs: number,
    inputCount: number,
    outputNames: number,
    outputCount: number,
    outputs: number,
    options: number,
  ): number | Promise<number>;
  _OrtGetLastError(code: number, message: number): number;
}

const functions = [
  "_malloc",
  "_free",
  "setValue",
  "getValue",
  "lengthBytesUTF8",
  "stringToUTF8",
  "UTF8ToString",
  "_OrtCreateTensor",
  "_OrtReleaseTensor",
  "_OrtRun",
  "_OrtGetLastError",
] as const satisfies (keyof RuntimeModule)[];

/** The data type of TensorProto, and the location as onnxruntime-web numbers it. */
const [float32, onCpu] = [1, 1];

/** The handle of a session, which onnxruntime-common keeps to itself. */
const handleOf = (session: InferenceSession): unknown =>
  (session as unknown as { handler?: { sessionId?: unknown } }).handler?.sessionId;

/** @returns undefined for a module of another version, whose sessions then run with copies */
export function runtimeMemory(found: unknown): RuntimeMemory | undefined {
  const module = found as RuntimeModule | undefined;
  if (module?.PTR_SIZE !== 4 || functions.some((name) => typeof module[name] !== "function")) return undefined;
  return {
    holds: (session) => typeof handleOf(session) === "number",
    allocate(length) {
      const bytes = 4 * length;
      const address = taken(module, bytes);
      // The module looks at its memory anew in this call: a thread may have made it larger.
      module.getValue(address, "i32");
      module.HEAPU8.fill(0, address, address + bytes);
      return new Float32Array(module.HEAPU8.buffer, address, length);
    },
    // An array lies at its address in the buffer of all memory.
    free: ({ byteOffset }) => module._free(byteOffset),
    bind(session, inputs, outputs) {
      const call = new Call(module, handleOf(session) as number);
      try {
        for (const side of [inputs, outputs]) call.place(side);
      } catch (error) {
        call.release();
        throw error;
      }
      return { run: () => call.run(), release: () => call.release() };
    },
  };
}

function taken(module: RuntimeModule, bytes: number): number {
  // A number above 32 bits would be cut to them.
  const address = bytes < 2 ** 32 ? module._malloc(Math.max(bytes, 1)) : 0;
  if (address !== 0) return address;
  throw new DeviceError(
    `The memory of WebAssembly, 4 GB at most, has no ${byteCount(bytes)} left. ` +
      "Take a smaller --crop-size, --batch-size or --ngf, or a GPU (--device webgpu).",
  );
}

/** The arguments of a session's runs. */
class Call {
  readonly #module: RuntimeModule;
  readonly #session: number;
  readonly #taken: number[] = [];
  readonly #tensors: number[] = [];
  /** The addresses of the names and of the tensors, and the count: first of the inputs, then of the outputs. */
  readonly #sides: [names: number, tensors: number, count: number][] = [];

  constructor(module: RuntimeModule, session: number) {
    this.#module = module;
    this.#session = session;
  }

  place(values: Placed): void {
    const placed = Object.entries(values);
    const names = placed.map(([name]) => this.#text(name));
    const tensors = placed.map(([, { data, shape }]) => this.#tensor(data, shape));
    this.#sides.push([this.#numbers(names, "*"), this.#numbers(tensors, "*"), placed.length]);
  }

  async run(): Promise<void> {
    const [inputs, outputs] = this.#sides;
    const [inputNames, inputTensors, inputCount] = inputs!;
    const [outputNames, outputTensors, outputCount] = outputs!;
    const code = await this.#module._OrtRun(
      this.#session,
      inputNames,
      inputTensors,
      inputCount,
      outputNames,
      outputCount,
      outputTensors,
      0,
    );
    if (code !== 0) throw new Error(`ONNX Runtime cannot run the program: ${this.#lastError()}`);
  }

  release(): void {
    for (const tensor of this.#tensors.splice(0)) this.#module._OrtReleaseTensor(tensor);
    for (const address of this.#taken.splice(0)) this.#module._free(address);
  }

  #tensor({ byteOffset, byteLength }: Float32Array, shape: readonly number[]): number {
    const dims = this.#numbers(shape, "i32");
    const tensor = this.#module._OrtCreateTensor(float32, byteOffset, byteLength, dims, shape.length, onCpu);
    if (tensor === 0) throw new Error(`ONNX Runtime cannot take a tensor: ${this.#lastError()}`);
    this.#tensors.push(tensor);
    return tensor;
  }

  #numbers(values: readonly number[], type: "*" | "i32"): number {
    const address = this.#take(4 * values.length);
    for (const [i, value] of values.entries()) this.#module.setValue(address + 4 * i, value, type);
    return address;
  }

  #text(text: string): number {
    const bytes = this.#module.lengthBytesUTF8(text) + 1;
    const address = this.#take(bytes);
    this.#module.stringToUTF8(text, address, bytes);
    return address;
  }

  #take(bytes: number): number {
    const address = taken(this.#module, bytes);
    this.#taken.push(address);
    return address;
  }

  #lastError(): string {
    const place = taken(this.#module, 8);
    this.#module._OrtGetLastError(place, place + 4);
    const [code, message] = [this.#module.getValue(place, "i32"), this.#module.getValue(place + 4, "*")];
    this.#module._free(place);
    return message ? this.#module.UTF8ToString(message) : `error ${code}`;
  }
}
