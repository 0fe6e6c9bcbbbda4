/**
 * Files of torch.save: zip archives of PyTorch 1.6 and newer, and the older sequence of pickles. Format: the module
 * torch.serialization of PyTorch.
 */
import { CheckpointError, UserError } from "../../errors.ts";
import { visible } from "../../text.ts";
import { TruncatedPickle, unpickle } from "../pickle.ts";
import type { Slices } from "../slices.ts";
import { type ZipFile, zipEntries } from "../zip.ts";
import { type StorageId, TorchReader } from "./names.ts";
import type { Storage } from "./tensor.ts";

/** Whether a file begins as one of torch.save does. @param start its first 64 bytes or more */
export const isTorch = (start: Uint8Array): "zip" | "legacy" | undefined => {
  if (start[0] === 0x50 && start[1] === 0x4b && start[2] === 3 && start[3] === 4) return "zip";
  return start[0] === 0x80 && start[1]! >= 1 && start[1]! <= 5 ? "legacy" : undefined;
};

/**
 * What a file of torch.save holds: dicts as Maps, lists and tuples as arrays, tensors as `TorchTensor`, whole modules as objects
 * that `moduleParts` takes apart. Tensors stay in the file until they are read; the file is read by slices.
 * @param name of the file, for messages
 * @throws CheckpointError for a truncated or damaged file, and for one that names other classes or functions than those of
 *   tensors, containers and modules: the message has the name
 */
export async function readTorch(file: Slices, name: string): Promise<unknown> {
  return isTorch(await file.read(0, 64)) === "zip" ? readArchive(file, name) : readLegacy(file, name);
}

// ---- Archives -------------------------------------------------------------------------------------------------------

async function readArchive(file: Slices, name: string): Promise<unknown> {
  const entries = await zipEntries(file, name).catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    throw new CheckpointError(
      `${name} is truncated or damaged: it begins as a PyTorch file, and its table of contents, which is at its end, cannot be ` +
        `read (${file.size} bytes). Download or copy it again.`,
    );
  });
  const pickle = entries.find(({ path }) => /^[^/]+\/data\.pkl$/.test(path));
  if (!pickle) {
    const some = entries.slice(0, 3).map(({ path }) => visible(path));
    throw new CheckpointError(
      `${name} is a zip, but not of torch.save: it has no data.pkl (it has ${some.join(", ") || "nothing"}). Expected weights, such as a .pth.`,
    );
  }
  const root = pickle.path.slice(0, -"data.pkl".length);
  const byPath = new Map(entries.map((entry) => [entry.path, entry]));
  if (byPath.has(`${root}constants.pkl`)) {
    throw new CheckpointError(
      `${name} is a TorchScript program, not weights. In Python: torch.save(torch.jit.load("${visible(name)}").state_dict(), "weights.pth").`,
    );
  }
  const order = await bytesOf(byPath.get(`${root}byteorder`), name);
  if (order && new TextDecoder().decode(order).trim() !== "little") {
    throw new CheckpointError(`${name} was written on a big-endian machine; expected little-endian values.`);
  }
  const storages = new ArchiveStorages(byPath, root, name);
  return unpickled(await bytesOf(pickle, name), (id) => storages.get(id), name);
}

/** @throws CheckpointError where the entry is damaged */
async function bytesOf(entry: ZipFile, name: string): Promise<Uint8Array>;
async function bytesOf(entry: ZipFile | undefined, name: string): Promise<Uint8Array | undefined>;
async function bytesOf(entry: ZipFile | undefined, name: string): Promise<Uint8Array | undefined> {
  return entry?.read().catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    throw new CheckpointError(
      `${name}: ${visible(entry.path)} in it is damaged or truncated. Download or copy the file again.`,
    );
  });
}

/** The storages of an archive: one entry each. The last one read stays in memory, because views of one follow each other. */
class ArchiveStorages {
  readonly #entries: ReadonlyMap<string, ZipFile>;
  readonly #root: string;
  readonly #name: string;
  #last: { path: string; bytes: Promise<Uint8Array> } | undefined;

