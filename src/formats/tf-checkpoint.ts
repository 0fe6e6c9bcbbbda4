/**
 * Checkpoints of TensorFlow (tf.train.Saver and tf.train.Checkpoint): `<name>.index`, a sorted table of tensors as LevelDB has it,
 * beside `<name>.data-00000-of-00001` with their values. Formats: tensorflow/core/util/tensor_bundle and
 * https://github.com/google/leveldb/blob/main/doc/table_format.md
 */
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { CheckpointError } from "../errors.ts";
import { visible } from "../text.ts";
import { arrays, type Dtype, type StoredTensor } from "./safetensors.ts";
import type { Slices } from "./slices.ts";
import type { SourceTensor } from "./tensors.ts";

/** Dtypes by their numbers in types.proto. Tensors of others, such as strings, are left out. */
const dtypes: Readonly<Record<number, Dtype>> = {
  1: "F32",
  2: "F64",
  3: "I32",
  4: "U8",
  9: "I64",
  10: "BOOL",
  14: "BF16",
  19: "F16",
};

const footer = 48; // bytes
const magic = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb];

/** Whether a file ends as an index does. @param end its last 8 bytes */
export const isIndex = (end: Uint8Array): boolean => end.length === 8 && magic.every((byte, i) => end[i] === byte);

/**
 * The tensors that an index lists.
 * @param bytes of the index
 * @param shard opens file `number` of the `count` files of values
 * @throws CheckpointError for a damaged index
 */
export function readIndex(
  bytes: Uint8Array,
  shard: (number: number, count: number) => Promise<Slices>,
  file: string,
): Map<string, SourceTensor> {
  try {
    return tensorsOf(bytes, shard, file);
  } catch (error) {
    if (error instanceof CheckpointError) throw error;
    // An error of the protobuf reader, for a length beyond the bytes.
    throw new CheckpointError(`${file}: damaged index of a TensorFlow checkpoint. Copy it again, with its .data file.`);
  }
}

function tensorsOf(bytes: Uint8Array, shard: (number: number, count: number) => Promise<Slices>, file: string) {
  const tail = new BinaryReader(bytes.subarray(Math.max(0, bytes.length - footer)));
  handle(tail); // of the block of metadata
  const index = entries(bytes, handle(tail), file);
  const found = new Map<string, SourceTensor>();
  const open = new Map<number, Promise<Slices>>();
  let shards = 1;
  for (const [, place] of index) {
    for (const [key, value] of entries(bytes, handle(new BinaryReader(place)), file)) {
      if (key === "") {
        shards = fields(value).find(({ no }) => no === 1)?.number ?? 1;
        continue;
      }
      const entry = entryOf(value);
      if (!entry || entry.sliced) continue;
      const read = async (): Promise<StoredTensor> => {
        const source = open.get(entry.shard) ?? shard(entry.shard, shards);
        open.set(entry.shard, source);
        return valuesOf(await source, entry, key, file);
      };
      found.set(key, { dtype: entry.dtype, shape: entry.shape, read });
    }
  }
  return found;
}

interface Entry {
  dtype: Dtype;
  shape: number[];
  shard: number;
  offset: number;
  size: number;
  sliced: boolean;
}

async function valuesOf(
  source: Slices,
  { dtype, shape, offset, size }: Entry,
  name: string,
  file: string,
): Promise<StoredTensor> {
  const array = arrays[dtype];
  const expected = shape.reduce((product, side) => product * side, array.BYTES_PER_ELEMENT);
  const bytes = size === expected ? await source.read(offset, offset + size) : new Uint8Array();
  if (bytes.length !== expected) {
    throw new CheckpointError(
      `${file}: ${visible(name)} ${dtype} [${shape}] needs ${expected} bytes, its .data file has ${bytes.length}. Copy both files again.`,
    );
  }
  return { dtype, shape, data: new array(new Uint8Array(bytes).buffer) } as StoredTensor;
}

/** BundleEntryProto; undefined for a dtype that is not read. */
function entryOf(value: Uint8Array): Entry | undefined {
  const parts = fields(value);
  const number = (no: number) => parts.find((part) => part.no === no)?.number ?? 0;
  const dtype = dtypes[number(1)];
  if (!dtype) return undefined;
  const dims = fields(parts.find(({ no }) => no === 2)?.bytes ?? new Uint8Array()).filter(({ no }) => no === 2);
  const shape = dims.map(({ bytes }) => fields(bytes ?? new Uint8Array()).find(({ no }) => no === 1)?.number ?? 0);
  return {
    dtype,
    shape,
    shard: number(3),
    offset: number(4),
    size: number(5),
    sliced: parts.some(({ no }) => no === 7),
  };
}

/** The fields of a message: numbers, and the bytes of texts and messages. */
function fields(message: Uint8Array): { no: number; number?: number; bytes?: Uint8Array }[] {
  const reader = new BinaryReader(message);
  const found: { no: number; number?: number; bytes?: Uint8Array }[] = [];
  while (reader.pos < reader.len) {
    const [no, type] = reader.tag();
    if (type === 0) found.push({ no, number: Number(reader.uint64()) });
    else if (type === 2) found.push({ no, bytes: reader.bytes() });
    else reader.skip(type);
  }
  return found;
}

interface Handle {
  offset: number;
  size: number;
}

const handle = (reader: BinaryReader): Handle => ({ offset: Number(reader.uint64()), size: Number(reader.uint64()) });

/** The keys and values of a block. A key is stored without the beginning that it shares with the one before it. */
function entries(bytes: Uint8Array, { offset, size }: Handle, file: string): [key: string, value: Uint8Array][] {
  const damaged = (what: string) =>
    new CheckpointError(
      `${file}: damaged index of a TensorFlow checkpoint: ${what}. Copy it again, with its .data file.`,
    );
  if (offset + size + 5 > bytes.length) throw damaged("a block lies beyond its end");
  if (bytes[offset + size] !== 0) throw damaged("a block is compressed, which TensorFlow never writes");
  const block = bytes.subarray(offset, offset + size);
  if (block.length < 4) throw damaged("an empty block");
  const restarts = new DataView(block.buffer, block.byteOffset).getUint32(size - 4, true);
  const end = size - 4 - 4 * restarts;
  if (end < 0) throw damaged("a block without entries");
  const reader = new BinaryReader(block.subarray(0, end));
  const found: [string, Uint8Array][] = [];
  let key = new Uint8Array();
  while (reader.pos < reader.len) {
    const [shared, own, length] = [reader.uint32(), reader.uint32(), reader.uint32()];
    const from = reader.pos;
    if (shared > key.length || from + own + length > end) throw damaged("an entry lies beyond its block");
    key = new Uint8Array([...key.subarray(0, shared), ...block.subarray(from, from + own)]);
    found.push([new TextDecoder().decode(key), block.subarray(from + own, from + own + length)]);
    reader.pos = from + own + length;
  }
  return found;
}
