/** Files of weights, in any of the known formats, as tensors by name. */
import { CheckpointError } from "../errors.ts";
import type { Files } from "../platform.ts";
import { visible } from "../text.ts";
import { lookAlike } from "./look-alike.ts";
import { decodePict, isPict } from "./pict.ts";
import { decode, type StoredTensor } from "./safetensors.ts";
import { type Slices, slicesOf } from "./slices.ts";
import { type SourceTensor, sourceOf } from "./tensors.ts";
import { isIndex, readIndex } from "./tf-checkpoint.ts";
import { isTorch, readTorch } from "./torch/file.ts";
import { moduleParts } from "./torch/names.ts";
import { TorchTensor } from "./torch/tensor.ts";
import { isTorch7, readTorch7 } from "./torch7.ts";
import { weightsAmong } from "./weights-names.ts";

/** The contents of a file. */
export interface WeightsFile {
  /** For messages. */
  path: string;
  /** All tensors by their names; those of nested dicts and modules are joined by dots. */
  tensors: ReadonlyMap<string, SourceTensor>;
  /** The whole value that a file of torch.save holds. */
  value?: unknown;
}

/** A format of weights. */
interface Format {
  /** Whether a file is of the format, by its first 512 bytes and its last 8. */
  is(start: Uint8Array, end: Uint8Array): boolean;
  /** @param beside opens a file in the same folder */
  read(file: Slices, path: string, beside: Beside): Promise<Omit<WeightsFile, "path">>;
}

type Beside = (path: string) => Promise<Slices>;

const sources = (tensors: Iterable<[string, StoredTensor]>) =>
  new Map([...tensors].map(([name, tensor]) => [name, sourceOf(tensor)]));

/** Formats by their bytes. A new one needs an entry here. */
const formats: readonly Format[] = [
  {
    is: (start) => isTorch(start) !== undefined,
    read: async (file, path) => {
      const value = await readTorch(file, path);
      return { value, tensors: tensorsIn(value, path) };
    },
  },
  {
    is: (start) => start.length > 8 && start[8] === 0x7b,
    read: async (file, path) => {
      const { tensors } = decode(await file.read(0, file.size), path);
      return { tensors: sources(Object.entries(tensors)) };
    },
  },
  {
    is: isPict,
    read: async (file, path) => ({ tensors: sources(decodePict(await file.read(0, file.size), path)) }),
  },
  {
    is: isTorch7,
    read: async (file, path) => ({ tensors: sources(readTorch7(await file.read(0, file.size), path)) }),
  },
  {
    is: (_start, end) => isIndex(end),
    read: async (file, path, beside) => {
      const name = path.replace(/\.index$/, "");
      const number = (n: number) => String(n).padStart(5, "0");
      const shard = (n: number, of: number) => beside(`${name}.data-${number(n)}-of-${number(of)}`);
      return { tensors: readIndex(await file.read(0, file.size), shard, path) };
    },
  },
];

/**
 * Opens a file of weights: safetensors, PyTorch's .pth and .pt in both of its forms, a TensorFlow checkpoint, .t7 of Torch, or
 * .pict. Tensors of .pth files and of TensorFlow checkpoints stay in the file until they are read.
 * @throws CheckpointError for a file that does not exist, is damaged or truncated, or is of another kind: the message says
 *   which it seems to be
 */
export async function openWeights(files: Files, path: string): Promise<WeightsFile> {
  const beside = async (other: string) => {
    if (await files.exists(other)) return slicesOfFile(files, other);
    throw new CheckpointError(`${other} does not exist: a TensorFlow checkpoint is ${path} with the files beside it.`);
  };
  // TensorFlow names a checkpoint without the ending.
  const found = (await files.exists(path)) ? path : `${path}.index`;
  if (!(await files.exists(found)))
    throw new CheckpointError(`${path} does not exist. Give the path of a file of weights.`);
  const inside = await files.list(found);
  if (inside) {
    const named = weightsAmong(inside.map(({ name }) => name));
    const there = named.length > 0 ? `one of ${named.map(visible).join(", ")}` : "it has none";
    throw new CheckpointError(`${visible(path)} is a folder. Give a file of weights in it: ${there}.`);
  }
  return weightsIn(await slicesOfFile(files, found), found, beside);
}

/** `openWeights` for a file in memory or in a browser. */
export async function weightsIn(file: Slices, path: string, beside: Beside = alone): Promise<WeightsFile> {
  const start = await file.read(0, 512);
  const end = await file.read(Math.max(0, file.size - 8), file.size);
  const format = formats.find(({ is }) => is(start, end));
  if (!format) {
    const found = lookAlike(start) ?? `it begins with ${hex(start)}`;
    throw new CheckpointError(`${path} is no file of weights: ${found}. Expected ${known}.`);
  }
  return { path, ...(await format.read(file, path, beside)) };
}

const alone: Beside = async (path) => {
  throw new CheckpointError(`${path} is needed, too, and cannot be opened here.`);
};

const known =
  "a .pth of PyTorch, .safetensors, .index of a TensorFlow checkpoint, .t7 of Torch, or .pict of the browser demos";
const hex = (bytes: Uint8Array) =>
  `the bytes ${Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0")).join(" ")}`;

/** A file that is read by parts where the platform can. */
export async function slicesOfFile(files: Files, path: string): Promise<Slices> {
  const size = (await files.stat?.(path))?.bytes;
  const { readPart } = files;
  if (size === undefined || !readPart) return slicesOf(await files.read(path));
  return { size, read: (start, end) => readPart.call(files, path, start, end) };
}

const mostNodes = 1_000_000;
const deepest = 100;

/** The tensors in nested dicts, lists and modules. A key or name is joined to those around it by a dot. */
function tensorsIn(value: unknown, file: string): Map<string, TorchTensor> {
  const found = new Map<string, TorchTensor>();
  let nodes = 0;
  const walk = (at: unknown, path: readonly string[]) => {
    nodes += 1;
    if (nodes > mostNodes || path.length > deepest) {
      throw new CheckpointError(
        `${file} is damaged: it holds more than ${mostNodes} values, or values nested more than ${deepest} deep.`,
      );
    }
    if (at instanceof TorchTensor) {
      found.set(path.join("."), at);
    } else if (at instanceof Map) {
      for (const [key, inner] of at) walk(inner, [...path, String(key)]);
    } else if (Array.isArray(at)) {
      for (const [i, inner] of at.entries()) walk(inner, [...path, String(i)]);
    } else {
      const module = moduleParts(at);
      for (const [name, inner] of module ? [...module.tensors, ...module.modules] : []) walk(inner, [...path, name]);
    }
  };
  walk(value, []);
  return found;
}

/** "a [2, 3], b [4] and 5 more", for messages. */
export function someOf(tensors: ReadonlyMap<string, { shape: readonly number[] }>, most = 3): string {
  const shown = [...tensors]
    .slice(0, most)
    .map(([name, { shape }]) => `${visible(name.slice(0, 100))} [${shape.join(", ")}]`);
  const more = tensors.size - shown.length;
  return shown.length === 0 ? "no tensors" : `${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
