/** The names that pickles of torch.save may have, and what they stand for. Every other name is refused; nothing is run. */
import { CheckpointError } from "../../errors.ts";
import { visible } from "../../text.ts";
import { PickledName, PickledObject, type PickleReader } from "../pickle.ts";
import { arrays, type Dtype } from "../safetensors.ts";
import { type Storage, TorchTensor } from "./tensor.ts";

/** By the name of the typed storage, without "torch." and "Storage". */
export const storageDtypes: Readonly<Record<string, Dtype>> = {
  Double: "F64",
  Float: "F32",
  Half: "F16",
  BFloat16: "BF16",
  Long: "I64",
  Int: "I32",
  Short: "I16",
  Char: "I8",
  Byte: "U8",
  Bool: "BOOL",
};

/** The storages of a pickle: the dtype, as in `Storage`, and the bytes of a value. Complex values are not read. */
const storages: Readonly<Record<string, Pick<StorageId, "dtype" | "size">>> = {
  ...Object.fromEntries(
    Object.entries(storageDtypes).map(([name, dtype]) => [name, { dtype, size: arrays[dtype].BYTES_PER_ELEMENT }]),
  ),
  ComplexFloat: { dtype: "complex64", size: 8 },
  ComplexDouble: { dtype: "complex128", size: 16 },
  Untyped: { dtype: undefined, size: 1 },
};

/** By the name of the dtype, without "torch.". */
const dtypeNames: Readonly<Record<string, Dtype>> = {
  float64: "F64",
  float32: "F32",
  float16: "F16",
  bfloat16: "BF16",
  int64: "I64",
  int32: "I32",
  int16: "I16",
  int8: "I8",
  uint64: "U64",
  uint32: "U32",
  uint16: "U16",
  uint8: "U8",
  bool: "BOOL",
};

/** A module of PyTorch, saved as a whole: its class, parameters, buffers and inner modules by name. */
export interface TorchModule {
  readonly class: string;
  readonly tensors: readonly (readonly [name: string, tensor: TorchTensor])[];
  readonly modules: readonly (readonly [name: string, module: unknown])[];
}

/** The parts of an object that is a module; undefined for any other. */
export function moduleParts(value: unknown): TorchModule | undefined {
  if (!(value instanceof PickledObject) || !isModuleState(value.state)) return undefined;
  const part = (name: string) => {
    const found = (value.state as Map<unknown, unknown>).get(name);
    return found instanceof Map ? [...found].map(([key, inner]) => [String(key), inner] as const) : [];
  };
  const isTensor = (entry: readonly [string, unknown]): entry is readonly [string, TorchTensor] =>
    entry[1] instanceof TorchTensor;
  return {
    class: value.name,
    tensors: [...part("_parameters"), ...part("_buffers")].filter(isTensor),
    modules: part("_modules"),
  };
}

const isModuleState = (state: unknown): state is Map<unknown, unknown> =>
  state instanceof Map && state.get("_modules") instanceof Map && state.get("_parameters") instanceof Map;

/** A storage that a pickle refers to. */
export interface StorageId {
  /** As in `Storage`. */
  dtype: string | undefined;
  key: string;
  /** Bytes of one value. */
  size: number;
  byteLength: number;
  /** Bytes from the start of the values under `key` to those of this storage. */
  view: number;
}

/** Gives the values of the names in pickles of torch.save, and refuses other names. */
export class TorchReader implements PickleReader {
  readonly #storage: (id: StorageId) => Storage;
  readonly #file: string;
  /** Names that the pickle has mentioned but not yet used. */
  readonly #idle = new Set<string>();
  /** Objects of unknown classes; `finish` refuses those that are not modules. */
  readonly #objects: PickledObject[] = [];

  constructor(storage: (id: StorageId) => Storage, file: string) {
    this.#storage = storage;
    this.#file = file;
  }

  mention(name: string): void {
    this.#idle.add(name);
  }

  call(name: string, args: readonly unknown[]): unknown {
    this.#idle.delete(name);
    switch (name) {
      case "collections.OrderedDict":
      case "collections.defaultdict":
      case "collections.Counter":
        return this.#dict(args);
      case "builtins.set":
      case "__builtin__.set":
      case "builtins.frozenset":
      case "__builtin__.frozenset":
        return new Set(Array.isArray(args[0]) ? args[0] : []);
      case "torch.Size":
        return Array.isArray(args[0]) ? args[0] : [];
      case "torch.device":
        return args.map(String).join(":");
      case "torch._utils._rebuild_tensor":
      case "torch._utils._rebuild_tensor_v2":
        return this.#tensor(args, undefined, args[6]);
      case "torch._utils._rebuild_tensor_v3":
        return this.#tensor(args, dtypeOf(args[6]), args[7]);
      case "torch._utils._rebuild_parameter":
      case "torch._utils._rebuild_parameter_with_state":
      case "torch.nn.parameter.Parameter":
      case "torch.nn.parameter.Buffer":
        return args[0] instanceof TorchTensor ? args[0] : this.#fail(`${name} without a tensor`);
      case "torch._tensor._rebuild_from_type_v2":
        return this.#ofClass(args);
      default:
        throw this.#refused(name);
    }
  }

