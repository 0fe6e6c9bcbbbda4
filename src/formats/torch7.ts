/**
 * Files of Torch 7 (Lua), .t7: the binary form of torch.save. Before each value stands its kind. Tables, objects and functions have a
 * number, and only the number stands where one occurs again. Functions are skipped.
 * Format: https://github.com/torch/torch7/blob/master/doc/serialization.md
 */
import { CheckpointError } from "../errors.ts";
import type { StoredTensor } from "./safetensors.ts";

/** An object of a class, such as "nn.SpatialConvolution": a table of its fields. */
interface LuaObject {
  class: string;
  fields: unknown;
}

type Table = Map<unknown, unknown>;

const isTable = (value: unknown): value is Table => value instanceof Map;
const isObject = (value: unknown): value is LuaObject =>
  typeof value === "object" && value !== null && "class" in value && "fields" in value;

/** Whether a file begins as one of Torch 7 does: with an object "V 1" of a class nn, cudnn or nngraph, or a table. */
export function isTorch7(start: Uint8Array): boolean {
  if (start.length < 16 || start[1] !== 0 || start[2] !== 0 || start[3] !== 0) return false;
  if (start[0] === 4) return start[8] === 3 && start[12] === 0x56 && start[13] === 0x20;
  return start[0] === 3 && start[4] === 1 && start[5] === 0 && start[6] === 0 && start[7] === 0;
}

/**
 * The tensors of the layers of a network, in their order: "<number>.<class>.<field>", such as
 * "0.SpatialConvolution.weight". Layers without weights have no number.
 * @throws CheckpointError for a truncated or damaged file, and for one that holds no network
 */
export function readTorch7(bytes: Uint8Array, file: string): Map<string, StoredTensor> {
  const root = new Reader(bytes, file).read();
  const found = new Map<string, StoredTensor>();
  let number = 0;
  for (const layer of layersOf(root)) {
    const fields = tensorsOf(layer.fields as Table);
    if (fields.length === 0) continue;
    const name = layer.class.replace(/^(nn|cudnn)\./, "");
    for (const [field, tensor] of fields) found.set(`${number}.${name}.${field}`, shaped(tensor, field, layer));
    number += 1;
  }
  if (number === 0)
    throw new CheckpointError(`${file} is a Torch file without layers of a network; expected a net_G.t7 or net_D.t7.`);
  return found;
}

/** The layers of a network in their order, each once. In place of a container stand the layers in it. */
function layersOf(root: unknown): LuaObject[] {
  const seen = new Set<unknown>();
  const layers: LuaObject[] = [];
  const walk = (value: unknown) => {
    if (!isObject(value) || !isTable(value.fields) || seen.has(value)) return;
    seen.add(value);
    const inner = value.fields.get("modules");
    if (!isTable(inner)) layers.push(value);
    else for (let i = 1; inner.has(i); i++) walk(inner.get(i));
  };
  walk(root);
  return layers;
}

/** The fields that are read; gradients and buffers are left out. */
const kept = ["weight", "bias", "running_mean", "running_var"];

function tensorsOf(fields: Table): [string, StoredTensor][] {
  return kept.flatMap((name) => {
    const value = fields.get(name);
    return isTensor(value) && value.data.length > 0 ? [[name, value] as [string, StoredTensor]] : [];
  });
}

const isTensor = (value: unknown): value is StoredTensor =>
  typeof value === "object" && value !== null && "dtype" in value;

/** Older convolutions keep their weights as a matrix, [out, in * kH * kW]. */
function shaped(tensor: StoredTensor, field: string, { fields }: LuaObject): StoredTensor {
  if (field !== "weight" || tensor.shape.length !== 2 || !isTable(fields)) return tensor;
  const [kH, kW] = [Number(fields.get("kH")), Number(fields.get("kW"))];
  const [out, rest] = tensor.shape as [number, number];
  if (!(kH > 0 && kW > 0) || rest % (kH * kW) !== 0) return tensor;
  return { ...tensor, shape: [out, rest / (kH * kW), kH, kW] };
}

const storages = {
  Float: [Float32Array, "F32"],
  Cuda: [Float32Array, "F32"],
  Double: [Float64Array, "F64"],
  CudaDouble: [Float64Array, "F64"],
  Long: [BigInt64Array, "I64"],
  CudaLong: [BigInt64Array, "I64"],
  Int: [Int32Array, "I32"],
  Short: [Int16Array, "I16"],
  Byte: [Uint8Array, "U8"],
  Char: [Int8Array, "I8"],
} as const;

