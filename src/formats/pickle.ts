/**
 * Python pickles, protocols 0 to 5, of containers: numbers, texts, tuples, lists, dicts and sets. A pickle is a program for a
 * small stack machine, and Python runs any function that it names. Here nothing is run: the reader of the format
 * (`PickleReader`) gives the value of a call. It knows a few names and refuses all others.
 * Opcodes: https://github.com/python/cpython/blob/main/Lib/pickletools.py
 */
import { CheckpointError } from "../errors.ts";
import { visible } from "../text.ts";

/** A class or function that a pickle names, such as "collections.OrderedDict". */
export class PickledName {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** An object of a class that is not known: the name of the class and what the pickle has set as the object's state. */
export class PickledObject {
  readonly name: string;
  state: unknown;

  constructor(name: string) {
    this.name = name;
  }
}

/** What a format does with the names and references in its pickles. */
export interface PickleReader {
  /** Called for each name that the pickle mentions, before anything is done with it. */
  mention(name: string): void;
  /** The value of name(...args). @throws CheckpointError for a name that it does not know */
  call(name: string, args: readonly unknown[]): unknown;
  /** An object of the class `name`, made without arguments. Its state follows. @throws CheckpointError */
  create(name: string): unknown;
  /** Takes the state of an object that `call` or `create` has made. @throws CheckpointError for a state that does not fit */
  setState(object: unknown, state: unknown): void;
  /** The value of a persistent id. @throws CheckpointError */
  persistent(id: unknown): unknown;
}

/** A pickle that ends before its STOP: it is truncated, or more bytes have to be read. */
export class TruncatedPickle extends CheckpointError {}

/**
 * The value of one pickle. Tuples and lists are arrays, dicts are Maps, integers beyond 2^53 are bigints.
 * @param bytes the pickle from its first byte; others may follow
 * @returns the value, and the number of bytes of the pickle
 * @throws CheckpointError for a damaged pickle, and for names that the reader does not know
 */
export function unpickle(bytes: Uint8Array, reader: PickleReader, file: string): { value: unknown; length: number } {
  const machine = new Machine(bytes, reader, file);
  return { value: machine.run(), length: machine.at };
}

const latin1 = (bytes: Uint8Array) => {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
};

class Machine {
  at = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #reader: PickleReader;
  readonly #file: string;
  #stack: unknown[] = [];
  /** The stacks below the open marks. */
  readonly #below: unknown[][] = [];
  readonly #memo = new Map<number, unknown>();

  constructor(bytes: Uint8Array, reader: PickleReader, file: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#reader = reader;
    this.#file = file;
  }

  run(): unknown {
    for (;;) {
      const code = this.#byte();
      if (code === 0x2e) return this.pop();
      const op = ops[code];
      if (!op) throw this.damaged(`it has the unknown opcode 0x${code.toString(16)}`);
      op(this);
    }
  }

  damaged(what: string): CheckpointError {
    return new CheckpointError(`${this.#file}: damaged pickle: ${what} (near byte ${this.at}). Copy the file again.`);
  }

  // ---- Bytes --------------------------------------------------------------------------------------------------------

  take(length: number): Uint8Array {
    if (!(length >= 0)) throw this.damaged(`it gives a length of ${length}`);
    const end = this.at + length;
    if (end > this.#bytes.length) {
      throw new TruncatedPickle(`${this.#file}: truncated: its pickle ends in the middle. Copy the file again.`);
    }
    const part = this.#bytes.subarray(this.at, end);
    this.at = end;
    return part;
  }

  #byte(): number {
    return this.take(1)[0]!;
  }

