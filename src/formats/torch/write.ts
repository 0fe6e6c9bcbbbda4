/** Files of torch.save, in the zip form of PyTorch 1.6 and newer: torch.load reads them with weights_only=True. */
import { UserError } from "../../errors.ts";
import { crc32 } from "../crc32.ts";
import type { StoredTensor } from "../safetensors.ts";
import { joined } from "../streams.ts";
import { storageDtypes } from "./names.ts";

/** A number that Python reads as a float, whether or not it is whole. */
export class PythonFloat {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** A tuple; arrays are lists. */
export class PythonTuple {
  readonly items: readonly Picklable[];

  constructor(...items: Picklable[]) {
    this.items = items;
  }
}

/** What a file may hold: dicts as Maps or plain objects, lists as arrays. Whole numbers are ints, others floats. */
export type Picklable =
  | null
  | boolean
  | number
  | string
  | PythonFloat
  | PythonTuple
  | StoredTensor
  | readonly Picklable[]
  | ReadonlyMap<string | number, Picklable>
  | { readonly [key: string]: Picklable };

const storageNames = new Map(Object.entries(storageDtypes).map(([name, dtype]) => [dtype, name]));

/**
 * The bytes of a file, one after the other.
 * @param name of the folder in the archive: torch.save takes the name of the file without its ending
 * @throws UserError for more than 4 GB
 */
export function encodeTorch(value: Picklable, name: string): Uint8Array[] {
  const pickler = new Pickler();
  pickler.write(value);
  const entries: [path: string, content: Uint8Array][] = [
    ["data.pkl", pickler.end()],
    ["byteorder", new TextEncoder().encode("little")],
    ...pickler.storages.map((data, i): [string, Uint8Array] => [`data/${i}`, data]),
    ["version", new TextEncoder().encode("3\n")],
  ];
  return archive(entries.map(([path, content]) => [`${name}/${path}`, content]));
}

/** Writes pickles of protocol 2. */
class Pickler {
  readonly storages: Uint8Array[] = [];
  readonly #parts: Uint8Array[] = [Uint8Array.of(0x80, 2)];

  end(): Uint8Array {
    this.#op(".");
    return joined(this.#parts);
  }

  write(value: Picklable): void {
    if (value === null) this.#op("N");
    else if (value === true) this.#bytes(0x88);
    else if (value === false) this.#bytes(0x89);
    else if (typeof value === "number") this.#number(value);
    else if (typeof value === "string") this.#text(value);
    else if (value instanceof PythonFloat) this.#float(value.value);
    else if (value instanceof PythonTuple) this.#tuple(value.items);
    else if (Array.isArray(value)) this.#list(value);
    else if (isTensor(value)) this.#tensor(value);
    else this.#dict(value instanceof Map ? [...value] : Object.entries(value));
  }

  #bytes(...bytes: number[]): void {
    this.#parts.push(Uint8Array.from(bytes));
  }

  #op(text: string): void {
    this.#parts.push(new TextEncoder().encode(text));
  }