const deepest = 1000;

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #file: string;
  readonly #known = new Map<number, unknown>();
  #at = 0;
  #depth = 0;

  constructor(bytes: Uint8Array, file: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#file = file;
  }

  read(): unknown {
    this.#depth += 1;
    if (this.#depth > deepest) throw this.#damaged(`objects are nested more than ${deepest} deep`);
    const value = this.#object();
    this.#depth -= 1;
    return value;
  }

  #object(): unknown {
    const kind = this.#int();
    switch (kind) {
      case 0:
        return undefined;
      case 1:
        return this.#view.getFloat64(this.#take(8), true);
      case 2:
        return this.#text();
      case 3:
        return this.#once(
          () => new Map<unknown, unknown>(),
          (table) => this.#fill(table),
        );
      case 4:
        return this.#torchObject();
      case 5:
        return this.#int() === 1;
      case 6:
      case 7:
      case 8:
        return this.#once(
          () => "function",
          () => {
            this.#take(this.#int());
            this.read();
          },
        );
      default:
        throw this.#damaged(`the unknown kind ${kind}`);
    }
  }

  /** An object that may have occurred before. */
  #once<T>(make: () => T, fill: (value: T) => void): unknown {
    const number = this.#int();
    if (this.#known.has(number)) return this.#known.get(number);
    const value = make();
    this.#known.set(number, value);
    fill(value);
    return value;
  }

  #fill(table: Table): void {
    const size = this.#int();
    for (let i = 0; i < size; i++) {
      const key = this.read();
      table.set(key, this.read());
    }
  }

  #torchObject(): unknown {
    const number = this.#int();
    if (this.#known.has(number)) return this.#known.get(number);
    const version = this.#text();
    const name = version.startsWith("V ") ? this.#text() : version;
    const typed = /^torch\.(\w+?)(Tensor|Storage)$/.exec(name);
    if (typed && Object.hasOwn(storages, typed[1]!)) {
      const kind = typed[1] as keyof typeof storages;
      const value = typed[2] === "Tensor" ? this.#tensor(kind) : this.#storage(kind);
      this.#known.set(number, value);
      return value;
    }
    const object: LuaObject = { class: name, fields: undefined };
    this.#known.set(number, object);
    object.fields = this.read();
    return object;
  }

  #storage(kind: keyof typeof storages): StoredTensor["data"] {
    const [array] = storages[kind];
    const count = this.#long();
    const from = this.#take(count * array.BYTES_PER_ELEMENT);
    return new array(new Uint8Array(this.#bytes.subarray(from, this.#at)).buffer);
  }

  /** Reads a dense tensor. @throws CheckpointError for other strides */
  #tensor(kind: keyof typeof storages): StoredTensor {
    const axes = this.#int();
    if (axes > 8) throw this.#damaged(`a tensor of ${axes} axes`);
    const [shape, strides] = [this.#longs(axes), this.#longs(axes)];
    const offset = this.#long() - 1;
    const storage = this.read() as StoredTensor["data"] | undefined;
    const count = axes === 0 ? 0 : shape.reduce((product, side) => product * side, 1);
    const [array, dtype] = storages[kind];
    if (count === 0 || storage === undefined) return { dtype, shape: [0], data: new array(0) } as StoredTensor;
    const dense = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, side) => product * side, 1));
    if (!ArrayBuffer.isView(storage) || offset < 0 || offset + count > storage.length)
      throw this.#damaged("a tensor beyond its storage");
    if (!dense.every((stride, axis) => shape[axis] === 1 || stride === strides[axis])) {
      throw this.#damaged(`a tensor [${shape}] with strides [${strides}]`);
    }
    return { dtype, shape, data: storage.subarray(offset, offset + count) } as StoredTensor;
  }

  #longs(count: number): number[] {
    return Array.from({ length: count }, () => this.#long());
  }

  #text(): string {
    const length = this.#int();
    const from = this.#take(length);
    return new TextDecoder().decode(this.#bytes.subarray(from, from + length));
  }

  #int(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  #long(): number {
    return Number(this.#view.getBigInt64(this.#take(8), true));
  }

  /** Moves forward by `length` bytes. @returns the position before */
  #take(length: number): number {
    const from = this.#at;
    if (!(length >= 0)) throw this.#damaged(`a length of ${length}`);
    if (from + length > this.#bytes.length) {
      throw new CheckpointError(
        `${this.#file} is truncated: it should have at least ${from + length} bytes, and has ${this.#bytes.length}. Download or copy it again.`,
      );
    }
    this.#at += length;
    return from;
  }

  #damaged(what: string): CheckpointError {
    return new CheckpointError(`${this.#file}: damaged Torch file: ${what} (near byte ${this.#at}). Copy it again.`);
  }
}
