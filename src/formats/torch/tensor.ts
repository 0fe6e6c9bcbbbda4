/** Tensors of torch.save: views of storages by offset and strides. */
import { CheckpointError } from "../../errors.ts";
import { arrays, type Dtype, type StoredTensor } from "../safetensors.ts";
import type { SourceTensor } from "../tensors.ts";

/** Memory that one or more tensors are views of. */
export interface Storage {
  /** As in `SourceTensor`; undefined where the tensors on it say it. */
  dtype: string | undefined;
  /** The bytes [start, end) of the storage. */
  bytes(start: number, end: number): Promise<Uint8Array>;
  /** The bytes of the whole storage. */
  byteLength: number;
}

const isRead = (dtype: string): dtype is Dtype => Object.hasOwn(arrays, dtype);

/** Most elements of a tensor that is larger than its storage (an expanded one). */
const mostExpanded = 2 ** 24;

/** A tensor of the file: a view of a storage by offset and strides. */
export class TorchTensor implements SourceTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly #strides: readonly number[];
  readonly #offset: number;
  readonly #storage: Storage;
  readonly #file: string;

  constructor(
    storage: Storage,
    view: { dtype: string; offset: number; shape: number[]; strides: number[] },
    file: string,
  ) {
    const { dtype, offset, shape, strides } = view;
    this.dtype = dtype;
    this.shape = shape;
    this.#offset = offset;
    this.#strides = strides;
    this.#storage = storage;
    this.#file = file;
    if (!isRead(dtype)) return;
    const count = shape.reduce((product, size) => product * size, 1);
    const held = Math.floor(storage.byteLength / arrays[dtype].BYTES_PER_ELEMENT);
    if (count > 0 && (this.#end() > held || count > Math.max(held, mostExpanded))) {
      throw new CheckpointError(
        `${file}: damaged: a tensor ${dtype} [${shape}] with strides [${strides}] at ${offset} does not fit its storage of ` +
          `${held} values. Copy the file again.`,
      );
    }
  }

  /** The index in the storage after the last element of the tensor. */
  #end(): number {
    return this.shape.reduce((at, size, i) => at + (size - 1) * this.#strides[i]!, this.#offset) + 1;
  }

  async read(): Promise<StoredTensor> {
    const { dtype } = this;
    if (!isRead(dtype)) {
      throw new CheckpointError(
        `${this.#file}: a tensor is ${dtype} [${this.shape}], a type that is not read. Convert it first; in PyTorch: tensor.float().`,
      );
    }
    const array = arrays[dtype];
    const size = array.BYTES_PER_ELEMENT;
    const count = this.shape.reduce((product, side) => product * side, 1);
    if (count === 0) return { dtype: this.dtype, shape: this.shape, data: new array(0) } as StoredTensor;
    const start = this.#offset * size;
    const bytes = await this.#storage.bytes(start, this.#end() * size);
    if (bytes.length < this.#end() * size - start) {
      throw new CheckpointError(
        `${this.#file}: truncated: a tensor ${this.dtype} [${this.shape}] has ${bytes.length} of its bytes. Copy the file again.`,
      );
    }
    // A copy is aligned, and does not keep the rest of the storage in memory.
    const values = new array(new Uint8Array(bytes).buffer);
    return { dtype: this.dtype, shape: this.shape, data: this.#arranged(values, count, array) } as StoredTensor;
  }

  /** The values in row-major order. */
  #arranged(values: StoredTensor["data"], count: number, array: (typeof arrays)[Dtype]): StoredTensor["data"] {
    const { shape } = this;
    let dense = 1;
    let contiguous = true;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (shape[axis] !== 1 && this.#strides[axis] !== dense) contiguous = false;
      dense *= shape[axis]!;
    }
    if (contiguous) return values;
    const out = new array(count);
    const at = shape.map(() => 0);
    let from = 0;
    for (let i = 0; i < count; i++) {
      out[i] = values[from]!;
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        from += this.#strides[axis]!;
        at[axis]! += 1;
        if (at[axis]! < shape[axis]!) break;
        from -= this.#strides[axis]! * shape[axis]!;
        at[axis] = 0;
      }
    }
    return out;
  }
}