  #global(module: string, name: string): void {
    this.#op(`c${module}\n${name}\n`);
  }

  #number(value: number): void {
    if (!Number.isSafeInteger(value)) {
      this.#float(value);
      return;
    }
    if (value >= -(2 ** 31) && value < 2 ** 31) {
      const view = new DataView(new ArrayBuffer(5));
      view.setUint8(0, 0x4a);
      view.setInt32(1, value, true);
      this.#parts.push(new Uint8Array(view.buffer));
      return;
    }
    const view = new DataView(new ArrayBuffer(10));
    view.setUint8(0, 0x8a);
    view.setUint8(1, 8);
    view.setBigInt64(2, BigInt(value), true);
    this.#parts.push(new Uint8Array(view.buffer));
  }

  #float(value: number): void {
    const view = new DataView(new ArrayBuffer(9));
    view.setUint8(0, 0x47);
    view.setFloat64(1, value, false);
    this.#parts.push(new Uint8Array(view.buffer));
  }

  #text(value: string): void {
    const content = new TextEncoder().encode(value);
    const head = new DataView(new ArrayBuffer(5));
    head.setUint8(0, 0x58);
    head.setUint32(1, content.length, true);
    this.#parts.push(new Uint8Array(head.buffer), content);
  }

  #tuple(items: readonly Picklable[]): void {
    this.#op("(");
    for (const item of items) this.write(item);
    this.#op("t");
  }

  #list(items: readonly Picklable[]): void {
    this.#op("](");
    for (const item of items) this.write(item);
    this.#op("e");
  }

  #dict(entries: readonly (readonly [Picklable, Picklable])[]): void {
    this.#op("}(");
    for (const [key, value] of entries) {
      this.write(key);
      this.write(value);
    }
    this.#op("u");
  }

  /** torch._utils._rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks) */
  #tensor({ dtype, shape, data }: StoredTensor): void {
    const kind = storageNames.get(dtype);
    if (!kind) throw new UserError(`torch.save has no storage of ${dtype}`);
    const key = String(this.storages.length);
    this.storages.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    this.#global("torch._utils", "_rebuild_tensor_v2");
    this.#op("((");
    this.#text("storage");
    this.#global("torch", `${kind}Storage`);
    this.#text(key);
    this.#text("cpu");
    this.#number(data.length);
    this.#op("tQ");
    this.#number(0);
    this.#tuple(shape);
    this.#tuple(shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1)));
    this.write(false);
    this.#global("collections", "OrderedDict");
    this.#op(")RtR");
  }
}

const isTensor = (value: object): value is StoredTensor => "dtype" in value && "shape" in value && "data" in value;

/** Storages begin at multiples of this many bytes, as torch.save aligns them, so that the file can be mapped into memory. */
const alignment = 64;
const most = 0xffffffff;

/** A zip without compression. @throws UserError for more than 4 GB, which would need Zip64 */
function archive(entries: readonly (readonly [path: string, content: Uint8Array])[]): Uint8Array[] {
  const parts: Uint8Array[] = [];
  const table: Uint8Array[] = [];
  let at = 0;
  for (const [path, content] of entries) {
    const name = new TextEncoder().encode(path);
    const sum = crc32(content);
    // An extra field of id "FB", as PyTorch has it, fills up to the alignment.
    const start = at + 30 + name.length + 4;
    const padding = (alignment - (start % alignment)) % alignment;
    const local = header(30, 0x04034b50, { sum, size: content.length, name: name.length, extra: 4 + padding });
    const extra = new Uint8Array(4 + padding).fill(0x5a);
    new DataView(extra.buffer).setUint32(0, 0x4246 | (padding << 16), true);
    parts.push(local, name, extra, content);
    table.push(header(46, 0x02014b50, { sum, size: content.length, name: name.length, extra: 0, place: at }), name);
    at = start + padding + content.length;
  }
  const directory = joined(table);
  if (at + directory.length > most)
    throw new UserError(`the file would have ${at} bytes, at most ${most} can be written`);
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, entries.length, true);
  end.setUint16(10, entries.length, true);
  end.setUint32(12, directory.length, true);
  end.setUint32(16, at, true);
  return [...parts, directory, new Uint8Array(end.buffer)];
}

interface Entry {
  sum: number;
  size: number;
  /** Bytes of the name and of the extra field. */
  name: number;
  extra: number;
  /** The offset of the local header; only in the table of contents. */
  place?: number;
}

/** The header of an entry, in front of its content or in the table of contents. */
function header(length: 30 | 46, signature: number, { sum, size, name, extra, place }: Entry): Uint8Array {
  const view = new DataView(new ArrayBuffer(length));
  view.setUint32(0, signature, true);
  const shift = length === 46 ? 2 : 0;
  view.setUint16(4 + shift, 20, true);
  view.setUint16(12 + shift, 0x21, true); // 1980-01-01, the first date that zip has
  view.setUint32(14 + shift, sum, true);
  view.setUint32(18 + shift, size, true);
  view.setUint32(22 + shift, size, true);
  view.setUint16(26 + shift, name, true);
  view.setUint16(28 + shift, extra, true);
  if (place !== undefined) view.setUint32(42, place, true);
  return new Uint8Array(view.buffer);
}