  /** An unsigned integer, little endian. */
  unsigned(size: 1 | 2 | 4 | 8): number {
    const from = this.at;
    this.take(size);
    if (size === 1) return this.#view.getUint8(from);
    if (size === 2) return this.#view.getUint16(from, true);
    if (size === 4) return this.#view.getUint32(from, true);
    return Number(this.#view.getBigUint64(from, true));
  }

  signed32(): number {
    const from = this.at;
    this.take(4);
    return this.#view.getInt32(from, true);
  }

  float64(): number {
    const from = this.at;
    this.take(8);
    return this.#view.getFloat64(from, false);
  }

  /** Text up to the next line break, which is consumed, too. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.at);
    if (end < 0) return latin1(this.take(this.#bytes.length - this.at + 1));
    const text = latin1(this.take(end - this.at));
    this.at += 1;
    return text;
  }

  text(length: number): string {
    return new TextDecoder().decode(this.take(length));
  }

  bytes(length: number): Uint8Array {
    return this.take(length).slice();
  }

  string(length: number): string {
    return latin1(this.take(length));
  }

  // ---- Stack --------------------------------------------------------------------------------------------------------

  push(value: unknown): void {
    this.#stack.push(value);
  }

  pop(): unknown {
    if (this.#stack.length === 0) throw this.damaged("it takes a value from an empty stack");
    return this.#stack.pop();
  }

  top(): unknown {
    if (this.#stack.length === 0) throw this.damaged("it takes a value from an empty stack");
    return this.#stack.at(-1);
  }

  mark(): void {
    this.#below.push(this.#stack);
    this.#stack = [];
  }

  /** Removes the last mark. @returns the values above it */
  marked(): unknown[] {
    const stack = this.#below.pop();
    if (!stack) throw this.damaged("it returns to a mark that is not there");
    const values = this.#stack;
    this.#stack = stack;
    return values;
  }

  dropTop(): void {
    if (this.#stack.length === 0 && this.#below.length > 0) this.marked();
    else this.pop();
  }

  many(count: number): unknown[] {
    const values: unknown[] = [];
    for (let i = 0; i < count; i++) values.unshift(this.pop());
    return values;
  }

  // ---- Memo ---------------------------------------------------------------------------------------------------------

  remember(key: number): void {
    this.#memo.set(key, this.top());
  }

  memoize(): void {
    this.remember(this.#memo.size);
  }

  recall(key: number): void {
    if (!this.#memo.has(key)) throw this.damaged(`it refers to a value ${key} that it has not stored`);
    this.push(this.#memo.get(key));
  }

  number(line: string, what: string): number {
    const value = Number(line);
    if (line.trim() === "" || Number.isNaN(value)) throw this.damaged(`${what} is "${visible(line.slice(0, 40))}"`);
    return value;
  }

  // ---- Containers ---------------------------------------------------------------------------------------------------

  setItems(pairs: readonly unknown[]): void {
    const dict = this.top();
    if (!(dict instanceof Map) || pairs.length % 2 !== 0)
      throw this.damaged("it sets items of a value that is not a dict");
    for (let i = 0; i < pairs.length; i += 2) dict.set(pairs[i], pairs[i + 1]);
  }

  append(values: readonly unknown[]): void {
    const list = this.top();
    if (list instanceof Set) for (const value of values) list.add(value);
    else if (Array.isArray(list)) for (const value of values) list.push(value);
    else throw this.damaged("it appends to a value that is not a list");
  }

  // ---- Names and objects --------------------------------------------------------------------------------------------

  name(name: string): void {
    this.#reader.mention(name);
    this.push(new PickledName(name));
  }

  named(value: unknown): PickledName {
    if (value instanceof PickledName) return value;
    throw this.damaged("it calls a value that is not the name of a class or function");
  }

  call(): void {
    const args = this.pop();
    const { name } = this.named(this.pop());
    if (!Array.isArray(args)) throw this.damaged(`it calls ${visible(name)} without a tuple of arguments`);
    this.push(this.#reader.call(name, args));
  }

  /** An object of a class, made by `cls.__new__(cls, *args)`. */
  create(args: unknown, cls: unknown): void {
    const { name } = this.named(cls);
    if (!Array.isArray(args)) throw this.damaged(`it makes ${visible(name)} without a tuple of arguments`);
    this.push(args.length === 0 ? this.#reader.create(name) : this.#reader.call(name, args));
  }

  setState(): void {
    const state = this.pop();
    this.#reader.setState(this.top(), state);
  }

  persistent(id: unknown): void {
    this.push(this.#reader.persistent(id));
  }
}

/** Two's complement, little endian: the value of LONG1 and LONG4. */
function long(bytes: Uint8Array): number | bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
  if (bytes.length > 0 && bytes.at(-1)! >= 0x80) value -= 1n << BigInt(8 * bytes.length);
  return asNumber(value);
}

const asNumber = (value: bigint): number | bigint =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;

/** The decimal number of INT and LONG; "01" and "00" are booleans. */
function decimal(m: Machine, line: string): unknown {
  if (line === "01") return true;
  if (line === "00") return false;
  const digits = line.replace(/L$/, "");
  if (!/^-?\d{1,400}$/.test(digits)) throw m.damaged(`an integer is "${visible(digits.slice(0, 40))}"`);
  return asNumber(BigInt(digits));
}

/** Text in Python's quotes, of STRING; its escapes stay as they are. */
function unquoted(m: Machine, line: string): string {
  const quote = line[0];
  if (line.length < 2 || (quote !== "'" && quote !== '"') || line.at(-1) !== quote) {
    throw m.damaged("a text lacks its quotes");
  }
  return line.slice(1, -1);
}

const longest = 4096; // bytes of an integer

/** What each opcode does, by its byte. */
const ops: Readonly<Record<number, (m: Machine) => void>> = {
  128: (m) => void m.unsigned(1), // PROTO
  149: (m) => void m.unsigned(8), // FRAME
  40: (m) => m.mark(), // MARK
  48: (m) => m.dropTop(), // POP
  49: (m) => void m.marked(), // POP_MARK
  50: (m) => m.push(m.top()), // DUP

  78: (m) => m.push(null), // NONE
  136: (m) => m.push(true), // NEWTRUE
  137: (m) => m.push(false), // NEWFALSE
  75: (m) => m.push(m.unsigned(1)), // BININT1
  77: (m) => m.push(m.unsigned(2)), // BININT2
  74: (m) => m.push(m.signed32()), // BININT
  73: (m) => m.push(decimal(m, m.line())), // INT
  76: (m) => m.push(decimal(m, m.line())), // LONG
  138: (m) => m.push(long(m.take(m.unsigned(1)))), // LONG1
  // LONG4
  139: (m) => {
    const length = m.signed32();
    if (length > longest) throw m.damaged(`an integer of ${length} bytes`);
    m.push(long(m.take(length)));
  },
  70: (m) => m.push(m.number(m.line(), "a number")), // FLOAT
  71: (m) => m.push(m.float64()), // BINFLOAT

  140: (m) => m.push(m.text(m.unsigned(1))), // SHORT_BINUNICODE
  88: (m) => m.push(m.text(m.unsigned(4))), // BINUNICODE
  141: (m) => m.push(m.text(m.unsigned(8))), // BINUNICODE8
  86: (m) => m.push(m.line()), // UNICODE
  85: (m) => m.push(m.string(m.unsigned(1))), // SHORT_BINSTRING
  84: (m) => m.push(m.string(m.signed32())), // BINSTRING
  83: (m) => m.push(unquoted(m, m.line())), // STRING
  67: (m) => m.push(m.bytes(m.unsigned(1))), // SHORT_BINBYTES
  66: (m) => m.push(m.bytes(m.unsigned(4))), // BINBYTES
  142: (m) => m.push(m.bytes(m.unsigned(8))), // BINBYTES8
  150: (m) => m.push(m.bytes(m.unsigned(8))), // BYTEARRAY8

  41: (m) => m.push([]), // EMPTY_TUPLE
  133: (m) => m.push(m.many(1)), // TUPLE1
  134: (m) => m.push(m.many(2)), // TUPLE2
  135: (m) => m.push(m.many(3)), // TUPLE3
  116: (m) => m.push(m.marked()), // TUPLE
  93: (m) => m.push([]), // EMPTY_LIST
  108: (m) => m.push(m.marked()), // LIST
  97: (m) => m.append([m.pop()]), // APPEND
  101: (m) => m.append(m.marked()), // APPENDS
  143: (m) => m.push(new Set()), // EMPTY_SET
  144: (m) => m.append(m.marked()), // ADDITEMS
  145: (m) => m.push(new Set(m.marked())), // FROZENSET
  125: (m) => m.push(new Map()), // EMPTY_DICT
  // DICT
  100: (m) => {
    const pairs = m.marked();
    m.push(new Map());
    m.setItems(pairs);
  },
  115: (m) => m.setItems(m.many(2)), // SETITEM
  117: (m) => m.setItems(m.marked()), // SETITEMS

  112: (m) => m.remember(m.number(m.line(), "a reference")), // PUT
  113: (m) => m.remember(m.unsigned(1)), // BINPUT
  114: (m) => m.remember(m.unsigned(4)), // LONG_BINPUT
  148: (m) => m.memoize(), // MEMOIZE
  103: (m) => m.recall(m.number(m.line(), "a reference")), // GET
  104: (m) => m.recall(m.unsigned(1)), // BINGET
  106: (m) => m.recall(m.unsigned(4)), // LONG_BINGET

  99: (m) => m.name(`${m.line()}.${m.line()}`), // GLOBAL
  // STACK_GLOBAL
  147: (m) => {
    const [module, name] = m.many(2);
    if (typeof module !== "string" || typeof name !== "string") throw m.damaged("a name is not a text");
    m.name(`${module}.${name}`);
  },
  82: (m) => m.call(), // REDUCE
  // NEWOBJ
  129: (m) => {
    const args = m.pop();
    m.create(args, m.pop());
  },
  // NEWOBJ_EX
  146: (m) => {
    const [cls, args, named] = m.many(3);
    if (!(named instanceof Map) || named.size > 0) throw m.damaged("it makes an object with named arguments");
    m.create(args, cls);
  },
  // OBJ
  111: (m) => {
    const [cls, ...args] = m.marked();
    m.create(args, cls);
  },
  // INST
  105: (m) => {
    m.name(`${m.line()}.${m.line()}`);
    const name = m.pop();
    m.create(m.marked(), name);
  },
  98: (m) => m.setState(), // BUILD
  80: (m) => m.persistent(m.line()), // PERSID
  81: (m) => m.persistent(m.pop()), // BINPERSID
};