  constructor(entries: ReadonlyMap<string, ZipFile>, root: string, name: string) {
    this.#entries = entries;
    this.#root = root;
    this.#name = name;
  }

  get({ dtype, key, byteLength }: StorageId): Storage {
    const path = `${this.#root}data/${key}`;
    const entry = this.#entries.get(path);
    if (!entry) throw new CheckpointError(`${this.#name} is damaged: it has no ${visible(path)}. Copy it again.`);
    return {
      dtype,
      byteLength,
      bytes: async (start, end) => {
        if (this.#last?.path !== path) this.#last = { path, bytes: bytesOf(entry, this.#name) };
        return (await this.#last.bytes).subarray(start, end);
      },
    };
  }
}

// ---- The older sequence of pickles ----------------------------------------------------------------------------------

const magic = 119547037146038801333356n; // 0x1950a86a20f9469cfc6c
const firstSlice = 2 ** 20;
const mostPickle = 2 ** 28; // bytes of the pickles before the values

async function readLegacy(file: Slices, name: string): Promise<unknown> {
  const offsets = new Map<string, number>();
  const storage = ({ dtype, key, byteLength, view }: StorageId): Storage => ({
    dtype,
    byteLength,
    bytes: (start, end) => {
      const at = offsets.get(key);
      if (at === undefined)
        throw new CheckpointError(`${name} is damaged: it has no storage ${visible(key)}. Copy it again.`);
      return file.read(at + view + start, at + view + end);
    },
  });
  for (let length = Math.min(firstSlice, file.size); ; length = Math.min(4 * length, file.size)) {
    const bytes = await file.read(0, length);
    try {
      return await readSequence(bytes, file, { name, offsets, storage });
    } catch (error) {
      if (!(error instanceof TruncatedPickle) || length >= Math.min(file.size, mostPickle)) throw error;
    }
  }
}

interface Sequence {
  name: string;
  /** The place of each storage's values, filled in. */
  offsets: Map<string, number>;
  storage: (id: StorageId) => Storage;
}

async function readSequence(bytes: Uint8Array, file: Slices, { name, offsets, storage }: Sequence): Promise<unknown> {
  let at = 0;
  const sizes = new Map<string, number>();
  const next = () => {
    const reader = new TorchReader((id) => {
      sizes.set(id.key, id.size);
      return storage(id);
    }, name);
    const { value, length } = unpickle(bytes.subarray(at), reader, name);
    reader.finish();
    at += length;
    return value;
  };
  if (next() !== magic) {
    throw new CheckpointError(
      `${name} is a Python pickle, but not of torch.save. Expected weights, such as a .pth; in Python: ` +
        'torch.save(model.state_dict(), "weights.pth").',
    );
  }
  const version = next();
  if (version !== 1001)
    throw new CheckpointError(`${name}: version ${version} of torch.save is not known; expected 1001.`);
  const system = next();
  if (system instanceof Map && system.get("little_endian") === false) {
    throw new CheckpointError(`${name} was written on a big-endian machine; expected little-endian values.`);
  }
  const value = next();
  const keys = next();
  if (!Array.isArray(keys)) throw new CheckpointError(`${name}: damaged: it has no list of storages. Copy it again.`);
  let place = at;
  for (const key of keys.map(String)) {
    const head = await file.read(place, place + 8);
    if (head.length < 8) throw new CheckpointError(`${name} is truncated: its values end early. Copy it again.`);
    const count = Number(new DataView(head.buffer, head.byteOffset).getBigInt64(0, true));
    if (!(count >= 0 && count <= file.size))
      throw new CheckpointError(`${name}: damaged: a storage of ${count} values. Copy it again.`);
    offsets.set(key, place + 8);
    place += 8 + count * (sizes.get(key) ?? 1);
  }
  if (place > file.size) {
    throw new CheckpointError(
      `${name} is truncated: its values need ${place} bytes, it has ${file.size}. Copy it again.`,
    );
  }
  return value;
}

function unpickled(bytes: Uint8Array, storage: (id: StorageId) => Storage, name: string): unknown {
  const reader = new TorchReader(storage, name);
  const { value } = unpickle(bytes, reader, name);
  reader.finish();
  return value;
}
