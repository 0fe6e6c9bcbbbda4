/**
 * Safetensors files: 8 bytes of header length, a JSON header, then the values of the tensors without gaps. Numbers are
 * little endian, as on every machine that runs this. Format: https://github.com/huggingface/safetensors#format
 */
import { CheckpointError, quoted } from "../errors.ts";
import { lookAlike } from "./look-alike.ts";

/** The dtypes in the order of files, widest first, and their array types. Values of F16 and BF16 are kept as bits. */
export const arrays = {
  U64: BigUint64Array,
  I64: BigInt64Array,
  F64: Float64Array,
  F32: Float32Array,
  U32: Uint32Array,
  I32: Int32Array,
  BF16: Uint16Array,
  F16: Uint16Array,
  U16: Uint16Array,
  I16: Int16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const;

export type Dtype = keyof typeof arrays;

/** One tensor of a file: `data` holds product(shape) values, row-major; a scalar has shape []. */
export type StoredTensor = {
  [D in Dtype]: { dtype: D; shape: readonly number[]; data: InstanceType<(typeof arrays)[D]> };
}[Dtype];

/** The contents of a safetensors file. */
export interface SafetensorsFile {
  tensors: Record<string, StoredTensor>;
  /** Texts under `__metadata__`; empty where the file has none. */
  metadata: Record<string, string>;
}

const dtypes = Object.keys(arrays) as Dtype[];
const maxHeader = 100_000_000; // the limit of the format
const littleEndian = true;

/**
 * The bytes of a file, as chunks to write one after the other: the header, then views of the tensors' memory. Nothing is copied,
 * so write them before a tensor changes. Tensors are ordered by dtype, widest first, then by name, as the Python package does:
 * equal tensors give equal bytes in any order of the input, and all values are aligned.
 * @throws CheckpointError where the values of a tensor do not fit its shape or dtype
 *
 * @example
 * ```ts
 * import { decodeSafetensors, encodeSafetensors } from "pix2pix";
 * import { nodePlatform } from "pix2pix/node";
 *
 * const { files } = await nodePlatform();
 * const weight = { dtype: "F32", shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) } as const;
 * await files.write("weights.safetensors", encodeSafetensors({ weight }, { format: "pt" }));
 *
 * const { tensors } = decodeSafetensors(await files.read("weights.safetensors"));
 * console.log(tensors.weight?.shape); // [2, 2]
 * ```
 */
export function encode(
  tensors: Readonly<Record<string, StoredTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array[] {
  const entries = Object.entries(tensors).sort(
    ([a, x], [b, y]) => dtypes.indexOf(x.dtype) - dtypes.indexOf(y.dtype) || (a < b ? -1 : 1),
  );
  const header: [string, unknown][] = [];
  const words = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  if (words.length > 0) header.push(["__metadata__", Object.fromEntries(words)]);
  const chunks: Uint8Array[] = [];
  let offset = 0;
  for (const [name, { dtype, shape, data }] of entries) {
    if (name === "__metadata__") throw new CheckpointError("safetensors: __metadata__ cannot name a tensor.");
    if (!(data instanceof arrays[dtype]) || data.length !== count(shape)) {
      throw new CheckpointError(
        `safetensors: ${name} is ${dtype} [${shape}], ${count(shape)} values in ${arrays[dtype].name}; ` +
          `got ${data.length} values in ${data.constructor.name}.`,
      );
    }
    header.push([name, { dtype, shape, data_offsets: [offset, offset + data.byteLength] }]);
    chunks.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    offset += data.byteLength;
  }
  // Not JSON.stringify of one object: it would move names that look like numbers to the front.
  const json = `{${header.map(([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`).join()}}`;
  const text = new TextEncoder().encode(json);
  const head = new Uint8Array(8 + Math.ceil(text.length / 8) * 8).fill(0x20);
  head.set(text, 8);
  new DataView(head.buffer).setBigUint64(0, BigInt(head.length - 8), littleEndian);
  return [head, ...chunks];
}

/**
 * The tensors of a file, in its order. Values are views of `bytes` where their address is aligned, else copies.
 * @param file name of the file, for messages
 * @throws CheckpointError for a truncated file, a file of another format (with the format that it seems to be), a damaged
 *   header, an unknown dtype, and offsets that overlap, leave a gap or exceed the file
 */
export function decode(bytes: Uint8Array, file = "safetensors"): SafetensorsFile {
  const { header, data } = readHeader(bytes, file);
  const tensors: Record<string, StoredTensor> = Object.create(null);
  const spans: { name: string; start: number; end: number }[] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const { dtype, shape, start, end } = readEntry(name, entry, file);
    if (end > data.length) {
      throw new CheckpointError(
        `${file}: truncated: ${name} ends at byte ${end} of the data, and the file holds ${data.length}. ` +
          "Copy it again.",
      );
    }
    tensors[name] = { dtype, shape, data: view(dtype, data, start, end) } as StoredTensor;
    spans.push({ name, start, end });
  }
  spans.sort((a, b) => a.start - b.start || a.end - b.end);
  let reached = 0;
  for (const { name, start, end } of spans) {
    if (start !== reached) {
      const fault = start < reached ? "overlaps the tensor before it" : "leaves a hole before it";
      throw new CheckpointError(
        `${file}: damaged header: ${name} ${fault} (starts at byte ${start}, expected ${reached}).`,
      );
    }
    reached = end;
  }
  if (reached !== data.length) {
    throw new CheckpointError(`${file}: ${data.length - reached} bytes follow the last tensor; expected none.`);
  }
  return { tensors, metadata: metadataOf(header) };
}

/**
 * The metadata of a file, without its tensors.
 * @param part reads the bytes [start, end) of the file, fewer where the file ends
 * @throws CheckpointError for another format or a damaged header
 */
export async function readMetadata(
  part: (start: number, end: number) => Promise<Uint8Array>,
  file = "safetensors",
): Promise<Record<string, string>> {
  const start = await part(0, 64);
  const length = start.length < 8 ? 0 : headerLength(start);
  const { header } = readHeader(length > maxHeader ? start : await part(0, 8 + length), file);
  return metadataOf(header);
}

function metadataOf({ __metadata__: found }: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(isObject(found) ? found : {}).map(([key, text]) => [key, String(text)]));
}

function headerLength(bytes: Uint8Array): number {
  return Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, littleEndian));
}

function readHeader(bytes: Uint8Array, file: string): { header: Record<string, unknown>; data: Uint8Array } {
  const foreign = (why: string) =>
    new CheckpointError(`${file}: not a safetensors file: ${lookAlike(bytes) ?? why}. Expected a .safetensors file.`);
  if (bytes.length < 8) throw foreign(`${bytes.length} bytes, a header needs at least 8`);
  const length = headerLength(bytes);
  if (length > maxHeader || (bytes.length > 8 && bytes[8] !== 0x7b)) {
    throw foreign(length > maxHeader ? `its first 8 bytes give a header of ${length} bytes` : "its header is not JSON");
  }
  if (8 + length > bytes.length) {
    throw new CheckpointError(
      `${file}: truncated: the header should be ${length} bytes, the file has ${bytes.length} in all. Copy it again.`,
    );
  }
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, 8 + length)));
  } catch {
    throw foreign("its header is not JSON");
  }
  if (!isObject(header)) throw foreign("its header is not a JSON object");
  return { header, data: bytes.subarray(8 + length) };
}

function readEntry(name: string, entry: unknown, file: string) {
  const { dtype, shape, data_offsets } = isObject(entry) ? entry : {};
  if (!isSizes(shape) || !isSizes(data_offsets) || data_offsets.length !== 2) {
    throw new CheckpointError(`${file}: damaged header: ${name} is ${quoted(entry)}.`);
  }
  if (!isDtype(dtype)) {
    throw new CheckpointError(`${file}: ${name} has dtype ${quoted(dtype)}; known: ${dtypes.join(", ")}.`);
  }
  const [start, end] = data_offsets as [number, number];
  const expected = count(shape) * arrays[dtype].BYTES_PER_ELEMENT;
  if (end - start !== expected) {
    throw new CheckpointError(
      `${file}: damaged header: ${name} ${dtype} [${shape}] needs ${expected} bytes, ` +
        `its offsets ${start} to ${end} give ${end - start}.`,
    );
  }
  return { dtype, shape, start, end };
}

function view(dtype: Dtype, data: Uint8Array, start: number, end: number): StoredTensor["data"] {
  const array = arrays[dtype];
  const at = data.byteOffset + start;
  const length = (end - start) / array.BYTES_PER_ELEMENT;
  // Not data.slice: a Node Buffer's slice is a view of its pool.
  return at % array.BYTES_PER_ELEMENT === 0
    ? new array(data.buffer as ArrayBuffer, at, length)
    : new array(new Uint8Array(data.subarray(start, end)).buffer, 0, length);
}

function count(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function isDtype(value: unknown): value is Dtype {
  return typeof value === "string" && Object.hasOwn(arrays, value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