  /** A tensor of one of PyTorch's classes, such as Buffer, or with attributes, which hold no weights. */
  #ofClass([rebuild, type, args]: readonly unknown[]): unknown {
    const isTensor = rebuild instanceof PickledName && /^torch\._utils\._rebuild_(tensor|parameter)/.test(rebuild.name);
    if (!isTensor || !(type instanceof PickledName) || !Array.isArray(args))
      return this.#fail("a tensor without a class");
    if (!type.name.startsWith("torch.")) throw this.#refused(type.name);
    return this.call(rebuild.name, args);
  }

  create(name: string): unknown {
    if (name === "collections.OrderedDict" || name === "torch.Size") return this.call(name, []);
    this.#idle.delete(name);
    const object = new PickledObject(name);
    this.#objects.push(object);
    return object;
  }

  setState(object: unknown, state: unknown): void {
    if (object instanceof PickledObject) object.state = state;
    // Attributes of an OrderedDict (such as the versions of modules) or of a parameter hold no weights and are ignored.
  }

  persistent(id: unknown): unknown {
    if (!Array.isArray(id)) return this.#fail("a reference is no tuple");
    const [kind, type, key, , count, view] = id as unknown[];
    // The class of a module, with the text of its source.
    if (kind === "module" && type instanceof PickledName) return type;
    if (kind !== "storage" || !(type instanceof PickledName) || !isSize(count))
      return this.#fail("a reference is no storage");
    this.#idle.delete(type.name);
    const typed = /^torch\.(?:cuda\.|storage\.)?(\w+)Storage$/.exec(type.name)?.[1] ?? "";
    if (!Object.hasOwn(storages, typed)) throw this.#refused(type.name);
    const { dtype, size } = storages[typed]!;
    const part =
      Array.isArray(view) && isSize(view[1]) && isSize(view[2]) ? { at: view[1], count: view[2] } : undefined;
    const byteLength = (part?.count ?? count) * size;
    return this.#storage({ dtype, key: String(key), size, byteLength, view: (part?.at ?? 0) * size });
  }

  /** @throws CheckpointError for a name that belongs to no module, tensor or container */
  finish(): void {
    // What PyTorch itself keeps in a module, such as the hook of a spectral norm, holds no weights.
    const foreign = this.#objects.find(
      ({ name, state }) => !isModuleState(state) && !name.startsWith("torch.nn."),
    )?.name;
    const idle = [...this.#idle].find(
      (name) => !/^(torch\.|collections\.OrderedDict$)/.test(name) && !this.#isClass(name),
    );
    const name = foreign ?? idle;
    if (name !== undefined) throw this.#refused(name);
  }

  #isClass(name: string): boolean {
    return this.#objects.some((object) => object.name === name);
  }

  #dict(args: readonly unknown[]): Map<unknown, unknown> {
    const pairs = args.find(Array.isArray) ?? [];
    if (!pairs.every((pair: unknown) => Array.isArray(pair) && pair.length === 2))
      return this.#fail("a dict without pairs");
    return new Map(pairs);
  }

  /** @param about what a tensor has beside its values, as a dict */
  #tensor(
    [storage, offset, shape, strides]: readonly unknown[],
    given: string | undefined,
    about: unknown,
  ): TorchTensor {
    if (about instanceof Map && about.get("neg")) {
      throw new CheckpointError(
        `${this.#file}: a tensor is stored with the opposite sign of its values. In PyTorch: tensor.resolve_neg().`,
      );
    }
    const dtype = given ?? (isStorage(storage) ? storage.dtype : undefined);
    if (
      !isStorage(storage) ||
      !isSize(offset) ||
      !isSizes(shape) ||
      !isSizes(strides) ||
      shape.length !== strides.length
    ) {
      return this.#fail("a tensor without storage, shape and strides");
    }
    if (!dtype) return this.#fail("a tensor of an unknown dtype");
    return new TorchTensor(storage, { dtype, offset, shape, strides }, this.#file);
  }

  #fail(what: string): never {
    throw new CheckpointError(`${this.#file}: damaged: ${what}. Copy it again.`);
  }

  #refused(name: string): CheckpointError {
    return new CheckpointError(
      `${this.#file} is refused: it names ${visible(name.slice(0, 200))}, and only tensors, containers and modules are read; nothing ` +
        'was run. If you trust its source, save the weights alone, in Python: torch.save(model.state_dict(), "weights.pth").',
    );
  }
}

/** As in `SourceTensor`. */
function dtypeOf(value: unknown): string | undefined {
  const name = value instanceof PickledName ? /^torch\.(\w{1,40})$/.exec(value.name)?.[1] : undefined;
  return name !== undefined && Object.hasOwn(dtypeNames, name) ? dtypeNames[name] : name;
}

const isStorage = (value: unknown): value is Storage =>
  typeof value === "object" && value !== null && "byteLength" in value && "bytes" in value;
const isSize = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
const isSizes = (value: unknown): value is number[] => Array.isArray(value) && value.length <= 8 && value.every(isSize);
