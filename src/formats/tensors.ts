/** Tensors of a file that are read one by one, and their values as 32-bit floats. */
import { CheckpointError } from "../errors.ts";
import { fromHalf } from "./half.ts";
import type { Dtype, StoredTensor } from "./safetensors.ts";

/** A tensor of a file. Its values stay in the file until `read` is called. */
export interface SourceTensor {
  /** A `Dtype`, or PyTorch's name of a type that is not read, such as complex64. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** The values, row-major. @throws CheckpointError where they are damaged, and for a type that is not read */
  read(): Promise<StoredTensor>;
}

/** A tensor in memory as a source. */
export const sourceOf = (tensor: StoredTensor): SourceTensor => ({
  dtype: tensor.dtype,
  shape: tensor.shape,
  read: async () => tensor,
});

/**
 * Values as 32-bit floats: F32 as they are, F16 and BF16 exactly, F64 rounded to the nearest.
 * @returns undefined for a dtype that is no float
 */
export function toFloat32(tensor: StoredTensor): Float32Array<ArrayBuffer> | undefined {
  switch (tensor.dtype) {
    case "F32":
      return tensor.data as Float32Array<ArrayBuffer>;
    case "F64":
      return new Float32Array(tensor.data);
    case "F16":
      return fromHalf(tensor.data);
    case "BF16": {
      const bits = new Uint32Array(tensor.data.length);
      for (let i = 0; i < bits.length; i++) bits[i] = tensor.data[i]! << 16;
      return new Float32Array(bits.buffer);
    }
    default:
      return undefined;
  }
}

const floats: readonly string[] = ["F32", "F16", "BF16", "F64"] satisfies Dtype[];

/**
 * A tensor as F32.
 * @param name of the tensor, for the message
 * @throws CheckpointError for integers, booleans and types that are not read
 */
export async function float32Tensor(
  source: SourceTensor,
  name: string,
  file: string,
): Promise<Extract<StoredTensor, { dtype: "F32" }>> {
  const data = floats.includes(source.dtype) ? toFloat32(await source.read()) : undefined;
  if (!data) {
    throw new CheckpointError(
      `${file}: ${name} is ${source.dtype} [${source.shape}]; expected floats (${floats.join(", ")}). Convert it first; in PyTorch: ` +
        "tensor.float().",
    );
  }
  return { dtype: "F32", shape: source.shape, data };
}
