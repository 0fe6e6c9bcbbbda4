/**
 * Weights in fewer bytes, for a download: safetensors with F16 values, or with I8 values and a scale for each slice of the
 * first dimension. Tensors of one dimension (biases, norms) are small and stay F32 in the 8-bit form.
 */
import { CheckpointError } from "../errors.ts";
import { fromHalf, toHalf } from "./half.ts";
import { decode, encode, type StoredTensor } from "./safetensors.ts";
import { joined } from "./streams.ts";

export const precisions = ["float32", "float16", "int8"] as const;
export type Precision = (typeof precisions)[number];

type Tensors = Record<string, StoredTensor>;

/** Names the scales of an 8-bit tensor: F32, one for each slice of its first dimension. */
const suffix = ".scale";
const most = 127;

/** The tensors in this precision. Only those of F32 change. */
export function compactWeights(tensors: Readonly<Tensors>, precision: Precision): Tensors {
  const parts = Object.entries(tensors).map(([name, tensor]): Tensors => {
    if (tensor.dtype !== "F32" || precision === "float32") return { [name]: tensor };
    if (precision === "float16") return { [name]: { dtype: "F16", shape: tensor.shape, data: toHalf(tensor.data) } };
    if (tensor.shape.length < 2) return { [name]: tensor };
    const { values, scales } = eightBit(tensor.data, tensor.shape[0]!);
    return {
      [name]: { dtype: "I8", shape: tensor.shape, data: values },
      [name + suffix]: { dtype: "F32", shape: [scales.length], data: scales },
    };
  });
  return Object.assign({}, ...parts);
}

/** Each slice of the first dimension is divided by its scale, which is its largest magnitude / 127, and rounded. */
export function eightBit(data: Float32Array, slices: number) {
  const length = data.length / slices;
  const scales = new Float32Array(slices);
  const values = new Int8Array(data.length);
  for (let i = 0; i < slices; i++) {
    const slice = data.subarray(i * length, (i + 1) * length);
    const largest = slice.reduce((high, value) => Math.max(high, Math.abs(value)), 0);
    scales[i] = largest / most;
    if (largest > 0) for (const [j, value] of slice.entries()) values[i * length + j] = Math.round(value / scales[i]!);
  }
  return { values, scales };
}

/**
 * The bytes of a safetensors file with all values as F32 again.
 * @param path for messages
 * @throws CheckpointError for a damaged file
 */
export function expandWeights(bytes: Uint8Array, path: string): Uint8Array {
  const { tensors, metadata } = decode(bytes, path);
  if (!Object.values(tensors).some(({ dtype }) => dtype === "F16" || dtype === "I8")) return bytes;
  return joined(encode(expanded(tensors, path), metadata));
}

function expanded(tensors: Readonly<Tensors>, path: string): Tensors {
  const out: Tensors = {};
  for (const [name, tensor] of Object.entries(tensors)) {
    const { dtype, shape, data } = tensor;
    if (dtype === "F16") out[name] = { dtype: "F32", shape, data: fromHalf(data) };
    else if (dtype === "I8") out[name] = { dtype: "F32", shape, data: scaled(name, tensors, path) };
    else if (!(name.endsWith(suffix) && tensors[name.slice(0, -suffix.length)]?.dtype === "I8")) out[name] = tensor;
  }
  return out;
}

function scaled(name: string, tensors: Readonly<Tensors>, path: string): Float32Array<ArrayBuffer> {
  const { data, shape } = tensors[name] as StoredTensor & { dtype: "I8" };
  const scale = tensors[name + suffix];
  if (scale?.dtype !== "F32" || scale.data.length !== shape[0]) {
    throw new CheckpointError(`${path}: ${name} has 8-bit values but no ${name + suffix} of F32 [${shape[0]}].`);
  }
  const length = data.length / shape[0];
  return Float32Array.from(data, (value, i) => value * scale.data[Math.floor(i / length)]!);
}
